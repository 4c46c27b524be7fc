"""What somebody means who names a place to import from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from autotrack.exceptions import AutotrackException
from autotrack.exchange import archive, neptune, tensorboard
from autotrack.exchange.mlflow.artifacts import Artifacts
from autotrack.exchange.mlflow.database import Tables
from autotrack.exchange.mlflow.mlruns import META, Mlruns
from autotrack.exchange.neptune import Exported
from autotrack.exchange.record import Source
from autotrack.exchange.recorded import Choice, Recorded
from autotrack.exchange.tensorboard import Events
from autotrack.exchange.wandb import Offline
from autotrack.journal.format import MARK
from autotrack.wire.address import is_server

DATABASES = ("sqlite:", "postgresql:", "postgresql+psycopg:", "postgres:")


@dataclass(frozen=True, slots=True)
class Given:
    """Where from, and how it is to be read."""

    name: str
    kind: str = ""
    """One of :data:`KINDS`; by default what it looks like."""
    experiment: str = ""
    """For those that know none of their own."""
    artifacts: Path | None = None
    """The directory with the files, where the records do not say where they lie."""
    deleted: bool = False

    @property
    def place(self) -> Path:
        """As a path."""
        return Path(self.name.removeprefix("file://")).expanduser().absolute()


def kind_of(given: Given) -> str:
    """What a place looks like; raises for one that looks like nothing that can be read."""
    place = given.place
    if is_server(given.name):
        return "server"
    if given.name.startswith(DATABASES):
        return "mlflow"
    if not place.exists():
        raise AutotrackException.missing(
            f"there is no {given.name}; name a bundle, a directory, a database or a server"
        )
    if archive.is_bundle(place):
        return "bundle"
    if place.is_file():
        named = {".wandb": "wandb", ".db": "mlflow", ".parquet": "neptune"}.get(place.suffix)
        if named:
            return named
    elif (place / MARK).is_file():
        return "store"
    elif any(place.glob(f"*/{META}")):
        return "mlruns"
    elif next(place.rglob("run-*.wandb"), None):
        return "wandb"
    elif next(place.rglob(tensorboard.NAMES), None):
        return "tensorboard"
    elif any(map(neptune.is_export, place.rglob(neptune.NAMES))):
        return "neptune"
    raise AutotrackException.invalid(
        f"{given.name} looks like nothing that can be imported; --from says what it is: {', '.join(KINDS)}"
    )


@contextmanager
def opened(given: Given, room: Path) -> Iterator[Source]:
    """What a place holds. ``room`` is a directory for what has to be unpacked."""
    kind = given.kind or kind_of(given)
    if kind not in KINDS:
        raise AutotrackException.invalid(f"--from is one of {', '.join(KINDS)}, not {kind!r}")
    with KINDS[kind](given, room) as source:
        yield source


@contextmanager
def _bundle(given: Given, room: Path) -> Iterator[Source]:
    unpacked = archive.unpack(given.place, room / "bundle")
    source = Recorded(str(unpacked), Choice(deleted=True), own=True)
    faults = source.faults()
    if faults:
        raise archive.Refused(given.place, f"{faults[0]} (and {len(faults) - 1} more)" if faults[1:] else faults[0])
    yield source


@contextmanager
def _recorded(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    yield Recorded(given.name, Choice(deleted=given.deleted))


@contextmanager
def _tables(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    url = given.name if given.name.startswith(DATABASES) else f"sqlite:///{given.place}"
    near = [Path(url.removeprefix("sqlite:///")).absolute().parent] if url.startswith("sqlite:///") else []
    with Tables(url, Artifacts(near, given.artifacts), given.deleted) as source:
        yield source


@contextmanager
def _mlruns(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    yield Mlruns(given.place, Artifacts([given.place], given.artifacts), given.deleted)


@contextmanager
def _tensorboard(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    yield Events(given.place, given.experiment or given.place.name)


@contextmanager
def _wandb(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    yield Offline(given.place, given.experiment)


@contextmanager
def _neptune(given: Given, room: Path) -> Iterator[Source]:  # noqa: ARG001 - as its siblings
    yield Exported(given.place, given.artifacts)


KINDS: dict[str, Callable[[Given, Path], AbstractContextManager[Source]]] = {
    "bundle": _bundle, "store": _recorded, "server": _recorded, "mlruns": _mlruns, "mlflow": _tables,
    "tensorboard": _tensorboard, "wandb": _wandb, "neptune": _neptune,
}  # fmt: skip
"""What can be imported, by the word for it."""
