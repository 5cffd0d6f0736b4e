"""The recorded traffic of a real 5.0.2 server (tests/data/wire-5.0.2.jsonl), read for tests."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Union

from irods_zone.api.calls import CALLS
from irods_zone.protocol.packing import Packing

WIRE = Path(__file__).parents[1] / "data" / "wire-5.0.2.jsonl"

# The input and output of each API call, by number; None if there is none.
STRUCTURES = {number: (api.input, api.output) for number, api in CALLS.items()}
STRUCTURES[110000] = ("BinBytesBuf_PI", "BinBytesBuf_PI")

# What the other frames carry.
MESSAGES = {"RODS_CONNECT": "StartupPack_PI", "RODS_CS_NEG_T": "CS_NEG_PI", "RODS_VERSION": "Version_PI"}


@dataclass(frozen=True)
class Cut:
    """A part of a frame of which only the length and the first bytes were recorded."""

    length: int
    head: bytes = b""


Part = Union[bytes, Cut]


@dataclass(frozen=True)
class Recorded:
    """One frame. `api` is the number of the request that it is or answers (0: neither)."""

    connection: int
    sender: str
    type: str
    int_info: int
    msg: Part
    error: Part
    bs: Part
    packing: Packing
    api: int

    @property
    def structure(self) -> str | None:
        """The structure of `msg`, if it has one."""
        if self.type in MESSAGES:
            return MESSAGES[self.type]
        if not self.api:
            return None
        return STRUCTURES[self.api][self.sender == "server"]


@dataclass
class Command:
    """A client's command and the frames that it caused, in order."""

    client: str
    command: str
    frames: list[Recorded] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.client}: {self.command}"


def _part(value: Any) -> Part:
    if isinstance(value, str):
        return value.encode()
    if "b64" in value:
        return base64.b64decode(value["b64"])
    return Cut(value["bytes"], base64.b64decode(value.get("head_b64", "")))


@cache
def commands() -> tuple[Command, ...]:
    """Everything that was recorded."""
    found: list[Command] = []
    packings: dict[int, Packing] = {}
    requests: dict[int, int] = {}
    for line in WIRE.read_text().splitlines():
        row = json.loads(line)
        if "command" in row:
            found.append(Command(row["client"], row["command"]))
        if "type" not in row:
            continue
        number, msg = row["conn"], _part(row["msg"])
        if row["type"] == "RODS_CONNECT":
            assert isinstance(msg, bytes)
            packings[number] = Packing.NATIVE if b"<irodsProt>0<" in msg else Packing.XML
        if row["type"] == "RODS_API_REQ":
            requests[number] = row["intInfo"]
        in_call = row["type"] in ("RODS_API_REQ", "RODS_API_REPLY")
        found[-1].frames.append(
            Recorded(
                number,
                row["from"],
                row["type"],
                row["intInfo"],
                msg,
                _part(row.get("error", "")),
                _part(row.get("bs", "")),
                packings[number] if in_call else Packing.XML,
                requests[number] if in_call else 0,
            )
        )
    return tuple(found)


def frames() -> Iterator[tuple[Command, Recorded]]:
    """Every recorded frame with the command that caused it."""
    for command in commands():
        for frame in command.frames:
            yield command, frame
