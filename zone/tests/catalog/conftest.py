"""A fresh catalog with three users for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from irods_zone.catalog import users
from irods_zone.catalog.database import Database
from irods_zone.catalog.users import User

ZONE = "tempZone"
HOME = f"/{ZONE}/home"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    database = Database.create(
        tmp_path / "catalog.sqlite",
        zone=ZONE,
        admin="rods",
        password="secret",
        host="localhost",
        port=1247,
        resources=[("demoResc", str(tmp_path / "vault")), ("otherResc", str(tmp_path / "vault2"))],
    )
    yield database
    database.close()


@pytest.fixture
def rods(db: Database) -> User:
    return users.require(db, "rods")


@pytest.fixture
def alice(db: Database) -> User:
    return _user_with_home(db, "alice")


@pytest.fixture
def bob(db: Database) -> User:
    return _user_with_home(db, "bob")


def _user_with_home(db: Database, name: str) -> User:
    from irods_zone.catalog import admin

    return admin.make_user(db, users.require(db, "rods"), name, "rodsuser")
