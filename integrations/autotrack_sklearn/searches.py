"""What a search has tried: a table of all candidates, and runs for the best of them.

Any estimator counts that has ``cv_results_`` as scikit-learn's searches have it, whoever wrote it. The search's own
run gets

- ``cv_results.csv``: ``cv_results_`` itself, a row for each candidate;
- ``trials.json``: ``{"columns": [...], "data": [...]}``, a row for each candidate, with its parameters
  (``params_<name>``), what the search went by (``value``), every number of ``cv_results_``, the seconds that its folds
  took together (``duration``) and the id of its run, if it has one.

A candidate's run is named after what tells it from the others (``C=10, gamma=0.1``). It holds the parameters of the
estimator with the candidate's in place, everything in ``cv_results_`` about it (``mean_test_score``,
``rank_test_score``, ``mean_fit_time``, …), and the scores by fold, counted from 0, as ``test_score``. It lasts as long
as its folds took together. Where these were tried one after another it begins when they did; else with the search.
"""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any

from autotrack.hooks import Run
from autotrack_sklearn.curves import chain
from autotrack_sklearn.estimator import tags
from autotrack_sklearn.integration import INTEGRATION

MOST_RUNS = 100
"""Candidates that get a run of their own where the user has not said how many."""
LONG = 200
"""Characters of a parameter's text in a name or in the table."""


@dataclass
class Search:
    """A search that is over."""

    estimator: Any
    results: Mapping[str, Any]
    columns: dict[str, list[Any]] = field(init=False)
    """Each column of ``cv_results_`` as plain Python values, ``None`` where a candidate has no such parameter."""
    params: list[Mapping[str, Any]] = field(init=False)
    texts: Texts = field(init=False)

    def __post_init__(self) -> None:
        self.columns = {name: _listed(values) for name, values in self.results.items()}
        self.params = self.columns["params"]
        self.texts = Texts()

    @cached_property
    def searched(self) -> list[str]:
        """The names of the parameters that are searched."""
        return list(dict.fromkeys(name for one in self.params for name in one))

    @cached_property
    def folds(self) -> int:
        """How many scores there are of each candidate."""
        numbers = {name.partition("_")[0] for name in self.columns if _of_fold(name)}
        return len(numbers)

    @cached_property
    def by_fold(self) -> dict[str, list[list[Any]]]:
        """``test_score`` and the like: for each fold a column."""
        found: dict[str, list[list[Any]]] = {}
        for fold in range(self.folds):
            for name, values in self.columns.items():
                if _of_fold(name) and name.startswith(f"split{fold}_"):
                    found.setdefault(name.partition("_")[2], []).append(values)
        return found

    @cached_property
    def numbers(self) -> dict[str, list[Any]]:
        """The columns that say one number of each candidate as a whole."""
        whole = {name: values for name, values in self.columns.items() if not name.startswith(("param", "split"))}
        return {name: values for name, values in whole.items() if all(isinstance(v, int | float) for v in values)}

    @cached_property
    def score(self) -> str:
        """What the search went by: ``score`` or, of several scorers, the one that it refits for, or the first."""
        refit = getattr(self.estimator, "refit", None)
        ranked = [name.removeprefix("rank_test_") for name in self.columns if name.startswith("rank_test_")]
        return refit if refit in ranked else next(iter(ranked), "score")

    @cached_property
    def seconds(self) -> list[float]:
        """How long the folds of each candidate took together, to be fitted and scored."""
        parts = [self.columns[name] for name in ("mean_fit_time", "mean_score_time") if name in self.columns]
        return [max(self.folds, 1) * sum(at) for at in zip(*parts, strict=True)] if parts else [0.0] * len(self.params)

    def best(self, count: int) -> list[int]:
        """The places of so many candidates, those that the search ranks first, in the order in which they were
        tried."""
        places = range(len(self.params))
        if count >= len(places):
            return list(places)
        ranks = self.columns.get(f"rank_test_{self.score}")
        if ranks is None:
            return list(places[:count])
        chosen = getattr(self.estimator, "best_index_", None)
        return sorted(sorted(places, key=lambda place: (place != chosen, ranks[place]))[:count])


def in_turn(estimator: Any) -> bool:
    """Whether a search tries one candidate after another, rather than several at once."""
    if not hasattr(estimator, "n_jobs"):
        return True
    import joblib  # scikit-learn's, which is about to ask the same

    jobs: Any = estimator.n_jobs
    try:
        return bool(joblib.effective_n_jobs(jobs) == 1)
    except Exception:  # noqa: BLE001 - whatever the user calls `n_jobs`; scikit-learn will have its say
        return False


def found(estimator: Any) -> Search | None:
    """The search that a fitted estimator is, or that it hands its work to."""
    for part in chain(estimator):
        results = getattr(part, "__dict__", {}).get("cv_results_")
        if isinstance(results, Mapping) and "params" in results:
            return Search(part, results)
    return None


def record(run: Run, search: Search, most: int | None, began: int, *, in_turn: bool) -> None:
    """Record the candidates of a search that began at this time, in ms since 1970; ``in_turn``: one after another."""
    run_ids: dict[int, str] = {}
    with INTEGRATION.attempt("candidates"):
        places = search.best(MOST_RUNS if most is None else most)
        candidates = Candidates(run, search)
        starts = list(accumulate(search.seconds, initial=0.0)) if in_turn else [0.0] * len(search.params)
        for place in places:
            run_ids[place] = candidates.record(place, began + int(1000 * starts[place]))
        told = {"candidates": str(len(search.params))}
        if len(places) < len(search.params):
            told["candidate_runs"] = f"the best {len(places)}" if places else "none"
        if (best := getattr(search.estimator, "best_index_", None)) in run_ids:
            told["best_run_id"] = run_ids[best]
        run.tags({f"autotrack.sklearn.{name}": value for name, value in told.items()})
    with INTEGRATION.attempt("cv_results.csv"):
        run.text(_csv(search), "cv_results.csv")
    with INTEGRATION.attempt("trials.json"):
        run.text(_json(search, run_ids), "trials.json")


class Candidates:
    """Writes the runs of a search's candidates; what they have in common is read once."""

    def __init__(self, run: Run, search: Search) -> None:
        self._run = run
        self._search = search
        inner: Any = getattr(search.estimator, "estimator", None)
        self._tags = {} if inner is None else tags(inner)
        # As text already: the text of a nested estimator costs more than writing all else of a candidate.
        given = inner.get_params(deep=True) if inner is not None else {}
        self._base = {name: search.texts.of(value) for name, value in given.items()}
        self._names = Names(search)

    def record(self, place: int, start: int) -> str:
        """Record one candidate that began at ``start``, in ms since 1970; the id of its run."""
        search, params = self._search, self._search.params[place]
        end = start + int(1000 * search.seconds[place])
        name = self._names.of(params)
        if "iter" in search.columns:  # of a search that tries the better ones again on more
            name = f"{name} (iter {search.columns['iter'][place]})"
        run = INTEGRATION.child_run(self._run, name, start)
        try:
            run.tags(self._tags)
            run.params({**self._without(params), **{name: search.texts.of(value) for name, value in params.items()}})
            run.metrics({name: values[place] for name, values in search.numbers.items()}, time_ms=end)
            for fold in range(search.folds):
                at = {name: columns[fold][place] for name, columns in search.by_fold.items() if fold < len(columns)}
                run.metrics(at, fold, time_ms=end)
        finally:
            run.end(time_ms=end)
        return run.run_id

    def _without(self, params: Mapping[str, Any]) -> dict[str, str]:
        """The parameters of the estimator, where the candidate replaces a whole step those of its own step."""
        steps = {name: value for name, value in params.items() if hasattr(value, "get_params")}
        if not steps:
            return self._base
        outside = {k: v for k, v in self._base.items() if not k.startswith(tuple(f"{name}__" for name in steps))}
        for name, step in steps.items():
            own = step.get_params(deep=True)
            outside |= {f"{name}__{key}": self._search.texts.of(value) for key, value in own.items()}
        return outside


class Names:
    """What candidates are called: the parameters that are searched, without the steps that they belong to where they
    can be told apart without."""

    def __init__(self, search: Search) -> None:
        self._texts = search.texts
        searched = search.searched
        last = [name.rpartition("__")[2] for name in searched]
        short = len(set(last)) == len(last)
        self._names = dict(zip(searched, last, strict=True)) if short else {name: name for name in searched}

    def of(self, params: Mapping[str, Any]) -> str:
        """``C=10, gamma=0.1``"""
        name = ", ".join(f"{self._names[name]}={self._brief(value)}" for name, value in params.items())
        return (name if len(name) <= LONG else f"{name[: LONG - 1]}…") or "candidate"

    def _brief(self, value: Any) -> str:
        if isinstance(value, float):
            return f"{value:.6g}"
        if hasattr(value, "get_params") and not isinstance(value, type):
            return type(value).__name__
        name = getattr(value, "__name__", None)
        return name if isinstance(name, str) else self._texts.of(value)


class Texts:
    """The texts of values that are kept alive elsewhere. Each is asked for once: that of an estimator takes longer than
    all else that is written of a candidate."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, int], str] = {}

    def of(self, value: Any, way: Callable[[Any], str] = str) -> str:
        """As ``str`` or ``repr`` gives it."""
        if value is None or isinstance(value, str | int | float):
            return way(value)
        key = way, id(value)
        if key not in self._known:
            try:
                self._known[key] = way(value)
            except Exception as error:  # noqa: BLE001 - the object's own code
                self._known[key] = f"<{type(value).__name__}: {way.__name__}() raised {type(error).__name__}>"
        return self._known[key]

    def of_params(self, params: Mapping[str, Any]) -> str:
        """A dictionary of parameters, as ``str`` gives it."""
        return f"{{{', '.join(f'{name!r}: {self.of(value, repr)}' for name, value in params.items())}}}"


def _csv(search: Search) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(search.columns)
    for row in zip(*search.columns.values(), strict=True):
        writer.writerow([_cell(value, search.texts) for value in row])
    return file.getvalue()


def _cell(value: Any, texts: Texts) -> Any:
    """As pandas writes it: what is missing is empty."""
    if isinstance(value, int | float):
        return "" if math.isnan(value) else value
    if isinstance(value, dict):
        return texts.of_params(value)
    return "" if value is None else texts.of(value)


def _json(search: Search, run_ids: Mapping[int, str]) -> str:
    columns: dict[str, list[Any]] = {
        "number": list(range(len(search.params))),
        "value": search.columns.get(f"mean_test_{search.score}", [None] * len(search.params)),
        "duration": search.seconds,
        **{f"params_{name}": [one.get(name) for one in search.params] for name in search.searched},
        **{name: values for name, values in search.columns.items() if name in search.numbers or _of_fold(name)},
        "run_id": [run_ids.get(place) for place in range(len(search.params))],
    }
    data = [[_plain(value, search.texts) for value in row] for row in zip(*columns.values(), strict=True)]
    return json.dumps({"columns": list(columns), "data": data}, separators=(",", ":"))


def _plain(value: Any, texts: Texts) -> Any:
    """A JSON value; numbers that JSON has no form for are texts: ``"NaN"``, ``"Infinity"``."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, int | float):
        return value
    if hasattr(value, "item") and getattr(value, "ndim", None) == 0:  # one of numpy's numbers
        return _plain(value.item(), texts)
    return texts.of(value)[:LONG]


def _of_fold(name: str) -> bool:
    return name.startswith("split") and name.partition("_")[0][5:].isdigit()


def _listed(values: Any) -> list[Any]:
    return list(values.tolist() if hasattr(values, "tolist") else values)
