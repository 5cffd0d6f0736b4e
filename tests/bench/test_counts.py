"""What an event costs, counted: queries, microservice calls, bytes, imports. No clock.

The limits are the present costs. A commit that needs more raises a limit and says why. Queries are counted by the
zone's own trace; the profiler, which counts them from within the rules, must agree with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from irods_zone.trace import CALL, QUERY

from bench import profiler
from tests.support import REPOSITORY
from tests.support.appliances import ova
from tests.support.importing import BUILDING, imported
from tests.support.zones import MakePlace, Place

DISK = b"disk" * 50_000


class Counted:
    """A place whose rules are traced and profiled, asked by python-irodsclient."""

    def __init__(self, place: Place, log: Path) -> None:
        self.place, self.client, self.home, self.log = place, place.client, place.home, log

    def component(self, name: str) -> str:
        path = self.place.component(name)
        assert self.place.status(path) == "ready"
        return path

    def count(self, action: Callable[[], object]) -> dict[str, int]:
        """Queries, their further pages, other microservice calls and bytes copied, of what the action causes."""
        before = len(self.place.zone.trace())
        self.log.unlink(missing_ok=True)
        action()
        events = self.place.zone.trace()[before:]
        queries = [event for event in events if event.kind == QUERY]
        calls = [event for event in events if event.kind == CALL and event.name != "writeLine"]
        found = profiler.counts(profiler.read(self.log))
        assert found["queries"] == len(queries)
        assert found["calls"] == len(calls)
        assert found["further pages"] == sum(max(0, event.pages - 1) for event in queries)
        return found


@pytest.fixture
def counted(make_place: MakePlace, tmp_path: Path) -> Counted:
    log = tmp_path / "profile.jsonl"
    return Counted(make_place(profiler.behind_core(log), package=ova(disk=DISK), trace=True), log)


def test_an_avu_of_a_data_object_costs_nothing(counted: Counted) -> None:
    item = counted.client.session.data_objects.get(f"{counted.home}/base.ova")

    found = counted.count(lambda: item.metadata.add("colour", "blue"))

    assert found == {"queries": 0, "further pages": 0, "calls": 0, "bytes copied": 0}


def test_an_avu_of_a_plain_collection_costs_three_queries(counted: Counted) -> None:
    counted.client.make(f"{counted.home}/plain")

    found = counted.count(lambda: counted.client.set(f"{counted.home}/plain", "colour", "blue"))

    assert found["queries"] <= 3
    assert found["further pages"] == found["calls"] == 0


def test_an_avu_that_rebuilds_costs_eight_queries_two_calls_and_one_copy(counted: Counted) -> None:
    component = counted.component("grid/comp")
    size = counted.client.session.data_objects.get(f"{component}/comp.ova").size
    counted.client.set(component, "hostname", "first")

    found = counted.count(lambda: counted.client.set(component, "hostname", "second"))

    assert found["queries"] <= 8
    assert found["further pages"] == 0
    assert found["calls"] <= 2  # the proof of permission, and all facts at once
    assert found["bytes copied"] in (0, pytest.approx(size, abs=20_000))  # 0: extents are shared; the rest is written


def test_a_seed_costs_three_queries_and_one_call_more(counted: Counted) -> None:
    component = counted.component("grid/comp")
    counted.client.set(component, "ova_forms", "seed")
    counted.client.set(component, "hostname", "first")

    found = counted.count(lambda: counted.client.set(component, "hostname", "second"))

    assert found["queries"] <= 11  # collections below the groups, objects in them, the seed after it was written
    assert found["calls"] <= 3  # the proof of permission for the seed
    assert found["further pages"] == 0


def test_a_read_of_a_seed_costs_five_queries(counted: Counted) -> None:
    component = counted.component("grid/comp")
    counted.client.set(component, "ova_forms", "seed")

    found = counted.count(lambda: counted.client.get(f"{component}/comp.iso"))

    assert found["queries"] <= 5
    assert found["calls"] == 0


def test_an_avu_that_changes_no_value_writes_nothing(counted: Counted) -> None:
    component = counted.component("grid/comp")
    counted.client.set(component, "hostname", "same")

    found = counted.count(lambda: counted.client.set(component, "hostname", "same"))

    assert found["queries"] <= 6
    assert found["calls"] == found["bytes copied"] == 0


def test_a_read_through_the_gate_costs_three_queries(counted: Counted) -> None:
    component = counted.component("grid/comp")

    found = counted.count(lambda: counted.client.get(f"{component}/comp.ova"))

    assert found["queries"] <= 3
    assert found["calls"] == found["bytes copied"] == 0


def test_one_change_costs_the_same_in_a_grid_of_one_and_of_many(counted: Counted) -> None:
    alone = counted.component("small/comp")
    crowd = [counted.component(f"large/comp{number}") for number in range(12)]
    for path in (alone, crowd[0]):
        counted.client.set(path, "hostname", "first")

    costs = [counted.count(partial(counted.client.set, path, "hostname", "second")) for path in (alone, crowd[0])]

    assert costs[0] == costs[1]


def test_a_change_of_a_grid_costs_each_component_no_more_than_a_change_of_its_own(counted: Counted) -> None:
    paths = [counted.component(f"grid/comp{number}") for number in range(8)]
    grid = f"{counted.home}/grid"
    counted.client.set(grid, "domainname", "first")
    one = counted.count(lambda: counted.client.set(paths[0], "hostname", "x"))

    all_of_them = counted.count(lambda: counted.client.set(grid, "domainname", "second"))

    assert all_of_them["queries"] <= len(paths) * one["queries"]
    assert all_of_them["calls"] == len(paths) * one["calls"]
    assert all_of_them["bytes copied"] == len(paths) * one["bytes copied"]


def test_deciding_about_many_components_costs_a_query_for_hundreds(counted: Counted) -> None:
    from ova_admin.reconcile import stale

    costs = []
    for number in range(10):
        counted.component(f"grid/comp{number}")
        if number in (1, 9):
            costs.append(counted.count(lambda: stale(counted.client.session)))

    assert costs[0]["queries"] == costs[1]["queries"] <= 10


def test_importing_core_brings_the_hooks_and_nothing_else() -> None:
    assert imported(REPOSITORY).modules == (
        "core",
        "ova_rules",
        "ova_rules.agent",
        "ova_rules.hooks",
        "ova_rules.names",
    )


def test_a_hook_that_is_not_about_a_component_imports_nothing_of_packages() -> None:
    modules = set(
        imported(
            REPOSITORY,
            "core",
            *BUILDING[:2],
            "ova_rules.component.strictness",
            "ova_rules.component.dependents",
            "ova_rules.build.batch",
        ).modules
    )

    assert not {name for name in modules if name.startswith("ova_tools.")} - {"ova_tools.records"}


def test_what_a_build_imports_stays_small() -> None:
    modules = set(imported(REPOSITORY, "core", *BUILDING).modules)

    expensive = {"dataclasses", "inspect", "tempfile", "traceback", "subprocess", "http", "ssl", "socket", "logging"}
    expensive |= {"typing", "pathlib", "urllib.parse", "datetime", "decimal"}
    assert not modules & expensive
    assert not {name for name in modules if name.startswith(("irods", "cryptography", "rich", "lxml", "httpx"))}
    assert not {name for name in modules if name.startswith(("ova_tools.seed", "pycdlib")) or "seeds" in name}
    assert len(modules) <= 119


def test_every_phase_of_the_profiler_is_there() -> None:
    profiler.check()
