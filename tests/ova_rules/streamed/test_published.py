"""A ready OVA that is streamed into its place through iRODS's own calls, in an embedded zone.

Nothing here looks into a vault but the tests themselves: the rules read and write by `msiDataObj…` only.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from irods.access import iRODSAccess
from irods.column import Like
from irods.models import Collection, DataObject

from tests.support.appliances import descriptor_of, manifest_of, ova, read, tar_of, write_large
from tests.support.processes import PeakMemory
from tests.support.zones import MakePlace, Place

DISK = bytes(range(256)) * 65_536  # 16 MiB: several pieces
MEMORY_KIB = 150 * 1024

# Streams a source to a target with a host name, as a job will. at: where it ends: "part", in the middle of the stream,
# "check", before anything is visible, or "swap", between the two renames; how: by an exception, or the agent's death.
# at "hidden" the client sees no object at the target, at "foreign" it owns none.
BEHIND = """
import os
from ova_rules.build import streamed
from ova_rules.catalog.streams import ObjectReader
from ova_rules.errors import Changed, ComponentError
from ova_rules.events.context import context
from ova_tools.edit import Change, edit
from ova_tools.errors import OvaError
from ova_tools.package import read_archive_from
from ova_tools.properties import select
from ova_tools.verify import Verifier

def _ended(how):
    if how == "killed":
        os.kill(os.getpid(), 9)
    raise {"changed": Changed, "failed": RuntimeError, "late": ComponentError}[how]("on purpose")

def ova_streamed(callback, rei, source, target, hostname, at="", how="", verified=False):
    catalog, settings = context(callback, rei)
    reported = []

    def report(count):
        reported.append(count)
        if at == "part" and len(reported) > 3:
            _ended(how)

    def check():
        if at == "check":
            _ended(how)

    if at == "hidden":
        find = catalog.replicas_of
        catalog.replicas_of = lambda paths: {**find(paths), target: []}
    if at == "foreign":
        catalog.may_rename = lambda path: False
    if at == "swap":
        rename = catalog.rename
        catalog.rename = lambda old, new: _ended(how) if ".streamed-" in old else rename(old, new)
    try:
        with ObjectReader(catalog, source, catalog.replicas(source)[0]) as reader:
            package = read_archive_from(reader, source)
            plan = edit(package, [Change(select(package.properties, "host.hostname"), hostname)]).plan
            verifier = None if verified else Verifier(package)
            stream = streamed.Stream(plan, reader, "", report, verifier)
            found = catalog.replicas(target)
            after = streamed.publish_streamed(catalog, settings, [], target, found, stream, check)
        return ["done", after[0].data_id, sum(reported), plan.size]
    except (Changed, ComponentError, OvaError) as error:
        return [type(error).__name__, str(error)]
"""

MakeStreams = Callable[..., "Streams"]


class Streams:
    """A place with a source and a collection for the target, whose streams run as rule text of the administrator."""

    def __init__(self, place: Place) -> None:
        self.place, self.session = place, place.client.session
        self.collection = f"{place.home}/grid/comp"
        self.target = f"{self.collection}/comp.ova"
        place.client.make(self.collection)

    def stream(self, hostname: str, **options: object) -> list[Any]:
        given = {"source": self.place.source, "target": self.target, "hostname": hostname, **options}
        text = (
            "@external\nimport core, json\ndef main(rule_args, callback, rei):\n"
            f"    found = core.ova_streamed(callback, rei, **{given!r})\n"
            "    callback.writeLine('stdout', json.dumps(found))\n"
        )
        client = self.place.zone.raw_client(option="irule")
        try:
            request = {
                "myRule": text,
                "KeyValPair_PI": {"instance_name": "irods_rule_engine_plugin-python-instance"},
                "outParamDesc": "ruleExecOut",
            }
            reply = client.call(625, request)
        finally:
            client.close()
        assert reply.status == 0, (reply.status, reply.errors)
        streams = reply.output["MsParam_PI"][0]["inOutStruct"]
        found: list[Any] = json.loads(bytes(streams["BinBytesBuf_PI"]["buf"]).rstrip(b"\0"))
        return found

    def die(self, hostname: str, at: str) -> None:
        with pytest.raises((OSError, EOFError, AssertionError)):
            self.stream(hostname, at=at, how="killed")

    @property
    def names(self) -> list[str]:
        rows = self.session.query(DataObject.name).filter(Like(Collection.name, self.collection))
        return sorted(row[DataObject.name] for row in rows)

    @property
    def hostname(self) -> str:
        found = read(self.place.client.get(self.target))
        assert found.whole
        return found.values["host.hostname"]


@pytest.fixture
def make_streams(make_place: MakePlace) -> MakeStreams:
    def make(behind: str = "", **options: Any) -> Streams:
        return Streams(make_place(BEHIND + behind, **{"package": ova(DISK), **options}))

    return make


@pytest.mark.parametrize("verified", [False, True])
def test_a_stream_is_the_plan_and_replaces_by_a_new_object(verified: bool, make_streams: MakeStreams) -> None:
    streams = make_streams()

    [done, first, passed, size] = streams.stream("first", verified=verified)
    assert (done, passed, streams.hostname) == ("done", size, "first")
    assert len(streams.place.client.get(streams.target)) == size

    [done, second, *_] = streams.stream("second", verified=verified)
    assert (done, streams.hostname) == ("done", "second")
    assert second != first
    assert streams.names == ["comp.ova"]


def test_bytes_that_only_pass_through_are_never_pythons(make_streams: MakeStreams) -> None:
    streams = make_streams("""
from irods_types import BytesBuf
_bytes = BytesBuf.get_bytes
def _small(self):
    assert self.len <= 65536, self.len
    return _bytes(self)
BytesBuf.get_bytes = _small
""")
    assert streams.stream("passed", verified=True)[0] == "done"
    assert streams.hostname == "passed"


def test_every_buffer_is_freed(make_streams: MakeStreams) -> None:
    streams = make_streams("""
from irods_types import BytesBuf
_init, _stream, made = BytesBuf.__init__, ova_streamed, []
def _noted(self, *data):
    _init(self, *data)
    made.append(self)
def ova_streamed(*args, **named):
    BytesBuf.__init__ = _noted
    return [*_stream(*args, **named), len(made), sum(buffer.len for buffer in made)]
""")
    [done, *_, buffers, left] = streams.stream("freed")
    assert done == "done"
    assert buffers > 4 and left == 0


def test_a_wrong_disk_is_found_while_it_passes_and_nothing_is_published(make_streams: MakeStreams) -> None:
    text = descriptor_of()
    lines = manifest_of({"vm.ovf": text, "disk1.vmdk": DISK})
    streams = make_streams(package=tar_of({"vm.ovf": text, "vm.mf": lines, "disk1.vmdk": DISK[:-1] + b"!"}))
    [error, message] = streams.stream("wrong")
    assert error == "ManifestError" and "digest of disk1.vmdk is wrong" in message
    assert streams.names == []


@pytest.mark.parametrize("at", ["part", "check", "swap"])
@pytest.mark.parametrize(("how", "error"), [("changed", "Changed"), ("failed", "ComponentError")])
def test_a_failure_at_any_step_keeps_the_last_good_one_and_nothing_else(
    at: str, how: str, error: str, make_streams: MakeStreams
) -> None:
    streams = make_streams()
    assert streams.stream("next", at=at, how=how)[0] == error
    assert streams.names == []

    [_, number, *_] = streams.stream("good")
    assert streams.stream("next", at=at, how=how)[0] == error

    assert streams.names == ["comp.ova"]
    assert streams.hostname == "good"
    assert streams.session.data_objects.get(streams.target).id == int(number)
    assert streams.stream("next")[0] == "done"
    assert streams.hostname == "next"


@pytest.mark.parametrize("at", ["check", "swap"])
def test_the_next_try_removes_what_a_killed_one_left(at: str, make_streams: MakeStreams) -> None:
    streams = make_streams()
    streams.die("killed", at)
    assert len(streams.names) == 1
    assert streams.stream("good")[0] == "done"
    assert streams.names == ["comp.ova"]

    streams.die("killed", at)
    assert len(streams.names) == 2
    found = streams.stream("next")
    if at == "swap":  # the old one takes its place back first
        assert found[0] == "Changed"
        assert streams.hostname == "good"
        found = streams.stream("next")
    assert found[0] == "done"
    assert (streams.names, streams.hostname) == (["comp.ova"], "next")


def test_what_was_being_written_when_its_agent_died_is_moved_away(make_streams: MakeStreams) -> None:
    streams = make_streams()
    streams.stream("good")
    streams.die("killed", "part")
    assert streams.hostname == "good"

    assert streams.stream("next")[0] == "done"

    ready, left = streams.names
    assert ready == "comp.ova" and left.startswith("comp.ova.unfinished-")
    assert streams.hostname == "next"


def test_avus_and_permissions_of_the_old_one_are_the_new_ones(make_streams: MakeStreams) -> None:
    streams = make_streams()
    session = streams.session
    for name in ("alice", "bob", "carol"):
        session.users.create(name, "rodsuser")
    session.acls.set(iRODSAccess("inherit", streams.collection))
    for name in ("alice", "bob"):
        session.acls.set(iRODSAccess("read", streams.collection, name))

    streams.stream("first")
    assert levels(streams) == {"rods": "own", "alice": "read_object", "bob": "read_object"}

    session.acls.set(iRODSAccess("null", streams.target, "bob"))
    session.acls.set(iRODSAccess("write", streams.target, "carol"))
    session.data_objects.get(streams.target).metadata.add("colour", "blue", "units")
    streams.stream("second")

    assert levels(streams) == {"rods": "own", "alice": "read_object", "carol": "modify_object"}
    kept = session.data_objects.get(streams.target).metadata.items()
    assert [(avu.name, avu.value, avu.units) for avu in kept] == [("colour", "blue", "units")]


def test_what_is_being_written_is_nobodys_but_the_clients(make_streams: MakeStreams) -> None:
    streams = make_streams()
    session = streams.session
    session.users.create("alice", "rodsuser")
    session.acls.set(iRODSAccess("inherit", streams.collection))
    session.acls.set(iRODSAccess("read", streams.collection, "alice"))

    streams.die("killed", "check")

    [left] = streams.names
    assert levels(streams, f"{streams.collection}/{left}") == {"rods": "own"}


def levels(streams: Streams, path: str = "") -> dict[str, str]:
    found = streams.session.acls.get(streams.session.data_objects.get(path or streams.target))
    return {each.user_name: each.access_name for each in found}


def test_an_object_that_the_client_does_not_see_stays(make_streams: MakeStreams) -> None:
    streams = make_streams()
    streams.place.client.put(b"of a user", streams.target)

    [error, message] = streams.stream("hidden", at="hidden")

    assert (error, message) == ("ComponentError", f"{streams.target}: iRODS refused to write it")
    assert streams.place.client.get(streams.target) == b"of a user"
    assert streams.names == ["comp.ova"]


def test_an_object_that_the_client_does_not_own_stays(make_streams: MakeStreams) -> None:
    streams = make_streams()
    streams.stream("first")
    [error, message] = streams.stream("second", at="foreign")
    assert error == "ComponentError" and message.endswith("a build replaces the object; rods does not own it")
    assert (streams.names, streams.hostname) == (["comp.ova"], "first")


def test_more_than_an_agent_can_hold_is_refused_before_anything_is_made(make_streams: MakeStreams) -> None:
    streams = make_streams("streamed.MOST = 1000")
    [error, message] = streams.stream("large")
    assert error == "ComponentError" and "at most 1000 can be streamed" in message
    assert streams.names == []


@pytest.mark.parametrize("verified", [False, True])
def test_a_large_ova_is_streamed_in_flat_memory(verified: bool, make_streams: MakeStreams, tmp_path: Path) -> None:
    streams = make_streams()
    file, large = tmp_path / "large.ova", f"{streams.place.home}/large.ova"
    write_large(file, descriptor_of(disk="disk.vmdk"), 300 * 2**20, sparse=True)
    streams.session.data_objects.put(str(file), large, num_threads=1)

    with PeakMemory(streams.place.zone.pid) as peak:
        [done, _, passed, size] = streams.stream("large", source=large, verified=verified)

    assert (done, passed) == ("done", size)
    assert peak.kib < MEMORY_KIB
    assert streams.names == ["comp.ova"]
