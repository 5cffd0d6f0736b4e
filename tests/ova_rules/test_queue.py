"""The delay queue: one job per component and change, what it says meanwhile, and grids of many components."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import rule_folder
from tests.appliances import ova, read
from tests.ova_rules.test_in_a_zone import Place

Factory = Callable[..., Any]

MANY = int(os.environ.get("OVA_TEST_COMPONENTS", "40"))


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Waits for the delay server."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)


def _jobs(client: PythonClient) -> list[str]:
    from irods.models import RuleExec

    return [row[RuleExec.name] for row in client.session.query(RuleExec.id, RuleExec.name)]


def test_many_changes_of_a_component_queue_one_job_and_the_last_state_wins(
    irods_zone_factory: Factory, tmp_path: Path
) -> None:
    zone = irods_zone_factory(rule_folder(tmp_path / "etc", inline_limit=1000))
    client = PythonClient(zone.session())
    component = f"{zone.home}/comp01"
    client.make(component)
    client.put(ova(os.urandom(40_000_000)), f"{zone.home}/base.ova")
    client.set(component, "ova_url", "../base.ova")
    most = 0
    for number in range(20):
        client.set(component, "hostname", f"host{number}")
        most = max(most, len([name for name in _jobs(client) if "'build'" in name]))
    assert 1 <= most <= 2, "at most one waits while another runs"
    assert read(client.get(f"{component}/comp01.ova")).values["host.hostname"] == "host19"
    until(lambda: _jobs(client) == [])


def test_a_grid_of_many_is_decided_with_few_queries(irods_zone_factory: Factory, tmp_path: Path) -> None:
    """At most one query for a hundred components; one component's change costs what it costs in a grid of one."""
    zone = irods_zone_factory(rule_folder(tmp_path / "etc", inline_components=4), trace=True)
    client = PythonClient(zone.session())
    client.put(ova(), f"{zone.home}/base.ova")
    grid, alone = f"{zone.home}/grid01", f"{zone.home}/grid02/comp0000"
    for component in (alone, *(f"{grid}/comp{number:04}" for number in range(MANY))):
        client.make(component)
        client.set(component, "ova_url", "../../base.ova")

    def queries(change: Callable[[], None]) -> list[Any]:
        before = len(zone.trace())
        change()
        until(lambda: _jobs(client) == [])
        events: list[Any] = zone.trace()[before:]
        return events

    def one(component: str) -> int:
        events = queries(lambda: client.set(component, "hostname", "one"))
        return sum(event.kind == "query" for event in events)

    assert one(f"{grid}/comp0007") == one(alone)

    events = queries(lambda: client.set(grid, "domainname", "example.org"))
    built = sum(event.name == "msi_touch" for event in events)
    assert built == MANY
    for component in ("comp0000", f"comp{MANY - 1:04}"):
        assert read(client.get(f"{grid}/{component}/{component}.ova")).values["host.domainname"] == "example.org"

    # All have it themselves now: a change of the grid reaches nobody, and finding that out costs the same few.
    for number in range(MANY):
        client.set(f"{grid}/comp{number:04}", "mtu", "1400")
    events = queries(lambda: client.set(grid, "mtu", "9000"))
    assert not any(event.name == "msi_touch" for event in events)
    in_job = [event for event in events if event.kind == "query" and event.job]
    assert len(in_job) <= 11 + MANY // 100  # one asks which of them the client may change


def test_a_component_among_many_that_cannot_be_built_stops_no_other(
    irods_zone_factory: Factory, tmp_path: Path
) -> None:
    place = Place(irods_zone_factory, tmp_path, components=4, inline_components=1)
    place.client.set(place.components[1], "mtu", "12")
    place.client.set(place.grid, "domainname", "example.org")
    until(lambda: _jobs(place.client) == [])
    states = [place.fact(component, "ova::status") for component in place.components]
    assert states == ["ready", "failed", "ready", "ready"]
    assert read(place.ready(place.components[3])).values["host.domainname"] == "example.org"
