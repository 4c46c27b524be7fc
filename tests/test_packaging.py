"""A folder in ``integrations/`` is all that a new integration takes: the build derives the rest."""

import shutil
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

ROOT = Path(__file__).parent.parent


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a wheel is built from, with one more integration in it."""
    copy = tmp_path / "checkout"
    for name in ("autotrack", "integrations"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.pyi"))
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, copy)
    declare(copy, "autotrack_newcomer", 'WATCH = ("newcomer.train", "old_newcomer")\nALIASES = ("novice",)\n')
    return copy


def test_a_wheel_registers_every_folder(checkout: Path, tmp_path: Path):
    """The watched modules and the names below ``autotrack`` are entry points of the wheel."""
    with zipfile.ZipFile(wheel_of(checkout, tmp_path)) as wheel:
        points = ConfigParser(delimiters=("=",))
        points.read_string(wheel.read(next(name for name in wheel.namelist() if "entry_points" in name)).decode())
    watched = {name for name, package in points["autotrack.integrations"].items() if package == "autotrack_newcomer"}
    assert watched == {"newcomer.train", "old_newcomer"}
    doors = {name for name, package in points["autotrack.frameworks"].items() if package == "autotrack_newcomer"}
    assert doors == {"newcomer", "novice"}


def test_a_wheel_holds_packages_and_stubs_and_no_tests(checkout: Path, tmp_path: Path):
    """Each integration is a package of its own at the top; a type checker finds it below ``autotrack`` too."""
    with zipfile.ZipFile(wheel_of(checkout, tmp_path)) as wheel:
        names = set(wheel.namelist())
        stub = wheel.read("autotrack/novice.pyi").decode()
    assert {"autotrack/py.typed", "autotrack/newcomer.pyi", "autotrack_newcomer/__init__.py"} <= names
    assert "from autotrack_newcomer import *" in stub
    assert {name.split("/")[0].partition("-")[0] for name in names} == {
        "autotrack",
        "autotrack_ml",
        *(path.name for path in checkout.glob("integrations/autotrack_*")),
    }
    assert [name for name in names if "/tests/" in name] == []


def test_a_removed_folder_leaves_no_stub(checkout: Path, tmp_path: Path):
    """What an earlier build derived from a folder goes with it."""
    wheel_of(checkout, tmp_path)
    shutil.rmtree(checkout / "integrations" / "autotrack_newcomer")
    with zipfile.ZipFile(wheel_of(checkout, tmp_path)) as wheel:
        assert {"autotrack/newcomer.pyi", "autotrack/novice.pyi"}.isdisjoint(wheel.namelist())


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("WATCH = tuple(names())", "WATCH must be a literal tuple"),
        ("WATCH = ('newcomer')", "WATCH must be a literal tuple"),
        ("ALIASES = ('event',)", "autotrack.event is a module of autotrack"),
        ("WATCH = ('newcomer.train',)", "claimed by"),
    ],
)
def test_a_wrong_declaration_stops_the_build(checkout: Path, tmp_path: Path, source: str, complaint: str):
    """The message names what is wrong, and nothing half-registered is built."""
    declare(checkout, "autotrack_second", source)
    with pytest.raises(ValueError, match=complaint):
        wheel_of(checkout, tmp_path)


def declare(checkout: Path, package: str, source: str) -> None:
    """Add an integration folder."""
    folder = checkout / "integrations" / package
    folder.mkdir()
    (folder / "__init__.py").write_text(source)
    (folder / "py.typed").touch()
    (folder / "tests").mkdir()
    (folder / "tests" / f"test_{package}.py").touch()


def wheel_of(checkout: Path, directory: Path) -> Path:
    """Build a wheel, as pip does it from a checkout or an sdist."""
    return Path(next(WheelBuilder(str(checkout)).build(directory=str(directory), versions=["standard"])))
