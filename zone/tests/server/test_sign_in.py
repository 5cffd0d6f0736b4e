"""Signing in, and what happens to clients that cannot or do not."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from irods import exception as failures

from irods_zone.protocol.packing import pack
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import RawClient
from tests.support import children_of, connect, ended, header, wait_until


def _serves(zone: EmbeddedZone) -> bool:
    session = zone.session()
    try:
        return bool(session.collections.get(zone.home))
    finally:
        session.cleanup()


WRONG_PASSWORDS = [
    ("rods", "wrong"),
    ("rods", ""),
    ("nobody", "rods"),
    ("anonymous", ""),
    ("public", ""),
    ("' or 1=1--", "x"),
]


@pytest.mark.parametrize(("user", "password"), WRONG_PASSWORDS)
def test_a_wrong_name_or_password_gets_nowhere(irods_zone: EmbeddedZone, user: str, password: str) -> None:
    with pytest.raises((failures.iRODSException, ValueError)):
        irods_zone.session(user, password).collections.get(irods_zone.home)
    assert _serves(irods_zone)


def test_nothing_is_served_before_sign_in(irods_zone: EmbeddedZone) -> None:
    connection = connect(irods_zone)
    start = (
        b"<StartupPack_PI><irodsProt>1</irodsProt><reconnFlag>0</reconnFlag><connectCnt>0</connectCnt>"
        b"<proxyUser>rods</proxyUser><proxyRcatZone>tempZone</proxyRcatZone><clientUser>rods</clientUser>"
        b"<clientRcatZone>tempZone</clientRcatZone><relVersion>rods5.0.2</relVersion><apiVersion>d</apiVersion>"
        b"<option>x</option></StartupPack_PI>"
    )
    connection.sendall(header("RODS_CONNECT", len(start)) + start)
    assert b"RODS_VERSION" in connection.recv(4096)
    for number in (633, 702, 606, 625, 701):
        connection.sendall(header("RODS_API_REQ", number=number))
        assert b"<intInfo>-13000</intInfo>" in connection.recv(4096)


GARBAGE = {
    "text": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "a header of 4 GB": struct.pack(">I", 0xFFFFFFFF),
    "a message of 2 GB": header("RODS_CONNECT", message=2**31 - 1),
    "a stream of 1 GB before sign-in": header("RODS_CONNECT", stream=1 << 30),
    "a negative length": header("RODS_CONNECT", message=-5),
    "a broken header": struct.pack(">i", 10) + b"<MsgHeader",
    "a request first": header("RODS_API_REQ", number=702),
    "nothing": b"",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_garbage_ends_its_connection_with_a_line_in_the_log_and_no_other(irods_zone: EmbeddedZone, name: str) -> None:
    other = irods_zone.session()
    other.collections.get(irods_zone.home)
    connection = connect(irods_zone)
    connection.sendall(GARBAGE[name])
    connection.shutdown(socket.SHUT_WR)
    assert ended(connection)
    assert other.collections.get(irods_zone.home)
    if name != "nothing":
        wait_until(lambda: "connection ended" in irods_zone.log_text())
    assert "Traceback" not in irods_zone.log_text()


def test_a_frame_of_4_gb_after_sign_in_costs_nothing(irods_zone: EmbeddedZone) -> None:
    assert _serves(irods_zone)
    before = children_of(irods_zone.pid)
    client = irods_zone.raw_client(option="x")
    (agent,) = children_of(irods_zone.pid) - before
    client.socket.sendall(header("RODS_API_REQ", stream=0xFFFFFFFF, number=676))
    assert ended(client.socket)
    wait_until(lambda: agent not in children_of(irods_zone.pid))
    assert _serves(irods_zone)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(number=st.sampled_from([602, 606, 608, 625, 627, 633, 674, 675, 676, 679, 681, 689, 696, 700, 701, 702, 706,
                               707, 722, 20000, 20002, 20004, 20007, 99]),
       message=st.one_of(st.binary(max_size=300), st.just(b"\x00" * 4000), st.just(b"<a>" * 100)),
       data=st.binary(max_size=50))  # fmt: skip
def test_requests_of_any_bytes_are_refused_one_by_one(
    irods_zone: EmbeddedZone, number: int, message: bytes, data: bytes
) -> None:
    client = _shared_client(irods_zone)
    client.socket.sendall(header("RODS_API_REQ", len(message), 0, len(data), number) + message + data)
    client.read()
    assert client.call(633, {"objPath": irods_zone.home, "KeyValPair_PI": {}}).status == 2
    assert "Traceback" not in irods_zone.log_text()


_clients: dict[int, RawClient] = {}


def _shared_client(zone: EmbeddedZone) -> RawClient:
    if zone.port not in _clients:
        _clients[zone.port] = zone.raw_client(option="fuzz")
    return _clients[zone.port]


@pytest.fixture
def hasty_zone(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A zone that waits for no one: (port, log)."""
    command = [sys.executable, "-m", "irods_zone.cli", "--root", str(tmp_path / "z"), "--port", "0",
               "--handshake-timeout", "0.3", "--stall-timeout", "0.3", "--idle-timeout", "2"]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # the interpreter that runs us
        assert process.stdout
        yield int(process.stdout.readline().split()[-1]), tmp_path / "z/log/zone.log"
        process.terminate()


def test_silent_and_slow_clients_are_dropped(hasty_zone: tuple[int, Path]) -> None:
    port, log = hasty_zone
    silent = socket.create_connection(("127.0.0.1", port), timeout=10)
    assert ended(silent)
    half = RawClient("127.0.0.1", port, option="half")
    half.socket.sendall(header("RODS_API_REQ", 500, number=633) + b"only this")
    assert ended(half.socket)
    glued = RawClient("127.0.0.1", port, option="glued")  # a whole request and the beginning of the next
    whole = pack("DataObjInp_PI", {"objPath": "/tempZone", "KeyValPair_PI": {}}, glued.packing)
    request = header("RODS_API_REQ", len(whole), number=633) + whole
    glued.socket.sendall(request + request[:-5])
    started = time.monotonic()
    assert ended(glued.socket)
    assert time.monotonic() - started < 1.8  # the limit for messages, not the one for idleness
    idle = RawClient("127.0.0.1", port, option="idle")
    assert ended(idle.socket)
    deaf = RawClient("127.0.0.1", port, option="deaf")
    size = 30_000_000
    deaf.call(602, {"objPath": "/tempZone/home/rods/o", "openFlags": 578, "dataSize": -1, "KeyValPair_PI": {}})
    deaf.call(676, {"l1descInx": 3, "len": size}, os.urandom(size))
    deaf.call(674, {"l1descInx": 3})
    deaf.send("RODS_API_REQ", pack("OpenedDataObjInp_PI", {"l1descInx": 3, "len": size}, deaf.packing), 675)
    wait_until(lambda: "the client does not take its answer" in log.read_text())
    wait_until(lambda: log.read_text().count("too long") >= 3)
    text = log.read_text()
    assert "did not sign in for too long" in text
    assert "was silent inside a message for too long" in text
    assert "was silent for too long" in text
