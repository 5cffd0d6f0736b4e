"""A replication resource: each write leaves a good replica on each of its children."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from irods import exception as failures
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone


@pytest.fixture
def session(irods_zone: EmbeddedZone, tmp_path: Path) -> iRODSSession:
    """A zone with the resource `tree`: one child is storage, the other a passthru with storage below it."""
    session = irods_zone.session()
    session.resources.create("tree", "replication")
    session.resources.create("pass", "passthru")
    for name, parent in (("near", "tree"), ("far", "pass")):
        session.resources.create(name, "unixfilesystem", "localhost", str(tmp_path / name))
        session.resources.add_child(parent, name)
    session.resources.add_child("tree", "pass")
    return session


def replicas(session: iRODSSession, path: str) -> list[tuple[str, str, int]]:
    """Hierarchy, status and size of each."""
    found: list[Any] = session.data_objects.get(path).replicas
    return sorted((each.resc_hier, each.status, each.size) for each in found)


def write(session: iRODSSession, path: str, data: bytes, **keywords: str) -> None:
    with session.data_objects.open(path, "w", **keywords) as file:
        file.write(data)


def test_each_write_reaches_every_child(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = f"{irods_zone.home}/o"
    write(session, path, b"first", destRescName="tree")
    assert replicas(session, path) == [("tree;near", "1", 5), ("tree;pass;far", "1", 5)]
    write(session, path, b"second", rescName="far")
    assert replicas(session, path) == [("tree;near", "1", 6), ("tree;pass;far", "1", 6)]
    files = [Path(each.path) for each in session.data_objects.get(path).replicas]
    assert [file.read_bytes() for file in files] == [b"second", b"second"]


def test_a_put_and_a_copy_reach_every_child(irods_zone: EmbeddedZone, session: iRODSSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"put")
    path = f"{irods_zone.home}/o"
    session.data_objects.put(str(tmp_path / "file"), path, destRescName="tree")
    session.data_objects.copy(path, f"{path}2", destRescName="tree")
    for each in (path, f"{path}2"):
        assert replicas(session, each) == [("tree;near", "1", 3), ("tree;pass;far", "1", 3)]


def test_an_object_that_comes_by_irepl_is_on_every_child(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    path = f"{irods_zone.home}/o"
    write(session, path, b"text")
    session.data_objects.replicate(path, resource="tree")
    assert [status for _, status, _ in replicas(session, path)] == ["1", "1", "1"]
    write(session, path, b"longer text")
    statuses = {hierarchy: status for hierarchy, status, _ in replicas(session, path)}
    assert statuses == {"demoResc": "1", "tree;near": "0", "tree;pass;far": "0"}  # they follow within a tree only


def test_a_child_that_is_down_gets_nothing_until_irepl_renews_it(
    irods_zone: EmbeddedZone, session: iRODSSession
) -> None:
    path = f"{irods_zone.home}/o"
    write(session, path, b"text", destRescName="tree")
    session.resources.modify("near", "status", "down")
    write(session, path, b"longer text")
    assert replicas(session, path) == [("tree;near", "0", 4), ("tree;pass;far", "1", 11)]
    session.resources.modify("near", "status", "up")
    session.data_objects.replicate(path, updateRepl="")
    assert replicas(session, path) == [("tree;near", "1", 11), ("tree;pass;far", "1", 11)]


def test_a_child_is_reached_through_its_parent_only(irods_zone: EmbeddedZone, session: iRODSSession) -> None:
    with pytest.raises(failures.DIRECT_CHILD_ACCESS):
        write(session, f"{irods_zone.home}/o", b"text", destRescName="near")
