"""A study while it is recorded: its run, and its trials as they end."""

from __future__ import annotations

import inspect
import json
import reprlib
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any
from weakref import WeakKeyDictionary

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.exceptions import TrialPruned
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState

from autotrack.hooks import Call, Run, Steps
from autotrack_optuna import INTEGRATION
from autotrack_optuna.table import Row, table
from autotrack_optuna.trial import LIVE, LiveTrial

TAG = "autotrack.optuna."
STATE = f"{TAG}state"
_MOST_DISTRIBUTIONS = 20
"""As many of one parameter are kept; a search space that depends on the trial may have one per trial."""


class StudyRecord:
    """What goes into the run of a study. It does not keep the study alive, nor any trial."""

    def __init__(self, run: Run, study: Study, objective: Any = None) -> None:
        self.run = run
        self._study = weakref.ref(study)
        self._objectives = _objectives(study)
        self._maximize = [direction == StudyDirection.MAXIMIZE for direction in study.directions]
        self._open: dict[int, LiveTrial] = {}
        self._rows: list[Row] = []
        self._space: dict[str, list[BaseDistribution]] = {}
        self._closed = False
        run.trained(_title(study, objective))

    def settings(self, given: Mapping[str, Any]) -> None:
        """Record how the search is set up; ``given`` is what `optimize` was asked for."""
        study = self._study()
        assert study is not None
        self.run.tags({f"{TAG}study": study.study_name})
        found = dict(given)
        with INTEGRATION.attempt("parameters"):
            found |= {"study_name": study.study_name} if _named(study) else {}
            directions = [direction.name.lower() for direction in study.directions]
            found |= {"direction": directions[0]} if len(directions) == 1 else {"directions": directions}
            found |= {"metric_names": study.metric_names} if study.metric_names else {}
            found |= {**_settings("sampler", study.sampler), **_settings("pruner", study.pruner)}
        self.run.params(found)

    def trial(self, call: Call) -> Steps:
        """Around the objective: open the trial's run; it ends when Optuna has said what becomes of the trial."""
        trial: Trial = call.args[0]
        live = LiveTrial(call.below(self.run, f"trial {trial.number}"))
        self._open[trial.number] = live
        LIVE[trial] = live
        try:
            live.result = yield
            call.owns_run = False
        except GeneratorExit:
            if isinstance(call.error, TrialPruned):
                call.owns_run = False
            elif isinstance(call.error, Exception | KeyboardInterrupt):  # whatever else, Optuna leaves RUNNING
                live.complete(trial.params, {})
                live.run.tags({STATE: TrialState.FAIL.name, **_attributes(trial.user_attrs)})
            raise
        finally:
            LIVE.pop(trial, None)

    def ended(self, trial: FrozenTrial) -> None:
        """A trial whose run is open has ended."""
        live = self._open.pop(trial.number, None)
        if live is not None:
            self._conclude(live, trial)

    def told(self, trial: FrozenTrial) -> None:
        """A trial that had no run has ended: give it one, with its own times."""
        run = INTEGRATION.child_run(self.run, f"trial {trial.number}", _milliseconds(trial.datetime_start))
        self._conclude(LiveTrial(run), trial, _milliseconds(trial.datetime_complete))

    def close(self) -> None:
        """Record what is known at the end. Trials whose end nobody saw, because their objective or something after
        it raised, are as the study's storage has them."""
        if self._closed:
            return
        self._closed = True
        study, left, self._open = self._study(), self._open, {}
        if left and study is not None:
            with INTEGRATION.attempt("interrupted trials"):
                for trial in study.get_trials(deepcopy=False):
                    if trial.number in left:
                        self._conclude(left.pop(trial.number), trial)
        for live in left.values():
            live.run.end("FAILED")
        with INTEGRATION.attempt("best trial"):
            self._best(study)
        with INTEGRATION.attempt("trials"):
            states = [row.state for row in self._rows]
            names = {"complete": "COMPLETE", "pruned": "PRUNED", "failed": "FAIL"}
            self.run.metrics({f"trials_{name}": states.count(state) for name, state in names.items()})
            self.run.text(table(sorted(self._rows), self._objectives), "trials.json")
            if self._space:
                self.run.text(json.dumps(_space(self._space), indent=2, default=str), "search_space.json")
        self._rows, self._space = [], {}

    def _conclude(self, live: LiveTrial, trial: FrozenTrial, time_ms: int | None = None) -> None:
        run, failed = live.run, trial.state == TrialState.FAIL
        values = dict(zip(self._objectives, trial.values or (), strict=False))
        if not run.ended:
            live.complete(trial.params, trial.intermediate_values)
            if values:
                run.metrics(values, time_ms=time_ms)
            tags = {STATE: trial.state.name, **_attributes(trial.user_attrs)}
            if failed and live.result is not None:
                tags[f"{TAG}reason"] = f"the objective returned {reprlib.repr(live.result)}"
            run.tags(tags)
            run.end("FAILED" if failed or not trial.state.is_finished() else "FINISHED", time_ms=time_ms)
        live.result = None
        if trial.state == TrialState.COMPLETE:
            self.run.metrics({f"trial_{name}": value for name, value in values.items()}, step=trial.number)
        self._rows.append(Row.of(trial, run.run_id))
        for name, distribution in trial.distributions.items():
            known = self._space.setdefault(name, [])
            if distribution not in known and len(known) < _MOST_DISTRIBUTIONS:
                known.append(distribution)

    def _best(self, study: Study | None) -> None:
        if len(self._maximize) > 1:
            front = [trial.number for trial in study.best_trials] if study is not None else []
            if front:
                self.run.tags({f"{TAG}best_trials": ", ".join(map(str, sorted(front)))})
            return
        best: Row | None
        if study is not None:
            try:
                best = Row.of(study.best_trial, "")
            except ValueError:  # no trial has completed, or none that keeps to its constraints
                best = None
        else:
            found = [row for row in self._rows if row.state == TrialState.COMPLETE.name and row.feasible]
            sign = -1 if self._maximize[0] else 1
            best = min(found, key=lambda row: sign * row.values[0], default=None)
        if best is None:
            return
        self.run.params({f"best_{name}": value for name, value in best.params.items()})
        self.run.metrics({"best_value": best.values[0]})
        mine = next((row.run_id for row in self._rows if row.number == best.number), None)
        self.run.tags({f"{TAG}best_trial": best.number, f"{TAG}best_run_id": mine})


@INTEGRATION.guarded
class _Ended:
    """What Optuna calls after each trial."""

    def __init__(self, record: StudyRecord) -> None:
        self._record = record

    def __call__(self, _study: Study, trial: FrozenTrial) -> None:
        self._record.ended(trial)


class AfterEach:
    """What is to be called after each trial: ours before the user's, who may have given an iterator."""

    def __init__(self, record: StudyRecord, users: Iterable[Callable[..., Any]] | None) -> None:
        self._ours = _Ended(record)
        self._users = users

    def __iter__(self) -> Iterator[Callable[..., Any]]:
        return chain((self._ours,), self._users if self._users is not None else ())


def by_hand(study: Study) -> StudyRecord:
    """The record of a study whose trials the program runs itself; opened for the first one that is told."""
    record = _BY_HAND.get(study)
    if record is None or record.run.ended:
        run, owned = INTEGRATION.open_run()
        record = _BY_HAND[study] = StudyRecord(run, study)
        record.settings({})
        run.before_end.append(record.close)
        if owned and run.parent is not None:
            run.parent.before_end.append(run.end)
    return record


_BY_HAND: WeakKeyDictionary[Study, StudyRecord] = WeakKeyDictionary()


def _objectives(study: Study) -> list[str]:
    """The names under which a trial's values are recorded."""
    count = len(study.directions)
    return ["value"] if count == 1 else [f"value_{name}" for name in study.metric_names or range(count)]


def _named(study: Study) -> bool:
    return not study.study_name.startswith("no-name-")  # else Optuna has made a name up


def _title(study: Study, objective: Any) -> str:
    if _named(study):
        return study.study_name
    function = getattr(objective, "func", objective)  # of a partial
    name = str(getattr(function, "__qualname__", type(function).__name__)).rpartition(".")[2]
    return name if name.isidentifier() and objective is not None else "study"


def _settings(name: str, part: Any) -> dict[str, Any]:
    """The class of a sampler or pruner, and the settings that it was made with, as far as it keeps them."""
    found: dict[str, Any] = {name: type(part).__name__}
    for setting in inspect.signature(type(part)).parameters:
        value = vars(part).get(f"_{setting}", vars(part).get(setting))
        if isinstance(value, str | int | float):
            found[f"{name}_{setting}"] = value
    return found


def _attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {f"user_attrs_{name}": value for name, value in attributes.items()}


def _space(space: Mapping[str, list[BaseDistribution]]) -> dict[str, Any]:
    found = {name: [json.loads(distribution_to_json(one)) for one in known] for name, known in space.items()}
    return {name: known[0] if len(known) == 1 else known for name, known in found.items()}


def _milliseconds(when: datetime | None) -> int | None:
    return None if when is None else int(when.timestamp() * 1000)
