"""Specific queries: stored SQL, bound values, and only the rows a user may see."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from irods_zone.catalog import access, collections, metadata, objects, specific
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import Cursors
from irods_zone.catalog.specific import SpecificQuery
from irods_zone.catalog.tokens import specific_query_rows
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INSUFFICIENT_PRIVILEGE_LEVEL,
    CAT_INVALID_ARGUMENT,
    CAT_NO_ROWS_FOUND,
    CAT_SQL_ERR,
    CAT_SUCCESS_BUT_WITH_NO_INFO,
    CAT_UNKNOWN_SPECIFIC_QUERY,
    IrodsError,
)
from tests.support import code_of

HOME = "/tempZone/home/rods"


def _rows(db: Database, user: User, name: str, *args: str) -> list[tuple[str, ...]]:
    try:
        return specific.execute(db, user, SpecificQuery(name, args), Cursors()).rows
    except IrodsError as error:
        if error.code == CAT_NO_ROWS_FOUND:
            return []
        raise


def _code(db: Database, user: User, name: str, *args: str) -> int:
    return code_of(specific.execute, db, user, SpecificQuery(name, args), Cursors())


@pytest.fixture(autouse=True)
def _secret(db: Database, rods: User) -> None:
    collections.insert(db, rods, f"{HOME}/SECRET")
    objects.insert(db, rods, f"{HOME}/SECRET/SECRET", resc="demoResc", physical_path="/SECRET")
    for kind, path in (("-C", f"{HOME}/SECRET"), ("-d", f"{HOME}/SECRET/SECRET")):
        metadata.modify(db, rods, ["add", kind, path, "SECRET", "SECRET", "SECRET"])


def test_the_access_list_of_a_collection(db: Database, rods: User, alice: User) -> None:
    access.set_access(db, rods, "read", "public", "", f"{HOME}/SECRET")

    assert sorted(_rows(db, alice, "ShowCollAcls", f"{HOME}/SECRET")) == [
        ("public", "tempZone", "read_object", "rodsgroup"),
        ("rods", "tempZone", "own", "rodsadmin"),
    ]
    assert _rows(db, alice, "ShowCollAcls", HOME) == []


_ARGUMENTS: dict[str, Sequence[str]] = {
    "ls": (),
    "lsl": ("%select%",),
    "ShowCollAcls": (f"{HOME}/SECRET",),
    "listQueryByAliasLike": ("%",),
    "findQueryByAlias": ("ls",),
    "ilsLACollections": (HOME, "10", "0"),
    "ilsLADataObjects": (f"{HOME}/SECRET", "10", "0"),
    "listSharedCollectionsOwnedByUser": ("rods", "tempZone"),
    "listSharedCollectionsSharedWithUser": ("rods", "tempZone", "x"),
    "listUserACLForDataObjViaGroup": (f"{HOME}/SECRET", "SECRET", "rods"),
    "listUserACLForCollectionViaGroup": (f"{HOME}/SECRET", "rods"),
    "DataObjInCollReCur": (HOME, f"{HOME}/%"),
    "listGroupsForUser": ("rods",),
}


def test_every_query_of_a_fresh_zone_runs_and_hides_what_must_be_hidden(db: Database, rods: User, alice: User) -> None:
    assert set(_ARGUMENTS) == {alias for alias, _, _ in specific_query_rows()}
    shown = set()
    for alias, args in _ARGUMENTS.items():
        if any("SECRET" in value for row in _rows(db, rods, alias, *args) for value in row):
            shown.add(alias)
        assert not any("SECRET" in value for row in _rows(db, alice, alias, *args) for value in row), alias
    assert {"ilsLACollections", "ilsLADataObjects", "DataObjInCollReCur", "listUserACLForCollectionViaGroup"} <= shown


@pytest.mark.parametrize(
    "sql",
    [
        "select coll_name from R_COLL_MAIN",
        "select coll_name from r_coll_main",
        "select data_path from R_DATA_MAIN",
        "select meta_attr_value from R_META_MAIN",
        "select meta_attr_value from R_META_MAIN join R_OBJT_METAMAP using (meta_id)",
        "with c as (select * from R_COLL_MAIN) select coll_name from c",
        "select rcat_password from R_USER_PASSWORD",
    ],
)
def test_stored_sql_shows_a_user_only_what_they_may_see(db: Database, rods: User, alice: User, sql: str) -> None:
    specific.add(db, rods, sql, "all")

    for_rods, for_alice = _rows(db, rods, "all"), _rows(db, alice, "all")

    assert any("SECRET" in value.upper() for row in for_rods for value in row)
    assert not any("SECRET" in value.upper() for row in for_alice for value in row)


@pytest.mark.parametrize("table", ["R_COLL_MAIN", "R_DATA_MAIN", "R_META_MAIN", "R_USER_PASSWORD", "R_OBJT_ACCESS"])
def test_naming_the_schema_does_not_lead_around(db: Database, rods: User, alice: User, table: str) -> None:
    specific.add(db, rods, f"select * from main.{table}", "around")

    assert _rows(db, rods, "around")
    assert _code(db, alice, "around") == CAT_SQL_ERR


@pytest.mark.parametrize(
    "sql",
    [
        "delete from R_COLL_MAIN",
        "update R_USER_MAIN set user_type_name = 'rodsadmin'",
        "insert into R_USER_MAIN (user_id) values (1)",
        "drop table R_COLL_MAIN",
        "attach database '/tmp/x' as x",
        "pragma query_only = off",
        "create table x (a)",
        "select load_extension('x')",
        "no sql at all",
        "select 1; select 2",
    ],
)
def test_stored_sql_only_reads(db: Database, rods: User, alice: User, sql: str) -> None:
    before = db.execute("SELECT count(*) FROM R_COLL_MAIN").fetchone()
    specific.add(db, rods, sql, "write")

    assert _code(db, rods, "write") == CAT_SQL_ERR
    assert _code(db, alice, "write") == CAT_SQL_ERR
    assert db.execute("SELECT count(*) FROM R_COLL_MAIN").fetchone() == before


def test_values_are_bound_and_must_be_as_many_as_the_query_has(db: Database, rods: User) -> None:
    assert _rows(db, rods, "ShowCollAcls", "' OR 1=1 --") == []
    assert _code(db, rods, "ShowCollAcls") == CAT_SQL_ERR
    assert _code(db, rods, "ShowCollAcls", "a", "b") == CAT_SQL_ERR


def test_only_stored_queries_run_by_alias_or_by_their_sql(db: Database, rods: User) -> None:
    assert _code(db, rods, "select 1") == CAT_UNKNOWN_SPECIFIC_QUERY
    specific.add(db, rods, "select 1 as one")
    assert _rows(db, rods, "select 1 as one") == [("1",)]
    specific.remove(db, rods, "select 1 as one")
    assert _code(db, rods, "select 1 as one") == CAT_UNKNOWN_SPECIFIC_QUERY


def test_an_alias_is_taken_once_and_storing_is_for_administrators(db: Database, rods: User, alice: User) -> None:
    refusals: list[tuple[Callable[[], None], int]] = [
        (lambda: specific.add(db, rods, "select 2 as two", "ls"), CAT_INVALID_ARGUMENT),
        (lambda: specific.add(db, rods, "sel", "short"), CAT_INVALID_ARGUMENT),
        (lambda: specific.add(db, alice, "select 2 as two", "two"), CAT_INSUFFICIENT_PRIVILEGE_LEVEL),
        (lambda: specific.remove(db, alice, "ls"), CAT_INSUFFICIENT_PRIVILEGE_LEVEL),
        (lambda: specific.remove(db, rods, "nosuch"), CAT_SUCCESS_BUT_WITH_NO_INFO),
    ]
    for action, code in refusals:
        assert code_of(action) == code
    specific.remove(db, rods, "ls")
    assert _code(db, rods, "ls") == CAT_UNKNOWN_SPECIFIC_QUERY


def test_answers_come_in_pages(db: Database, rods: User) -> None:
    cursors = Cursors()

    first = specific.execute(db, rods, SpecificQuery("ls", max_rows=10), cursors)
    rest = specific.execute(db, rods, SpecificQuery("ls", max_rows=10, continue_index=first.continue_index), cursors)

    assert (len(first.rows), first.columns, len(rest.rows), rest.continue_index) == (10, (0, 0), 3, 0)
    assert specific.execute(db, rods, SpecificQuery("ls", row_offset=12), cursors).rows == rest.rows[-1:]
