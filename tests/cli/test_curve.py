"""A metric's history as a drawing of characters."""

from __future__ import annotations

import math
import time

import pytest

from autotrack.cli.curve import Curve, Style, draw

ASCII = Style(unicode=False)


def text(*curves: Curve, **options: object) -> str:
    """The drawing as one text."""
    return "\n".join(map(str, draw(curves, **options)))  # type: ignore[arg-type]


def test_a_falling_loss():
    """The axes name the extremes and the steps; the line joins the points."""
    points = [(step, 2 * math.exp(-step / 4)) for step in range(20)]
    assert text(Curve("loss", points), width=40, height=4) == (
        "     2 ┤⠑⢄\n"
        "       │  ⠑⠢⣀\n"
        "       │     ⠑⠢⠤⣀⡀\n"
        "0.0173 ┤         ⠈⠉⠒⠒⠒⠢⠤⠤⠤⠤⠤⠤⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀\n"
        "       └────────────────────────────────\n"
        "        0              10             19"
    )


def test_plain_ascii():
    """Where the terminal's encoding has no Braille, seven bits do."""
    drawn = text(Curve("up", [(0, 0.0), (1, 1.0)]), width=40, height=3, style=ASCII)
    assert drawn.isascii()
    assert drawn.splitlines()[0].endswith("****")


def test_several_curves_share_a_frame():
    """Without colours each series has its mark, named in a legend."""
    drawn = text(Curve("train", [(0, 1.0), (9, 0.0)]), Curve("val", [(0, 1.0), (9, 0.5)]), width=50)
    assert drawn.splitlines()[-1] == "  * train   o val"
    assert drawn.count("*") > 20


def test_pieces_name_their_series():
    """A caller that paints gets the pieces of each line with the number of their series."""
    lines = draw([Curve("a", [(0, 0.0), (1, 1.0)]), Curve("b", [(0, 1.0), (1, 0.0)])], style=Style(color=True))
    assert {series for line in lines for _, series in line.pieces} == {-1, 0, 1}


def test_values_that_are_no_numbers_are_marked():
    """NaN stands on the axis, the infinities at the edge where they belong; the line is open there."""
    values = [1.0, 2.0, math.nan, 2.0, math.inf, 1.0, -math.inf, 1.5]
    lines = text(Curve("odd", list(enumerate(values))), width=40, height=5).splitlines()
    assert "↑" in lines[0]
    assert "↓" in lines[4]
    assert "×" in lines[5]  # noqa: RUF001 - the sign itself
    assert lines[-1] == "  × NaN   ↑ +Inf   ↓ -Inf"  # noqa: RUF001


@pytest.mark.parametrize(
    "points",
    [
        [],
        [(0, math.nan)],
        [(0, math.inf), (1, math.inf)],
        [(5, 0.5)],
        [(0, 3.0), (1, 3.0)],
        [(0, 0.0), (1, 0.0)],
        [(0, -1e308), (1, 1.7e308)],
        [(-1e18, 1e-300), (1e18, 2e-300)],
        [(0, 5e-324), (1, 1e-323)],
        [(0.5, 1.0), (0.25, 2.0), (math.inf, 3.0), (math.nan, 4.0)],
        [(0, 1.0), (0, 2.0), (0, 3.0)],
    ],
)
@pytest.mark.parametrize("style", [Style(), ASCII, Style(color=True)])
@pytest.mark.parametrize("width", [1, 40, 77, 120, 500])
def test_any_history_fits_the_width(points, style, width):
    """Whatever the values, a drawing is between 40 and 120 columns wide and never fails."""
    lines = text(Curve("any", points), Curve("other", points[:1]), width=width, style=style).splitlines()
    assert max(map(len, lines)) <= max(40, min(120, width))


def test_labels_tell_values_apart():
    """Values that differ late get as many digits as that takes."""
    points = [(0, 1.0000001), (1, 1.0000002)]
    assert "1.0000002" in text(Curve("close", points), width=40, height=3)


def test_a_spike_among_many_points_is_seen():
    """A hundred thousand points keep their extremes, and take well under a second."""
    points = [(float(step), 0.0) for step in range(100_000)]
    points[77_777] = (77_777.0, 9.0)
    began = time.perf_counter()
    top = text(Curve("spike", points)).splitlines()[0]
    assert time.perf_counter() - began < 2
    assert set(top) - set(" 9┤⠀")
