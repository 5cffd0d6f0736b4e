"""The embedded zone answers every recorded command of iCommands, python-irodsclient and iBridges as 5.0.2 did."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.zone.protocol.recording import Command, commands
from tests.zone.protocol.replay import PASSWORD, Replay
from zone.pytest_plugin import EmbeddedZone

if TYPE_CHECKING:
    from zone.nursery import Nursery

pytestmark = pytest.mark.xdist_group("replay")

HOME = "/tempZone/home/rods"
RECORDED_SIZE = 1_073_786_880


@pytest.fixture(scope="module")
def zone(irods_nursery: Nursery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedZone]:
    """A zone in which lies what lay in the recorded one."""
    made = EmbeddedZone(irods_nursery, tmp_path_factory.mktemp("replay"), None, {})
    session = made.session(password=PASSWORD)
    session.users.create("alice", "rodsuser")
    with_hostname = ("/tempZone/home/alice/g/c1", "/tempZone/home/alice/g/c3", f"{HOME}/grid04/c1")
    for path in with_hostname:
        owner = made.session(password=PASSWORD, client_user="alice") if "alice" in path else session
        collection = owner.collections.create(path, recurse=True)
        collection.metadata.add("hostname", "x")
    for name in ("big1g.ova", "out1g.ova"):
        session.data_objects.create(f"{HOME}/{name}")
    with sqlite3.connect(made.root / "catalog.sqlite") as catalog:
        catalog.execute("UPDATE R_DATA_MAIN SET data_size = ?, data_mode = 0", (RECORDED_SIZE,))
    catalog.close()
    yield made
    made.close()


@pytest.fixture(scope="module")
def differences(zone: EmbeddedZone) -> Iterator[dict[int, list[str]]]:
    """What the zone answered otherwise, by the number of the command."""
    replay = Replay((zone.host, zone.port), Path(zone.vault))
    yield {number: replay.play(command) for number, command in enumerate(commands())}
    replay.close()


@pytest.mark.parametrize(("number", "command"), list(enumerate(commands())), ids=lambda value: str(value))
def test_command(number: int, command: Command, differences: dict[int, list[str]]) -> None:
    assert not differences[number], f"{command}:\n" + "\n".join(differences[number])
