"""A figure is one call; what is drawn is what was recorded."""

import math

import pytest

import autotrack
from autotrack import plots
from autotrack.exceptions import AutotrackException


@pytest.fixture(autouse=True)
def sweep(store):
    """Twelve runs with a curve each."""
    autotrack.set_experiment("sweep")
    for n in range(12):
        with autotrack.start_run(run_name=f"trial {n}"):
            autotrack.log_params({"lr": 0.1 * (n + 1), "same": 1})
            if n:
                autotrack.log_params({"model": "ab"[n % 2], "seed": n * 7 % 12})
            for step, value in enumerate([1.0, math.nan, n / 12]):
                autotrack.log_metric("loss", value, step)


def test_curves_are_drawn_for_each_run():
    """A NaN is a gap."""
    figure = plots.history("loss", where="run_name = 'trial 3'", log=True)
    [line] = figure.data
    assert (list(line.x), list(line.y)) == ([0, 1, 2], [1.0, None, 0.25])
    assert line.name.startswith("trial 3 (")
    assert figure.layout.yaxis.type == "log"
    runs = autotrack.search_runs(output_format="list")[:2]
    assert len(plots.history("loss", [runs[0], runs[1].info.run_id]).data) == 2


def test_parallel_coordinates_go_through_what_differs():
    """Texts have their names on the axis, also that of a run which lacks them; seeds stay out."""
    [lines] = plots.parallel("loss").data
    axes = {axis.label: axis for axis in lines.dimensions}
    assert list(axes) == ["lr", "model", "loss"]
    assert axes["model"].ticktext == ("a", "b", "none")
    assert list(lines.line.color) == list(axes["loss"].values)
    assert [axis.label for axis in plots.parallel("loss", ["lr"]).data[0].dimensions] == ["lr", "loss"]


def test_points_contours_and_boxes():
    """By parameters and metrics."""
    [points] = plots.scatter("lr", "loss", "model").data
    assert len(points.x) == 11
    assert set(points.marker.color) == {0.0, 1.0}
    field, points = plots.contour("lr", "seed", "loss").data
    assert list(field.z) == list(plots.scatter("lr", "loss", "seed").data[0].y)
    assert [box.name for box in plots.box("loss", "model").data] == ["a", "b", "none"]
    with pytest.raises(AutotrackException, match="'model' is not a number"):
        plots.contour("lr", "model", "loss")
    with pytest.raises(AutotrackException, match="accuracy"):
        plots.box("accuracy", "model")


def test_importance_says_what_it_rests_on():
    """The number of runs, and how much is explained."""
    figure = plots.importance("loss")
    weights = autotrack.importance("loss").weights
    assert list(figure.data[0].y) == [weight.parameter for weight in weights][::-1]
    assert list(figure.data[0].error_x.array) == [weight.permutation_std for weight in weights][::-1]
    assert "12 runs, R²" in figure.layout.title.text


def test_a_figure_is_saved_whole(tmp_path):
    """As a page that loads nothing; what is no format says which are."""
    figure = plots.box("loss", "model")
    page = plots.save(figure, tmp_path / "box.html").read_text(encoding="utf-8")
    assert "Plotly.newPlot" in page
    assert '<script src="http' not in page
    with pytest.raises(AutotrackException, match=r"box\.xls.*\.html"):
        plots.save(figure, tmp_path / "box.xls")


@pytest.mark.slow
def test_every_kind_of_figure_is_saved_as_an_image(tmp_path):
    """As PNG and as SVG, by the Chromium of the system."""
    pytest.importorskip("kaleido", reason="the extra `images` is not installed")
    figures = {
        "history": plots.history("loss"), "parallel": plots.parallel("loss"), "scatter": plots.scatter("lr", "loss"),
        "contour": plots.contour("lr", "seed", "loss"), "importance": plots.importance("loss"),
        "box": plots.box("loss", "model"),
    }  # fmt: skip
    for name, figure in figures.items():
        for form, mark in (("png", b"\x89PNG"), ("svg", b"<svg")):
            assert plots.save(figure, tmp_path / f"{name}.{form}").read_bytes().startswith(mark)


def test_an_image_without_its_tools_says_what_is_missing(tmp_path, monkeypatch):
    """And nothing half-written is left."""

    def missing(*_, **__):
        raise ValueError("Image export requires the kaleido package\nmore lines")

    figure = plots.box("loss", "model")
    monkeypatch.setattr(type(figure), "write_image", missing)
    with pytest.raises(AutotrackException, match=r"pip install 'autotrack-ml\[images\]'"):
        plots.save(figure, tmp_path / "box.png")
    assert list(tmp_path.glob("box*")) == []
