"""The catalog's file: a fresh one, transactions, ids, many writers at once."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from irods_zone.catalog import collections, objects, resources, users
from irods_zone.catalog.database import Database, now
from irods_zone.errors import CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME, CATALOG_NOT_CONNECTED, IrodsError
from tests.support import code_of

WRITERS = 32
WRITES = 8


def test_a_fresh_zone_has_the_collections_of_a_real_one_in_the_same_order(db: Database) -> None:
    found = [(row.path, row.parent) for row in sorted(collections.subtree(db, "/"), key=lambda row: row.id)]

    assert found == [
        ("/", "/"),
        ("/tempZone", "/"),
        ("/tempZone/home", "/tempZone"),
        ("/tempZone/trash", "/tempZone"),
        ("/tempZone/trash/home", "/tempZone/trash"),
        ("/tempZone/home/public", "/tempZone/home"),
        ("/tempZone/trash/home/public", "/tempZone/trash/home"),
        ("/tempZone/home/rods", "/tempZone/home"),
        ("/tempZone/trash/home/rods", "/tempZone/trash/home"),
    ]


def test_a_fresh_zone_has_an_administrator_a_public_group_and_the_resources(db: Database) -> None:
    assert [(user.id, user.name, user.type) for user in users.all_users(db)] == [
        (10001, "public", "rodsgroup"),
        (10002, "rods", "rodsadmin"),
    ]
    assert [(row.name, row.is_storage) for row in resources.all_resources(db)] == [
        ("bundleResc", False),
        ("demoResc", True),
        ("otherResc", True),
    ]


def test_the_file_is_for_its_owner_only_because_it_holds_passwords(db: Database) -> None:
    assert stat.S_IMODE(db.path.stat().st_mode) == 0o600


def test_a_catalog_is_created_once(db: Database) -> None:
    with pytest.raises(FileExistsError):
        Database.create(db.path, zone="tempZone", admin="rods", password="x", host="h", port=1)

    assert [entry.name for entry in db.path.parent.iterdir() if entry.name.endswith(".new")] == []


def test_opening_what_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no zone was created here"):
        Database.open(tmp_path / "catalog.sqlite")


def test_what_was_committed_is_there_after_opening_again(db: Database) -> None:
    users.create(db, "alice", "rodsuser")
    db.close()

    again = Database.open(db.path)

    assert again.zone == "tempZone"
    assert users.find(again, "alice") is not None
    again.close()


def test_a_closed_catalog_answers_with_an_irods_error(db: Database) -> None:
    db.close()

    assert code_of(users.find, db, "rods") == CATALOG_NOT_CONNECTED


def test_ids_go_up_by_one_for_all_kinds_of_rows(db: Database) -> None:
    first = db.next_id()

    assert [db.next_id() for _ in range(3)] == [first + 1, first + 2, first + 3]


def test_a_transaction_that_fails_leaves_nothing_behind(db: Database) -> None:
    with pytest.raises(RuntimeError), db.transaction():
        users.create(db, "alice", "rodsuser")
        raise RuntimeError

    assert users.find(db, "alice") is None


def test_an_inner_transaction_that_fails_undoes_its_own_part_only(db: Database) -> None:
    with db.transaction():
        users.create(db, "alice", "rodsuser")
        with pytest.raises(IrodsError) as raised, db.transaction():
            users.create(db, "bob", "rodsuser")
            users.create(db, "alice", "rodsuser")
        users.create(db, "carol", "rodsuser")

    assert raised.value.code == CATALOG_ALREADY_HAS_ITEM_BY_THAT_NAME
    assert [users.find(db, name) is not None for name in ("alice", "bob", "carol")] == [True, False, True]


def test_times_have_eleven_digits() -> None:
    assert len(now()) == 11
    assert now().isdigit()


_WRITERS = """
import os, sys
from pathlib import Path
from irods_zone.catalog import metadata, users
from irods_zone.catalog.database import Database

def write(writer):
    db = Database.open(Path(sys.argv[1]))
    rods = users.require(db, "rods")
    for number in range(int(sys.argv[3])):
        metadata.modify(db, rods, ["add", "-C", "/tempZone/home/rods", f"writer{writer}", str(number), ""])
        metadata.modify(db, rods, ["set", "-C", "/tempZone/home/rods", "shared", f"{writer}.{number}", ""])

for writer in range(int(sys.argv[2])):
    if not os.fork():
        try:
            write(writer)
        except BaseException as error:
            sys.stderr.write(f"{writer}: {error!r}\\n")
        os._exit(0)
for _ in range(int(sys.argv[2])):
    os.wait()
"""


def test_32_processes_write_at_once_and_none_finds_the_catalog_locked(db: Database) -> None:
    ran = subprocess.run(
        [sys.executable, "-S", "-c", _WRITERS, str(db.path), str(WRITERS), str(WRITES)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert ran.stderr == ""
    written = db.execute("SELECT count(*) FROM R_META_MAIN WHERE meta_attr_name LIKE 'writer%'").fetchone()[0]
    shared = db.execute(
        "SELECT count(*) FROM R_META_MAIN m JOIN R_OBJT_METAMAP o ON o.meta_id = m.meta_id"
        " WHERE meta_attr_name = 'shared'"
    ).fetchone()[0]
    assert (written, shared) == (WRITERS * WRITES, 1)


def test_a_reader_sees_a_finished_state_while_another_connection_writes(db: Database) -> None:
    other = Database.open(db.path)
    rods = users.require(db, "rods")
    with db.transaction():
        objects.insert(db, rods, "/tempZone/home/rods/a", resc="demoResc", physical_path="/v/a")
        assert objects.find(other, "/tempZone/home/rods/a") == []

    assert len(objects.find(other, "/tempZone/home/rods/a")) == 1
    other.close()


def test_a_text_that_is_not_unicode_is_refused_and_not_stored(db: Database) -> None:
    with pytest.raises(IrodsError):
        db.execute("SELECT ?", ("\udcff",))


def test_the_schema_has_every_table_that_genquery_speaks_of(db: Database) -> None:
    from irods_zone.catalog.genquery.columns import COLUMNS, TABLES

    for column in COLUMNS.values():
        try:
            db.execute(f"SELECT {column.sql} FROM {TABLES[column.table].sql} LIMIT 1").fetchall()
        except sqlite3.OperationalError as error:  # pragma: no cover - the message names the column
            pytest.fail(f"{column}: {error}")
