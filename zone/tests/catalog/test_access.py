"""Access levels: own rows, groups, inheritance, ichmod with its checks."""

from __future__ import annotations

import pytest

from irods_zone.catalog import access, admin, collections, objects
from irods_zone.catalog.database import Database
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_USER,
    CAT_NO_ACCESS_PERMISSION,
    CAT_UNKNOWN_COLLECTION,
    CAT_UNKNOWN_FILE,
)
from tests.support import code_of

HOME = "/tempZone/home/alice"


@pytest.fixture
def tree(db: Database, alice: User) -> dict[str, int]:
    """Alice's c, c/d and the data objects c/x and c/d/y."""
    found = {}
    for path in ("c", "c/d"):
        found[path] = collections.insert(db, alice, f"{HOME}/{path}").id
    for path in ("c/x", "c/d/y"):
        found[path] = objects.insert(db, alice, f"{HOME}/{path}", resc="demoResc", physical_path=f"/v/{path}").data_id
    # Names that a careless prefix or pattern would take along.
    for path in ("c2", "c_", "c%"):
        found[path] = collections.insert(db, alice, f"{HOME}/{path}").id
    return found


def test_the_creator_owns_and_others_have_nothing(db: Database, tree: dict[str, int], alice: User, bob: User) -> None:
    assert access.level_of(db, alice, tree["c/x"]) == access.OWN
    assert access.level_of(db, bob, tree["c/x"]) == 0
    assert code_of(access.require, db, bob, tree["c/x"], access.READ_OBJECT) == CAT_NO_ACCESS_PERMISSION


def test_the_highest_level_of_oneself_and_ones_groups_counts(
    db: Database, rods: User, tree: dict[str, int], alice: User, bob: User
) -> None:
    admin.make_group(db, rods, "team")
    admin.modify_group(db, rods, "team", "add", "bob")
    access.set_access(db, alice, "write", "team", "", f"{HOME}/c/x")
    access.set_access(db, alice, "read", "bob", "", f"{HOME}/c/x")

    assert access.level_of(db, bob, tree["c/x"]) == access.MODIFY_OBJECT
    admin.modify_group(db, rods, "team", "remove", "bob")
    assert access.level_of(db, bob, tree["c/x"]) == access.READ_OBJECT


def test_everybody_has_what_public_has(db: Database, tree: dict[str, int], alice: User, bob: User) -> None:
    access.set_access(db, alice, "read", "public", "", f"{HOME}/c")

    assert access.level_of(db, bob, tree["c"]) == access.READ_OBJECT


@pytest.mark.parametrize(
    ("asked", "level"),
    [("read", 1050), ("write", 1120), ("own", 1200), ("read_metadata", 1040), ("delete_object", 1130), ("null", 0)],
)
def test_levels_are_known_by_short_and_full_names(
    db: Database, tree: dict[str, int], alice: User, bob: User, asked: str, level: int
) -> None:
    access.set_access(db, alice, "own", "bob", "", f"{HOME}/c/x")
    access.set_access(db, alice, asked, "bob", "tempZone", f"{HOME}/c/x")

    assert access.level_of(db, bob, tree["c/x"]) == level


def test_a_change_reaches_down_only_if_asked_and_never_sideways(
    db: Database, tree: dict[str, int], alice: User, bob: User
) -> None:
    access.set_access(db, alice, "read", "bob", "", f"{HOME}/c")
    assert [access.level_of(db, bob, tree[path]) for path in ("c", "c/d", "c/x", "c/d/y")] == [1050, 0, 0, 0]

    access.set_access(db, alice, "write", "bob", "", f"{HOME}/c", recursive=True)
    assert [access.level_of(db, bob, tree[path]) for path in ("c", "c/d", "c/x", "c/d/y")] == [1120] * 4
    assert [access.level_of(db, bob, tree[path]) for path in ("c2", "c_", "c%")] == [0] * 3

    access.set_access(db, alice, "null", "bob", "", f"{HOME}/c", recursive=True)
    assert [access.level_of(db, bob, tree[path]) for path in ("c", "c/d", "c/x", "c/d/y")] == [0] * 4


def test_a_pattern_in_a_name_reaches_only_what_has_that_name(
    db: Database, tree: dict[str, int], alice: User, bob: User
) -> None:
    inside = collections.insert(db, alice, f"{HOME}/c_/in")
    access.set_access(db, alice, "read", "bob", "", f"{HOME}/c_", recursive=True)

    assert access.level_of(db, bob, inside.id) == access.READ_OBJECT
    assert [access.level_of(db, bob, tree[path]) for path in ("c", "c2", "c%", "c/d")] == [0] * 4


def test_with_inheritance_new_things_have_the_collections_rows_and_the_creator_nothing_more(
    db: Database, tree: dict[str, int], alice: User, bob: User
) -> None:
    access.set_access(db, alice, "write", "bob", "", f"{HOME}/c")
    access.set_access(db, alice, "inherit", "", "", f"{HOME}/c")

    made = objects.insert(db, bob, f"{HOME}/c/new", resc="demoResc", physical_path="/v/new")
    inner = collections.insert(db, bob, f"{HOME}/c/newer")

    for number in (made.data_id, inner.id):
        assert {(row.user.name, row.name) for row in access.list_access(db, number)} == {
            ("alice", "own"),
            ("bob", "modify_object"),
        }
    assert collections.require(db, f"{HOME}/c/newer").inherit
    assert not collections.require(db, f"{HOME}/c/d").inherit

    access.set_access(db, alice, "noinherit", "", "", f"{HOME}/c", recursive=True)
    assert not collections.require(db, f"{HOME}/c/newer").inherit


def test_only_an_owner_changes_access_not_even_an_administrator_without_asking(
    db: Database, tree: dict[str, int], rods: User, alice: User, bob: User
) -> None:
    access.set_access(db, alice, "write", "bob", "", f"{HOME}/c", recursive=True)

    for path in ("c", "c/x"):
        assert code_of(access.set_access, db, bob, "own", "bob", "", f"{HOME}/{path}") == CAT_NO_ACCESS_PERMISSION
        assert code_of(access.set_access, db, rods, "own", "rods", "", f"{HOME}/{path}") == CAT_NO_ACCESS_PERMISSION
        assert code_of(access.set_access, db, bob, "admin:own", "bob", "", f"{HOME}/{path}") == CAT_NO_ACCESS_PERMISSION
        access.set_access(db, rods, "admin:own", "rods", "", f"{HOME}/{path}")
    assert access.level_of(db, rods, tree["c/x"]) == access.OWN


@pytest.mark.parametrize(
    ("level", "user", "path", "recursive", "code"),
    [
        ("fly", "bob", "c", False, CAT_INVALID_ARGUMENT),
        ("read", "nobody", "c", False, CAT_INVALID_USER),
        ("read", "bob", "nosuch", False, CAT_INVALID_ARGUMENT),
        ("read", "bob", "c/x", True, CAT_INVALID_ARGUMENT),
        ("inherit", "", "c/x", False, CAT_NO_ACCESS_PERMISSION),
        ("inherit", "", "nosuch", False, CAT_NO_ACCESS_PERMISSION),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    db: Database,
    tree: dict[str, int],
    alice: User,
    bob: User,
    level: str,
    user: str,
    path: str,
    recursive: bool,
    code: int,
) -> None:
    before = db.execute("SELECT * FROM R_OBJT_ACCESS ORDER BY 1, 2").fetchall()

    assert code_of(access.set_access, db, alice, level, user, "", f"{HOME}/{path}", recursive=recursive) == code
    assert db.execute("SELECT * FROM R_OBJT_ACCESS ORDER BY 1, 2").fetchall() == before


def test_a_group_as_such_can_do_nothing(db: Database, tree: dict[str, int], alice: User) -> None:
    from irods_zone.catalog import users

    public = users.require(db, "public")
    access.set_access(db, alice, "own", "public", "", f"{HOME}/c")

    assert access.level_of(db, public, tree["c"]) == 0


def test_what_is_not_there_is_told_apart_from_what_is_not_allowed(
    db: Database, tree: dict[str, int], bob: User
) -> None:
    assert code_of(access.require_collection, db, bob, f"{HOME}/no", 1050) == CAT_UNKNOWN_COLLECTION
    assert code_of(access.require_object, db, bob, f"{HOME}/no", 1050) == CAT_UNKNOWN_FILE
    assert code_of(access.require_object, db, bob, f"{HOME}/c/x", 1050) == CAT_NO_ACCESS_PERMISSION
    assert access.require_object(db, bob, f"{HOME}/c/x", 1050, admin=True) == tree["c/x"]
