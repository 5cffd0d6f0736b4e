"""Access rights, through clients: no operation and no query row bypasses them."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from irods import exception as failures
from irods.access import iRODSAccess
from irods.meta import AVUOperation, iRODSMeta
from irods.models import Collection, DataObject
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import PASSWORD, make_user

DENIED = (
    failures.CAT_NO_ACCESS_PERMISSION,
    failures.CAT_NO_ROWS_FOUND,
    failures.CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION,
    failures.OBJ_PATH_DOES_NOT_EXIST,
    failures.USER_FILE_DOES_NOT_EXIST,
    failures.USER_INPUT_PATH_ERR,
)
Action = Callable[[iRODSSession, str, str], object]


@pytest.fixture
def rods(irods_zone: EmbeddedZone) -> iRODSSession:
    session = irods_zone.session()
    make_user(session, "alice")
    session.collections.create(f"{irods_zone.home}/c/in")
    with session.data_objects.open(f"{irods_zone.home}/c/o", "w") as file:
        file.write(b"text")
    session.collections.get(f"{irods_zone.home}/c").metadata.add("key", "value")
    return session


@pytest.fixture
def alice(irods_zone: EmbeddedZone, rods: iRODSSession) -> iRODSSession:
    return irods_zone.session("alice", PASSWORD)


def _read(session: iRODSSession, collection: str, path: str) -> bytes:
    with session.data_objects.open(path, "r") as file:
        return bytes(file.read())


def _write(session: iRODSSession, collection: str, path: str) -> None:
    with session.data_objects.open(path, "r+") as file:
        file.write(b"x")


def _add(session: iRODSSession, collection: str, path: str) -> None:
    with session.data_objects.open(f"{collection}/new", "w") as file:
        file.write(b"x")


def _set_avu(session: iRODSSession, collection: str, path: str) -> None:
    session.metadata.set(Collection, collection, iRODSMeta("a", "b"))


def _atomic(session: iRODSSession, collection: str, path: str) -> None:
    session.metadata.apply_atomic_operations(
        Collection, collection, AVUOperation(operation="add", avu=iRODSMeta("a", "b"))
    )


ELSEWHERE = "/tempZone/home/alice/c2"
ACTIONS: dict[str, tuple[str, Action]] = {
    "read": ("read", _read),
    "copy": ("read", lambda session, collection, path: session.data_objects.copy(path, "/tempZone/home/alice/mine")),
    "checksum": ("write", lambda session, collection, path: session.data_objects.chksum(path)),
    "write": ("write", _write),
    "add an object": ("write", _add),
    "add a collection": ("write", lambda session, collection, path: session.collections.create(f"{collection}/sub")),
    "touch": ("write", lambda session, collection, path: session.data_objects.touch(path)),
    "set an AVU": ("write", _set_avu),
    "set AVUs at once": ("write", _atomic),
    "unlink": ("own", lambda session, collection, path: session.data_objects.unlink(path, force=True)),
    "move": ("own", lambda session, collection, path: session.data_objects.move(path, "/tempZone/home/alice/mine")),
    "move the collection": ("own", lambda session, collection, path: session.collections.move(collection, ELSEWHERE)),
    "change access": ("own", lambda session, collection, path: session.acls.set(iRODSAccess("read", path, "public"))),
    "remove all": ("own", lambda session, collection, path: session.collections.remove(f"{collection}/in", force=True)),
}  # fmt: skip
LEVELS = ("null", "read", "write", "own")


@pytest.mark.parametrize("name", ACTIONS)
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_allows_what_it_should_and_nothing_else(
    irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession, level: str, name: str
) -> None:
    needed, action = ACTIONS[name]
    collection = f"{irods_zone.home}/c"
    for path in (f"{collection}/o", f"{collection}/in", collection):
        rods.acls.set(iRODSAccess(level, path, "alice"))
    if LEVELS.index(level) >= LEVELS.index(needed):
        action(alice, collection, f"{collection}/o")
        return
    with pytest.raises((*DENIED, failures.SYS_INVALID_INPUT_PARAM)):
        action(alice, collection, f"{collection}/o")
    assert _read(rods, collection, f"{collection}/o") == b"text"
    assert [avu.name for avu in rods.collections.get(collection).metadata.items()] == ["key"]
    assert not rods.data_objects.exists(f"{collection}/new")


def test_a_collection_is_removed_by_who_may_write_what_it_is_in(
    irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession
) -> None:
    collection = f"{irods_zone.home}/c"
    for path in (f"{collection}/o", f"{collection}/in", collection):
        rods.acls.set(iRODSAccess("own", path, "alice"))
    with pytest.raises(failures.CAT_NO_ACCESS_PERMISSION):
        alice.collections.remove(collection, force=True)
    assert not rods.data_objects.exists(f"{collection}/o")  # what is in it goes before that shows
    assert rods.collections.exists(collection)
    with pytest.raises(failures.CAT_NO_ACCESS_PERMISSION):
        alice.collections.remove("/tempZone/home/alice", force=True)


def test_queries_show_what_may_be_read(irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession) -> None:
    def names(session: iRODSSession) -> list[str]:
        return [row[DataObject.name] for row in session.query(DataObject.name)]

    assert (names(rods), names(alice)) == (["o"], [])
    assert not alice.data_objects.exists(f"{irods_zone.home}/c/o")
    rods.acls.set(iRODSAccess("read", f"{irods_zone.home}/c/o", "public"))
    assert names(alice) == ["o"]


def test_groups_and_inheritance(irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession) -> None:
    collection = f"{irods_zone.home}/c"
    rods.groups.create("g").addmember("alice")
    rods.acls.set(iRODSAccess("read", collection, "g"))
    rods.acls.set(iRODSAccess("inherit", collection))
    with rods.data_objects.open(f"{collection}/later", "w") as file:
        file.write(b"later")
    assert _read(alice, collection, f"{collection}/later") == b"later"
    with pytest.raises(DENIED):
        _read(alice, collection, f"{collection}/o")
    rods.groups.get("g").removemember("alice")
    with pytest.raises(DENIED):
        _read(alice, collection, f"{collection}/later")


def test_administration_is_for_administrators(irods_zone: EmbeddedZone, alice: iRODSSession) -> None:
    actions: tuple[Callable[[], object], ...] = (
        lambda: alice.users.create("bob", "rodsuser"),
        lambda: alice.users.modify("alice", "type", "rodsadmin"),
        lambda: alice.users.modify("rods", "password", "mine"),
        lambda: alice.resources.create("r", "unixfilesystem", "localhost", "/etc"),
        lambda: alice.data_objects.register("/etc/hostname", "/tempZone/home/alice/h"),
        lambda: alice.data_objects.open(f"{irods_zone.home}/c/o", "r", irodsAdmin=""),
        lambda: alice.acls.set(iRODSAccess("own", f"{irods_zone.home}/c", "alice"), admin=True),
        lambda: alice.data_objects.modDataObjMeta({"objPath": f"{irods_zone.home}/c/o"}, {"filePath": "/etc/passwd"}),
    )
    for action in actions:
        # The client knows no name for PATH_REG_NOT_ALLOWED.
        with pytest.raises((failures.iRODSException, KeyError)):
            action()


def test_a_user_changes_their_own_password(irods_zone: EmbeddedZone, alice: iRODSSession) -> None:
    alice.users.modify_password(PASSWORD, "another", modify_irods_authentication_file=False)
    with pytest.raises(failures.CAT_INVALID_AUTHENTICATION):
        irods_zone.session("alice", PASSWORD).collections.get("/tempZone/home/alice")
    assert irods_zone.session("alice", "another").collections.get("/tempZone/home/alice")


def test_an_administrator_acts_as_another_user_and_no_one_else_does(
    irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession
) -> None:
    as_alice = irods_zone.session(client_user="alice", client_zone="tempZone")
    made = as_alice.collections.create("/tempZone/home/alice/made")
    assert made.owner_name == "alice"
    with pytest.raises(DENIED):
        _read(as_alice, "", f"{irods_zone.home}/c/o")
    with pytest.raises(failures.SYS_PROXYUSER_NO_PRIV):
        irods_zone.session("alice", PASSWORD, client_user="rods", client_zone="tempZone").collections.get("/tempZone")


def test_an_object_in_a_collection_that_one_may_not_read_is_not_there(
    irods_zone: EmbeddedZone, rods: iRODSSession, alice: iRODSSession
) -> None:
    path = f"{irods_zone.home}/c/o"
    rods.acls.set(iRODSAccess("read", path, "alice"))
    client = irods_zone.raw_client(option="x", user="alice", password=PASSWORD)
    asked = {"objPath": path, "KeyValPair_PI": {}}
    assert client.call(633, asked).status == -310000
    for flags in (os.O_RDONLY, os.O_RDWR):
        assert client.call(602, {**asked, "openFlags": flags}).status == -358000
        assert client.call(20003, {**asked, "openFlags": flags}).status == -358000
    made = client.call(602, {**asked, "openFlags": os.O_RDWR | os.O_CREAT})
    assert made.status == -818000
    assert made.errors == [f"no permission to update collection '{irods_zone.home}/c'"]
    rods.acls.set(iRODSAccess("read", f"{irods_zone.home}/c", "alice"))
    assert client.call(633, asked).status == 1
    assert client.call(602, {**asked, "openFlags": os.O_RDONLY}).status == 3
