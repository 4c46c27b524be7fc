"""Hearing which seeds a program sets and which arguments it reads.

These hooks go on together with the first framework that is recorded: what they are made of is loaded by then. They look
at calls and leave them as they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from types import FunctionType
from typing import Any

from autotrack import current
from autotrack._variables import caller
from autotrack.capture import said
from autotrack.capture.launch import is_installed
from autotrack.hooks import Integration
from autotrack.values import texts

SEEDS = Integration("seeds", distribution="autotrack-ml")
ARGUMENTS = Integration("arguments", distribution="autotrack-ml")
_MOST = 500


@SEEDS.watch("random:seed")
def random_seed(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _result: None) -> None:
    """Python's own generator."""
    _seeded("random", args, kwargs, "a")


@SEEDS.watch("numpy.random.mtrand:seed", "numpy.random:seed")
def numpy_seed(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _result: None) -> None:
    """numpy's shared generator."""
    _seeded("numpy", args, kwargs, "seed")


@SEEDS.watch("numpy.random._generator:default_rng", "numpy.random:default_rng")
def numpy_generator(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], _result: Any) -> None:
    """A generator that the program itself makes of a seed; what libraries make is theirs."""
    value = args[0] if args else kwargs.get("seed")
    if type(value) is int and _is_programs():
        said.further("numpy_generator", str(value))
        _tell()


@ARGUMENTS.watch("argparse:ArgumentParser.parse_known_args")
def argparse_arguments(_parser: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """What the program reads from its command line by argparse."""
    words = args[0] if args else kwargs.get("args")
    if (words is None or list(words) == sys.argv[1:]) and _is_programs("argparse"):
        _given(vars(result[0]))


@ARGUMENTS.relay("click.core:Command.invoke", "typer._click.core:Command.invoke")
def click_arguments(command: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """What a command of the program's is called with by click or typer."""
    context = args[0] if args else kwargs.get("ctx")
    function: Any = getattr(command, "callback", None)
    while hasattr(function, "__wrapped__"):
        function = function.__wrapped__
    if isinstance(function, FunctionType) and not is_installed(function.__code__.co_filename):
        _given(getattr(context, "params", {}))


@ARGUMENTS.relay(
    "hydra.core.utils:run_job",
    "hydra._internal.hydra:run_job",
    "hydra._internal.core_plugins.basic_launcher:run_job",
)
def hydra_arguments(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """The configuration that Hydra has put together for a job; interpolations as they are written, since to work them
    out may run the program's own code."""
    config = kwargs.get("config", args[1] if len(args) > 1 else None)
    values = sys.modules["omegaconf"].OmegaConf.to_container(config, resolve=False)
    _given(dict(_flat({name: value for name, value in values.items() if name != "hydra"})))


@ARGUMENTS.watch("fire.core:_ParseArgs")
def fire_arguments(_function: Any, args: tuple[Any, ...], kwargs: dict[str, Any], result: Any) -> None:
    """The arguments that Fire has read for a function, defaults included."""
    main = sys.modules.get("__main__")
    if not is_installed(str(getattr(main, "__file__", None) or "<")):
        _given(dict(zip(kwargs.get("fn_args", args[0] if args else ()), result[0], strict=False)))


def switch_on() -> None:
    """Hear of both from now on."""
    for integration in (SEEDS, ARGUMENTS):
        integration.switch()


def _seeded(generator: str, args: tuple[Any, ...], kwargs: dict[str, Any], name: str) -> None:
    value = args[0] if args else kwargs.get(name)
    if value is None:
        said.seed(generator, "drawn by the system")
    else:
        said.seed(generator, str(value) if type(value) in (int, str, float) else texts({"": value})[""][:200])
    _tell()


def _tell() -> None:
    """A run that is open learns of it; those to come do when they begin."""
    run = current.own()
    if run is not None:
        run.tags(said.seeds())


def _given(values: Mapping[str, Any]) -> None:
    named = {name: value for name, value in list(values.items())[:_MOST] if not callable(value)}
    said.given(texts(named))


def _flat(values: Mapping[Any, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value


def _is_programs(*libraries: str) -> bool:
    """Whether the program's own code makes the call that is looked at, rather than an installed library's."""
    frame = caller(*libraries)
    return frame is not None and not is_installed(frame.f_code.co_filename)
