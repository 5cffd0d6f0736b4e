"""The hooks recorded on a real 5.0.2 server (tests/data/peps-5.0.2.jsonl), read and made comparable."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

PEPS = Path(__file__).parents[1] / "data" / "peps-5.0.2.jsonl"

# Meaningless differences between two zones: ids and times become a word.
_IDS = ("dataId", "collId", "rescId")
_TIMES = ("dataCreate", "dataModify", "dataAccessTime")
_TIME = re.compile(r"\d{11}\Z")
# What a file system says of a registered file.
_FILE = ("fileUid", "fileGid", "fileMode", "fileCtime", "fileMtime")
# In a descriptor's JSON, whose first bytes are in the recording.
_IN_JSON = re.compile(r'("(?:data|collection|resource)_id":)\d+|("data_(?:create|modify|access_time)":")\d{11}')

Row = dict[str, Any]


@dataclass
class Command:
    """A client's command, the hooks it caused in order, and how it ended."""

    client: str
    command: str
    number: int
    rows: list[Row] = field(default_factory=list)
    exit_code: int = 0
    stderr: str = ""

    def __str__(self) -> str:
        return f"{self.number:02d} {self.command}"

    @property
    def code(self) -> int:
        """The iRODS code in what a failed command printed, 0 if there is none."""
        found = re.search(r"(?:error|status =) (-\d+)", self.stderr)
        return int(found.group(1)) if found else 0


@cache
def commands() -> tuple[Command, ...]:
    """All recorded commands."""
    found: list[Command] = []
    for line in PEPS.read_text().splitlines():
        row = json.loads(line)
        if "command" in row:
            found.append(Command(row["client"], row["command"], len(found)))
        elif "pep" in row:
            found[-1].rows.append(row)
        else:
            found[-1].exit_code, found[-1].stderr = row["exit_code"], row["stderr"]
    return tuple(found)


def comparable(value: Any, replace: Mapping[str, str], key: str = "") -> Any:
    """A value with paths of one zone replaced, and ids and times as words."""
    if isinstance(value, dict):
        return {name: comparable(item, replace, name) for name, item in value.items()}
    if isinstance(value, list):
        return [comparable(item, replace) for item in value]
    if key in _IDS and value:
        return "ID"
    if isinstance(value, str):
        if key in _TIMES and _TIME.match(value):
            return "TIME"
        if key in _FILE:
            return "STAT"
        if key == "replicaToken":
            return "TOKEN"
        for old, new in replace.items():
            value = value.replace(old, new)
        if key == "head":
            value = _IN_JSON.sub(lambda found: (found[1] or found[2]) + "…", value)
    return value
