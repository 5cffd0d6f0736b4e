"""Collections and data objects as rows: making, moving, deleting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from irods_zone.catalog import access, collections, metadata, objects, users
from irods_zone.catalog.database import Database
from irods_zone.catalog.objects import ReplicaStatus
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_COLLECTION_NOT_EMPTY,
    CAT_INVALID_DATA_TYPE,
    CAT_NAME_EXISTS_AS_COLLECTION,
    CAT_NAME_EXISTS_AS_DATAOBJ,
    CAT_RECURSIVE_MOVE,
    CAT_UNKNOWN_COLLECTION,
    CAT_UNKNOWN_FILE,
    CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    SYS_REPLICA_DOES_NOT_EXIST,
    SYS_RESC_DOES_NOT_EXIST,
)
from tests.support import code_of

HOME = "/tempZone/home/rods"


def _object(db: Database, user: User, name: str) -> objects.Replica:
    return objects.insert(db, user, f"{HOME}/{name}", resc="demoResc", physical_path=f"/vault/{name}")


def test_a_new_data_object_is_an_intermediate_replica_of_its_creator(db: Database, rods: User) -> None:
    made = _object(db, rods, "a")

    assert (made.repl_num, made.status, made.size, made.resc, made.hierarchy) == (0, 2, 0, "demoResc", "demoResc")
    assert (made.owner, made.owner_zone, made.data_type, made.logical_path) == (
        "rods",
        "tempZone",
        "generic",
        f"{HOME}/a",
    )
    assert objects.find(db, f"{HOME}/a") == [made]
    assert objects.by_id(db, made.data_id) == [made]


def test_a_name_is_taken_once_by_a_collection_or_a_data_object(db: Database, rods: User) -> None:
    _object(db, rods, "a")
    collections.insert(db, rods, f"{HOME}/c")

    assert code_of(_object, db, rods, "a") == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert code_of(_object, db, rods, "c") == CAT_NAME_EXISTS_AS_COLLECTION
    assert code_of(collections.insert, db, rods, f"{HOME}/c") == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert code_of(collections.insert, db, rods, f"{HOME}/a") == CAT_NAME_EXISTS_AS_DATAOBJ
    assert code_of(_object, db, rods, "nosuch/a") == CAT_UNKNOWN_COLLECTION
    assert code_of(collections.insert, db, rods, f"{HOME}/nosuch/c") == CAT_UNKNOWN_COLLECTION
    assert code_of(objects.require, db, f"{HOME}/nosuch") == CAT_UNKNOWN_FILE


def test_a_replica_changes_by_the_names_of_its_fields(db: Database, rods: User) -> None:
    made = _object(db, rods, "a")

    changed = objects.update(db, made, size=5, status=ReplicaStatus.GOOD, checksum="sha2:x", modified="01234567890")

    assert (changed.size, changed.status, changed.checksum, changed.modified) == (5, 1, "sha2:x", "01234567890")
    assert code_of(objects.update, db, made, data_type="no such type") == CAT_INVALID_DATA_TYPE
    objects.delete(db, made)
    assert code_of(objects.update, db, made, size=6) == SYS_REPLICA_DOES_NOT_EXIST


def test_the_last_replica_takes_access_and_avus_with_it(db: Database, rods: User) -> None:
    first = _object(db, rods, "a")
    second = objects.add_replica(db, first, resc="otherResc", physical_path="/vault2/a", status=ReplicaStatus.GOOD)
    metadata.modify(db, rods, ["add", "-d", f"{HOME}/a", "k", "v"])

    assert (second.repl_num, second.resc) == (1, "otherResc")
    assert objects.delete(db, first) is False
    assert access.level_of(db, rods, first.data_id) == access.OWN
    assert objects.delete(db, second) is True
    assert access.level_of(db, rods, first.data_id) == 0
    assert metadata.list_avus(db, first.data_id) == []


def test_a_resource_that_is_not_there_is_refused(db: Database, rods: User) -> None:
    assert code_of(objects.insert, db, rods, f"{HOME}/a", resc="nosuch", physical_path="/x") == SYS_RESC_DOES_NOT_EXIST
    assert not objects.exists(db, f"{HOME}/a")


def test_renaming_moves_all_replicas_and_keeps_the_id(db: Database, rods: User) -> None:
    made = _object(db, rods, "a")
    objects.add_replica(db, made, resc="otherResc", physical_path="/vault2/a")
    collections.insert(db, rods, f"{HOME}/c")
    _object(db, rods, "taken")

    objects.rename(db, made.data_id, f"{HOME}/c/b")

    assert [row.data_id for row in objects.find(db, f"{HOME}/c/b")] == [made.data_id] * 2
    assert not objects.exists(db, f"{HOME}/a")
    assert code_of(objects.rename, db, made.data_id, f"{HOME}/taken") == CAT_NAME_EXISTS_AS_DATAOBJ
    assert code_of(objects.rename, db, made.data_id, f"{HOME}/c") == CAT_NAME_EXISTS_AS_COLLECTION
    assert code_of(objects.rename, db, made.data_id, f"{HOME}/no/b") == CAT_UNKNOWN_COLLECTION


def test_a_collection_moves_with_all_below_it_and_nothing_beside_it(db: Database, rods: User) -> None:
    for name in ("c", "c/d", "c/d/e", "cc", "c-", "c_", "other"):
        collections.insert(db, rods, f"{HOME}/{name}")
    _object(db, rods, "c/d/x")

    collections.rename(db, collections.require(db, f"{HOME}/c"), f"{HOME}/other/new name")

    assert [row.path[len(HOME) :] for row in collections.subtree(db, HOME)] == [
        "",
        "/c-",
        "/c_",
        "/cc",
        "/other",
        "/other/new name",
        "/other/new name/d",
        "/other/new name/d/e",
    ]
    assert objects.exists(db, f"{HOME}/other/new name/d/x")
    assert collections.require(db, f"{HOME}/other/new name/d").parent == f"{HOME}/other/new name"


def test_a_collection_cannot_move_into_itself_or_onto_a_name(db: Database, rods: User) -> None:
    made = collections.insert(db, rods, f"{HOME}/c")
    collections.insert(db, rods, f"{HOME}/d")
    _object(db, rods, "x")

    assert code_of(collections.rename, db, made, f"{HOME}/c/d") == CAT_RECURSIVE_MOVE
    assert code_of(collections.rename, db, made, f"{HOME}/d") == CAT_NAME_EXISTS_AS_COLLECTION
    assert code_of(collections.rename, db, made, f"{HOME}/x") == CAT_NAME_EXISTS_AS_DATAOBJ
    assert code_of(collections.rename, db, made, f"{HOME}/no/c") == CAT_UNKNOWN_COLLECTION


def test_only_an_empty_collection_is_deleted(db: Database, rods: User) -> None:
    made = collections.insert(db, rods, f"{HOME}/c")
    inner = collections.insert(db, rods, f"{HOME}/c/d")

    assert code_of(collections.delete, db, made) == CAT_COLLECTION_NOT_EMPTY
    collections.delete(db, inner)
    collections.delete(db, made)
    assert collections.find(db, f"{HOME}/c") is None
    assert code_of(collections.delete, db, made) == CAT_UNKNOWN_COLLECTION


_NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))


@pytest.fixture(scope="module")
def one_catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    path = tmp_path_factory.mktemp("catalog") / "catalog.sqlite"
    database = Database.create(path, zone="z", admin="rods", password="x", host="h", resources=[("r", "/v")])
    yield database
    database.close()


@settings(max_examples=30, deadline=None)
@given(first=_NAMES, second=_NAMES)
def test_any_name_is_kept_as_it_is_and_found_again(one_catalog: Database, first: str, second: str) -> None:
    db, rods = one_catalog, users.require(one_catalog, "rods")
    above = collections.insert(db, rods, f"/z/home/rods/{db.next_id()}").path
    made = collections.insert(db, rods, f"{above}/{first}")
    inside = objects.insert(db, rods, f"{made.path}/{second}", resc="r", physical_path="/v/x")

    moved = collections.rename(db, made, f"{above}/moved{first}")

    assert inside.logical_path == f"{above}/{first}/{second}"
    assert objects.find(db, f"{moved.path}/{second}")[0].data_id == inside.data_id


def test_listing_gives_replicas_by_name_and_number(db: Database, rods: User) -> None:
    collections.insert(db, rods, f"{HOME}/c")
    second = _object(db, rods, "b")
    _object(db, rods, "a")
    _object(db, rods, "c/z")
    objects.add_replica(db, second, resc="otherResc", physical_path="/vault2/b")

    assert [(row.name, row.repl_num) for row in objects.list_collection(db, HOME)] == [("a", 0), ("b", 0), ("b", 1)]
    assert [row.logical_path[len(HOME) :] for row in objects.list_subtree(db, HOME)] == ["/a", "/b", "/b", "/c/z"]
    assert [row.name for row in collections.children(db, HOME)] == ["c"]
