"""Doing something of ours in the midst of the user's program, so that the program cannot tell."""

from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

_NOTHING = "(?!)"
_QUIET = frozenset(("IPython", "autotrack", "ipykernel", "joblib", "multiprocessing", "tornado", "tqdm", "zmq"))
"""Whose threads draw no random numbers, by the package that made them."""


class _OfThisThread:
    """Stands for the message in a filter of warnings, and matches whatever one thread warns of.

    Whoever copies the filters and takes it for a regular expression, or sends it to another process, gets one that
    matches nothing.
    """

    pattern = _NOTHING

    def __init__(self) -> None:
        self._thread = threading.get_ident()

    def match(self, _text: str) -> bool:
        return threading.get_ident() == self._thread

    def __reduce__(self) -> Any:
        return re.compile, (_NOTHING,)


class aside:  # noqa: N801 - a context manager, read as a verb
    """While it lasts, this thread shows no warning; after it, random numbers go on as if it had not been.

    The program's own filters of warnings stay what and where they are, so any number of threads may do this, and
    `warnings.catch_warnings` in one of them. Generators of the program that are no global state are not looked after.
    """

    __slots__ = ("_filter", "_filters", "_restore", "_shown", "_version")

    _filters: list[Any]

    def __enter__(self) -> Self:
        self._restore = [restore for kind in _GENERATORS if (restore := kind())] if _alone() else []
        self._filters = _effective()
        self._filter: Any = ("ignore", _OfThisThread(), Warning, None, 0)
        # Without telling `warnings`, which would then forget what it has shown: nothing here depends on that.
        self._filters.insert(0, self._filter)
        self._version = self._changes()
        self._shown = _shown(self._version) if _alone() else []
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown and (now := self._changes()) not in (None, self._version) and _alone():
            # Something in here has used `catch_warnings`, which leaves the filters as they were, but has `warnings`
            # forget what it has shown once: it would show that again.
            for registry, shown in self._shown:
                registry.update(shown, version=now)
        for at, item in enumerate(self._filters):
            if item is self._filter:
                del self._filters[at]
                break
        for restore in self._restore:
            restore()

    def _changes(self) -> Any:
        """How often filters have been changed in this process, as `warnings` notes it down for each module; ``None``
        if it cannot be asked without being heard."""
        if _effective()[:1] != [self._filter]:
            return None
        registry: dict[Any, Any] = {}
        warnings.warn_explicit("", UserWarning, "", 0, registry=registry)
        return registry.get("version")


def _effective() -> list[Any]:
    found = getattr(warnings, "_get_filters", None)  # from Python 3.14 on a context may have filters of its own
    return warnings.filters if found is None else found()  # type: ignore[return-value]  # a list, though typed as less


def _shown(version: Any) -> list[tuple[dict[Any, Any], dict[Any, Any]]]:
    """What `warnings` has noted down to have shown, module by module, as far as it still counts."""
    found = []
    for names in _names_of_modules():
        if "__warningregistry__" in names:
            registry = names["__warningregistry__"]
            if isinstance(registry, dict) and registry.get("version") == version:
                found.append((registry, dict(registry)))
    return found


_known: tuple[int, list[dict[str, Any]]] = (0, [])
"""Of how many modules, and what belongs to each: looking through thousands of them again would take a millisecond."""


def _names_of_modules() -> list[dict[str, Any]]:
    global _known
    count = len(sys.modules)
    if _known[0] != count:
        found = []
        for module in list(sys.modules.values()):
            try:
                # Past the `__getattribute__` of modules that are loaded when they are asked for something.
                found.append(object.__getattribute__(module, "__dict__"))
            except AttributeError:  # no module at all
                continue
        _known = count, found
    return _known[1]


def _python() -> Callable[[], None] | None:
    random = sys.modules.get("random")
    if random is None:
        return None
    before = random.getstate()

    def restore() -> None:
        if random.getstate() != before and _alone():
            random.setstate(before)

    return restore


def _numpy() -> Callable[[], None] | None:
    numpy = sys.modules.get("numpy.random")
    if numpy is None:
        return None
    before = numpy.get_state(legacy=False)

    def restore() -> None:
        if _differ(numpy.get_state(legacy=False), before) and _alone():
            numpy.set_state(before)

    return restore


def _differ(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() != other.keys() or any(_differ(value, other[key]) for key, value in one.items())
    different = one != other
    return bool(different.any() if hasattr(different, "any") else different)


def _torch() -> Callable[[], None] | None:
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "get_rng_state"):
        return None
    before = torch.get_rng_state()

    def restore() -> None:
        if not torch.equal(torch.get_rng_state(), before) and _alone():
            torch.set_rng_state(before)

    return restore


_GENERATORS = (_python, _numpy, _torch)


def _alone() -> bool:
    """Whether no other thread of the program could be drawing. Among threads the numbers may be another one's, who must
    not get them twice; and torch must not be asked for its state: it holds a mutex while it makes the answer, that may
    collect garbage, and that may let a thread go on that waits for the mutex with the interpreter's lock in hand."""
    here = threading.current_thread()
    return all(thread is here or _package(thread) in _QUIET for thread in threading.enumerate())


def _package(thread: threading.Thread) -> str:
    maker = getattr(thread, "_target", None) or type(thread)
    return str(getattr(maker, "__module__", "")).partition(".")[0]
