"""Finds the integrations that are installed and switches them on and off."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from importlib import import_module
from types import ModuleType
from typing import Any

from autotrack import _reads, _said, _workers, guard, settings
from autotrack._registered import DOORS, INTEGRATIONS, registered
from autotrack._watch import forget, when_imported
from autotrack._workers import General
from autotrack.hooks import Integration, known


def package_of(door: str) -> str | None:
    """The integration package behind ``autotrack.<door>``."""
    return registered(DOORS).get(door) or registered(INTEGRATIONS).get(door)


def autolog(options: Mapping[str, Any], exclude: frozenset[str] = frozenset()) -> None:
    """Record every framework that has an integration, from its import on; those that were configured by name keep
    their own options."""
    if settings.disabled():
        return
    _workers.general = General(dict(options), exclude)
    if settings.context():
        _reads.watch()
    for module, package in registered(INTEGRATIONS).items():
        if module not in exclude and package.removeprefix("autotrack_") not in exclude:
            when_imported(module, partial(_on_import, package))


def disable() -> None:
    """Take every hook out again; what is being recorded is recorded to its end."""
    _workers.general = None
    forget()
    for integration in known.values():
        integration.disable()
        integration.specific = False
    known.clear()


def report() -> list[dict[str, Any]]:
    """For each integration what is hooked, how often it fired, and why something is not: JSON-ready."""
    rows: list[dict[str, Any]] = []
    packages = {integration.name: integration for integration in known.values()}
    for module, package in sorted(registered(INTEGRATIONS).items()):
        name = package.removeprefix("autotrack_")
        integration = packages.pop(name, None)
        rows.append(_row(name, module, package, integration))
    rows += [_row(name, name, "", integration) for name, integration in packages.items()]
    return rows


def _row(name: str, module: str, package: str, integration: Integration | None) -> dict[str, Any]:
    failures = guard.failures()
    return {
        "integration": name,
        "module": module,
        "package": package,
        "state": ("on" if integration.enabled else "off") if integration else "waiting for the import",
        "why": integration.why_not if integration else "",
        "supports": integration.supports if integration else "",
        "hooks": [
            {
                "hook": hook.function.__name__,
                "targets": dict(hook.states),
                "fired": hook.fired,
                "failures": failures.get(hook.site, 0),
                "switched_off": guard.tripped(hook.site),
            }
            for hook in (integration.hooks if integration else [])
        ],
    }


def _on_import(package: str, _module: ModuleType) -> None:
    general = _workers.general
    if general is None:
        return
    integration: Integration = import_module(package).INTEGRATION
    if integration.name in general.exclude or integration.specific:
        return
    own = {module for module, other in registered(INTEGRATIONS).items() if other == package}
    integration.others = frozenset(registered(INTEGRATIONS)) - own - general.exclude
    integration.options = integration.read_options(general.options, strict=False)
    guard.silent = integration.options.silent  # not in `switch`: what hears of arguments and files has no options
    integration.switch()
    if settings.context():
        _said.switch_on()
        _reads.switch_on()
