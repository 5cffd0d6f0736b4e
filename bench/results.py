"""The stored measurements: one JSON file per part, raw samples with machine, versions and commit.

Everything in docs/performance.md comes from these files (`bench.report`), so this module must not round, drop or
summarise. The files hold no host names and no paths of a machine.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Union

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "bench" / "results"
MEASURED = ("core.py", "rules", "ova_tools", "zone", "bench")  # the sources on which a commit's figures depend

Label = Union[str, int]


@dataclass(frozen=True)
class Series:
    """Samples of one thing under one set of conditions, in the order of measurement."""

    what: str
    unit: str
    labels: dict[str, Label]
    values: tuple[float, ...]

    def matches(self, what: str, labels: dict[str, Label]) -> bool:
        """Whether this is `what` under these conditions (others may be added)."""
        return self.what == what and all(self.labels.get(name) == value for name, value in labels.items())


@dataclass(frozen=True)
class Result:
    """One part, measured once. seconds: how long that took; complete: nothing failed."""

    part: str
    quick: bool
    complete: bool
    seconds: float
    commit: str
    machine: dict[str, Label]
    versions: dict[str, str]
    skipped: tuple[str, ...]
    series: tuple[Series, ...]

    def find(self, what: str, **labels: Label) -> Series | None:
        """The one series of that name and those labels; None if it was not measured."""
        found = self.find_all(what, **labels)
        if len(found) > 1:
            raise LookupError(f"{self.part}: {len(found)} series are {what} {labels}")
        return found[0] if found else None

    def find_all(self, what: str, **labels: Label) -> list[Series]:
        """All series of that name and those labels."""
        return [each for each in self.series if each.matches(what, labels)]

    def labels(self, label: str, what: str | None = None, **labels: Label) -> list[Label]:
        """The different values of a label, in the order of the measurement."""
        found = [each for each in self.series if label in each.labels and each.matches(what or each.what, labels)]
        return list(dict.fromkeys(each.labels[label] for each in found))

    def save(self, folder: Path) -> Path:
        """Writes FOLDER/PART.json."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.part}.json"
        head = {name: value for name, value in vars(self).items() if name != "series"}
        rows = ",\n".join(f"  {json.dumps(vars(each), ensure_ascii=False)}" for each in self.series)
        text = json.dumps(head, indent=1, ensure_ascii=False)[:-2]
        path.write_text(f'{text},\n "series": [\n{rows}\n ]\n}}\n', encoding="utf-8")
        return path

    @classmethod
    def load(cls, path: Path) -> Result:
        """Reads what `save` wrote."""
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = [Series(row["what"], row["unit"], row["labels"], tuple(row["values"])) for row in data.pop("series")]
        return cls(**{**data, "skipped": tuple(data["skipped"]), "series": tuple(rows)})


@dataclass
class Recorder:
    """Records the samples of a part. folder: an empty one on the disk, for this part only."""

    part: str
    quick: bool
    folder: Path
    started: float = field(default_factory=time.monotonic)
    skipped: list[str] = field(default_factory=list)
    samples: dict[tuple[str, str, tuple[tuple[str, Label], ...]], list[float]] = field(default_factory=dict)

    def add(self, what: str, unit: str, values: Iterable[float], **labels: Label) -> None:
        """Adds samples to those of the same name and labels, with four decimals, finer than any clock here."""
        kept = self.samples.setdefault((what, unit, tuple(labels.items())), [])
        kept.extend(round(value, 4) for value in values)

    def skip(self, why: str) -> None:
        """Notes and prints what is not measured here."""
        self.skipped.append(why)
        print(f"  {self.part}: skipped: {why}", flush=True)

    def room_for(self, size: int, purpose: str) -> bool:
        """Whether so many bytes are free, and a gibibyte more for others. Reports it if not."""
        if shutil.disk_usage(self.folder).free >= size + (1 << 30):
            return True
        self.skip(f"{purpose}: needs {size >> 30} GiB of free space")
        return False

    def result(self, *, complete: bool = True) -> Result:
        """The measurements, with the machine and versions."""
        seconds = round(time.monotonic() - self.started, 1)
        facts = (commit(), machine(self.folder), versions())
        series = (Series(what, unit, dict(labels), tuple(v)) for (what, unit, labels), v in self.samples.items())
        return Result(self.part, self.quick, complete, seconds, *facts, tuple(self.skipped), tuple(series))


def machine(folder: Path) -> dict[str, Label]:
    """Processor, memory, kernel and the file system of `folder`; nothing that distinguishes equal machines."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return {
        "cpu": model.group(1) if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(int(memory.group(1)) / (1 << 20)) if memory else 0,
        "kernel": platform.release().partition("-")[0],
        "file_system": file_system(folder),
    }


def file_system(folder: Path) -> str:
    """The type of a folder's file system: ext4, xfs …"""
    command = ["findmnt", "--noheadings", "--output", "FSTYPE", "--target", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]


def versions() -> dict[str, str]:
    """The versions of Python, the packages and the commands."""
    found = {"python": platform.python_version()}
    for package in ("ova-tools", "python-irodsclient", "cot"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    for name, command in (("coreutils", ("cp", "--version")), ("xfsprogs", ("mkfs.xfs", "-V"))):
        if shutil.which(command[0]):
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            number = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
            found[name] = number.group() if number else "unknown"
    return found


def commit() -> str:
    """The measured commit, with a plus if the sources differ from it."""

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    changed = git("status", "--porcelain", "--", *MEASURED, f":!{RESULTS.relative_to(REPOSITORY)}")
    return git("rev-parse", "--short=12", "HEAD") + ("+" if changed else "")
