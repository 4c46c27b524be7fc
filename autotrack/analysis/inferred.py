"""From what an integration has inferred what it recorded: tags that it sets, ``autotrack.<integration>.<what>``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autotrack._registered import INTEGRATIONS, registered
from autotrack.client import Client


def inferred(tags: Mapping[str, str]) -> dict[str, str]:
    """What was inferred, and why, without the prefix."""
    prefixes = tuple(f"autotrack.{name}." for name in registered(INTEGRATIONS))
    return {
        tag.removeprefix("autotrack.").partition(".")[2]: why
        for tag, why in tags.items()
        if tag.startswith(prefixes)
    }  # fmt: skip


def of_last_run(client: Client, experiments: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The name of the newest run, and what was inferred for it."""
    page = client.search_runs(list(experiments), max_results=1, order_by=["attributes.start_time DESC"])
    return (str(page[0].info.run_name), inferred(page[0].data.tags)) if len(page) else ("", {})
