"""The costs for everybody: importing core.py, events that are not ours, events that are (by phase), agents' memory."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench import packages, profiler
from bench.packages import GIB
from bench.places import places
from bench.results import REPOSITORY, Label, Recorder
from bench.site import INLINE, Site, site
from bench.timing import in_turn
from tests.support.importing import BUILDING, imported
from tests.support.processes import descendants, peak_kib

COMPONENT = "grid/comp"
_MEBIBYTES = 16  # size of the OVA whose rebuilds are profiled


def run(recorder: Recorder) -> None:
    """Measures everything; alternates between a zone with our core.py and one with an empty core.py."""
    _imports(recorder)
    with site(recorder.folder / "ours") as ours, site(recorder.folder / "empty", rules=False) as empty:
        for made in (ours, empty):
            made.make("plain")
            made.put("file.txt", b"text")
        _not_ours(recorder, {"ours": ours, "empty": empty})
        _memory(recorder, {"ours": ours, "empty": empty})
    with places(recorder, GIB) as found:
        for place in found:
            with site(place.folder / "profiled", profiled=True, inline_limit=INLINE) as profiled:
                _profiles(recorder, profiled, {"file_system": place.kind, "mib": _MEBIBYTES})


def _imports(recorder: Recorder) -> None:
    runs = 5 if recorder.quick else 31
    with tempfile.TemporaryDirectory() as name:
        nothing = Path(name)
        (nothing / "core.py").write_text("")
        for cached in (True, False):
            pairs = [(imported(REPOSITORY, cached=cached), imported(nothing, cached=cached)) for _ in range(runs)]
            kept = {"bytecode": "kept" if cached else "compiled"}
            recorder.add("import core", "ms", [ours.milliseconds for ours, _ in pairs], core="ours", **kept)
            recorder.add("import core", "ms", [empty.milliseconds for _, empty in pairs], core="empty", **kept)
            both = [imported(REPOSITORY, "core", *BUILDING, cached=cached) for _ in range(max(3, runs // 3))]
            recorder.add("import all that a rebuild needs", "ms", [each.milliseconds for each in both], **kept)
        recorder.add("modules", "modules", [len(pairs[0][0].modules)], when="import core")
        recorder.add("modules", "modules", [len(both[0].modules)], when="import all that a rebuild needs")


def _not_ours(recorder: Recorder, zones: dict[str, Site]) -> None:
    from irods.meta import iRODSMeta
    from irods.models import DataObject

    numbers = iter(range(10**9))

    def data_object_avu(made: Site) -> None:
        made.session.metadata.set(DataObject, f"{made.home}/file.txt", iRODSMeta("n", str(next(numbers))))

    def collection_avu(made: Site) -> None:
        made.set("plain", "n", str(next(numbers)))

    def list_collection(made: Site) -> None:
        assert made.session.collections.get(made.home).data_objects

    def put_and_get(made: Site) -> None:
        made.put("file.txt", b"other")
        with made.session.data_objects.open(f"{made.home}/file.txt", "r") as stream:
            assert stream.read() == b"other"

    actions: dict[str, Callable[[Site], None]] = {
        "AVU of a data object": data_object_avu,
        "AVU of a plain collection": collection_avu,
        "list a collection": list_collection,
        "put and get a small object": put_and_get,
    }
    for event, action in actions.items():
        rounds = 30 if recorder.quick else 300
        taken = in_turn(rounds, {name: partial(action, made) for name, made in zones.items()})
        for name, values in taken.items():
            recorder.add("event", "ms", values, event=event, core=name)


def _memory(recorder: Recorder, zones: dict[str, Site]) -> None:
    """The memory of an agent that has signed in and listed; with our core.py also of one that has rebuilt."""
    for name, made in zones.items():
        recorder.add("memory of an agent", "MB", [_agent(made, lambda session: None)], core=name, after="sign-in")
    ours = zones["ours"]
    _component(ours, packages.MIB)
    rebuilt = _agent(ours, lambda session: ours.set(COMPONENT, "hostname", "memory", session))
    recorder.add("memory of an agent", "MB", [rebuilt], core="ours", after="a rebuild")


def _agent(made: Site, action: Callable[[Any], None]) -> float:
    """The peak resident memory, in MB, of a new agent after the action."""
    before = set(descendants(made.zone.pid))
    with made.fresh_session() as session:
        session.collections.get(made.home)
        action(session)
        agents = set(descendants(made.zone.pid)) - before
        return max(peak_kib(pid) for pid in agents) / 1024


def _component(made: Site, size: int) -> None:
    made.source(size)
    made.make(COMPONENT)
    made.build(COMPONENT)


def _profiles(recorder: Recorder, made: Site, labels: dict[str, Label]) -> None:
    """Events by phase, in microseconds: of a new agent, and of one that has done the same before."""
    _component(made, _MEBIBYTES * packages.MIB)
    made.make("plain")
    numbers = iter(range(10**9))
    actions: dict[str, Callable[[Any], object]] = {
        "AVU of a plain collection": lambda session: made.set("plain", "n", str(next(numbers)), session),
        "AVU that rebuilds": lambda session: made.set(COMPONENT, "hostname", f"host{next(numbers)}", session),
        "read through the gate": lambda session: made.hostname(COMPONENT, session),
    }
    for event, action in actions.items():
        for agent in ("new", "old"):
            made.forget_events()
            for _ in range(3 if recorder.quick else 15):
                with made.fresh_session() as session:
                    if agent == "old":
                        action(session)
                        made.forget_events()
                    action(session)
                _keep(
                    recorder,
                    [event for event in made.events() if event["calls"]][-1:],
                    {**labels, "event": event, "agent": agent},
                )


def _keep(recorder: Recorder, events: list[dict[str, Any]], labels: dict[str, Label]) -> None:
    for event in events:
        recorder.add("hook", "ms", [event["microseconds"] / 1000], **labels)
        for phase, microseconds in event["phases"].items():
            recorder.add("phase", "ms", [microseconds / 1000], phase=phase, **labels)
        for unit, number in profiler.counts([event]).items():
            recorder.add(unit, unit, [number], **labels)
        recorder.add("modules imported", "modules", [event["modules"]], **labels)
