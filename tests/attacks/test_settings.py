"""Unusable settings close the gate for ready OVAs, and for nothing else. No client waits, and all is logged once."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clients import PythonClient, Refused
from tests.support.zones import MakePlace

SECONDS = 10  # after which a client that hears nothing fails


def _text(data: bytes) -> Callable[[Path], object]:
    return lambda file: file.write_bytes(data)


def _others_may_write(file: Path) -> None:
    file.write_text("{}")
    file.chmod(0o666)


def _of_another_account(file: Path) -> None:
    file.write_text("{}")
    os.chown(file, 65534, 65534)


UNUSABLE: dict[str, Callable[[Path], object]] = {
    "nested arrays": _text(b"[" * 100_000),
    "nested objects": _text(b'{"a":' * 100_000),
    "no JSON": _text(b"gate_wait = 7"),
    "empty": _text(b""),
    "no UTF-8": _text(b'{"state_directory": "\xff"}'),
    "NUL": _text(bytes(1000)),
    "no object": _text(b"[1]"),
    "a number of many digits": _text(b'{"gate_wait": ' + b"9" * 10_000 + b"}"),
    "huge": _text(b" " * 2_000_000 + b"{}"),
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a circle of links": lambda file: file.symlink_to(file),
    "a device": lambda file: file.symlink_to("/dev/zero"),
    "others may write it": _others_may_write,
}
if os.geteuid() == 0:
    UNUSABLE["of another account"] = _of_another_account


def _remove(file: Path) -> None:
    if file.is_dir() and not file.is_symlink():
        shutil.rmtree(file)
    else:
        file.unlink(missing_ok=True)


@pytest.mark.parametrize("kind", UNUSABLE)
def test_unusable_settings_close_the_gate_and_nothing_else(kind: str, make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place(components=1)
    [component] = place.components
    place.client.set(component, "hostname", "one")
    place.client.make(f"{place.home}/plain")
    place.client.put(b"x", f"{place.home}/plain/plain.ova")
    file = tmp_path / "etc" / "ova_rules.json"
    right = file.read_text()
    _remove(file)
    UNUSABLE[kind](file)
    before = len(place.zone.log_text())
    client = PythonClient(place.zone.session(connection_timeout=SECONDS))

    client.set(component, "hostname", "two")
    for _ in range(2):
        with pytest.raises(Refused, match="could not be checked against its metadata; an administrator has to"):
            client.get(f"{component}/comp00.ova")
    assert client.get(f"{place.home}/plain/plain.ova") == b"x"
    client.put(b"y", f"{place.home}/plain/plain.ova")
    client.set(f"{place.home}/plain", "colour", "red")
    client.put(b"z", f"{place.home}/other.ova")
    client.session.data_objects.move(f"{place.home}/other.ova", f"{place.home}/moved.ova")
    client.unlink(f"{place.home}/moved.ova")
    client.component(f"{place.home}/late", place.source)

    log = place.zone.log_text()[before:]
    agents = re.findall(r"\[(\d+)\] .*ova_rules.json: cannot be used: ", log)
    assert agents and len(agents) == len(set(agents)), "each agent says it once"
    assert '"ova": "fault"' not in log

    _remove(file)
    file.write_text(right)
    client = PythonClient(place.zone.session())
    assert client.ready(component).values["host.hostname"] == "two"
    # It is unknown who set this: nothing could be noted meanwhile.
    with pytest.raises(Refused, match="it is not known who set it; set it again"):
        client.get(f"{place.home}/late/late.ova")
    client.set(f"{place.home}/late", "ova_url", place.source)
    assert client.ready(f"{place.home}/late").whole


def test_one_wrong_setting_is_said_and_the_others_hold(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place(components=1)
    file = tmp_path / "etc" / "ova_rules.json"
    settings = json.loads(file.read_text())
    file.write_text(json.dumps({**settings, "gate_wait": [[]], "aliases": {"name": "hostname"}, "no_such": 1}))
    client = PythonClient(place.zone.session())
    client.set(place.components[0], "name", "aliased")
    assert client.ready(place.components[0]).values["host.hostname"] == "aliased"
    log = place.zone.log_text()
    assert log.count("gate_wait: [[]] is not a number of seconds") == 1
    assert log.count("no_such: no such setting") == 1
