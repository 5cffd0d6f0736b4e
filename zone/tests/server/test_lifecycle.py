"""Starting, stopping, killing and starting again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from irods import exception as failures
from irods.session import iRODSSession

from irods_zone.pytest_plugin import EmbeddedZone
from tests.support import children_of, is_alive, wait_until


class Command:
    """The command irods-zone, as people start it."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [sys.executable, "-m", "irods_zone.cli", "--root", str(root), "--port", "0", *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout
        self.line = self.process.stdout.readline()

    @property
    def port(self) -> int:
        return int(self.line.split()[-1])

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=10)
        return self.process.returncode, errors


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    made = Command(tmp_path / "z")
    yield made
    if made.process.poll() is None:
        made.stop(signal.SIGKILL)


def test_it_says_where_it_listens_and_has_written_the_environment(command: Command) -> None:
    assert command.line == f"irods-zone listening on 127.0.0.1 {command.port}\n"
    environment = json.loads((command.root / "irods_environment.json").read_text())
    assert (environment["irods_host"], environment["irods_port"]) == ("127.0.0.1", command.port)
    assert (environment["irods_user_name"], environment["irods_zone_name"]) == ("rods", "tempZone")
    assert environment["irods_authentication_scheme"] == "native"
    assert _connects(command.port)
    assert command.stop() == (0, "")


def test_one_line_points_a_shells_clients_at_the_zone_and_leaves_the_users_own_password_alone(tmp_path: Path) -> None:
    root = tmp_path / "it's a zone"
    command = Command(root)
    try:
        assert command.process.stdout
        line = command.process.stdout.readline()
        assert line.startswith("in another terminal: . ")
        shown = 'echo "$IRODS_ENVIRONMENT_FILE"; echo "$IRODS_AUTHENTICATION_FILE"'
        script = f"{line.partition(': ')[2]}\n{shown}"
        said = subprocess.run(["sh", "-euc", script], capture_output=True, text=True, check=True).stdout
        assert said.splitlines() == [str(root / "irods_environment.json"), str(root / ".irodsA")]
    finally:
        command.stop()


def test_passwords_are_kept_from_others(command: Command) -> None:
    assert (command.root / "catalog.sqlite").stat().st_mode & 0o777 == 0o600


def test_an_address_that_others_reach_is_warned_of(tmp_path: Path) -> None:
    made = Command(tmp_path / "z", "--host", "0.0.0.0")
    code, errors = made.stop()
    assert code == 0
    assert "warning" in errors and "not for production" in errors


def test_a_second_server_on_the_same_root_is_refused(command: Command) -> None:
    other = subprocess.run(
        [sys.executable, "-m", "irods_zone.cli", "--root", str(command.root), "--port", "0"],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip
    assert other.returncode == 1
    assert "another server runs on" in other.stderr


def test_ctrl_c_ends_it_and_all_its_processes(command: Command) -> None:
    with socket.create_connection(("127.0.0.1", command.port)):
        wait_until(lambda: len(children_of(command.process.pid)) == 2)
        children = children_of(command.process.pid)
        assert command.stop(signal.SIGINT)[0] == 0
    wait_until(lambda: not any(map(is_alive, children)))


def test_everything_is_there_after_a_restart(irods_zone: EmbeddedZone, tmp_path: Path) -> None:
    session = irods_zone.session()
    with session.data_objects.open(f"{irods_zone.home}/o", "w") as file:
        file.write(b"text")
    session.data_objects.get(f"{irods_zone.home}/o").metadata.add("k", "v")
    session.users.create("alice", "rodsuser")
    irods_zone.stop()
    irods_zone.start()
    session = irods_zone.session()
    found = session.data_objects.get(f"{irods_zone.home}/o")
    with found.open("r") as file:
        assert file.read() == b"text"
    assert found.metadata.get_one("k").value == "v"
    assert session.users.get("alice").type == "rodsuser"


def test_a_killed_server_takes_its_processes_along_and_starts_again_at_once(irods_zone: EmbeddedZone) -> None:
    session = irods_zone.session()
    assert session.collections.get(irods_zone.home)
    children = children_of(irods_zone.pid)
    assert len(children) >= 2
    irods_zone.kill()
    wait_until(lambda: not any(map(is_alive, children)), seconds=2)
    irods_zone.start()
    assert irods_zone.session().collections.get(irods_zone.home)


@pytest.mark.parametrize("round_", range(3))
def test_what_a_client_was_told_is_there_after_a_kill_at_any_moment(irods_zone: EmbeddedZone, round_: int) -> None:
    confirmed: list[tuple[str, str]] = []

    def work() -> None:
        session = irods_zone.session()
        try:
            for number in range(10_000):
                path = f"{irods_zone.home}/o{number}"
                with session.data_objects.open(path, "w") as file:
                    file.write(str(number).encode())
                confirmed.append(("made", path))
                session.data_objects.move(path, path + ".moved")
                confirmed.append(("moved", path))
                session.data_objects.get(path + ".moved").metadata.add("n", str(number))
                confirmed.append(("described", path))
                if number % 3 == 0:
                    session.data_objects.unlink(path + ".moved", force=True)
                    confirmed.append(("removed", path))
        except Exception:  # the connection breaks where it breaks
            return

    worker = threading.Thread(target=work)
    worker.start()
    wait_until(lambda: len(confirmed) > 20 + round_)
    irods_zone.kill()
    worker.join(30)
    irods_zone.start()
    session = irods_zone.session()
    last = {path: change for change, path in confirmed}
    unsure = confirmed[-1][1]
    for path, change in last.items():
        if path == unsure:
            continue
        if change == "removed":
            assert not session.data_objects.exists(path + ".moved")
            continue
        found = session.data_objects.get(path + ".moved")
        assert found.replicas[0].status == "1"
        with found.open("r") as file:
            assert path.endswith(file.read().decode())
        assert [avu.name for avu in found.metadata.items()] == ["n"]
    for row in session.collections.get(irods_zone.home).data_objects:
        if row.replicas[0].status == "1":  # whatever is good has its file, whole
            with row.open("r") as file:
                assert len(file.read()) == row.size


def test_two_hundred_connections_at_once_thirty_two_of_them_busy(irods_zone: EmbeddedZone) -> None:
    idle = [irods_zone.raw_client(option="idle") for _ in range(168)]
    problems: list[BaseException] = []

    def busy(number: int) -> None:
        try:
            session = irods_zone.session()
            made = session.collections.create(f"{irods_zone.home}/c{number}")
            made.metadata.add("k", str(number))
            with session.data_objects.open(f"{made.path}/o", "w") as file:
                file.write(b"x" * 10_000)
            with session.data_objects.open(f"{made.path}/o", "r") as file:
                assert len(file.read()) == 10_000
        except BaseException as problem:  # shown below
            problems.append(problem)

    workers = [threading.Thread(target=busy, args=(number,)) for number in range(32)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not problems
    assert len(children_of(irods_zone.pid)) >= 200
    for client in idle:
        assert client.call(633, {"objPath": irods_zone.home, "KeyValPair_PI": {}}).status == 2
    assert "ERROR" not in irods_zone.log_text()


def test_more_connections_than_allowed_are_refused(tmp_path: Path) -> None:
    made = Command(tmp_path / "z", "--max-connections", "2")
    held = [iRODSSession(host="127.0.0.1", port=made.port, user="rods", password="rods", zone="tempZone")
            for _ in range(2)]  # fmt: skip
    try:
        assert all(session.collections.get("/tempZone") for session in held)
        with (
            pytest.raises(failures.NetworkException),
            iRODSSession(host="127.0.0.1", port=made.port, user="rods", password="rods", zone="tempZone") as third,
        ):
            third.collections.get("/tempZone")
        held.pop().cleanup()
        wait_until(lambda: _connects(made.port))
    finally:
        for session in held:
            session.cleanup()
        made.stop()


def _connects(port: int) -> bool:
    try:
        with iRODSSession(host="127.0.0.1", port=port, user="rods", password="rods", zone="tempZone") as session:
            return bool(session.collections.get("/tempZone"))
    except failures.NetworkException:
        return False


def test_a_new_password_and_a_new_resource_come_with_a_restart(tmp_path: Path) -> None:
    Command(tmp_path / "z").stop()
    made = Command(tmp_path / "z", "--password", "fresh", "--resource", f"more:{tmp_path}/more")
    try:
        with iRODSSession(host="127.0.0.1", port=made.port, user="rods", password="fresh", zone="tempZone") as session:
            assert session.resources.get("more").vault_path == f"{tmp_path}/more"
            with session.data_objects.open("/tempZone/home/rods/o", "w") as file:
                file.write(b"x")
        assert (tmp_path / "more/home/rods/o").exists()
    finally:
        made.stop()


def test_the_listener_does_not_import_the_rule_file(tmp_path: Path) -> None:
    rules = tmp_path / "core.py"
    rules.write_text(f"import os\nopen({str(tmp_path / 'seen')!r}, 'a').write(str(os.getpid()) + '\\n')\n")
    made = Command(tmp_path / "z", "--rules", str(rules))
    try:
        for _ in range(2):
            assert _connects(made.port)
        seen = (tmp_path / "seen").read_text().split()
        assert len(set(seen)) == 2
        assert str(made.process.pid) not in seen
    finally:
        made.stop()
