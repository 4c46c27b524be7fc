"""What a contract is tested on: an integration, its framework, and programs that use it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import SkipTest

from autotrack.hooks import DeclaredHook, Integration
from autotrack.testing.program import environment, reset, said
from autotrack.testing.recorded import RecordedRun, Recording, recording
from autotrack.testing.sameness import seed


@dataclass(slots=True)
class Trial:
    """What a program did while it was recorded, or was not."""

    result: Any = None
    runs: list[RecordedRun] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    """What autotrack said."""

    @property
    def outlines(self) -> list[Any]:
        """The runs without what differs from one time to the next, in an order of their own."""
        return sorted((outline(run) for run in self.runs), key=repr)


class Subject:
    """Says what is to be tested; see :class:`~autotrack.testing.integration.IntegrationContract`."""

    package: str
    module: str
    workload: Path
    also: tuple[str, ...] = ()
    """Packages of integrations that are on at the same time."""

    @property
    def integration(self) -> Integration:
        """The integration."""
        found: Integration = import_module(self.package).INTEGRATION
        return found

    def switch_on(self) -> None:
        """Record with the integration, and with those that go on at the same time."""
        for package in (*self.also, self.package):
            import_module(package).INTEGRATION.switch()

    def switch_off(self) -> None:
        """Record no more."""
        for package in (*self.also, self.package):
            import_module(package).INTEGRATION.disable()

    def program(self, name: str) -> Callable[..., Any]:
        """A function of the workload file; a test whose function is not there is skipped."""
        function: Callable[..., Any] | None = getattr(load(self.workload), name, None)
        if function is None:
            raise SkipTest(f"{self.workload.name} has no function {name}")
        return function

    @contextmanager
    def recording(self, *, strict: bool = True) -> Iterator[Recording]:
        """The integration is on, in a program that has just started; failures of autotrack's are raised, or
        not if not ``strict``."""
        reset()
        try:
            with environment(AUTOTRACK_STRICT="1" if strict else None), recording() as record:
                self.switch_on()
                yield record
        finally:
            reset()

    def plain(self, *names: str) -> Trial:
        """Run programs, ``workload`` if none is named, unrecorded."""
        reset()
        seed(0)
        return Trial([self.program(name)() for name in names or ("workload",)])

    def recorded(self, *names: str, strict: bool = True) -> Trial:
        """Run programs recorded, to the end of the process."""
        trial = Trial()
        with said() as trial.lines:
            with self.recording(strict=strict) as record:
                seed(0)
                trial.result = [self.program(name)() for name in names or ("workload",)]
                record.finish()
            trial.runs = record.runs
        return trial

    def targets(self) -> Iterator[tuple[DeclaredHook, Any, str]]:
        """``(hook, owner, attribute)`` of every place that is there to be patched."""
        for hook in self.integration.hooks:
            for target in hook.targets:
                name, _, path = target.partition(":")
                owner: Any = sys.modules.get(name)
                *outer, attribute = path.split(".")
                for part in outer:
                    owner = getattr(owner, part, None)
                if hook.methods and hasattr(owner, attribute):
                    for cls in _tree(getattr(owner, attribute)):
                        yield from ((hook, cls, name) for name in hook.methods if _is_method(vars(cls).get(name)))
                elif owner is not None and hasattr(owner, attribute):
                    yield hook, owner, attribute


def load(path: Path) -> ModuleType:
    """A workload file as the module ``workload_<name>``, under which pickles find its classes."""
    name = f"workload_{path.stem}"
    module = sys.modules.get(name)
    if module is None or module.__file__ != str(path):
        spec = spec_from_file_location(name, path)
        assert spec is not None, path
        assert spec.loader is not None, path
        module = sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def outline(run: RecordedRun) -> Any:
    """What of a run is the same each time: a value may measure time, but what is measured and when does not change."""
    return (
        run.status,
        bool(run.error),
        sorted(run.params.items()),
        sorted((key, tuple(steps)) for key, steps in run.steps.items()),
        # Ours remark on this one recording, and where the program lies is no matter.
        sorted(tag for tag in run.tags if not tag.startswith(("autotrack.", "mlflow.source."))),
        sorted(dataset.name for dataset in run.datasets),
        sorted((model.name, model.flavors) for model in run.models),
    )


def _is_method(value: Any) -> bool:
    return value is not None and not isinstance(value, property)


def _tree(base: type) -> list[type]:
    found = [base]
    for cls in found:  # grows as it goes
        below: list[type] = type.__subclasses__(cls)
        found += [one for one in below if one not in found]
    return found
