"""Tasks: the scripts and files of `install`, `config` and `reset` on a disc, and the values that they are given. Pure.

They stand below `tasks/`, in a folder for each group and in it for each level: what a grid brings runs before what the
machine brings. `tasks/run` is the engine, a POSIX shell script; it reads `tasks/values.sh`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from ova_tools.errors import SeedError
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

GROUPS = ("install", "config", "reset")
MOST_TASKS = 1000
_LONGEST_NAME = 64  # bytes of UTF-8; Joliet has as many characters, and pycdlib counts bytes
_DEEPEST = 3  # folders in a group; ISO 9660 knows eight in all
_FORBIDDEN = re.compile(r"[\x00-\x1f\x7f*/:;?\\]")
_VARIABLE = re.compile(r"[^A-Za-z0-9_]")


@dataclass(frozen=True)
class DiscFile:
    """A file of a disc. size in bytes; open: a stream of exactly so many bytes."""

    path: str
    size: int
    open: Callable[[], BinaryIO]
    executable: bool = False


@dataclass(frozen=True)
class Task:
    """A file of a group. level: that of 0 runs first; name: its path in the group; size in bytes."""

    group: str
    level: int
    name: str
    size: int
    open: Callable[[], BinaryIO]


def in_memory(path: str, data: bytes, *, executable: bool = False) -> DiscFile:
    """A file of these bytes."""
    from io import BytesIO

    return DiscFile(path, len(data), lambda: BytesIO(data), executable)


def files_of(tasks: Sequence[Task], values: Mapping[str, str], most_bytes: int | None = None) -> list[DiscFile]:
    """The files below `tasks/`: the tasks, the engine, the values. None without tasks.

    Raises SeedError for too many tasks or bytes, and for names that a disc cannot carry.
    """
    if not tasks:
        return []
    if len(tasks) > MOST_TASKS:
        raise SeedError(f"{len(tasks)} tasks; a seed carries at most {MOST_TASKS}")
    size = sum(task.size for task in tasks)
    if most_bytes is not None and size > most_bytes:
        largest = max(tasks, key=lambda task: task.size)
        raise SeedError(
            f"the tasks have {size} bytes, {largest.size} of them {largest.group}/{largest.name}; "
            f"a seed carries at most {most_bytes}"
        )
    known: dict[str, str] = {}
    found = []
    for task in tasks:
        _require_name(task)
        path = f"tasks/{task.group}/{task.level:02}/{task.name}"
        other = known.setdefault(path.casefold(), task.name)
        if other != task.name:
            raise SeedError(f"{task.group}: {_shown(other)} and {_shown(task.name)} differ in case only; rename one")
        found.append(DiscFile(path, task.size, task.open, executable=True))
    engine = (Path(__file__).parent / "engine" / "run").read_bytes()
    return [
        *found,
        in_memory("tasks/run", engine, executable=True),
        in_memory("tasks/values.sh", shell_values(values).encode()),
        in_memory("tasks/values.json", (json.dumps(values, indent=1, sort_keys=True) + "\n").encode()),
    ]


def _require_name(task: Task) -> None:
    if task.group not in GROUPS:
        raise SeedError(f"{task.group}: is no group of tasks; {', '.join(GROUPS)} are")
    parts = task.name.split("/")
    if len(parts) > _DEEPEST:
        raise SeedError(f"{task.group}/{_shown(task.name)}: lies in more than {_DEEPEST - 1} folders")
    for part in parts:
        length = len(part.encode("utf-8", "surrogatepass"))
        where = f"{task.group}/{_shown(task.name)}"
        if part in ("", ".", "..") or _FORBIDDEN.search(part) or any(0xD800 <= ord(c) < 0xE000 for c in part):
            raise SeedError(f"{where}: a disc carries no such name; control characters and * / : ; ? \\ are not right")
        if length > _LONGEST_NAME:
            raise SeedError(f"{where}: a name has {length} bytes; a disc carries {_LONGEST_NAME}")


def _shown(name: str) -> str:
    return name if name.isprintable() and len(name) <= 100 else ascii(name[:100])


def variables(names: Iterable[str]) -> dict[str, str]:
    """The name of the environment variable of each of these names: `OVA_`, and `_` for what a shell does not know.

    The key alone has one, too, where it is the only one; a later name never takes that of an earlier one.
    """
    found: dict[str, str] = {}
    for name in names:
        variable = f"OVA_{_VARIABLE.sub('_', name)}"
        if variable not in found.values():
            found[name] = variable
    return found


def shell_values(values: Mapping[str, str]) -> str:
    """A shell script that sets and exports the values; every text is quoted."""
    found = variables(values)
    lines = [f"{variable}={_quoted(values[name])}; export {variable}" for name, variable in found.items()]
    return "\n".join(["# The values of this machine, for its tasks.", *lines, ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("\0", "").replace("'", "'\\''") + "'"
