"""What others see of an object that is being written, and what a writer that disappears leaves."""

from __future__ import annotations

import os
import signal

import pytest
from irods import exception as failures
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient
from tests.support import children_of, wait_until


def _open(client: RawClient, path: str, flags: int, **keywords: str) -> int:
    record = {"objPath": path, "openFlags": flags, "dataSize": -1, "KeyValPair_PI": keywords}
    return client.call(602, record).status


def _statuses(session: iRODSSession, path: str) -> list[str]:
    return [replica.status for replica in session.data_objects.get(path).replicas]


@pytest.fixture
def writer(irods_zone: EmbeddedZone) -> RawClient:
    return irods_zone.raw_client(option="writer")


def test_a_new_object_is_intermediate_until_it_is_closed(irods_zone: EmbeddedZone, writer: RawClient) -> None:
    session, path = irods_zone.session(), f"{irods_zone.home}/o"
    descriptor = _open(writer, path, os.O_CREAT | os.O_WRONLY)
    assert descriptor == 3
    assert _statuses(session, path) == ["2"]
    with pytest.raises(failures.HIERARCHY_ERROR):
        session.data_objects.open(path, "r")
    with pytest.raises(failures.LOCKED_DATA_OBJECT_ACCESS):
        session.data_objects.unlink(path, force=True)
    assert writer.call(673, {"l1descInx": descriptor}).status == 0
    assert _statuses(session, path) == ["1"]


def test_an_object_open_for_writing_is_locked_and_its_reader_is_not_disturbed(
    irods_zone: EmbeddedZone, writer: RawClient
) -> None:
    session, path = irods_zone.session(), f"{irods_zone.home}/o"
    with session.data_objects.open(path, "w") as file:
        file.write(b"text")
    reader = session.data_objects.open(path, "r")
    descriptor = _open(writer, path, os.O_RDWR)
    with pytest.raises(failures.HIERARCHY_ERROR):
        irods_zone.session().data_objects.open(path, "r+")
    assert reader.read() == b"text"
    reader.close()
    writer.call(673, {"l1descInx": descriptor})
    assert _statuses(session, path) == ["1"]


def test_a_replica_token_opens_what_another_connection_writes(irods_zone: EmbeddedZone, writer: RawClient) -> None:
    path = f"{irods_zone.home}/o"
    descriptor = _open(writer, path, os.O_CREAT | os.O_WRONLY)
    info = writer.call(20000, {"buflen": 8, "buf": b'{"fd":3}'})
    assert info.status == 0
    token = info.output["buf"].decode().partition('"replica_token":"')[2].partition('"')[0]
    other = irods_zone.raw_client(option="other")
    right = {"resc_hier": "demoResc", "replicaToken": token}
    assert _open(other, path, os.O_WRONLY, **{**right, "replicaToken": "0" * 36}) == -405000
    assert _open(other, path, os.O_WRONLY, **right) == 3
    assert other.call(676, {"l1descInx": 3, "len": 4}, b"text").status == 4
    close = b'{"fd":3,"update_size":false,"update_status":false,"send_notification":false}'
    assert other.call(20004, {"buflen": len(close), "buf": close}).status == 0
    assert writer.call(673, {"l1descInx": descriptor}).status == 0
    assert irods_zone.session().data_objects.get(path).size == 4
    assert _open(other, path, os.O_WRONLY, **right) == 3  # at rest, the token does not matter
    other.close()


def test_a_client_that_leaves_in_the_middle_leaves_a_stale_replica(irods_zone: EmbeddedZone) -> None:
    session, path = irods_zone.session(), f"{irods_zone.home}/o"
    writer = irods_zone.raw_client(option="writer")
    _open(writer, path, os.O_CREAT | os.O_WRONLY)
    writer.call(676, {"l1descInx": 3, "len": 4}, b"text")
    writer.close()
    wait_until(lambda: _statuses(session, path) == ["0"])
    session.data_objects.unlink(path, force=True)


def test_a_killed_agent_leaves_it_intermediate_and_its_owner_can_move_it_away(irods_zone: EmbeddedZone) -> None:
    session, path = irods_zone.session(), f"{irods_zone.home}/o"
    session.collections.get(irods_zone.home)
    before = children_of(irods_zone.pid)
    writer = irods_zone.raw_client(option="writer")
    assert _open(writer, path, os.O_CREAT | os.O_WRONLY) == 3
    (agent,) = children_of(irods_zone.pid) - before
    os.kill(agent, signal.SIGKILL)
    wait_until(lambda: agent not in children_of(irods_zone.pid))
    assert _statuses(session, path) == ["2"]
    with pytest.raises(failures.HIERARCHY_ERROR):
        session.data_objects.open(path, "r")
    with pytest.raises(failures.LOCKED_DATA_OBJECT_ACCESS):
        session.data_objects.unlink(path, force=True)
    session.data_objects.move(path, path + ".away")
    with session.data_objects.open(path, "w") as file:
        file.write(b"again")
    assert session.data_objects.get(path).size == 5
    session.data_objects.modDataObjMeta({"objPath": path + ".away"}, {"replStatus": "1"})
    session.data_objects.unlink(path + ".away", force=True)
