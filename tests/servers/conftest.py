"""A zone of a server with the catalog and consumers, all with the rules; the consumers have joined."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from irods_zone.pytest_plugin import EmbeddedZone

from tests.support.appliances import ova
from tests.support.clients import PythonClient
from tests.support.zones import several_servers

KEY = b"k" * 32


@dataclass
class Servers:
    """The servers, the one with the catalog first; each one's folder of settings; and the administrator's home."""

    zones: tuple[EmbeddedZone, ...]
    folders: tuple[Path, ...]
    home: str

    def client(self, number: int = 0) -> PythonClient:
        """The administrator's client, connected to a server."""
        return PythonClient(self.zones[number].session())

    def logs(self) -> str:
        """What all servers have logged."""
        return "".join(zone.log_text() for zone in self.zones)

    def put(self, client: PythonClient, path: str, data: bytes, resource: str) -> None:
        """Puts an object on a resource."""
        with client.session.data_objects.open(path, "w", **{"destRescName": resource}) as file:
            file.write(data)

    def place_of(self, path: str) -> list[str]:
        """The resources with good replicas of an object."""
        return [
            each.resource_name for each in self.client().session.data_objects.get(path).replicas if each.status == "1"
        ]


def join(folder: Path, key: bytes = KEY) -> None:
    """Gives a server a key, as `ova-admin join` does."""
    state = folder / "state"
    state.mkdir(mode=0o700, exist_ok=True)
    (state / "key").write_bytes(key)


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    """Two servers: demoResc on the first, consumer1Resc on the second, with `images` and a source on each."""
    with several_servers(tmp_path, gate_wait=4) as zones:
        folders = tuple(tmp_path / f"etc-{number}" for number in range(len(zones)))
        for folder in folders:
            join(folder)
        made = Servers(zones, folders, zones[0].home)
        client = made.client()
        client.make(f"{made.home}/images")
        made.put(client, f"{made.home}/images/near.ova", ova(), "demoResc")
        made.put(client, f"{made.home}/images/far.ova", ova(), "consumer1Resc")
        yield made


def person(servers: Servers, number: int) -> PythonClient:
    """Alice's client, connected to a server."""
    return PythonClient(servers.zones[number].session("alice", "secret"))


@pytest.fixture
def alice(servers: Servers) -> str:
    """An ordinary user."""
    session = servers.client().session
    session.users.create("alice", "rodsuser")
    session.users.modify("alice", "password", "secret")
    return "alice"
