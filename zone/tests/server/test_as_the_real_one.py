"""Unexpected answers of a 5.0.2 server, found by running commands against both servers."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from irods.access import iRODSAccess
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient
from tests.support import PASSWORD, make_user

COLL_CREATE, RM_COLL, OPEN, UNLINK, RENAME, PUT, GET = 681, 679, 602, 615, 627, 606, 608
CHECKSUM, REPLICATE, TRIM, MOVE, MODIFY_ROW, COPY, ADMIN, TOUCH = 629, 695, 632, 697, 622, 696, 701, 20007
RECURSIVE, FORCED = {"recursiveOpr": ""}, {"recursiveOpr": "", "forceFlag": ""}


def _object(path: str, **keywords: str) -> dict[str, Any]:
    return {"objPath": path, "KeyValPair_PI": keywords}


def _collection(path: str, **keywords: str) -> dict[str, Any]:
    return {"collName": path, "KeyValPair_PI": keywords}


def _write(session: iRODSSession, path: str, data: bytes = b"text") -> str:
    with session.data_objects.open(path, "w") as file:
        file.write(data)
    return path


@pytest.fixture
def rods(irods_zone: EmbeddedZone) -> iRODSSession:
    session = irods_zone.session()
    make_user(session, "alice")
    session.collections.create(f"{irods_zone.home}/c")
    _write(session, f"{irods_zone.home}/c/o")
    return session


@pytest.fixture
def admin(irods_zone: EmbeddedZone, rods: iRODSSession) -> RawClient:
    return irods_zone.raw_client(option="icommand")


@pytest.fixture
def alice(irods_zone: EmbeddedZone, rods: iRODSSession) -> RawClient:
    return irods_zone.raw_client(option="icommand", user="alice", password=PASSWORD)


def test_a_missing_collection_is_named(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    messages = [f"collection '{irods_zone.home}/no' is unknown"]
    made = admin.call(COLL_CREATE, _collection(f"{irods_zone.home}/no/x"))
    assert (made.status, made.errors) == (-814000, messages)
    put = admin.call(PUT, {**_object(f"{irods_zone.home}/no/x", dataIncluded=""), "dataSize": 1}, b"x")
    assert (put.status, put.errors) == (-814000, messages)


@pytest.mark.parametrize("path", ["/", "/elsewhere/x", "/tempZone"])
def test_collections_are_made_inside_the_zone(admin: RawClient, path: str) -> None:
    reply = admin.call(COLL_CREATE, _collection(path))
    text = f"a valid zone name does not appear at the root of the object path [{path}]"
    assert (reply.status, reply.errors) == (-130000, [f"SYS_INVALID_INPUT_PARAM]  errno [] -- message [{text}]\n"])


def test_what_is_not_there_has_no_rows(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    nowhere = _object(f"{irods_zone.home}/no")
    assert admin.call(UNLINK, nowhere).status == -808000
    for kind in (0, 11, 12):
        pair = {
            "DataObjInp_PI": {**nowhere, "oprType": kind},
            "DataObjInp_PI_2": {**_object(f"{irods_zone.home}/x"), "oprType": kind},
        }
        assert admin.call(RENAME, pair).status == -808000
    assert admin.call(RM_COLL, _collection(f"{irods_zone.home}/no", **RECURSIVE)).status == -808000
    assert admin.call(RM_COLL, _collection(f"{irods_zone.home}/no", **FORCED)).status == -310000


def test_what_one_may_only_read_is_not_written_over(
    irods_zone: EmbeddedZone, rods: iRODSSession, alice: RawClient
) -> None:
    collection = f"{irods_zone.home}/c"
    put = {**_object(f"{collection}/o", dataIncluded="", forceFlag=""), "dataSize": 1}
    for path in (collection, f"{collection}/o"):
        rods.acls.set(iRODSAccess("read", path, "alice"))
    reply = alice.call(PUT, put, b"x")
    assert (reply.status, reply.errors) == (-818000, [f"no permission to update collection '{collection}'"])
    rods.acls.set(iRODSAccess("write", collection, "alice"))
    assert alice.call(PUT, put, b"x").status == -809000
    assert alice.call(OPEN, {**_object(f"{collection}/o"), "openFlags": os.O_RDWR}).status == -818000
    assert alice.call(CHECKSUM, _object(f"{collection}/o")).status == -818000  # it would have to be registered
    assert rods.data_objects.chksum(f"{collection}/o")
    assert alice.call(CHECKSUM, _object(f"{collection}/o")).status == 0
    assert alice.call(REPLICATE, _object(f"{collection}/o")).status == -121000
    assert alice.call(TRIM, _object(f"{collection}/o", copies="1")).status == 0
    assert alice.call(RM_COLL, _collection(collection, **RECURSIVE)).status == -818000


def test_administrators_see_more_than_they_may_read(
    irods_zone: EmbeddedZone, rods: iRODSSession, admin: RawClient
) -> None:
    path = f"{irods_zone.home}/c/o"
    rods.acls.set(iRODSAccess("null", path, "rods"))
    assert admin.call(633, _object(path)).status == 1
    for number in (OPEN, GET, CHECKSUM):
        assert admin.call(number, _object(path)).status == -818000
    pair = {"DataObjInp_PI": _object(path), "DataObjInp_PI_2": _object(f"{irods_zone.home}/copy")}
    assert admin.call(COPY, pair).status == -818000
    assert admin.call(GET, _object(path, irodsAdmin="")).status >= 0


def test_trash_keeps_paths_from_the_home_on(irods_zone: EmbeddedZone, rods: iRODSSession, alice: RawClient) -> None:
    collection = f"{irods_zone.home}/c"
    rods.acls.set(iRODSAccess("own", collection, "alice"))
    rods.acls.set(iRODSAccess("own", f"{collection}/o", "alice"))
    assert alice.call(UNLINK, _object(f"{collection}/o")).status == 0
    assert rods.data_objects.exists("/tempZone/trash/home/alice/rods/c/o")


def test_a_copy_makes_the_collection_it_needs(irods_zone: EmbeddedZone, rods: iRODSSession, admin: RawClient) -> None:
    target = f"{irods_zone.home}/new/o"
    pair = {"DataObjInp_PI": _object(f"{irods_zone.home}/c/o"), "DataObjInp_PI_2": _object(target, verifyChksum="")}
    reply = admin.call(COPY, pair)
    assert (reply.status, reply.errors) == (0, [f"collection '{irods_zone.home}/new' is unknown"])
    assert rods.data_objects.get(target).checksum


def test_open_flags(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    asked = _object(f"{irods_zone.home}/c/o")
    assert admin.call(OPEN, {**asked, "openFlags": os.O_RDONLY | os.O_TRUNC}).status == -404000
    assert admin.call(OPEN, {**asked, "openFlags": os.O_RDWR | os.O_CREAT | os.O_EXCL}).status == 3


def test_a_bulk_put_does_not_overwrite(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    table = {"rowCnt": 0, "attriCnt": 0, "continueInx": -1, "totalRowCount": 0,
             "SqlResult_PI": [{"attriInx": 0, "reslen": 0, "value": []}] * 50}  # fmt: skip
    record = {"objPath": irods_zone.home, "GenQueryOut_PI": table, "KeyValPair_PI": {"forceFlag": ""}}
    reply = admin.call(689, record, b"x")
    assert (reply.status, reply.errors) == (-402000, ["Force flag keyword is not allowed for bulk puts."])


@pytest.mark.parametrize("status", ["2", "3", "4"])
def test_nothing_goes_to_an_object_that_is_being_written(
    irods_zone: EmbeddedZone, admin: RawClient, status: str
) -> None:
    path = f"{irods_zone.home}/c/o"
    row = {"DataObjInfo_PI": {"objPath": path, "replNum": 0}, "KeyValPair_PI": {"replStatus": status}}
    assert admin.call(MODIFY_ROW, row).status == 0
    for number, keywords in ((GET, {}), (UNLINK, {}), (TRIM, {"copies": "1"})):
        assert admin.call(number, _object(path, **keywords)).status == -1803000
    put = {**_object(path, dataIncluded="", forceFlag=""), "dataSize": 1}
    assert admin.call(PUT, put, b"x").status == -1803000
    replicated = admin.call(REPLICATE, _object(path))
    assert replicated.errors == ["HIERARCHY_ERROR: no valid resource found for data object\n\n"]
    # The remains of a reader's lock do not prevent its removal for good.
    removed = admin.call(RM_COLL, _collection(f"{irods_zone.home}/c", **FORCED))
    assert removed.status == (0 if status == "3" else -821000)


def test_rows_that_are_not_there_are_not_changed(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    def reply(path: str) -> tuple[int, list[str]]:
        row = {"DataObjInfo_PI": {"objPath": path}, "KeyValPair_PI": {"replStatus": "1", "irodsAdmin": ""}}
        found = admin.call(MODIFY_ROW, row)
        return found.status, found.errors

    missing = "db_mod_data_obj_meta_op - Failed to find file in database by its logical path."
    assert reply(f"{irods_zone.home}/no") == (-817000, [missing])
    assert reply(f"{irods_zone.home}/no/x") == (-814000, [f"collection '{irods_zone.home}/no' is unknown"])


def test_resources_are_wishes_when_reading_and_orders_when_writing(
    irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path
) -> None:
    zone = irods_zone_factory(resources={"one": tmp_path / "one", "two": tmp_path / "two"})
    session, client = zone.session(), zone.raw_client(option="icommand")
    path = _write(session, f"{zone.home}/o")
    assert client.call(OPEN, _object(path, rescName="two")).status == 3
    assert client.call(CHECKSUM, _object(path, rescName="two")).status == 0
    got = client.call(GET, _object(path, rescName="two"))
    assert got.status == -168000
    assert got.errors[0].startswith("hierarchy descending from requested resource name does not have a replica")
    for number in (OPEN, CHECKSUM, GET):
        assert client.call(number, _object(path, rescName="none")).status == -78000
    put = {**_object(path, dataIncluded="", forceFlag="", destRescName="two"), "dataSize": 1}
    assert client.call(PUT, put, b"x").status == -1803000
    assert client.call(REPLICATE, _object(path, destRescName="one")).status == 0  # a good one is there
    assert client.call(REPLICATE, _object(path, destRescName="two", all="")).status == -402000
    assert client.call(MOVE, _object(path, destRescName="two")).status == -316000
    assert client.call(MOVE, _object(path, destRescName="one", rescName="two")).status == -164000
    assert client.call(REPLICATE, _object(path, destRescName="two")).status == 0
    assert client.call(TRIM, _object(path, replNum="1")).status == 0  # two are to stay unless the client says otherwise
    assert client.call(TRIM, _object(path, copies="1")).status == 1
    assert [replica.number for replica in session.data_objects.get(path).replicas] == [1]


@pytest.mark.parametrize(
    ("request_text", "code", "text"),
    [
        ("{}", -1084000, "INPUT_ARG_NOT_WELL_FORMED_ERR: [logical_path] is a required argument.\n\n"),
        (
            '{"logical_path": "HOME/c/o", "options": {"replica_number": 5}}',
            -164000,
            "SYS_REPLICA_DOES_NOT_EXIST: Replica does not exist matching that replica number.\n\n",
        ),
        ('{"logical_path": "HOME/c/o", "options": {"reference": "HOME/no"}}', -1105000,
         "cannot get mtime: INVALID_OBJECT_TYPE"),
        (
            '{"logical_path": "HOME/c", "options": {"replica_number": 0}}',
            -402000,
            "USER_INCOMPATIBLE_PARAMS: [replica_number] and [leaf_resource_name] cannot be used for collections.\n\n",
        ),
        (
            '{"logical_path": "HOME/no/x"}',
            -836000,
            "CAT_NOT_A_DATAOBJ_AND_NOT_A_COLLECTION: Logical path does not point to a collection or data object.\n\n",
        ),
    ],
)  # fmt: skip
def test_touch_says_why(irods_zone: EmbeddedZone, admin: RawClient, request_text: str, code: int, text: str) -> None:
    data = request_text.replace("HOME", irods_zone.home).encode()
    reply = admin.call(TOUCH, {"buflen": len(data), "buf": data})
    assert (reply.status, reply.errors[-1]) == (code, text)


def test_administration_says_what_the_real_one_says(admin: RawClient) -> None:
    def reply(*args: str) -> tuple[int, list[str]]:
        found = admin.call(ADMIN, {f"arg{index}": text for index, text in enumerate([*args, *[""] * 10][:10])})
        return found.status, found.errors

    taken = ["Error -809000 CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME", "DEBUG: \n"]
    assert reply("add", "user", "alice", "rodsuser") == (-809000, taken)
    assert reply("add", "user", "bob", "wizard") == (-820000, [])
    assert reply("rm", "user", "public") == (-827000, [])
    assert reply("rm", "resource", "none") == (-808000, [])
    assert reply("set-quota", "user", "alice", "total", "5") == (-169000, [])
    assert reply("set-quota", "user", "alice", "total", "0") == (0, [])
    assert reply("add", "token", "nonsense", "x") == (-816000, ["Token namespace 'nonsense' does not exist"])


def test_settings_of_the_zone_can_be_read(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    asked = {"name_space": "access_time", "option_name": "resolution_in_seconds"}
    assert admin.call(20009, asked).output["option_value"] == "86400"
    assert admin.call(20009, {**asked, "option_name": "none"}).status == -808000


RULES = """
import json
def _note(name, *what):
    with open("NOTES", "a") as file:
        file.write(json.dumps([name, *what]) + "\\n")
def acDataDeletePolicy(rule_args, callback, rei): _note("delete", str(rei.doi.objPath))
def acPreProcForModifyAccessControl(rule_args, callback, rei): _note("access", *map(str, rule_args))
def acPreprocForDataObjOpen(rule_args, callback, rei): _note("open", str(rei.doi.rescName))
def pep_resource_create_post(rule_args, callback, rei): _note("create", rule_args[0])
def pep_resource_unlink_post(rule_args, callback, rei): _note("unlink", rule_args[0])
def pep_resource_modified_post(rule_args, callback, rei): _note("modified", rule_args[0])
"""


def test_hooks_of_what_is_seldom_done(irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    zone = irods_zone_factory(
        RULES.replace("NOTES", str(notes)), resources={"one": tmp_path / "one", "two": tmp_path / "two"}
    )
    client = zone.raw_client(option="icommand")
    home = zone.home

    def hooks(number: int, record: dict[str, Any], data: bytes = b"") -> list[list[str]]:
        notes.write_text("")
        assert client.call(number, record, data).status >= 0
        return [json.loads(line) for line in notes.read_text().splitlines()]

    assert client.call(COLL_CREATE, _collection(f"{home}/c")).status == 0
    put = {**_object(f"{home}/c/o", dataIncluded="", aclIncluded="read public"), "dataSize": 1}
    access = ["access", "0", "read", "public", "", f"{home}/c/o"]
    assert hooks(PUT, put, b"x") == [["create", "one"], access, ["modified", "one"]]
    moved = _object(f"{home}/c/o", rescName="one", destRescName="two")
    assert hooks(MOVE, moved) == [["open", "one"], ["create", "two"], ["unlink", "one"], ["modified", "two"]]
    assert hooks(REPLICATE, _object(f"{home}/c/o", destRescName="two")) == [["modified", "two"]]
    assert client.call(PUT, {**_object(f"{home}/c/p", dataIncluded=""), "dataSize": 1}, b"x").status == 0
    asked = hooks(RM_COLL, _collection(f"{home}/c", **RECURSIVE))
    assert asked == [["delete", f"{home}/c/o"], ["delete", f"{home}/c/p"]]


def test_truncating_what_does_not_exist_says_so(irods_zone: EmbeddedZone) -> None:
    from irods.exception import OBJ_PATH_DOES_NOT_EXIST

    with pytest.raises(OBJ_PATH_DOES_NOT_EXIST):
        irods_zone.session().data_objects.replica_truncate(f"{irods_zone.home}/nosuch", 16)


def test_a_truncation_is_of_the_replica_that_is_named(
    irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path
) -> None:
    zone = irods_zone_factory(resources={name: tmp_path / name for name in ("one", "two", "three")})
    client = zone.raw_client(option="python-irodsclient")
    path = f"{zone.home}/o"

    def truncate(size: int, **keywords: str) -> tuple[int, str, object]:
        reply = client.call(802, {**_object(path, **keywords), "dataSize": size})
        answer = json.loads(reply.output["myStr"])
        return reply.status, answer["message"].removeprefix("rs_replica_truncate: "), answer["resource_hierarchy"]

    def states() -> list[tuple[str, int, str]]:
        replicas = zone.session().data_objects.get(path).replicas
        return [(each.resource_name, each.size, each.status) for each in replicas]

    _write(zone.session(), path, b"four")
    assert client.call(REPLICATE, _object(path, destRescName="two")).status == 0
    assert truncate(2) == (0, "", "one")
    assert states() == [("one", 2, "1"), ("two", 4, "0")]
    assert truncate(3, rescName="two") == (0, "", "two")
    assert states() == [("one", 2, "0"), ("two", 3, "1")]
    assert truncate(3, replNum="1") == (0, f"Replica of [{path}] on [two] already has size [3].", "two")

    status, text, _ = truncate(1, rescName="three")
    assert status == -168000 and text.startswith("Hierarchy descending from specified resource name [three]")
    status, text, _ = truncate(-1, replNum="1")
    assert (status, text) == (
        -529022, f"Error occurred while truncating replica of [{path}] on [two]: -529022"
    )  # fmt: skip
    unresolved = f"Error occurred resolving hierarchy or getting information for [{path}]: "
    assert truncate(1, rescName="nosuch")[:2] == (-78000, unresolved + "-78000")
    assert truncate(1, replNum="7")[:2] == (-164000, unresolved + "-164000")
    assert truncate(1, rescName="one", replNum="0")[0] == truncate(1, destRescName="one")[0] == -130000
    assert states() == [("one", 2, "0"), ("two", 3, "1")]
    client.close()


def test_the_old_and_the_new_truncation_differ_in_what_they_say(irods_zone: EmbeddedZone, admin: RawClient) -> None:
    nowhere = {**_object(f"{irods_zone.home}/no"), "dataSize": 1}
    old = admin.call(652, nowhere)
    assert old.status == -808000
    assert old.errors == ["rxDataObjTruncate has been deprecated. Use rx_replica_truncate instead."]
    assert admin.call(802, nowhere).status == -358000
