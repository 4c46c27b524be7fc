"""MLflow's client before two servers, and what each made it see, in a form that can be compared."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import mlflow
import requests
from differences import DIFFERENCES
from mlflow import MlflowClient
from mlflow.entities._mlflow_object import _MlflowObject
from mlflow.exceptions import MlflowException
from mlflow.store.entities import PagedList

Case: TypeAlias = Callable[["Side"], Iterator[tuple[str, Any]]]
"""What a program does with a server: each thing that it sees, with a label."""


_MODEL_FILES = re.compile(r"^mlflow-artifacts:/<experiment \d+>/(?:<run \d+>/)?models/(<model \d+>)(/artifacts)?")


_NOBODY = ("mlflow.user", "unknown")
"""What autotrack's server makes of the user that a client says when it does not know: a tag."""


class Side:
    """One server, as a case sees it. Names that a case asks for are its own, and the same on every server."""

    def __init__(self, url: str, case: str) -> None:
        self.url = url
        self.case = case
        self.client = MlflowClient(tracking_uri=url, registry_uri=url)
        self.experiments: list[str] = []

    def name(self, text: str = "") -> str:
        """A name that no other case uses."""
        return f"{self.case}-{text}" if text else self.case

    def experiment(self, text: str = "", **more: Any) -> str:
        """A new experiment's id."""
        return self.known(self.client.create_experiment(self.name(text), **more))

    def known(self, experiment_id: str) -> str:
        """The id of an experiment, which differs between the servers."""
        self.experiments.append(str(experiment_id))
        return experiment_id

    def run(self, experiment_id: str | None = None, **more: Any) -> str:
        """A new run's id, by default in an experiment of the case's own."""
        if experiment_id is None:
            experiment_id = self.experiments[0] if self.experiments else self.experiment()
        return self.client.create_run(experiment_id, **more).info.run_id

    def attempt(self, verb: Callable[..., Any], *args: Any, says: str = "", **kwargs: Any) -> Any:
        """What a verb gives, or the code of its refusal, whose message has to match ``says``."""
        try:
            return verb(*args, **kwargs)
        except MlflowException as error:
            refusal, message = {"refused": error.error_code, "status": error.get_http_status_code()}, str(error)
        except requests.HTTPError as error:
            refusal, message = {"refused": None, "status": error.response.status_code}, str(error)
        return refusal | _unsaid(message, says)

    def ask(self, method: str, path: str, *, says: str = "", **more: Any) -> dict[str, Any]:
        """The status and JSON of an answer; of a refusal its code, and its message has to match ``says``."""
        with requests.request(method, self.url + path, timeout=30, **more) as answer:
            found: dict[str, Any] = {"status": answer.status_code}
            try:
                body = answer.json()
            except requests.JSONDecodeError:
                body = None
            if answer.status_code >= 400:
                message = body["message"] if isinstance(body, dict) and "message" in body else answer.text
                found["refused"] = body.get("error_code") if isinstance(body, dict) else None
                found |= _unsaid(message, says)
            else:
                found["body"] = _said(body)
        return found

    def post(self, path: str, body: Any, *, says: str = "") -> dict[str, Any]:
        """The answer to a POST of JSON below ``/api/2.0/mlflow``."""
        return self.ask("POST", f"/api/2.0/mlflow/{path}", json=body, says=says)

    def get(self, route: str, *, says: str = "", **params: Any) -> dict[str, Any]:
        """The answer to a GET below ``/api/2.0/mlflow``."""
        return self.ask("GET", f"/api/2.0/mlflow/{route}", params=params, says=says)

    def observed(self, case: Case) -> dict[str, Any]:
        """What the case saw."""
        seen: dict[str, Any] = {}
        same = Sameness(self.experiments)
        mlflow.set_tracking_uri(self.url)  # some verbs of a client look there
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MLflow's own, of what it means to remove
                for label, value in case(self):
                    assert label not in seen, f"two things are called {label!r}"
                    seen[label] = same.of(value)
        finally:
            mlflow.set_tracking_uri(None)
        return seen


def _said(body: Any) -> Any:
    """JSON without what is empty, which may as well be left out, and without workspaces, which only MLflow has."""
    if isinstance(body, list):
        return [_said(one) for one in body if one != dict(zip(("key", "value"), _NOBODY, strict=True))]
    if isinstance(body, dict):
        said = {key: _said(one) for key, one in body.items() if key != "workspace"}
        if "next_page_token" in said:
            said["next_page_token"] = "<token>"
        empty = ("", [], {}, 0) if "is_dir" in said else ("", [], {})  # MLflow leaves out the size of an empty file
        return {key: one for key, one in said.items() if isinstance(one, bool) or one not in empty}
    return body


def _unsaid(message: str, says: str) -> dict[str, str]:
    """A message that lacks what clients look for in it."""
    return {} if re.search(says, message) else {"says": message, "instead of": says}


class Sameness:
    """Takes out of values what two servers need not share: ids in the order of their appearance, and times."""

    def __init__(self, experiments: list[str]) -> None:
        self._experiments = experiments  # which the case goes on adding to
        self._ids: dict[str, str] = {}

    def of(self, value: Any) -> Any:
        """The same value, for things that mean the same."""
        match value:
            case bool() | None:
                return value
            case float() if math.isnan(value):
                return "NaN"
            case int() | float():
                return "<time>" if 1.6e12 < value < 2e12 else value
            case str():
                return self._text(value)
            case PagedList():
                return {"page": [self.of(one) for one in value], "more": bool(value.token)}
            case _MlflowObject():
                return self.of(dict(value))
            case {"metrics": [{"key": _}, *_] as last, "tags": _, **rest}:  # a run's last points have no order
                in_order = [self.of(one) for one in sorted(last, key=lambda one: str(one["key"]))]
                return {"metrics": in_order, "tags": self.of(value["tags"]), **self.of(rest)}
            case dict():
                return {
                    self.of(key): self._experiment(one) if key == "experiment_id" else self.of(one)
                    for key, one in value.items()
                    if (key, one) != _NOBODY
                }
            case list() | tuple() | set() | frozenset():
                found = [self.of(one) for one in value]
                if isinstance(value, set | frozenset) or all(_is_entry(one) for one in found):
                    found.sort(key=repr)  # tags and the like have no order
                return found
        return repr(value)

    def _experiment(self, experiment_id: Any) -> Any:
        known = self._experiments
        return f"<experiment {known.index(experiment_id) + 1}>" if experiment_id in known else self.of(experiment_id)

    def _text(self, text: str) -> str:
        for number, known in enumerate(self._experiments, 1):
            text = re.sub(rf"^mlflow-artifacts:/{known}(?=/|$)", f"mlflow-artifacts:/<experiment {number}>", text)
        text = re.sub(r"(m-)?\b[0-9a-f]{32}\b", self._id, text)
        # Where a server keeps a model's files is its own affair.
        text = re.sub(
            r"^mlflow-artifacts:/<experiment \d+>/(?:<run \d+>/)?models/(<model \d+>)(/artifacts)?",
            r"<files of \1>",
            text,
        )
        return "<name>" if re.fullmatch(r"[a-z]+-[a-z]+-\d{1,3}", text) else text

    def _id(self, found: re.Match[str]) -> str:
        kind = "model" if found[1] else "run"
        return self._ids.setdefault(found[0], f"<{kind} {sum(kind in known for known in self._ids.values()) + 1}>")


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"key", "value"}


class Sides:
    """MLflow's own server and one of autotrack's."""

    _seen: dict[str, dict[str, Any]]

    def __init__(self, mlflow: str, autotrack: str, seen: dict[str, dict[str, Any]]) -> None:
        self.mlflow = mlflow
        self.autotrack = autotrack
        self._seen = seen

    def compare(self, name: str, case: Case) -> None:
        """Both see the same, but for the differences that are declared; those they must see."""
        if name not in self._seen:
            self._seen[name] = Side(self.mlflow, name).observed(case)
        theirs = self._seen[name]
        ours = Side(self.autotrack, name).observed(case)
        declared = {label for about, label in DIFFERENCES if about == name}
        assert declared <= set(theirs), "a difference is declared of what nobody sees"
        assert _without(ours, declared) == _without(theirs, declared)
        assert [label for label in sorted(declared) if ours[label] == theirs[label]] == [], "no longer different"


def _without(seen: dict[str, Any], labels: set[str]) -> dict[str, Any]:
    return {label: value for label, value in seen.items() if label not in labels}


def compared(case: Case) -> Callable[[Sides], None]:
    """A test that a case sees the same before both servers."""

    def test(sides: Sides) -> None:
        sides.compare(case.__name__.removeprefix("test_"), case)

    test.__name__, test.__qualname__, test.__doc__, test.__module__ = (
        case.__name__, case.__qualname__, case.__doc__, case.__module__
    )  # fmt: skip
    return test
