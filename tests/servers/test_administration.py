"""`ova-admin join` and `check` in a zone of several servers."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from ova_admin.check.finding import Outcome
from ova_admin.check.servers import finding
from ova_admin.cli import main
from tests.servers.conftest import KEY, Servers, join


def admin(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, *arguments: str) -> int:
    """The status of `ova-admin join` of the server with this configuration, with this standard input."""
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    return main(["join", "--etc", str(folder), *arguments])


def test_check_asks_all_servers(servers: Servers) -> None:
    for number, other in ((0, "127.0.0.3"), (1, "127.0.0.2")):
        found = finding(servers.client(number).session)
        assert (found.outcome, found.detail) == (Outcome.OK, f"{other}: answer, with the zone's key")


@pytest.mark.parametrize("number", [0, 1])
def test_check_sees_another_key(servers: Servers, number: int) -> None:
    join(servers.folders[1], b"x" * 32)
    found = finding(servers.client(number).session)
    assert found.outcome is Outcome.NOT_OK
    assert "has not the seal of this server's key" in found.detail
    assert "ova-admin join" in found.remedy


def test_check_sees_other_settings_and_a_server_that_is_away(servers: Servers) -> None:
    file = servers.folders[1] / "ova_rules.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "aliases": {"a": "b"}}))
    found = finding(servers.client().session)
    assert (found.outcome, found.detail) == (Outcome.NOT_OK, "127.0.0.3 decides otherwise: its settings differ")
    servers.zones[1].stop()
    assert "127.0.0.3 gives no answer: it does not run" in finding(servers.client().session).detail


def test_join_brings_the_key(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider, consumer = servers.folders
    assert admin(provider, monkeypatch, "", "--give") == 0
    text = capsys.readouterr().out
    assert text == f"ova-key {KEY.hex()}\n"
    key = consumer / "state/key"
    assert admin(consumer, monkeypatch, text) == 0
    assert "as before" in capsys.readouterr().out
    key.unlink()
    assert admin(consumer, monkeypatch, text) == 0
    assert key.read_bytes() == KEY
    assert key.stat().st_mode & 0o777 == 0o600


def test_join_refuses_what_is_wrong(
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    provider, consumer = servers.folders
    assert admin(consumer, monkeypatch, "", "--give") == 1
    assert admin(provider, monkeypatch, f"ova-key {KEY.hex()}") == 1
    for text in ("", "ova-key", "ova-key 12", f"other {KEY.hex()}", f"ova-key {'x' * 64}"):
        assert admin(consumer, monkeypatch, text) == 1
    assert admin(consumer, monkeypatch, f"ova-key {b'x'.hex() * 32}") == 1
    assert "is another key" in capsys.readouterr().err
    assert (consumer / "state/key").read_bytes() == KEY
