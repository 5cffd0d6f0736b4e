"""Users, groups, passwords, and who may change them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irods_zone.catalog import access, admin, collections, metadata, objects, resource_admin, users
from irods_zone.catalog.database import Database
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_COLLECTION_NOT_EMPTY,
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_GROUP,
    CAT_INVALID_USER,
    CAT_INVALID_USER_TYPE,
    CAT_INVALID_ZONE,
    CAT_NO_ROWS_FOUND,
    CAT_RESOURCE_NOT_EMPTY,
    CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    PASSWORD_EXCEEDS_MAX_SIZE,
    SYS_INVALID_INPUT_PARAM,
    SYS_NOT_ALLOWED,
    USER_INVALID_USERNAME_FORMAT,
    USER_NOT_IN_GROUP,
    IrodsError,
)
from tests.support import code_of


def test_a_new_user_is_in_public_and_owns_a_home_and_a_trash(db: Database, rods: User) -> None:
    alice = admin.make_user(db, rods, "alice", "rodsuser")

    assert [group.name for group in users.groups_of(db, alice)] == ["public"]
    for path in ("/tempZone/home/alice", "/tempZone/trash/home/alice"):
        home = collections.require(db, path)
        assert (home.owner, access.level_of(db, alice, home.id)) == ("alice", access.OWN)
        assert access.level_of(db, rods, home.id) == 0


def test_anonymous_gets_no_home(db: Database, rods: User) -> None:
    admin.make_user(db, rods, "anonymous", "rodsuser")

    assert collections.find(db, "/tempZone/home/anonymous") is None


def test_a_user_that_cannot_be_made_leaves_nothing_behind(db: Database, rods: User) -> None:
    collections.insert(db, rods, "/tempZone/home/alice")

    assert (
        code_of(admin.general, db, rods, ["add", "user", "alice", "rodsuser"]) == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    )
    assert users.find(db, "alice") is None


@pytest.mark.parametrize(
    ("name", "user_type", "code"),
    [
        ("alice", "wizard", CAT_INVALID_USER_TYPE),
        ("alice#nowhere", "rodsuser", CAT_INVALID_ZONE),
        ("a/b", "rodsuser", USER_INVALID_USERNAME_FORMAT),
        ("a b", "rodsuser", USER_INVALID_USERNAME_FORMAT),
        ("..", "rodsuser", USER_INVALID_USERNAME_FORMAT),
        ("a#b#c", "rodsuser", USER_INVALID_USERNAME_FORMAT),
        ("x" * 64, "rodsuser", USER_INVALID_USERNAME_FORMAT),
        ("", "rodsuser", CAT_INVALID_ARGUMENT),
        ("rods", "rodsuser", CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME),
        ("friends", "rodsgroup", SYS_NOT_ALLOWED),
    ],
)
def test_a_user_that_is_none_is_refused(db: Database, rods: User, name: str, user_type: str, code: int) -> None:
    assert code_of(admin.general, db, rods, ["add", "user", name, user_type]) == code


@given(st.text(max_size=8))
def test_whatever_is_taken_for_a_name_splits_into_a_user_and_a_zone(text: str) -> None:
    class LocalZone:
        zone = "tempZone"

    try:
        name, zone = users.split_name(LocalZone(), text)  # type: ignore[arg-type]
    except IrodsError as error:
        assert error.code == USER_INVALID_USERNAME_FORMAT
    else:
        assert name and zone and not set(name + zone) & set("/# \n")


def test_only_administrators_make_and_remove_users(db: Database, alice: User, bob: User) -> None:
    for args in (
        ["add", "user", "carol", "rodsuser"],
        ["add", "group", "friends"],
        ["rm", "user", "bob"],
        ["modify", "user", "bob", "type", "rodsadmin"],
        ["modify", "user", "alice", "type", "rodsadmin"],
        ["modify", "group", "public", "add", "alice"],
        ["add", "resource", "r", "unixfilesystem", "h:/v"],
        ["modify", "resource", "demoResc", "comment", "x"],
        ["rm", "resource", "otherResc"],
        ["add", "token", "data_type", "x"],
        ["add", "specificQuery", "select 1 as x", "one"],
        ["rm", "specificQuery", "ls"],
        ["add", "dir", "/tempZone/x", "alice"],
        ["rm", "dir", "/tempZone/trash/home/bob"],
        ["rm", "unusedAVUs"],
        ["add", "zone", "far", "remote"],
        ["modify", "zone", "tempZone", "comment", "x"],
        ["rm", "zone", "tempZone"],
        ["add", "childtoresc", "demoResc", "otherResc"],
        ["rm", "childfromresc", "demoResc", "otherResc"],
        ["set-quota", "group", "public", "total", "1"],
        ["calculate-usage"],
    ):
        assert code_of(admin.general, db, alice, args) == CAT_INSUFFICIENT_PRIVILEGE_LEVEL, args
    assert users.find(db, "bob") == bob


def test_a_user_goes_with_their_empty_home_access_groups_and_password(db: Database, rods: User, alice: User) -> None:
    admin.set_password(db, rods, alice, "secret1")
    home = collections.require(db, "/tempZone/home/rods")
    access.set_level(db, home.id, alice.id, access.OWN)

    admin.general(db, rods, ["rm", "user", "alice"])

    assert users.find(db, "alice") is None
    assert collections.find(db, "/tempZone/home/alice") is None
    for table in ("R_USER_PASSWORD", "R_USER_GROUP", "R_OBJT_ACCESS"):
        assert db.execute(f"SELECT count(*) FROM {table} WHERE user_id = ?", (alice.id,)).fetchone()[0] == 0, table


def test_a_user_with_a_full_home_stays(db: Database, rods: User, alice: User) -> None:
    objects.insert(db, alice, "/tempZone/home/alice/a", resc="demoResc", physical_path="/v/a")

    assert code_of(admin.remove_user, db, rods, "alice") == CAT_COLLECTION_NOT_EMPTY
    assert users.find(db, "alice") == alice


def test_passwords_are_set_by_oneself_or_an_administrator(db: Database, rods: User, alice: User, bob: User) -> None:
    admin.set_password(db, rods, alice, "first")
    admin.set_password(db, alice, alice, "second")

    assert users.secret(db, alice) == "second"
    assert code_of(admin.set_password, db, bob, alice, "mine") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL
    assert code_of(admin.set_password, db, rods, alice, "x" * 43) == PASSWORD_EXCEEDS_MAX_SIZE
    assert code_of(admin.set_password, db, rods, alice, "ab") == PASSWORD_EXCEEDS_MAX_SIZE
    assert users.secret(db, alice) == "second"
    assert users.secret(db, bob) is None


def test_a_type_changes_but_never_between_user_and_group(db: Database, rods: User, alice: User) -> None:
    admin.modify_user(db, rods, "alice", "type", "groupadmin")

    assert users.require(db, "alice").type == "groupadmin"
    assert code_of(admin.modify_user, db, rods, "alice", "type", "rodsgroup") == SYS_NOT_ALLOWED
    assert code_of(admin.modify_user, db, rods, "public", "type", "rodsuser") == SYS_NOT_ALLOWED
    assert code_of(admin.modify_user, db, rods, "alice", "type", "wizard") == CAT_INVALID_USER_TYPE
    assert code_of(admin.modify_user, db, rods, "nobody", "comment", "x") == CAT_INVALID_USER
    assert code_of(admin.modify_user, db, rods, "alice", "shoes", "x") == CAT_INVALID_ARGUMENT


def test_groups_gain_and_lose_members(db: Database, rods: User, alice: User) -> None:
    group = admin.make_group(db, rods, "friends")
    admin.general(db, rods, ["modify", "group", "friends", "add", "alice"])

    assert users.members_of(db, group) == [alice]
    assert code_of(admin.modify_group, db, rods, "friends", "add", "alice") == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert code_of(admin.modify_group, db, rods, "friends", "add", "nobody") == CAT_INVALID_USER
    assert code_of(admin.modify_group, db, rods, "enemies", "add", "alice") == CAT_INVALID_GROUP
    assert code_of(admin.modify_group, db, rods, "alice", "add", "rods") == CAT_INVALID_GROUP
    assert code_of(admin.modify_group, db, rods, "friends", "add", "public") == CAT_INVALID_USER

    admin.general(db, rods, ["modify", "group", "friends", "remove", "alice"])

    assert users.members_of(db, group) == []
    assert code_of(admin.modify_group, db, rods, "friends", "remove", "alice") == USER_NOT_IN_GROUP
    admin.remove_group(db, rods, "friends")
    assert users.find(db, "friends") is None
    assert code_of(admin.remove_group, db, rods, "alice") == CAT_INVALID_GROUP


def test_a_group_administrator_fills_groups_of_their_own(db: Database, rods: User, alice: User, bob: User) -> None:
    admin.modify_user(db, rods, "alice", "type", "groupadmin")
    boss = users.require(db, "alice")
    admin.make_group(db, boss, "team")
    admin.modify_group(db, boss, "team", "add", "alice")
    admin.modify_group(db, boss, "team", "add", "bob")
    carol = admin.make_user(db, boss, "carol", "rodsuser")
    admin.set_password(db, boss, carol, "first")
    admin.make_group(db, rods, "others")
    admin.modify_group(db, rods, "others", "add", "bob")

    assert {user.name for user in users.members_of(db, users.require(db, "team"))} == {"alice", "bob"}
    assert code_of(admin.modify_group, db, boss, "others", "add", "alice") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL
    assert code_of(admin.set_password, db, boss, carol, "again") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL
    assert code_of(admin.make_user, db, boss, "dave", "rodsadmin") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL


def test_a_resource_is_made_changed_and_removed_when_empty(db: Database, rods: User) -> None:
    admin.general(db, rods, ["add", "resource", "newResc", "unixfilesystem", "localhost:/vault3", "ctx"])
    admin.general(db, rods, ["modify", "resource", "newResc", "comment", "mine"])
    objects.insert(db, rods, "/tempZone/home/rods/a", resc="newResc", physical_path="/vault3/a")

    assert code_of(resource_admin.remove, db, rods, "newResc") == CAT_RESOURCE_NOT_EMPTY
    objects.delete(db, objects.find(db, "/tempZone/home/rods/a")[0])
    admin.general(db, rods, ["rm", "resource", "newResc"])
    assert code_of(resource_admin.remove, db, rods, "newResc") == CAT_NO_ROWS_FOUND


def test_what_no_administrator_can_do_is_an_invalid_argument(db: Database, rods: User) -> None:
    assert code_of(admin.general, db, rods, ["add", "moon"]) == CAT_INVALID_ARGUMENT
    assert code_of(admin.general, db, rods, []) == CAT_INVALID_ARGUMENT


def test_a_user_of_another_zone_has_the_zone_in_their_home(db: Database, rods: User) -> None:
    admin.general(db, rods, ["add", "zone", "far", "remote", "host:1247", "comment"])

    user = admin.make_user(db, rods, "alice#far", "rodsuser")

    assert (user.name, user.zone) == ("alice", "far")
    assert collections.find(db, "/tempZone/home/alice#far") is not None
    metadata.modify(db, rods, ["add", "-u", "alice#far", "a", "b"])
    assert [avu.attribute for avu in metadata.list_avus(db, user.id)] == ["a"]


def test_another_zone_is_named_renamed_and_forgotten_but_never_the_local_one(db: Database, rods: User) -> None:
    admin.general(db, rods, ["add", "zone", "far", "remote"])
    admin.general(db, rods, ["modify", "zone", "far", "name", "away"])

    assert collections.find(db, "/far") is None
    assert collections.require(db, "/away").owner == "rods"
    admin.general(db, rods, ["rm", "zone", "away"])
    assert collections.find(db, "/away") is None
    for args, code in (
        (["add", "zone", "near", "local"], CAT_INVALID_ARGUMENT),
        (["add", "zone", "a/b", "remote"], SYS_INVALID_INPUT_PARAM),
        (["add", "zone", "tempZone", "remote"], CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME),
        (["modify", "zone", "tempZone", "name", "other"], CAT_INVALID_ARGUMENT),
        (["modify", "zone", "nosuch", "comment", "x"], CAT_INVALID_ZONE),
        (["rm", "zone", "tempZone"], CAT_INVALID_ARGUMENT),
    ):
        assert code_of(admin.general, db, rods, args) == code, args
