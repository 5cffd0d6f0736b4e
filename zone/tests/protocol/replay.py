"""Plays the client's side of a recording against a live server and compares the server's answers.

Values that differ between any two servers are not compared, but must correspond one to one: ids, checksums (the
recording does not have the files' contents), replica tokens. Times must only be times. The vault's directory replaces
the recorded one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from irods_zone.protocol import auth
from irods_zone.protocol.frames import Frame
from irods_zone.protocol.packing import Packing, pack, unpack
from irods_zone.raw_client import RawClient
from tests.protocol.recording import Command, Cut, Part, Recorded

PASSWORD = "rods"
RECORDED_VAULT = "/var/lib/irods/Vault"
# The checksum of the 100,000 unknown bytes that were put in the recording.
RECORDED_CHECKSUM = "sha2:VtjSvG7yZsu7lVYvMznKXlE0N4m41Nslh5FnrOWWl2I="

_TIME = re.compile(r"0\d{10}")
_NEVER = "00000000000"
# Values that correspond: one here for one there.
_NAMES = {
    "id": re.compile(r"1\d{4}"),
    "checksum": re.compile(r"sha2:[A-Za-z0-9+/]{43}="),
    "token": re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "challenge": re.compile(r"[0-9a-f]{64}"),
    "digest": re.compile(r"[A-Za-z0-9+/]{22}=="),
}
_QUOTED_ID = re.compile(r"(=\s*')(1\d{4})(')")
_COLLECTION_ID = 500
# The column of resource hierarchies, which iRODS fills in after the query, with a size of its own.
_HIERARCHY = 422
_MINIMUM_WIDTH = 50


def contents(length: int) -> bytes:
    """What is put for a file whose contents were not recorded."""
    return (
        (b"%09d\n" * (length // 10 + 1) % tuple(range(length // 10 + 1)))[:length]
        if length <= 100_000
        else bytes(length)
    )


def checksum(data: bytes) -> str:
    """A checksum as iRODS writes it."""
    return "sha2:" + base64.b64encode(hashlib.sha256(data).digest()).decode()


def width(rows: list[list[str]]) -> int:
    """The size that iRODS gives all columns of these rows."""
    current = 0
    for row in rows:
        needed = max(_MINIMUM_WIDTH, max(len(value.encode()) for value in row) + 1)
        if not current:
            current = needed
        elif needed > current:
            current = needed + _MINIMUM_WIDTH
    return current


class _Peer(RawClient):
    """A connection of the replay, and what was seen on it."""

    challenge = ""
    # The id that the last query for a collection gave, here.
    collection = ""


@dataclass
class Replay:
    """A recording against the server at `address`, whose files lie in `vault`."""

    address: tuple[str, int]
    vault: Path
    _peers: dict[int, _Peer] = field(default_factory=dict)
    # Recorded value -> value here, by kind.
    _here: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in _NAMES})
    _there: dict[str, dict[str, str]] = field(default_factory=lambda: {kind: {} for kind in _NAMES})

    def __post_init__(self) -> None:
        self._correspond("checksum", RECORDED_CHECKSUM, checksum(contents(100_000)))

    def close(self) -> None:
        """Leave."""
        for peer in self._peers.values():
            peer.drop()

    def play(self, command: Command) -> list[str]:
        """The differences, one line each: "frame: field: recorded …, here …"."""
        differences: list[str] = []
        broken: set[int] = set()
        for frame in command.frames:
            if frame.connection in broken:
                continue
            try:
                if frame.sender == "client":
                    self._send(frame)
                else:
                    live = self._peers[frame.connection].read()
                    name = f"{frame.type} {frame.api or ''}".strip()
                    differences += [f"{name}: {line}" for line in self._compare(frame, live)]
            except (OSError, KeyError) as error:
                broken.add(frame.connection)
                differences.append(f"{frame.type} {frame.api}: connection {frame.connection}: {error!r}")
        return differences

    # --- The client's side ---

    def _send(self, frame: Recorded) -> None:
        if frame.type == "RODS_CONNECT":
            self._peers[frame.connection] = _Peer(*self.address, signed_in=False)
        peer = self._peers[frame.connection]
        bs = contents(frame.bs.length) if isinstance(frame.bs, Cut) else frame.bs
        peer.send(frame.type, self._translated(frame, peer), frame.int_info, bs)
        if frame.type == "RODS_DISCONNECT":
            peer.drop()

    def _translated(self, frame: Recorded, peer: _Peer) -> bytes:
        assert isinstance(frame.msg, bytes)
        if not frame.api or not frame.msg or frame.structure is None:
            return frame.msg
        record = unpack(frame.structure, frame.msg, frame.packing)
        if frame.api == 110000:
            return self._sign_in(frame, peer)
        here = self._to_here(record, peer)
        return frame.msg if here == record else pack(frame.structure, here, frame.packing)

    def _sign_in(self, frame: Recorded, peer: _Peer) -> bytes:
        assert isinstance(frame.msg, bytes)
        message = auth.read_message(frame.msg, frame.packing)
        if message["next_operation"] == auth.RESPONSE:
            message["request_result"] = peer.challenge
            message["digest"] = base64.b64encode(auth.digest(peer.challenge, PASSWORD)).decode()
        data = json.dumps(message).encode()
        return pack("BinBytesBuf_PI", {"buf": data}, frame.packing)

    def _to_here(self, value: Any, peer: _Peer) -> Any:
        if isinstance(value, dict):
            return {key: self._to_here(item, peer) for key, item in value.items()}
        if isinstance(value, list):
            return [self._to_here(item, peer) for item in value]
        if isinstance(value, tuple):
            return tuple(self._to_here(item, peer) for item in value)
        if not isinstance(value, str):
            return value
        for kind, names in self._here.items():
            if kind != "id" and value in names:
                return names[value]

        def own_id(match: re.Match[str]) -> str:
            number = match.group(2)
            if number not in self._here["id"]:
                self._correspond("id", number, peer.collection)
            return match.group(1) + self._here["id"][number] + match.group(3)

        return _QUOTED_ID.sub(own_id, value)

    def _correspond(self, kind: str, recorded: str, here: str) -> bool:
        return (
            self._here[kind].setdefault(recorded, here) == here
            and self._there[kind].setdefault(here, recorded) == recorded
        )

    # --- The server's side ---

    def _compare(self, recorded: Recorded, live: Frame) -> Iterator[str]:
        if (recorded.type, recorded.int_info) != (live.type, live.int_info):
            yield f"recorded {recorded.type} {recorded.int_info}, here {live.type} {live.int_info}"
        yield from self._compare_message(recorded, live)
        if isinstance(recorded.error, Cut) or bool(recorded.error) != bool(live.error):
            yield f"error stack: recorded {_shown(recorded.error)}, here {live.error!r}"
        elif recorded.error:
            yield from self._differences(
                "error stack",
                unpack("RError_PI", recorded.error, recorded.packing),
                unpack("RError_PI", live.error, recorded.packing),
            )
        length = recorded.bs.length if isinstance(recorded.bs, Cut) else len(recorded.bs)
        if length != len(live.bs):
            yield f"byte stream: recorded {length} bytes, here {len(live.bs)}"

    def _compare_message(self, recorded: Recorded, live: Frame) -> Iterator[str]:
        structure = recorded.structure
        there = recorded.msg
        if structure is None or not there or not live.msg:
            if there != live.msg:
                yield f"message: recorded {_shown(there)}, here {live.msg[:200]!r}"
            return
        value = unpack(structure, live.msg, recorded.packing)
        self._remember(recorded, value)
        if isinstance(there, Cut):
            yield from self._compare_cut(structure, there, value, recorded.packing)
        else:
            yield from self._differences(structure, unpack(structure, there, recorded.packing), self._moved(value))

    def _remember(self, recorded: Recorded, value: Any) -> None:
        peer = self._peers[recorded.connection]
        if recorded.api == 110000:
            peer.challenge = json.loads(value["buf"].rstrip(b"\0")).get("request_result", "")
        elif recorded.structure == "GenQueryOut_PI" and value["rowCnt"]:
            for column in value["SqlResult_PI"]:
                if column["attriInx"] == _COLLECTION_ID:
                    peer.collection = column["value"][-1]

    def _compare_cut(self, structure: str, there: Cut, value: Any, packing: Packing) -> Iterator[str]:
        packed = pack(structure, self._moved(value), packing)
        if not packed.startswith(there.head[:40]):
            yield f"{structure} begins: recorded {there.head!r}, here {packed[:64]!r}"
        elif len(packed) != there.length:
            yield f"{structure}: recorded {there.length} bytes, here {len(packed)}: {_rows(value)}"

    def _moved(self, value: Any) -> Any:
        """A value as it would be if the vault lay where the recorded one did."""
        if isinstance(value, dict):
            moved = {key: self._moved(item) for key, item in value.items()}
            if "SqlResult_PI" in moved and str(self.vault) in str(value):
                used = [column for column in moved["SqlResult_PI"] if column["attriInx"]]
                plain = [column for column in used if column["attriInx"] != _HIERARCHY]
                for column in plain:
                    column["reslen"] = width([list(row) for row in zip(*(other["value"] for other in plain))])
            return moved
        if isinstance(value, list):
            return [self._moved(item) for item in value]
        return value.replace(str(self.vault), RECORDED_VAULT) if isinstance(value, str) else value

    def _differences(self, path: str, there: Any, here: Any) -> Iterator[str]:
        if isinstance(there, bytes) and there[:1] == b"{" and isinstance(here, bytes) and here[:1] == b"{":
            if there.endswith(b"\0") != here.endswith(b"\0"):
                yield f"{path}: only one ends in NUL"
            there, here = json.loads(there.rstrip(b"\0")), self._moved(json.loads(here.rstrip(b"\0")))
            yield from self._differences(path, there, here)
        elif isinstance(there, dict) and isinstance(here, dict):
            for key in [*there, *(key for key in here if key not in there)]:
                if key == "buflen" and isinstance(there.get("buf"), bytes) and there["buf"][:1] == b"{":
                    continue
                if key not in there or key not in here:
                    yield f"{path}.{key}: only {'recorded' if key in there else 'here'}"
                else:
                    yield from self._differences(f"{path}.{key}", there[key], here[key])
        elif isinstance(there, list) and isinstance(here, list):
            if len(there) != len(here):
                yield f"{path}: recorded {there}, here {here}"
            else:
                for number, (one, other) in enumerate(zip(there, here)):
                    yield from self._differences(f"{path}[{number}]", one, other)
        elif not self._same(there, here):
            yield f"{path}: recorded {there!r}, here {here!r}"

    def _same(self, there: Any, here: Any) -> bool:
        if there == here and type(there) is type(here):
            return True
        if isinstance(there, int) and isinstance(here, int):
            there, here = str(there), str(here)
            return bool(_NAMES["id"].fullmatch(there) and _NAMES["id"].fullmatch(here)) and self._correspond(
                "id", there, here
            )
        if not isinstance(there, str) or not isinstance(here, str):
            return False
        if _TIME.fullmatch(there) and _TIME.fullmatch(here):
            return _NEVER not in (there, here)
        for kind, pattern in _NAMES.items():
            if pattern.fullmatch(there) and pattern.fullmatch(here):
                return self._correspond(kind, there, here)
        return False


def _shown(part: Part) -> str:
    return f"{part.length} bytes" if isinstance(part, Cut) else repr(part[:200])


def _rows(value: Any) -> str:
    if "SqlResult_PI" not in value:
        return repr(value)[:300]
    used = [column for column in value["SqlResult_PI"] if column["attriInx"] or column["reslen"]]
    return str([(column["attriInx"], column["reslen"], column["value"]) for column in used])
