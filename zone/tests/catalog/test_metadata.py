"""AVU commands: effects, errors, and their database operations (as in peps-5.0.2.jsonl)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from irods_zone.catalog import access, collections, metadata, objects
from irods_zone.catalog.database import Database
from irods_zone.catalog.tokens import ACCESS_LEVELS
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_INVALID_RESOURCE,
    CAT_INVALID_USER,
    CAT_NO_ACCESS_PERMISSION,
    CAT_SQL_ERR,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    CAT_UNKNOWN_COLLECTION,
    CAT_UNKNOWN_FILE,
    CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME,
    INVALID_OPERATION,
    JSON_VALIDATION_ERROR,
    SYS_INTERNAL_ERR,
    SYS_INVALID_INPUT_PARAM,
    SYS_LIBRARY_ERROR,
)
from tests.support import code_of

C = "/tempZone/home/rods/comp01"
OTHER = "/tempZone/home/rods/comp02"


@pytest.fixture(autouse=True)
def _collections(db: Database, rods: User) -> None:
    for path in (C, OTHER):
        collections.insert(db, rods, path)


def _avus(db: Database, path: str = C) -> list[tuple[str, str, str]]:
    found = collections.find(db, path)
    number = found.id if found else objects.find(db, path)[0].data_id
    return [(avu.attribute, avu.value, avu.units) for avu in metadata.list_avus(db, number)]


def _do(db: Database, user: User, *args: str | None, **keywords: str) -> list[tuple[object, ...]]:
    return [(call.name, *call.args) for call in metadata.modify(db, user, args, keywords)]


def _code(db: Database, user: User, *args: str | None) -> int:
    return code_of(metadata.modify, db, user, args)


def test_set_adds_what_is_not_there_and_changes_what_is(db: Database, rods: User) -> None:
    assert _do(db, rods, "set", "-C", C, "hostname", "sg12", "") == [
        ("add_avu_metadata", "-C", C, "hostname", "sg12", "")
    ]
    assert _do(db, rods, "set", "-C", C, "hostname", "sg12", "") == [
        ("set_avu_metadata", "-C", C, "hostname", "sg12", "")
    ]
    assert _do(db, rods, "set", "-C", C, "hostname", "sg13", "") == [
        ("set_avu_metadata", "-C", C, "hostname", "sg13", "")
    ]
    assert _avus(db) == [("hostname", "sg13", "")]


def test_set_of_an_avu_that_another_object_has_too_leaves_the_others(db: Database, rods: User) -> None:
    for path in (C, OTHER):
        _do(db, rods, "add", "-C", path, "hostname", "sg12", "")

    calls = _do(db, rods, "set", "-C", C, "hostname", "sg13", "")

    assert [call[0] for call in calls] == ["del_avu_metadata", "add_avu_metadata"]
    assert calls[0] == ("del_avu_metadata", 1, "-C", C, "hostname", "%", "%", 1)
    assert (_avus(db, C), _avus(db, OTHER)) == ([("hostname", "sg13", "")], [("hostname", "sg12", "")])


def test_set_of_an_attribute_with_several_values_leaves_one(db: Database, rods: User) -> None:
    for value in ("a", "b", "c"):
        _do(db, rods, "add", "-C", C, "search", value, "u")

    _do(db, rods, "set", "-C", C, "search", "d", "")

    assert _avus(db) == [("search", "d", "")]


def test_add_refuses_what_is_there_and_keeps_it(db: Database, rods: User) -> None:
    calls = _do(db, rods, "add", "-C", C, "search", "a.jp", "unitA")

    assert calls == [("add_avu_metadata", "-C", C, "search", "a.jp", "unitA")]
    assert _code(db, rods, "add", "-C", C, "search", "a.jp", "unitA") == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    _do(db, rods, "add", "-C", C, "search", "a.jp", "")
    assert _avus(db) == [("search", "a.jp", ""), ("search", "a.jp", "unitA")]


def test_mod_changes_the_parts_that_are_named(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "search", "a.jp", "unitA")

    calls = _do(db, rods, "mod", "-C", C, "search", "a.jp", "unitA", "v:b.jp", "", "")

    assert calls == [
        ("del_avu_metadata", 0, "-C", C, "search", "a.jp", "unitA", 1),
        ("add_avu_metadata", "-C", C, "search", "b.jp", "unitA"),
        ("mod_avu_metadata", "-C", C, "search", "a.jp", "unitA", "v:b.jp", "", ""),
    ]
    _do(db, rods, "mod", "-C", C, "search", "b.jp", "unitA", "n:find", "v:c", "u:")
    assert _avus(db) == [("find", "c", "")]
    _do(db, rods, "mod", "-C", C, "find", "c", "u:new")
    assert _avus(db) == [("find", "c", "new")]


def test_mod_that_fails_keeps_the_old_avu(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    _do(db, rods, "add", "-C", C, "a", "2", "")

    assert _code(db, rods, "mod", "-C", C, "a", "1", "", "v:2") == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert _code(db, rods, "mod", "-C", C, "a", "3", "", "v:4") == CAT_SUCCESS_BUT_WITH_NO_INFO
    assert _code(db, rods, "mod", "-C", C, "a", "1", "") == CAT_INVALID_ARGUMENT
    assert _code(db, rods, "mod", "-C", C, "a", "1", "", "v:4", "v:5") == CAT_INVALID_ARGUMENT
    assert _avus(db) == [("a", "1", ""), ("a", "2", "")]


def test_rm_removes_exactly_what_is_named(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    _do(db, rods, "add", "-C", C, "a", "1", "u")
    _do(db, rods, "add", "-C", C, "a%", "1", "")

    assert _do(db, rods, "rm", "-C", C, "a", "1", None) == [("del_avu_metadata", 0, "-C", C, "a", "1", None, 0)]
    assert _avus(db) == [("a", "1", "u"), ("a%", "1", "")]
    assert _code(db, rods, "rm", "-C", C, "nosuch", "x", "") == CAT_SUCCESS_BUT_WITH_NO_INFO
    assert _code(db, rods, "rm", "-C", C, "%", "1", "") == CAT_SUCCESS_BUT_WITH_NO_INFO


def test_rmi_removes_by_the_id_of_the_avu(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    number = metadata.list_avus(db, collections.require(db, C).id)[0].id

    _do(db, rods, "rmi", "-C", C, str(number), "", "")

    assert _avus(db) == []
    assert _code(db, rods, "rmi", "-C", C, str(number), "", "") == CAT_SUCCESS_BUT_WITH_NO_INFO


def test_cp_copies_all_or_nothing(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    _do(db, rods, "add", "-C", C, "b", "2", "")

    assert _do(db, rods, "cp", "-C", "-C", C, OTHER) == [("copy_avu_metadata", "-C", "-C", C, OTHER)]
    assert _avus(db, OTHER) == _avus(db, C)
    _do(db, rods, "add", "-C", C, "c", "3", "")
    assert _code(db, rods, "cp", "-C", "-C", C, OTHER) == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert _avus(db, OTHER) == [("a", "1", ""), ("b", "2", "")]
    empty = collections.insert(db, rods, f"{C}/empty")
    assert _code(db, rods, "cp", "-C", "-C", empty.path, OTHER) == CAT_SUCCESS_BUT_WITH_NO_INFO


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["add", "-C", C, "", "v"], CAT_INVALID_ARGUMENT),
        (["add", "-C", C, "a", ""], CAT_INVALID_ARGUMENT),
        (["add", "-C", C, "a", None], CAT_INVALID_ARGUMENT),
        (["set", "-C", C, "a", ""], CAT_INVALID_ARGUMENT),
        (["rm", "-C", C, "a", ""], CAT_INVALID_ARGUMENT),
        (["add", "-X", C, "a", "v"], CAT_INVALID_ARGUMENT),
        (["add", "", C, "a", "v"], CAT_INVALID_ARGUMENT),
        (["add", "-C", "", "a", "v"], CAT_INVALID_ARGUMENT),
        (["fly", "-C", C, "a", "v"], CAT_INVALID_ARGUMENT),
        (["adda", "-C", C, "a", "v"], CAT_INVALID_ARGUMENT),
        (["rmw", "-C", C, "a", "%"], CAT_INVALID_ARGUMENT),
        ([], CAT_INVALID_ARGUMENT),
        (["add", "-C", C + "/nosuch", "a", "v"], CAT_UNKNOWN_COLLECTION),
        (["add", "-d", C + "/nosuch", "a", "v"], CAT_UNKNOWN_FILE),
        (["add", "-d", C, "a", "v"], CAT_UNKNOWN_FILE),
        (["add", "-R", "nosuch", "a", "v"], CAT_INVALID_RESOURCE),
        (["add", "-u", "nosuch", "a", "v"], CAT_INVALID_USER),
        (["add", "-C", C, "a" * 2701, "v"], CAT_SQL_ERR),
        (["add", "-C", C, "a", "v" * 2701], CAT_SQL_ERR),
        (["add", "-C", C, "a", "v", "u" * 251], CAT_SQL_ERR),
    ],
)
def test_what_is_no_avu_command_is_refused(db: Database, rods: User, args: Sequence[str | None], code: int) -> None:
    assert _code(db, rods, *args) == code
    assert _avus(db) == []


def test_users_and_resources_have_avus_for_administrators(db: Database, rods: User, alice: User) -> None:
    _do(db, rods, "add", "-R", "demoResc", "a", "1")
    _do(db, rods, "set", "-u", "alice", "b", "2")

    assert [avu.attribute for avu in metadata.list_avus(db, alice.id)] == ["b"]
    assert _code(db, alice, "add", "-u", "alice", "a", "1") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL
    assert _code(db, alice, "add", "-R", "demoResc", "a", "2") == CAT_INSUFFICIENT_PRIVILEGE_LEVEL


def test_each_command_needs_its_level(db: Database, rods: User, alice: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    number = collections.require(db, C).id
    tried = {
        "read_object": [],
        "create_metadata": ["add", "set"],
        "delete_metadata": ["add", "set", "rm", "mod"],
    }
    commands = {
        "add": ["add", "-C", C, "new", "1", ""],
        "set": ["set", "-C", C, "fresh", "1", ""],
        "rm": ["rm", "-C", C, "a", "1", ""],
        "mod": ["mod", "-C", C, "a", "1", "", "v:2"],
    }
    for level, allowed in tried.items():
        access.set_level(db, number, alice.id, ACCESS_LEVELS[level])
        for name, args in commands.items():
            with pytest.raises(ZeroDivisionError), db.transaction():
                if name in allowed:
                    _do(db, alice, *args)
                else:
                    assert _code(db, alice, *args) == CAT_NO_ACCESS_PERMISSION, (level, name)
                raise ZeroDivisionError  # take it back


def test_admin_mode_is_for_administrators(db: Database, rods: User, alice: User) -> None:
    home = "/tempZone/home/alice"

    assert _code(db, rods, "add", "-C", home, "a", "1", "") == CAT_NO_ACCESS_PERMISSION
    _do(db, rods, "add", "-C", home, "a", "1", "", irodsAdmin="")
    assert _avus(db, home) == [("a", "1", "")]
    refused = code_of(metadata.modify, db, alice, ["add", "-C", C, "a", "1", ""], {"irodsAdmin": ""})
    assert refused == CAT_INSUFFICIENT_PRIVILEGE_LEVEL


def test_unused_avus_go_only_when_asked(db: Database, rods: User) -> None:
    _do(db, rods, "add", "-C", C, "a", "1", "")
    _do(db, rods, "rm", "-C", C, "a", "1", "")

    assert metadata.delete_unused(db) == 1
    assert metadata.delete_unused(db) == 0


def _request(*operations: object, **more: object) -> dict[str, object]:
    return {"entity_name": C, "entity_type": "collection", "operations": list(operations), **more}


def _add(attribute: str, value: str, **more: object) -> dict[str, object]:
    return {"operation": "add", "attribute": attribute, "value": value, **more}


def test_atomic_operations_apply_together_and_forgive_repetition(db: Database, rods: User) -> None:
    gone: dict[str, object] = {"operation": "remove", "attribute": "no", "value": "such"}
    result = metadata.atomic(db, rods, _request(_add("a", "1"), _add("a", "1"), _add("b", "2", units="u"), gone))

    assert (result.code, result.output) == (0, {})
    assert _avus(db) == [("a", "1", ""), ("b", "2", "u")]
    metadata.atomic(db, rods, _request({"operation": "remove", "attribute": "a", "value": "1"}))
    assert _avus(db) == [("b", "2", "u")]


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ({"operation": "fly", "attribute": "a", "value": "b"}, INVALID_OPERATION),
        ({"operation": "add", "attribute": "", "value": "b"}, SYS_INVALID_INPUT_PARAM),
        ({"operation": "add", "attribute": "a", "value": ""}, SYS_INVALID_INPUT_PARAM),
        ({"operation": "add", "attribute": "a"}, JSON_VALIDATION_ERROR),
        ({"operation": "add", "attribute": "a", "value": 1}, JSON_VALIDATION_ERROR),
        ({"attribute": "a", "value": "b"}, JSON_VALIDATION_ERROR),
        ({"operation": "add", "attribute": "a", "value": "v" * 2701}, SYS_LIBRARY_ERROR),
        ("add", JSON_VALIDATION_ERROR),
    ],
)
def test_one_wrong_operation_undoes_all_and_is_named(db: Database, rods: User, operation: object, code: int) -> None:
    request = {"entity_name": C, "entity_type": "collection", "operations": [_add("x", "y"), operation]}

    result = metadata.atomic(db, rods, request)

    assert result.code == code
    assert (result.output["operation"], result.output["operation_index"]) == (operation, 1)
    assert result.output["error_message"]
    assert _avus(db) == []


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"entity_name": C + "/no"}, SYS_INVALID_INPUT_PARAM),
        ({"entity_type": "moon"}, SYS_INVALID_INPUT_PARAM),
        ({"entity_type": None}, SYS_INVALID_INPUT_PARAM),
        ({"entity_type": "user", "entity_name": "nobody"}, SYS_INVALID_INPUT_PARAM),
        ({"operations": None}, SYS_INTERNAL_ERR),
        ({"admin_mode": "yes"}, SYS_INTERNAL_ERR),
        ({"admin_mode": 1}, SYS_INTERNAL_ERR),
    ],
)
def test_a_request_without_sense_is_refused(db: Database, rods: User, change: dict[str, object], code: int) -> None:
    assert metadata.atomic(db, rods, {**_request(_add("a", "b")), **change}).code == code
    assert metadata.atomic(db, rods, [1]).code == SYS_INVALID_INPUT_PARAM


def test_atomic_operations_need_write_access_and_what_cannot_be_read_does_not_exist(
    db: Database, rods: User, alice: User
) -> None:
    number = collections.require(db, C).id

    assert metadata.atomic(db, alice, _request(_add("a", "b"))).code == SYS_INVALID_INPUT_PARAM
    access.set_level(db, number, alice.id, access.DELETE_METADATA)
    assert metadata.atomic(db, alice, _request(_add("a", "b"))).code == CAT_NO_ACCESS_PERMISSION
    assert (
        metadata.atomic(db, alice, _request(_add("a", "b"), admin_mode=True)).code == CAT_INSUFFICIENT_PRIVILEGE_LEVEL
    )
    access.set_level(db, number, alice.id, access.MODIFY_OBJECT)
    assert metadata.atomic(db, alice, _request(_add("a", "b"))).code == 0
    for kind, name in (("user", "rods"), ("resource", "demoResc")):
        request = {"entity_name": name, "entity_type": kind, "operations": [_add("a", "b")]}
        assert metadata.atomic(db, alice, request).code == CAT_NO_ACCESS_PERMISSION
        assert metadata.atomic(db, rods, request).code == 0
