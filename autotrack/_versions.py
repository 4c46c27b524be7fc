"""Whether an installed framework is one that an integration was written for."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version


def installed(distribution: str) -> str:
    """The version that pip has installed."""
    return version(distribution)


def problem(distribution: str, supports: str) -> tuple[str, bool]:
    """``(what is wrong, whether that rules out recording)``; ``("", False)`` when nothing is."""
    try:
        found = Version(installed(distribution))
    except (PackageNotFoundError, InvalidVersion):
        return "", False  # a source tree or a repackaged build: each hook will show whether it fits
    if SpecifierSet(supports).contains(found, prereleases=True):
        return "", False
    oldest = SpecifierSet(",".join(str(part) for part in SpecifierSet(supports) if not part.operator.startswith("<")))
    if not oldest.contains(found, prereleases=True):
        return f"{distribution} {found} is older than autotrack records ({supports}); it is left alone", True
    return (
        f"{distribution} {found} is newer than those tried with autotrack ({supports}); recording is attempted",
        False,
    )
