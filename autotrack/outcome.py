"""How a run's body came out, from the exception that it ended with."""

from __future__ import annotations

_TAIL = 4000


def outcome(error: BaseException | None) -> tuple[str, BaseException | None]:
    """The state of a run whose body ended with this exception, and what of it to keep."""
    if error is None or isinstance(error, GeneratorExit):
        return "FINISHED", None
    if isinstance(error, KeyboardInterrupt):
        return "KILLED", error
    if isinstance(error, SystemExit) and error.code in (None, 0):
        return "FINISHED", None
    return "FAILED", error


def traceback_tail(error: BaseException | None) -> str | None:
    """The last lines of a traceback, as much as helps."""
    if error is None:
        return None
    import traceback  # milliseconds, only for a failure

    try:
        return "".join(traceback.format_exception(error))[-_TAIL:]
    except Exception:  # noqa: BLE001 - the exception's own __str__ may raise
        return type(error).__name__
