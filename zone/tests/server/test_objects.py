"""Data objects through python-irodsclient: contents, copies, moves, the trash, checksums, times."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from irods import exception as failures
from irods import keywords as kw
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import write_file


@pytest.fixture
def session(irods_zone: EmbeddedZone) -> iRODSSession:
    return irods_zone.session()


def _put(session: iRODSSession, path: str, content: bytes) -> str:
    with session.data_objects.open(path, "w") as file:
        file.write(content)
    return path


def _get(session: iRODSSession, path: str) -> bytes:
    with session.data_objects.open(path, "r") as file:
        return bytes(file.read())


def test_what_was_put_is_got_again_at_any_size(irods_zone: EmbeddedZone, session: iRODSSession, tmp_path: Path) -> None:
    for size in (0, 1, 100_000, 40_000_000):  # the last one goes over several connections
        source = write_file(tmp_path / f"source{size}", size)
        path = f"{irods_zone.home}/o{size}"
        session.data_objects.put(str(source), path)
        session.data_objects.get(path, str(tmp_path / f"back{size}"))
        assert (tmp_path / f"back{size}").read_bytes() == source.read_bytes()
        found = session.data_objects.get(path)
        assert (found.size, [replica.status for replica in found.replicas]) == (size, ["1"])
        assert (irods_zone.vault / "home" / "rods" / f"o{size}").stat().st_size == size


def test_parts_of_an_object_can_be_written_and_read(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = _put(session, f"{irods_zone.home}/o", b"0123456789")
    with session.data_objects.open(path, "r+") as file:
        file.seek(2)
        file.write(b"ab")
        file.seek(-1, os.SEEK_END)
        assert file.read() == b"9"
    with session.data_objects.open(path, "a") as file:
        file.write(b"end")
    assert _get(session, path) == b"01ab456789end"
    with session.data_objects.open(path, "w") as file:
        file.write(b"new")
    assert _get(session, path) == b"new"
    assert session.data_objects.get(path).size == 3


def test_an_open_that_writes_nothing_changes_nothing(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = _put(session, f"{irods_zone.home}/o", b"text")
    checksum = session.data_objects.chksum(path)
    session.data_objects.touch(path, seconds_since_epoch=1000)
    with session.data_objects.open(path, "r+"):
        pass
    found = session.data_objects.get(path)
    assert (found.checksum, int(found.modify_time.timestamp()), found.replicas[0].status) == (checksum, 1000, "1")


def test_a_checksum_is_computed_registered_and_forgotten_with_the_content(
    irods_zone: EmbeddedZone, session: iRODSSession
) -> None:
    path = _put(session, f"{irods_zone.home}/o", b"text")
    expected = "sha2:" + base64.b64encode(hashlib.sha256(b"text").digest()).decode()
    assert session.data_objects.get(path).checksum is None
    assert session.data_objects.chksum(path) == expected
    assert session.data_objects.get(path).checksum == expected
    _put(session, path, b"other")
    assert session.data_objects.get(path).checksum is None


def test_a_put_with_a_wrong_checksum_is_refused_and_leaves_a_stale_replica(
    irods_zone: EmbeddedZone, session: iRODSSession, tmp_path: Path
) -> None:
    path = f"{irods_zone.home}/o"
    with (
        pytest.raises(failures.USER_CHKSUM_MISMATCH),
        session.data_objects.open(path, "w", **{kw.VERIFY_CHKSUM_KW: "sha2:AAAA"}) as file,
    ):
        file.write(b"text")
    assert session.data_objects.get(path).replicas[0].status == "0"


def test_a_copy_has_the_content_and_the_original_stays(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = _put(session, f"{irods_zone.home}/o", b"text")
    session.data_objects.copy(path, f"{irods_zone.home}/copy")
    assert _get(session, f"{irods_zone.home}/copy") == b"text"
    with pytest.raises(failures.OVERWRITE_WITHOUT_FORCE_FLAG):
        session.data_objects.copy(path, f"{irods_zone.home}/copy")
    _put(session, path, b"newer")
    session.data_objects.copy(path, f"{irods_zone.home}/copy", **{kw.FORCE_FLAG_KW: ""})
    assert _get(session, f"{irods_zone.home}/copy") == b"newer"


def test_a_move_takes_the_vault_file_along(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    session.collections.create(f"{irods_zone.home}/c")
    path = _put(session, f"{irods_zone.home}/o", b"text")
    session.data_objects.move(path, f"{irods_zone.home}/c/p")
    assert not session.data_objects.exists(path)
    assert _get(session, f"{irods_zone.home}/c/p") == b"text"
    files = [str(file.relative_to(irods_zone.vault)) for file in irods_zone.vault.rglob("*") if file.is_file()]
    assert files == ["home/rods/c/p"]


def test_a_move_onto_something_is_refused(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    one, two = (_put(session, f"{irods_zone.home}/{name}", name.encode()) for name in ("one", "two"))
    with pytest.raises(failures.CAT_NAME_EXISTS_AS_DATAOBJ):
        session.data_objects.move(one, two)
    assert (_get(session, one), _get(session, two)) == (b"one", b"two")


def test_a_moved_collection_keeps_all_that_is_in_it(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    session.collections.create(f"{irods_zone.home}/a/b")
    _put(session, f"{irods_zone.home}/a/b/o", b"text")
    session.collections.get(f"{irods_zone.home}/a/b").metadata.add("k", "v")
    session.collections.move(f"{irods_zone.home}/a", f"{irods_zone.home}/z")
    assert _get(session, f"{irods_zone.home}/z/b/o") == b"text"
    assert session.collections.get(f"{irods_zone.home}/z/b").metadata.get_one("k").value == "v"
    assert (irods_zone.vault / "home/rods/z/b/o").read_bytes() == b"text"
    with pytest.raises(failures.CAT_RECURSIVE_MOVE):
        session.collections.move(f"{irods_zone.home}/z", f"{irods_zone.home}/z/b/z")


def test_unlinking_goes_to_the_trash_unless_forced(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    trash = "/tempZone/trash/home/rods"
    for content in (b"one", b"two"):
        session.data_objects.unlink(_put(session, f"{irods_zone.home}/o", content))
    kept = sorted(_get(session, found.path) for found in session.collections.get(trash).data_objects)
    assert kept == [b"one", b"two"]
    session.data_objects.unlink(_put(session, f"{irods_zone.home}/o", b"gone"), force=True)
    assert not session.data_objects.exists(f"{irods_zone.home}/o")
    assert not (irods_zone.vault / "home/rods/o").exists()
    with pytest.raises(failures.CAT_NO_ROWS_FOUND):
        session.data_objects.unlink(f"{irods_zone.home}/o", force=True)


def test_touch_sets_times_and_makes_what_is_missing(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = f"{irods_zone.home}/o"
    session.data_objects.touch(path, no_create=True)
    assert not session.data_objects.exists(path)
    session.data_objects.touch(path)
    session.data_objects.touch(path, seconds_since_epoch=12345)
    found = session.data_objects.get(path)
    assert (found.size, int(found.modify_time.timestamp())) == (0, 12345)


def test_paths_that_lead_out_of_their_place_are_refused(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    for path in (f"{irods_zone.home}/../../x", f"{irods_zone.home}/./x", "relative", "/otherZone/home/x"):
        with pytest.raises(failures.iRODSException):
            _put(session, path, b"x")
    assert not [file for file in irods_zone.vault.rglob("*") if file.is_file()]


def test_a_rule_may_replace_the_vault_file_while_it_is_open(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = _put(session, f"{irods_zone.home}/o", b"old")
    file = irods_zone.vault / "home/rods/o"
    with session.data_objects.open(path, "r+") as opened:
        fresh = file.with_suffix(".new")
        fresh.write_bytes(b"a longer content")
        fresh.replace(file)
        opened.write(b"x")  # lands in the old, unlinked file
    assert session.data_objects.get(path).size == 16
    assert _get(session, path) == b"a longer content"


def test_replicas_are_made_renewed_and_trimmed(irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path) -> None:
    zone = irods_zone_factory(resources={"one": tmp_path / "one", "two": tmp_path / "two"})
    session = zone.session()
    path = _put(session, f"{zone.home}/o", b"text")
    session.data_objects.replicate(path, "two")
    assert (tmp_path / "two/home/rods/o").read_bytes() == b"text"
    with session.data_objects.open(path, "w", **{kw.RESC_NAME_KW: "two"}) as file:
        file.write(b"newer")
    statuses = {replica.resource_name: replica.status for replica in session.data_objects.get(path).replicas}
    assert statuses == {"one": "0", "two": "1"}
    assert _get(session, path) == b"newer"
    session.data_objects.replicate(path, "one")
    assert {replica.status for replica in session.data_objects.get(path).replicas} == {"1"}
    client = zone.raw_client(option="itrim")
    trim = {"objPath": path, "KeyValPair_PI": {"replNum": "0", "copies": "1"}}
    assert client.call(632, trim).status == 1
    assert [replica.number for replica in session.data_objects.get(path).replicas] == [1]
    assert not (tmp_path / "one/home/rods/o").exists()
    trim["KeyValPair_PI"] = {"replNum": "1", "copies": "1"}
    assert client.call(632, trim).status == 0  # the last one stays
    client.close()
    session.data_objects.get(path).unlink(force=True)
    assert not (tmp_path / "one/home/rods/o").exists()
    assert not (tmp_path / "two/home/rods/o").exists()


def test_a_replica_moves_to_another_resource_and_keeps_its_number(
    irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path
) -> None:
    zone = irods_zone_factory(resources={"one": tmp_path / "one", "two": tmp_path / "two"})
    session = zone.session()
    path = _put(session, f"{zone.home}/o", b"text")
    client = zone.raw_client(option="iphymv")
    record = {"objPath": path, "KeyValPair_PI": {"rescName": "one", "destRescName": "two"}}
    assert client.call(697, record).status == 0
    (replica,) = session.data_objects.get(path).replicas
    assert (replica.number, replica.resource_name, replica.status) == (0, "two", "1")
    assert (tmp_path / "two/home/rods/o").read_bytes() == b"text"
    assert not (tmp_path / "one/home/rods/o").exists()
    assert client.call(697, record).status < 0
    client.close()
