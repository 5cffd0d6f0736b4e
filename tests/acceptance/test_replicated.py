"""Images and components below a replication resource of this server: what is made follows by the tree's own means."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.conftest import Site
from tests.support.appliances import ova
from tests.support.clients import PythonClient


@pytest.fixture
def tree(site: Site, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """The name of a replication resource with two children on this server."""
    if request.config.getoption("--irods-environment"):
        pytest.skip("a real zone's resources are its administrator's")
    name = f"tree{uuid.uuid4().hex[:8]}"
    resources = site.session.resources
    resources.create(name, "replication")
    for number in (1, 2):
        resources.create(f"{name}-{number}", "unixfilesystem", "localhost", str(tmp_path / f"vault{number}"))
        resources.add_child(name, f"{name}-{number}")
    yield name


def good(client: PythonClient, path: str) -> list[str]:
    """The bytes' hashes of all good replicas, by their files."""
    found = client.session.data_objects.get(path).replicas
    return [Path(each.path).read_bytes().hex() for each in found if each.status == "1"]


def test_all_replicas_of_a_ready_ova_are_of_one_version(site: Site, client: PythonClient, tree: str) -> None:
    client.make(f"{site.home}/images")
    with client.session.data_objects.open(site.source, "w", destRescName=tree) as file:
        file.write(ova())
    component = client.component(site.component, site.source, hostname="sg12")
    for name in ("sg13", "sg14-longer", "sg15"):
        client.set(component, "hostname", name)
        assert client.ready(component).values["host.hostname"] == name
        found = good(client, site.ready)
        assert len(set(found)) == 1, "two good replicas differ"
    with client.session.data_objects.open(site.source, "w") as file:  # a new version of the source
        file.write(ova(b"other" * 5000))
    assert client.ready(component).members["disk1.vmdk"] == b"other" * 5000
    assert len(set(good(client, site.source))) == 1
