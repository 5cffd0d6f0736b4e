"""The embedded zone answers every recorded command of iCommands, python-irodsclient and iBridges as 5.0.2 did."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from irods_zone.forkserver import Forkserver
from irods_zone.pytest_plugin import EmbeddedZone
from tests.protocol.recording import Command, commands
from tests.protocol.replay import PASSWORD, Replay

HOME = "/tempZone/home/rods"
RECORDED_SIZE = 1_073_786_880
# The rule file of the repository around this project, if there is one.
OUTER_RULES = Path(__file__).parents[3] / "core.py"


def _recorded_zone(forkserver: Forkserver, root: Path, rules: Path | None) -> EmbeddedZone:
    """A zone in which lies what lay in the recorded one."""
    made = EmbeddedZone(forkserver, root, rules, {})
    session = made.session(password=PASSWORD)
    session.users.create("alice", "rodsuser")
    for path in ("/tempZone/home/alice/g/c1", "/tempZone/home/alice/g/c3", f"{HOME}/grid04/c1"):
        owner = made.session(password=PASSWORD, client_user="alice") if "alice" in path else session
        collection = owner.collections.create(path, recurse=True)
        collection.metadata.add("hostname", "x")
    for name in ("big1g.ova", "out1g.ova"):
        session.data_objects.create(f"{HOME}/{name}")
    catalog = sqlite3.connect(made.root / "catalog.sqlite")
    with catalog:
        catalog.execute("UPDATE R_DATA_MAIN SET data_size = ?, data_mode = 0", (RECORDED_SIZE,))
    catalog.close()
    return made


@pytest.fixture(scope="module")
def zone(irods_forkserver: Forkserver, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedZone]:
    made = _recorded_zone(irods_forkserver, tmp_path_factory.mktemp("replay"), None)
    yield made
    made.close()


@pytest.fixture(scope="module")
def differences(zone: EmbeddedZone) -> Iterator[dict[int, list[str]]]:
    """What the zone answered otherwise, by the number of the command."""
    replay = Replay((zone.host, zone.port), Path(zone.vault))
    yield {number: replay.play(command) for number, command in enumerate(commands())}
    replay.close()


@pytest.mark.xdist_group("replay")
@pytest.mark.parametrize(("number", "command"), list(enumerate(commands())), ids=lambda value: str(value))
def test_command(number: int, command: Command, differences: dict[int, list[str]]) -> None:
    assert not differences[number], f"{command}:\n" + "\n".join(differences[number])


@pytest.mark.skipif(not OUTER_RULES.is_file(), reason=f"there is no rule file {OUTER_RULES}")
def test_rules_that_are_about_other_things_change_no_answer(
    irods_forkserver: Forkserver, tmp_path_factory: pytest.TempPathFactory
) -> None:
    made = _recorded_zone(irods_forkserver, tmp_path_factory.mktemp("replay"), OUTER_RULES)
    replay = Replay((made.host, made.port), Path(made.vault))
    found = [f"{command}: {line}" for command in commands() for line in replay.play(command)]
    replay.close()
    made.close()
    assert not found, "\n".join(found)


@pytest.mark.xdist_group("replay")
def test_a_difference_is_noticed_and_named(zone: EmbeddedZone) -> None:
    """The comparison is not blind: every recorded reply, changed in one place, differs."""
    command = next(command for command in commands() if command.command == "ils" and "native" in command.client)
    unnoticed = []
    for number, frame in enumerate(command.frames):
        if frame.sender != "server":
            continue
        changed = [replace(frame, int_info=frame.int_info - 1), replace(frame, type="RODS_OTHER")]
        if frame.structure == "GenQueryOut_PI":
            assert isinstance(frame.msg, bytes)
            changed.append(
                replace(frame, msg=frame.msg.replace(b"/tempZone", b"/tempzone").replace(b"rods\0", b"Rods\0"))
            )
        changed = [other for other in changed if other != frame]
        for other in changed:
            frames = [*command.frames[:number], other, *command.frames[number + 1 :]]
            replay = Replay((zone.host, zone.port), Path(zone.vault))
            found = replay.play(Command(command.client, command.command, frames))
            replay.close()
            if not any(line.startswith(other.type) for line in found):
                unnoticed.append(f"{number}: {other.type} {other.int_info}")
    assert not unnoticed
