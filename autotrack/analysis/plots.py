"""Figures of many runs, by plotly: shown in a notebook, or saved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autotrack.analysis.curves import metric_history
from autotrack.analysis.groups import is_seed
from autotrack.analysis.importance import Importance
from autotrack.analysis.parameters import Parameter, varying
from autotrack.exceptions import AutotrackException
from autotrack.values import spelt

if TYPE_CHECKING:
    from autotrack.client import Client
    from autotrack.entities import Run

IMAGES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")


def history(client: Client, runs: Sequence[Run | str], metric: str, log: bool = False) -> Any:
    """The curves of a metric, a line for each run; NaN and infinities are gaps."""
    go = _plotly()
    rows = metric_history(client, runs, metric, "list")
    figure = go.Figure()
    for run_id in dict.fromkeys(row["run_id"] for row in rows):
        own = sorted((row for row in rows if row["run_id"] == run_id), key=lambda row: row["step"])
        values = [row["value"] if math.isfinite(row["value"]) else None for row in own]
        name = f"{own[0]['run_name'] or 'run'} ({run_id[:8]})"
        figure.add_scatter(x=[row["step"] for row in own], y=values, name=name, mode=_mode(values))
    figure.update_layout(xaxis_title="step", yaxis_title=metric, hovermode="x unified")
    if log:
        figure.update_yaxes(type="log")
    return figure


def parallel(runs: Sequence[Run], metric: str, params: Sequence[str] | None = None) -> Any:
    """A line for each run through its parameters to its value of a metric, which is its colour. By default all
    parameters that differ, but for seeds."""
    go = _plotly()
    kept, values = _with_metric(runs, metric)
    dimensions = [_dimension(one) for one in _parameters(kept, params)]
    dimensions.append({"label": metric, "values": values})
    return go.Figure(
        go.Parcoords(dimensions=dimensions, line={"color": values, "colorscale": "Viridis", "showscale": True})
    )


def scatter(runs: Sequence[Run], x: str, y: str, color: str | None = None) -> Any:
    """A point for each run. ``x``, ``y`` and ``color`` each name a metric or a parameter, the metric first where both
    have the name; runs that lack one are left out."""
    go = _plotly()
    names = [x, y] if color is None else [x, y, color]
    kept = [run for run in runs if all(_has(run, name) for name in names)]
    columns = {name: [_value(run, name) for run in kept] for name in names}
    marker = {} if color is None else {"color": _places(columns[color]), "colorscale": "Viridis", "showscale": True}
    figure = go.Figure(
        go.Scatter(
            x=columns[x], y=columns[y], mode="markers", marker=marker,
            text=[f"{run.info.run_name or ''} {run.info.run_id[:8]}" for run in kept],
        )
    )  # fmt: skip
    return figure.update_layout(xaxis_title=x, yaxis_title=y)


def contour(runs: Sequence[Run], x: str, y: str, metric: str) -> Any:
    """How a metric goes with two numeric parameters: filled contours between the runs, and the runs as points."""
    go = _plotly()
    kept = [run for run in runs if _has(run, x) and _has(run, y) and _has(run, metric)]
    columns = {name: [_value(run, name) for run in kept] for name in (x, y, metric)}
    for name in (x, y):
        if any(isinstance(value, str) for value in columns[name]):
            raise AutotrackException.invalid(f"{name!r} is not a number in each of these runs; a contour needs numbers")
    figure = go.Figure(
        go.Contour(x=columns[x], y=columns[y], z=columns[metric], connectgaps=True, colorscale="Viridis")
    )
    figure.add_scatter(
        x=columns[x], y=columns[y], mode="markers", marker={"color": "black", "size": 4}, showlegend=False
    )
    return figure.update_layout(xaxis_title=x, yaxis_title=y, title=metric)


def importances(found: Importance) -> Any:
    """A bar for each parameter, with the deviation over the folds; what the bars rest on is in the title."""
    go = _plotly()
    weights = found.weights[::-1]
    figure = go.Figure(
        go.Bar(
            x=[weight.permutation for weight in weights], y=[weight.parameter for weight in weights], orientation="h",
            error_x={"type": "data", "array": [weight.permutation_std for weight in weights]},
        )
    )  # fmt: skip
    title = f"{found.metric}: {found.runs} runs, R² {found.score:.2f} on runs not seen"
    return figure.update_layout(title=title, xaxis_title="importance by permutation")


def box(runs: Sequence[Run], metric: str, by: str) -> Any:
    """How a metric spreads within each value of a parameter, such as over seeds."""
    go = _plotly()
    kept, values = _with_metric(runs, metric)
    groups: dict[str, list[float]] = {}
    for run, value in zip(kept, values, strict=True):
        groups.setdefault(run.data.params.get(by, "none"), []).append(value)
    figure = go.Figure()
    for name in sorted(groups, key=lambda text: (spelt(text) is None, spelt(text) or 0.0, text)):
        figure.add_box(y=groups[name], name=name, boxpoints="all")
    return figure.update_layout(xaxis_title=by, yaxis_title=metric, showlegend=False)


def save(figure: Any, path: str | Path) -> Path:
    """Write a figure as HTML that needs nothing else, or as an image by the ending of the path: PNG, SVG, PDF, JPEG or
    WebP. Images need kaleido and a Chrome or Chromium."""
    target = Path(path)
    if target.suffix.lower() == ".html":
        figure.write_html(target, include_plotlyjs=True)
    elif target.suffix.lower() in IMAGES:
        try:
            figure.write_image(target)
        except (ValueError, RuntimeError, ImportError) as error:
            raise AutotrackException.invalid(
                f"{target.name} cannot be drawn ({str(error).strip().splitlines()[0]}); "
                "`pip install 'autotrack-ml[images]'`, with Chrome or Chromium installed, or save it as HTML"
            ) from error
    else:
        raise AutotrackException.invalid(f"{target.name}: a figure is saved as .html or as {', '.join(IMAGES)}")
    return target


def _plotly() -> Any:
    try:
        from plotly import graph_objects  # type: ignore[import-untyped]  # heavy, and not everybody's; it has no types
    except ImportError:
        raise AutotrackException.invalid("figures need plotly; `pip install plotly`") from None
    return graph_objects


def _mode(values: Sequence[Any]) -> str:
    return "lines" if len(values) > 1 else "markers"


def _with_metric(runs: Sequence[Run], metric: str) -> tuple[list[Run], list[float]]:
    kept = [run for run in runs if math.isfinite(run.data.metrics.get(metric, math.nan))]
    if not kept:
        raise AutotrackException.missing(f"none of the {len(runs)} runs has a finite value of the metric {metric!r}")
    return kept, [run.data.metrics[metric] for run in kept]


def _parameters(runs: Sequence[Run], params: Sequence[str] | None) -> list[Parameter]:
    found = varying([run.data.params for run in runs])
    if params is None:
        return [one for one in found if not is_seed(one.name)]
    known = {one.name: one for one in found}
    return [known[name] for name in params if name in known]


def _dimension(parameter: Parameter) -> dict[str, Any]:
    if parameter.numeric and parameter.present == len(parameter.values):
        return {"label": parameter.name, "values": list(parameter.values)}
    texts = ["none" if value is None else str(value) for value in parameter.values]
    names = sorted(set(texts))
    return {
        "label": parameter.name, "values": [names.index(text) for text in texts],
        "tickvals": list(range(len(names))), "ticktext": names,
    }  # fmt: skip


def _has(run: Run, name: str) -> bool:
    if name in run.data.metrics:
        return math.isfinite(run.data.metrics[name])
    return name in run.data.params


def _value(run: Run, name: str) -> float | str:
    if name in run.data.metrics:
        return run.data.metrics[name]
    text = run.data.params[name]
    number = spelt(text)
    return text if number is None else number


def _places(values: Sequence[float | str]) -> list[float]:
    """Numbers to colour by: values themselves, or the places of texts among them."""
    if all(isinstance(value, float | int) for value in values):
        return [float(value) for value in values]
    names = sorted({str(value) for value in values})
    return [float(names.index(str(value))) for value in values]
