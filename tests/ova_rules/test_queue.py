"""The delay queue: one job per component and change, its status meanwhile, and grids of many components."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from tests.support.appliances import ova
from tests.support.waiting import until
from tests.support.zones import MakePlace, Place

MANY = int(os.environ.get("OVA_TEST_COMPONENTS", "40"))


def wait_for_jobs(place: Place) -> None:
    until(lambda: not place.client.jobs(), "the delay queue is empty")


def test_many_changes_of_a_component_queue_one_job_and_the_last_state_wins(make_place: MakePlace) -> None:
    place = make_place(package=ova(os.urandom(40_000_000)), inline_limit=1000)
    component = place.component("comp01")
    most = 0
    for number in range(20):
        place.client.set(component, "hostname", f"host{number}")
        most = max(most, len([name for name in place.client.jobs() if "'build'" in name]))
    assert 1 <= most <= 2, "at most one waits while another runs"
    assert place.client.ready(component).values["host.hostname"] == "host19"
    wait_for_jobs(place)


def test_a_grid_of_many_is_decided_with_few_queries(make_place: MakePlace) -> None:
    """At most one query for a hundred components; one component's change costs what it costs in a grid of one."""
    place = make_place(trace=True, inline_components=4)
    alone = place.component("grid02/comp0000")
    many = [place.component(f"grid01/comp{number:04}") for number in range(MANY)]

    def events_of(change: Callable[[], None]) -> list[Any]:
        before = len(place.zone.trace())
        change()
        wait_for_jobs(place)
        return place.zone.trace()[before:]

    def queries_of_one(component: str) -> int:
        events = events_of(lambda: place.client.set(component, "hostname", "one"))
        return sum(event.kind == "query" for event in events)

    assert queries_of_one(many[7]) == queries_of_one(alone)

    events = events_of(lambda: place.client.set(place.grid, "domainname", "example.org"))
    built = sum(event.name == "msi_touch" for event in events)
    assert built == MANY
    for component in (many[0], many[-1]):
        assert place.client.ready(component).values["host.domainname"] == "example.org"

    # All have the AVU themselves now: a change of the grid reaches none, and the few queries to see that stay the same.
    for component in many:
        place.client.set(component, "mtu", "1400")
    events = events_of(lambda: place.client.set(place.grid, "mtu", "9000"))
    assert not any(event.name == "msi_touch" for event in events)
    in_job = [event for event in events if event.kind == "query" and event.job]
    assert len(in_job) <= 11 + MANY // 100  # one asks which of them the client may change


def test_a_component_among_many_that_cannot_be_built_stops_no_other(make_place: MakePlace) -> None:
    place = make_place(components=4, inline_components=1)
    place.client.set(place.components[1], "mtu", "12")
    place.client.set(place.grid, "domainname", "example.org")
    wait_for_jobs(place)
    assert [place.status(component) for component in place.components] == ["ready", "failed", "ready", "ready"]
    assert place.client.ready(place.components[3]).values["host.domainname"] == "example.org"


def test_a_renamed_component_waits_for_no_build_of_its_own(make_place: MakePlace) -> None:
    """The rename of its ready OVA was a user's to the hooks: it waited for its own agent's lock, and queued."""
    place = make_place(components=1, trace=True)
    before = len(place.zone.trace())
    place.client.session.collections.move(place.components[0], f"{place.grid}/comp09")
    assert [event for event in place.zone.trace()[before:] if event.name == "delayExec"] == []
    assert place.client.ready(f"{place.grid}/comp09").whole
