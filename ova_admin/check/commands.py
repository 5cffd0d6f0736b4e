"""The command `check`: checks every requirement and prints the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ova_admin.check import server, settings, zone
from ova_admin.check.finding import Finding, Outcome, not_ok, whole
from ova_admin.places import Places
from ova_grid import connection
from ova_grid.errors import GridError
from ova_rules import settings as rules_settings

if TYPE_CHECKING:
    from rich.text import Text

_COLOURS = {Outcome.OK: "green", Outcome.NOTE: "yellow", Outcome.NOT_OK: "bold red", Outcome.NOT_APPLICABLE: "dim"}


def findings(places: Places, environment_file: Path | None, *, connect: bool) -> Iterator[Finding]:
    """Every requirement, in the order in which to fix them; the same ones at each run."""
    yield from server.findings(places)
    yield from settings.findings(places)
    if not connect:
        yield from whole(zone.NAMES, (), "not asked (--no-connection)")
        return
    try:
        environment = connection.environment(environment_file)
    except GridError as error:
        remedy = "run this as the service account, after iinit; or say --no-connection"
        yield from whole(zone.NAMES, [not_ok("connection", str(error), remedy)])
        return
    local_hosts = rules_settings.load(str(places.etc), lambda text: None).local_hosts
    yield from zone.findings(environment, local_hosts)


def line(finding: Finding) -> Text:
    """For people: the outcome, its subject, what was seen, and the remedy below."""
    from rich.text import Text

    made = Text(f"{finding.outcome.value:<15}", style=_COLOURS[finding.outcome])
    made.append(f"{finding.name:<16} ", style="bold")
    made.append(finding.detail, style="not bold")
    if finding.remedy:
        made.append(f"\n{'':<15}{'':<16} -> {finding.remedy}", style="default")
    return made
