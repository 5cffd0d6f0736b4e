"""Hostile neighbours: the cost of 1,000 components of one user for the commands of another.

Mallory's components refer to Victor's collection, have his grid as prototype, have broken packages as sources, and are
made from each other in chains. Victor's commands are timed in turn with an empty core.py, with ours and no neighbours,
and with ours and all neighbours. The last two should take the same time.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial

from irods.meta import iRODSMeta
from irods.models import DataObject
from irods_zone.catalog import collections, metadata, users
from irods_zone.catalog.database import Database

from bench.results import Recorder
from bench.site import Site, site
from bench.timing import in_turn
from tests.support.appliances import ova

_COUNT = 1000
_MALLORY = "/tempZone/home/mallory"


def run(recorder: Recorder) -> None:
    """All of it."""
    count = 40 if recorder.quick else _COUNT
    with contextlib.ExitStack() as stack:
        zones = {
            "empty": stack.enter_context(site(recorder.folder / "empty", rules=False)),
            "alone": stack.enter_context(site(recorder.folder / "alone")),
            "neighbours": stack.enter_context(site(recorder.folder / "neighbours")),
        }
        for made in zones.values():
            made.session.users.create("mallory", "rodsuser")
            made.make("pub", "grid/comp", "plain", "images")
            made.put("images/base.ova", ova())
            made.put("file.txt", b"text")
            made.set("pub", "ntp", "10.0.0.1")
        for name in ("alone", "neighbours"):
            zones[name].set("grid/comp", "ova_url", f"{zones[name].home}/images/base.ova")
        _populate(zones["neighbours"], count)
        _measure(recorder, zones, count)


def _populate(made: Site, count: int) -> None:
    """Makes Mallory's components, a quarter of each kind, with the facts by which hooks would find them."""
    home = made.home
    with contextlib.closing(Database.open(made.zone.root / "catalog.sqlite")) as database, database.transaction():
        mallory = users.require(database, "mallory")

        def component(number: int, *avus: tuple[str, str]) -> str:
            path = f"{_MALLORY}/c{number:05}"
            collections.insert(database, mallory, path)
            for attribute, value in avus:
                metadata.modify(database, mallory, ("add", "-C", path, attribute, value))
            return path

        source = f"{home}/images/base.ova"
        for number in range(0, count, 4):
            reference = ("hostname", f"${{{home}/pub:ntp}}")
            component(number, ("ova_url", source), reference, ("ova::depends_on", f"{home}/pub"))
            component(number + 1, ("ova_like", f"{home}/grid"))
            component(number + 2, ("ova_url", f"{home}/images/broken-{number}.ova"), ("ova::source", source))
            chained = component(number + 3, ("ova_url", source))
            before = f"{_MALLORY}/c{number - 1:05}"
            metadata.modify(database, mallory, ("add", "-C", chained, "ova::depends_on", before))


def _measure(recorder: Recorder, zones: dict[str, Site], count: int) -> None:
    numbers = iter(range(10**9))

    def value_of_what_others_refer_to(made: Site) -> None:
        made.set("pub", "ntp", str(next(numbers)))

    def value_of_a_grid_that_is_a_prototype(made: Site) -> None:
        made.set("grid", "colour", str(next(numbers)))

    def value_of_a_plain_collection(made: Site) -> None:
        made.set("plain", "colour", str(next(numbers)))

    def value_of_a_data_object(made: Site) -> None:
        made.session.metadata.set(DataObject, f"{made.home}/file.txt", iRODSMeta("n", str(next(numbers))))

    def put_of_an_object(made: Site) -> None:
        made.put("file.txt", b"other")

    actions: dict[str, Callable[[Site], None]] = {
        "AVU of a data object": value_of_a_data_object,
        "AVU of a plain collection": value_of_a_plain_collection,
        "AVU that others refer to": value_of_what_others_refer_to,
        "AVU of a grid that others have as prototype": value_of_a_grid_that_is_a_prototype,
        "put of an object": put_of_an_object,
    }
    for event, action in actions.items():
        rounds = 10 if recorder.quick else 100
        taken = in_turn(rounds, {name: partial(action, made) for name, made in zones.items()})
        for name, values in taken.items():
            recorder.add("event", "ms", values, event=event, zone=name, components=count)
