"""Convergence warnings, taken down as they are made: how, where and whether they are shown stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from autotrack.hooks import Call, inside
from autotrack_sklearn.integration import INTEGRATION

TAG = "autotrack.sklearn.convergence"
MOST = 3
"""So many different messages are kept."""

_listening: list[Listening] = []


class Listening:
    """While it lasts, the convergence warnings of a recorded call are taken down: those of its own thread and, where
    no other call is recorded at the same time, of joblib's threads. Worker processes keep theirs."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self.messages: dict[str, int] = {}

    def __enter__(self) -> Self:
        _listening.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _listening[:] = [other for other in _listening if other is not self]

    def hear(self, message: str) -> None:
        """Take down one warning."""
        line = message.strip().partition("\n")[0][:300]
        if line in self.messages or len(self.messages) < MOST:
            self.messages[line] = self.messages.get(line, 0) + 1

    def tags(self) -> dict[str, str]:
        """What was heard, as a tag; nothing if all went well."""
        if not self.messages:
            return {}
        return {TAG: "; ".join(f"{text} ({n} times)" if n > 1 else text for text, n in self.messages.items())}

    @staticmethod
    def of_this_thread() -> Listening | None:
        """Whoever listens to what is fitted here."""
        outer = inside.get()
        if isinstance(outer, Call):
            while outer.outer is not None:
                outer = outer.outer
            return next((one for one in _listening if one._call is outer), None)
        return _listening[0] if outer is not None and len(_listening) == 1 else None


def start() -> Callable[[], None] | None:
    """Have each warning of this class tell that it was made; `warnings` may show only the first of its kind."""
    from sklearn.exceptions import ConvergenceWarning  # the module that has just been imported

    cls: Any = ConvergenceWarning
    if "__init__" in vars(cls):
        return None  # somebody else's; scikit-learn itself defines none

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:  # noqa: N807 - it takes this very method's place
        super(cls, self).__init__(*args, **kwargs)
        if _listening:
            with INTEGRATION.attempt("convergence warnings"):
                listener = Listening.of_this_thread()
                if listener is not None and args:
                    listener.hear(str(args[0]))

    cls.__init__ = __init__

    def stop() -> None:
        if vars(cls).get("__init__") is __init__:
            del cls.__init__

    return stop
