"""ova_tools without iRODS: an edit in this process and with the command `ova`, beside COT and `cp` on the same file."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench import packages
from bench.packages import GIB, MIB
from bench.places import Place, workplaces
from bench.results import Label, Recorder
from bench.timing import Way, peak_megabytes, race, timed
from bench.timing import run as command
from ova_tools.edit import Change, edit
from ova_tools.package import read_package
from ova_tools.write import put_in_place

_BIN = Path(sys.executable).parent
# Size of the disk: rounds of all, rounds of COT.
ROUNDS = {512 * MIB: (5, 1), 4 * GIB: (1, 0)}
QUICK = {16 * MIB: (2, 1)}


def run(recorder: Recorder) -> None:
    """Measures the start of the command, then all sizes on each file system."""
    _start(recorder)
    rounds = QUICK if recorder.quick else ROUNDS
    for place, folder, size in workplaces(recorder, list(rounds), 4):
        _measure(recorder, place, folder, size, *rounds[size])


def _start(recorder: Recorder) -> None:
    """The cost of the command before its main work."""
    small = recorder.folder / "small.ova"
    small.write_bytes(packages.small())
    for _ in range(5 if recorder.quick else 25):
        inspect = partial(command, _BIN / "ova", "inspect", small)
        recorder.add("ova inspect, small package", "ms", [timed(inspect)])
        recorder.add("python -c pass", "ms", [timed(partial(command, sys.executable, "-c", "pass"))])


def _measure(recorder: Recorder, place: Place, folder: Path, size: int, own: int, cot: int) -> None:
    source, out = folder / "base.ova", folder / "out.ova"
    packages.write(source, size)
    labels: dict[str, Label] = {"file_system": place.kind, "mib": size >> 20}
    setting = (_BIN / "ova", "set", source, "hostname=sg12", "-o", out)
    with_cot = (_BIN / "cot", "-f", "edit-properties", source, "-o", out, "-p", "hostname=sg12")
    ways = [
        Way("in-process", own, partial(in_process, source, out)),
        Way("ova set", own, partial(command, *setting)),
        Way("cp", own, partial(command, "cp", source, out)),
        Way("cp --reflink=never", own, partial(command, "cp", "--reflink=never", source, out)),
        Way("cot edit-properties", cot, partial(command, *with_cot, folder=folder)),
    ]
    race(recorder, ways, labels, partial(out.unlink, missing_ok=True))
    out.unlink(missing_ok=True)
    recorder.add("ova set, memory", "MB", [peak_megabytes(*setting)], **labels)


def in_process(source: Path, target: Path) -> None:
    """Reads, edits and writes as `rules/` does, without the sync, which only crash safety needs."""
    with read_package(source) as package:
        made = edit(package, [Change(package.properties[0], "sg12")])
        put_in_place(made.plan, package.fileno(), target, durable=False)
