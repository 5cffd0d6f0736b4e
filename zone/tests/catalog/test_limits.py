"""Limits of lengths: each was measured on iRODS 5.0.2 with PostgreSQL, one below and one above."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from irods_zone.catalog import collections, metadata
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import Cursors, execute, parse
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_GET_ROW_ERR,
    CAT_INVALID_ARGUMENT,
    CAT_NO_ROWS_FOUND,
    CAT_SQL_ERR,
    SYS_INTERNAL_ERR,
    SYS_LIBRARY_ERROR,
    USER_STRLEN_TOOLONG,
    IrodsError,
)
from tests.support import code_of

C = "/tempZone/home/rods/grid01"
AVUS = "select META_COLL_ATTR_NAME, META_COLL_ATTR_VALUE, META_COLL_ATTR_UNITS where COLL_NAME"


@pytest.fixture(autouse=True)
def _collection(db: Database, rods: User) -> None:
    collections.insert(db, rods, C)


def _outcome(db: Database, rods: User, text: str) -> int:
    """The number of rows, or the code of the refusal."""
    try:
        return len(execute(db, rods, parse(text), Cursors()).rows)
    except IrodsError as error:
        return 0 if error.code == CAT_NO_ROWS_FOUND else error.code


def _paths(count: int, size: int) -> list[str]:
    return [f"/{number:0{size - 1}}" for number in range(count)]


def _in(column: str, paths: Sequence[str]) -> str:
    return f"{column} in ({', '.join(repr(path) for path in paths)})"


def _or(column: str, paths: Sequence[str]) -> str:
    return column + " || ".join(f" = '{path}'" for path in paths)


@pytest.mark.parametrize(
    ("avu", "fits"),
    [
        (("a" * 2700, "v", ""), True),
        (("a" * 2701, "v", ""), False),
        (("a", "é" * 2700, ""), True),
        (("a", "é" * 2701, ""), False),
        (("a", "v", "é" * 250), True),
        (("a", "v", "u" * 251), False),
    ],
)
def test_the_catalog_counts_characters(db: Database, rods: User, avu: tuple[str, str, str], fits: bool) -> None:
    add = {"operation": "add", **dict(zip(("attribute", "value", "units"), avu))}
    atomic = {"entity_name": C, "entity_type": "collection", "operations": [add]}

    assert metadata.atomic(db, rods, atomic).code == (0 if fits else SYS_LIBRARY_ERROR)
    assert metadata.atomic(db, rods, {**atomic, "operations": [{**add, "operation": "remove"}]}).code == 0
    if fits:
        metadata.modify(db, rods, ["add", "-C", C, *avu])
    else:
        for command in ("add", "set"):
            assert code_of(metadata.modify, db, rods, [command, "-C", C, *avu]) == CAT_SQL_ERR


@pytest.mark.parametrize(
    ("avu", "readable"),
    [
        (("a", "é" * 1350, ""), True),
        (("a", "é" * 1351, ""), False),
        (("é" * 1351, "v", ""), False),
        (("a", "v", "é" * 125), True),
        (("a", "v", "é" * 126), False),
    ],
)
def test_what_has_too_many_bytes_is_kept_but_never_read(
    db: Database, rods: User, avu: tuple[str, str, str], readable: bool
) -> None:
    metadata.modify(db, rods, ["add", "-C", C, "other", "one"])
    metadata.modify(db, rods, ["add", "-C", C, *avu])

    assert _outcome(db, rods, f"{AVUS} = '{C}'") == (2 if readable else CAT_GET_ROW_ERR)
    assert _outcome(db, rods, f"select COLL_NAME where META_COLL_ATTR_VALUE = '{avu[1]}'") == 1
    metadata.modify(db, rods, ["rm", "-C", C, *avu])
    assert _outcome(db, rods, f"{AVUS} = '{C}'") == 1


@pytest.mark.parametrize(("size", "most"), [(10, 2909), (100, 316), (150, 211), (1000, 31)])
def test_lists_have_so_much_room(db: Database, rods: User, size: int, most: int) -> None:
    assert _outcome(db, rods, "select COLL_NAME where " + _in("COLL_NAME", _paths(most, size))) == 0
    assert _outcome(db, rods, "select COLL_NAME where " + _in("COLL_NAME", _paths(most + 1, size))) == (
        USER_STRLEN_TOOLONG
    )


def test_all_lists_of_a_query_share_the_room(db: Database, rods: User) -> None:
    for second, outcome in ((111, 0), (112, USER_STRLEN_TOOLONG)):
        lists = _in("COLL_NAME", _paths(100, 150)), _in("META_COLL_ATTR_NAME", _paths(second, 150))
        assert _outcome(db, rods, "select COLL_NAME where " + " and ".join(lists)) == outcome


def test_so_many_values_are_listed(db: Database, rods: User) -> None:
    for count, outcome in ((5293, 0), (5294, USER_STRLEN_TOOLONG)):
        assert _outcome(db, rods, "select COLL_NAME where " + _in("COLL_NAME", ["1"] * count)) == outcome


@pytest.mark.parametrize(("size", "most"), [(10, 121), (100, 20), (150, 13), (1000, 2)])
def test_alternatives_have_little_room(db: Database, rods: User, size: int, most: int) -> None:
    assert _outcome(db, rods, "select COLL_NAME where " + _or("COLL_NAME", _paths(most, size))) == 0
    assert _outcome(db, rods, "select COLL_NAME where " + _or("COLL_NAME", _paths(most + 1, size))) == (
        USER_STRLEN_TOOLONG
    )


def test_alternatives_that_crash_a_real_agent_are_refused(db: Database, rods: User) -> None:
    for count, outcome in ((7, 0), (8, SYS_INTERNAL_ERR)):
        both = _or("COLL_NAME", _paths(count, 150)), _or("COLL_PARENT_NAME", _paths(count, 150))
        assert _outcome(db, rods, "select COLL_NAME where " + " and ".join(both)) == outcome


def test_compared_values_share_their_room(db: Database, rods: User) -> None:
    for condition, most in (("COLL_NAME = '{0}'", 16088), ("COLL_NAME like '{0}' and COLL_PARENT_NAME = '{0}'", 8043)):
        assert _outcome(db, rods, f"select COLL_NAME where {condition.format('x' * most)}") == 0
        assert _outcome(db, rods, f"select COLL_NAME where {condition.format('x' * (most + 1))}") == (
            CAT_INVALID_ARGUMENT
        )
