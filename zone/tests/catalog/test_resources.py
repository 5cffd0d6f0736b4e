"""Trees of resources, as iadmin addchildtoresc makes them."""

from __future__ import annotations

import pytest

from irods_zone.catalog import admin, objects, resources
from irods_zone.catalog.database import Database
from irods_zone.catalog.genquery import Cursors, execute, parse
from irods_zone.catalog.users import User
from irods_zone.errors import (
    CAT_INVALID_CHILD,
    CAT_INVALID_RESOURCE,
    CAT_INVALID_RESOURCE_NAME,
    CAT_INVALID_RESOURCE_VAULT_PATH,
    CAT_PSEUDO_RESC_MODIFY_DISALLOWED,
    CHILD_EXISTS,
    CHILD_HAS_PARENT,
    CHILD_NOT_FOUND,
    HIERARCHY_ERROR,
)
from tests.support import code_of


@pytest.fixture
def tree(db: Database, rods: User) -> None:
    """root → middle → otherResc."""
    admin.general(db, rods, ["add", "resource", "root", "passthru"])
    admin.general(db, rods, ["add", "resource", "middle", "passthru"])
    admin.general(db, rods, ["add", "childtoresc", "middle", "otherResc", "context"])
    admin.general(db, rods, ["add", "childtoresc", "root", "middle"])


@pytest.mark.usefixtures("tree")
def test_a_replica_has_the_whole_way_to_its_resource_as_hierarchy(db: Database, rods: User) -> None:
    made = objects.insert(db, rods, "/tempZone/home/rods/a", resc="otherResc", physical_path="/v/a")

    assert (made.resc, made.hierarchy) == ("otherResc", "root;middle;otherResc")
    found = execute(db, rods, parse("select DATA_NAME where DATA_RESC_HIER like 'root;%'"), Cursors())
    assert found.rows == [("a",)]


@pytest.mark.usefixtures("tree")
def test_a_new_name_or_parent_shows_in_the_hierarchies_below(db: Database, rods: User) -> None:
    admin.general(db, rods, ["modify", "resource", "root", "name", "top"])
    assert resources.require(db, "otherResc").hierarchy == "top;middle;otherResc"

    admin.general(db, rods, ["rm", "childfromresc", "top", "middle"])
    assert resources.require(db, "otherResc").hierarchy == "middle;otherResc"
    assert resources.require(db, "middle").parent == ""


@pytest.mark.usefixtures("tree")
def test_the_leaves_of_a_tree_are_where_files_are_kept(db: Database) -> None:
    for name, leaves in (("root", ["otherResc"]), ("otherResc", ["otherResc"]), ("demoResc", ["demoResc"])):
        assert [leaf.name for leaf in resources.leaves(db, resources.require(db, name))] == leaves
    assert resources.leaves(db, resources.require(db, "bundleResc")) == []


@pytest.mark.usefixtures("tree")
@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["add", "childtoresc", "root", "nosuch"], CHILD_NOT_FOUND),
        (["add", "childtoresc", "nosuch", "demoResc"], CAT_INVALID_RESOURCE),
        (["add", "childtoresc", "root", "otherResc"], CHILD_HAS_PARENT),
        (["add", "childtoresc", "otherResc", "root"], HIERARCHY_ERROR),
        (["add", "childtoresc", "root", "root"], HIERARCHY_ERROR),
        (["rm", "childfromresc", "root", "otherResc"], CAT_INVALID_CHILD),
        (["rm", "resource", "root"], CHILD_EXISTS),
        (["rm", "resource", "otherResc"], CHILD_EXISTS),
        (["rm", "resource", "bundleResc"], CAT_PSEUDO_RESC_MODIFY_DISALLOWED),
        (["add", "resource", "a b", "unixfilesystem", "h:/v"], CAT_INVALID_RESOURCE_NAME),
        (["add", "resource", "a;b", "unixfilesystem", "h:/v"], CAT_INVALID_RESOURCE_NAME),
        (["add", "resource", "new", "unixfilesystem", "h:v"], CAT_INVALID_RESOURCE_VAULT_PATH),
    ],
)
def test_what_is_no_tree_is_refused(db: Database, rods: User, args: list[str], code: int) -> None:
    before = list(resources.all_resources(db))

    assert code_of(admin.general, db, rods, args) == code
    assert list(resources.all_resources(db)) == before
