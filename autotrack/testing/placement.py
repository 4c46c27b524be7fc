"""The part of the contract about patches: how they go in, what they look like, how they come out."""

from __future__ import annotations

import copy
import functools
import gc
import inspect
import io
import pickle
import sys
import weakref
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from types import FunctionType
from typing import Any

from autotrack import _versions
from autotrack._patch import is_ours
from autotrack.testing.program import reset, said
from autotrack.testing.sameness import digest
from autotrack.testing.subject import Subject, load
from autotrack.testing.traces import names_us


class Placed(Subject):
    """Patches look like what they stand for, and leave nothing behind."""

    def test_disabling_puts_back_the_very_objects(self) -> None:
        """Whatever was patched is what it was, and nothing was added where it is."""
        self.load_framework()
        before, finders = self.attributes(), list(sys.meta_path)
        for _ in range(2):
            with self.recording():
                self.program("workload")()
            assert _changes(before, self.attributes()) == []
        assert sys.meta_path == finders

    def test_switching_on_again_leaves_one_wrapper(self) -> None:
        """Twice on, or off and on, records each training once."""
        self.load_framework()
        once = len(self.recorded().runs)
        with self.recording() as record:
            self.integration.switch()
            self.integration.disable()
            self.integration.switch()
            assert [
                (owner, name)
                for _, owner, name in self.targets()
                if is_ours(wrapper := vars(owner).get(name)) and is_ours(wrapper.__wrapped__)
            ] == []
            self.program("workload")()
            record.finish()
            assert len(record.runs) == once

    def test_every_place_is_patched(self) -> None:
        """In the version that is installed there is nothing that cannot be recorded."""
        self.load_framework()
        with self.recording(), said() as lines:
            skipped = {
                target: state
                for hook in self.integration.hooks
                for target, state in hook.states.items()
                if state.startswith("skipped")
            }
        assert skipped == {}
        assert lines == []

    def test_a_strangers_later_patch_is_left_alone(self) -> None:
        """It stays where it is when recording is switched off, and still reaches the framework."""
        self.load_framework()
        expected = digest(self.plain().result)
        originals: dict[tuple[int, str], tuple[Any, str, Any]] = {}
        strangers: dict[tuple[int, str], Any] = {}
        try:
            with self.recording() as record:
                for _, owner, name in self.targets():
                    wrapper = vars(owner).get(name)
                    if is_ours(wrapper) and isinstance(wrapper.__wrapped__, FunctionType):
                        place = id(owner), name
                        originals[place] = owner, name, wrapper.__wrapped__
                        strangers[place] = _passing(getattr(owner, name))
                        setattr(owner, name, strangers[place])
                self.switch_off()
                for place, (owner, name, _) in originals.items():
                    assert vars(owner)[name] is strangers[place], (owner, name)
                self.program("workload")()
                record.finish()
                assert record.runs == []
            assert digest(self.plain().result) == expected
        finally:
            for owner, name, original in originals.values():
                setattr(owner, name, original)

    def test_a_version_below_the_range_is_left_alone(self) -> None:
        """One warning says so, and nothing is patched."""
        self.load_framework()
        if not any(part.strip().startswith(">") for part in self.integration.supports.split(",")):
            return
        before, installed = self.attributes(), _versions.installed
        _versions.installed = lambda distribution: "0.0.1" if distribution else ""
        try:
            with said() as lines, self.recording(strict=False) as record:
                assert _changes(before, self.attributes()) == []
                self.program("workload")()
                assert record.runs == []
        finally:
            _versions.installed = installed
        assert len([line for line in lines if self.integration.distribution in line]) == 1, lines

    def test_patched_callables_look_like_themselves(self) -> None:
        """Name, documentation, module, signature and kind are the framework's."""
        self.load_framework()
        before = [_looks(getattr(owner, name)) for _, owner, name in self.targets()]
        with self.recording():
            after = [_looks(getattr(owner, name)) for _, owner, name in self.targets()]
        assert after == before

    def test_patched_callables_are_pickled_and_copied_like_themselves(self) -> None:
        """By import path, without a trace of autotrack, whichever library does it."""
        self.load_framework()
        targets = [(owner, name) for _, owner, name in self.targets()]
        reset()
        # What cannot be pickled without us need not be with us.
        each = [(*one, dumps) for one in targets for dumps in _picklers() if _pickles(dumps, getattr(*one))]
        plain = {one: getattr(*one).__qualname__ for one in targets}
        with self.recording():
            for owner, name, dumps in each:
                patched = getattr(owner, name)
                data = dumps(patched)
                assert not names_us(data), (owner, name)
                twins = (_unpickled(data), copy.copy(patched), copy.deepcopy(patched))
                assert {twin.__qualname__ for twin in twins} == {plain[owner, name]}

    def test_fitted_models_are_pickled_and_copied_without_a_trace(self) -> None:
        """pickle, cloudpickle, joblib, deepcopy and scikit-learn's clone; the twin is that of an unrecorded model."""
        reset()
        unrecorded = self.program("fitted")()
        plain = digest(unrecorded)
        # A twin may differ from its model, as joblib stores an array twice that two parts of a model share.
        twins = [digest(_unpickled(dumps(unrecorded))) for dumps in _picklers()]
        copied = digest(copy.deepcopy(unrecorded))
        with self.recording():
            model = self.program("fitted")()
            assert digest(model) == plain
            for dumps, twin in zip(_picklers(), twins, strict=True):
                data = dumps(model)
                assert not names_us(data)
                assert digest(_unpickled(data)) == twin
            assert digest(copy.deepcopy(model)) == copied
            for part in model if isinstance(model, tuple) else (model,):
                if hasattr(part, "get_params") and find_spec("sklearn"):
                    import_module("sklearn.base").clone(part)

    def test_a_fitted_model_is_let_go(self) -> None:
        """Nothing of ours keeps it alive."""
        with self.recording():
            model = self.program("fitted")()
            parts = model if isinstance(model, tuple) else (model,)
            watched = [weakref.ref(part) for part in parts]
            del model, parts
            gc.collect()
            assert [part() for part in watched] == [None] * len(watched)

    def load_framework(self) -> None:
        """Have the framework imported, and all of it that the workload uses."""
        reset()
        load(self.workload)
        import_module(self.module)
        self.program("workload")()

    def attributes(self) -> dict[tuple[Any, str], Any]:
        """All attributes of everything that is patched, and of the modules and classes around it."""
        owners = {id(owner): owner for _, owner, _ in self.targets()}
        for hook in self.integration.hooks:
            for target in hook.targets:
                module = sys.modules.get(target.partition(":")[0])
                if module is not None:
                    owners[id(module)] = module
        return {(owner, name): value for owner in owners.values() for name, value in list(vars(owner).items())}


def _joblib(value: Any) -> bytes:
    file = io.BytesIO()
    import_module("joblib").dump(value, file)
    return file.getvalue()


def _picklers() -> Iterator[Callable[[Any], bytes]]:
    yield pickle.dumps
    if find_spec("cloudpickle"):
        yield import_module("cloudpickle").dumps
    if find_spec("joblib"):
        yield _joblib


def _pickles(dumps: Callable[[Any], bytes], value: Any) -> bool:
    try:
        dumps(value)
    except Exception:  # noqa: BLE001 - whatever it is
        return False
    return True


def _unpickled(data: bytes) -> Any:
    """What any of them has pickled: joblib reads plain pickles too."""
    return import_module("joblib").load(io.BytesIO(data)) if find_spec("joblib") else pickle.loads(data)  # noqa: S301 - ours


_VOLATILE = ("__warningregistry__", "__abstractmethods__", "_abc_impl", "__weakref__", "__dict__")


def _changes(before: dict[tuple[Any, str], Any], after: dict[tuple[Any, str], Any]) -> list[tuple[Any, str]]:
    missing = object()
    return [
        key
        for key in before.keys() | after.keys()
        if key[1] not in _VOLATILE and before.get(key, missing) is not after.get(key, missing)
    ]


def _passing(function: Any) -> Any:
    @functools.wraps(function)
    def stranger(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return stranger


def _looks(function: Any) -> tuple[Any, ...]:
    try:
        signature: Any = inspect.signature(function)
    except (ValueError, TypeError) as error:
        signature = type(error)
    return (
        *(getattr(function, name, None) for name in ("__name__", "__qualname__", "__doc__", "__module__")),
        signature,
        inspect.isroutine(function),
        inspect.iscoroutinefunction(function),
        inspect.isgeneratorfunction(function),
        callable(function),
    )
