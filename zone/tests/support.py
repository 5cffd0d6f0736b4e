"""Code shared by the tests: waiting for a condition, refusals as codes, users, processes, raw sockets."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest
from irods.session import iRODSSession

from irods_zone.errors import IrodsError
from irods_zone.pytest_plugin import EmbeddedZone

Value = TypeVar("Value")
PASSWORD = "apass"


def wait_until(condition: Callable[[], Value], seconds: float = 10.0) -> Value:
    """Waits until a condition gives something true, which is returned; the test fails if that takes too long."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"the condition was not met in {seconds} seconds"
        time.sleep(0.01)
    return found


def code_of(action: Callable[..., object], *args: object, **kwargs: object) -> int:
    """The iRODS code with which an action is refused; the test fails if it is not."""
    with pytest.raises(IrodsError) as refusal:
        action(*args, **kwargs)
    return refusal.value.code


def children_of(pid: int) -> set[int]:
    """The living children of a process."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found.add(int(stat.parent.name))
    return found


def is_alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def make_user(session: iRODSSession, name: str) -> None:
    """A rodsuser with PASSWORD."""
    session.users.create(name, "rodsuser")
    session.users.modify(name, "password", PASSWORD)


def connect(zone: EmbeddedZone) -> socket.socket:
    """A bare connection."""
    return socket.create_connection((zone.host, zone.port), timeout=10)


def header(kind: str, message: int = 0, error: int = 0, stream: int = 0, number: int = 0) -> bytes:
    """The header of a frame, whatever lengths it claims."""
    text = (
        f"<MsgHeader_PI><type>{kind}</type><msgLen>{message}</msgLen><errorLen>{error}</errorLen>"
        f"<bsLen>{stream}</bsLen><intInfo>{number}</intInfo></MsgHeader_PI>"
    ).encode()
    return struct.pack(">i", len(text)) + text


def ended(connection: socket.socket) -> bool:
    """Whether the other side has closed (a reset counts)."""
    try:
        while connection.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def write_file(path: Path, size: int) -> Path:
    """A file of random bytes."""
    with path.open("wb") as file:
        for start in range(0, size, 1 << 20):
            file.write(os.urandom(min(1 << 20, size - start)))
    return path
