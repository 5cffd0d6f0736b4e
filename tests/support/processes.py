"""What /proc says about the processes of a zone."""

from __future__ import annotations

import threading
from pathlib import Path
from types import TracebackType


def descendants(pid: int) -> list[int]:
    """The process and all below it that live now."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            parents.setdefault(int(text.rpartition(")")[2].split()[1]), []).append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return found


def peak_kib(pid: int) -> int:
    """The most memory a process has had resident so far, in KiB; 0 if it is gone."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def writers_of(file: Path) -> list[int]:
    """The processes that have a file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.readlink() == file:
                found.append(int(link.parts[2]))
        except OSError:  # it ended, or is another's
            continue
    return found


class PeakMemory:
    """Watches a process and all below it, also those that come and go; `kib` is the largest peak of any one."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.kib = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _look(self) -> None:
        self.kib = max([self.kib, *map(peak_kib, descendants(self._pid))])

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self._look()

    def __enter__(self) -> PeakMemory:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._look()
        self._stop.set()
        self._thread.join()
