"""Switching recording on and off, and where it goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autotrack import current, settings
from autotrack.sinks.open import open_sink, tracking_uri, usable_uri


def autolog(
    log_input_examples: bool = False,
    log_model_signatures: bool = True,
    log_models: bool = True,
    log_datasets: bool = True,
    log_traces: bool = True,  # noqa: ARG001 - MLflow's name; traces are not recorded
    disable: bool = False,
    exclusive: bool = False,
    disable_for_unsupported_versions: bool = False,
    silent: bool = False,
    extra_tags: Mapping[str, str] | None = None,
    exclude_flavors: Sequence[str] | None = None,
    **others: Any,
) -> None:
    """Record everything that is trained from now on, whatever is or will be imported.

    Args:
        log_input_examples: keep a few rows of input with the fitted models.
        log_model_signatures: with them the types of what goes in and comes out, from the data already seen.
        log_models: keep the fitted models.
        log_datasets: fingerprint what the models are trained on.
        disable: switch recording off and put the frameworks' own functions back.
        exclusive: leave a program alone that has opened a run itself.
        disable_for_unsupported_versions: leave versions alone that autotrack was not tried with.
        silent: say nothing, not even where the record goes.
        extra_tags: for every run that is opened.
        exclude_flavors: names of frameworks to leave alone.
        others: options of single frameworks, given to those that have them.
    """
    from autotrack import _loader  # importlib.metadata: milliseconds that a program without autolog need not pay

    if disable:
        _loader.disable()
        return
    options = {
        "log_models": log_models,
        "log_model_signatures": log_model_signatures,
        "log_input_examples": log_input_examples,
        "log_datasets": log_datasets,
        "exclusive": exclusive,
        "disable_for_unsupported_versions": disable_for_unsupported_versions,
        "silent": silent,
        "extra_tags": extra_tags,
    }
    _loader.autolog({**others, **options}, frozenset(exclude_flavors or ()))


def disable() -> None:
    """Stop recording: every framework's own functions are back in their places."""
    autolog(disable=True)


@contextmanager
def disable_autologging() -> Iterator[None]:
    """Train without a record inside the ``with``::

        with autotrack.disable_autologging():
            model.fit(X, y)  # no run

    Such blocks may lie in one another; after the outermost, recording goes on with the options that it had, also where
    the block raised. What other threads train meanwhile is recorded. What you log yourself is, everywhere.
    """
    from autotrack.call import inside  # inspect: milliseconds that a program without this need not pay

    token = inside.set("disabled")
    try:
        yield
    finally:
        inside.reset(token)


def doctor() -> list[dict[str, Any]]:
    """What is hooked in this process, how often each hook fired, and why something is not hooked."""
    from autotrack import _loader  # as in autolog

    return _loader.report()


def set_tracking_uri(uri: str | Path | None) -> None:
    """Record to a directory from now on (a path or ``file:DIR``), or to a server (``http(s)://…``); ``None`` goes back
    to the default.

    A directory that holds somebody else's files is refused.
    """
    text = uri.absolute().as_uri() if isinstance(uri, Path) else uri
    if text is not None:
        open_sink(text)
    settings.choose(tracking_uri=text)
    current.choose_experiment(None)


def get_tracking_uri() -> str:
    """Where runs are recorded now."""
    return (None if settings.disabled() else usable_uri()) or tracking_uri()


def is_tracking_uri_set() -> bool:
    """Whether the place was chosen, in the program or in the environment."""
    return settings.current().tracking_uri is not None
