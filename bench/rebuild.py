"""One change until the OVA is ready, as a client sees it: our way, today's ways, and a bare copy.

Each way makes an OVA with another hostname from one in the repository:
- ours: `imeta set` of the hostname, built inside the hook; when the call returns the ready OVA is there.
- ours, queued: the same for a copied OVA larger than `inline_limit`; until a read passes the gate.
- paper: get, untar, edit the descriptor with a DOM, tar, put (Kawai et al., section 3).
- cot: get, `cot edit-properties`, put.
- cp --reflink=always, cp --reflink=never: a copy of the file in the vault, renamed over the copy before it as a rebuild
  replaces the ready OVA (freeing the blocks of a large file takes its time, too); and that copy synced as ours is.

Before each way starts, all data is written to the disk; the page cache is warm for all.
"""

from __future__ import annotations

import os
import shutil
import sys
import tarfile
from collections.abc import Callable
from functools import partial
from itertools import count
from pathlib import Path
from xml.dom import minidom

from bench.packages import GIB, MIB
from bench.places import Place, places, work, workplaces
from bench.results import Label, Recorder
from bench.site import INLINE, Site, site
from bench.timing import Way, race, timed
from bench.timing import run as command
from ova_rules.settings import Settings

COMPONENT = "grid/comp"
_COT = Path(sys.executable).with_name("cot")
# Size of the disk: rounds of our ways and of cp, rounds of the other two.
ROUNDS = {16 * MIB: (7, 3), 256 * MIB: (5, 2), GIB: (4, 1), 4 * GIB: (2, 1)}
QUICK = {MIB: (2, 1), 80 * MIB: (2, 1)}
SPARSE, QUICK_SPARSE = 16 * GIB, 160 * MIB


def run(recorder: Recorder) -> None:
    """Measures all sizes on each file system, reports those without room; the sparse one if extents can be shared."""
    rounds = QUICK if recorder.quick else ROUNDS
    for place, folder, size in workplaces(recorder, list(rounds), 7):
        _measure(recorder, place, folder, size, *rounds[size])
    with places(recorder, 4 * GIB) as found:  # a hole needs no room
        for place in found[-1:]:  # XFS, if there is one
            with work(place.folder) as folder:
                _measure(recorder, place, folder, QUICK_SPARSE if recorder.quick else SPARSE, 3, 0, sparse=True)


def _measure(
    recorder: Recorder, place: Place, folder: Path, size: int, own: int, others: int, *, sparse: bool = False
) -> None:
    """Measures all ways in turn, on one source."""
    labels: dict[str, Label] = {"file_system": place.kind, "mib": size >> 20, "disk": "sparse" if sparse else "random"}
    with site(folder, inline_limit=INLINE) as made:
        source = made.source(size, sparse=sparse)
        made.make(COMPONENT, "plain")
        recorder.add("first build", "ms", [timed(partial(made.build, COMPONENT))], **labels)
        values, copy, client = map("host{}".format, count()), folder / "copy.ova", folder / "client"
        newest: list[str] = []

        def ours() -> None:
            newest[:] = [next(values)]
            made.set(COMPONENT, "hostname", *newest)

        def check() -> None:
            if [made.hostname(COMPONENT)] != newest:
                raise RuntimeError(f"the ready OVA does not hold {newest}")

        ways = [
            Way("ours", own, ours, check),
            Way("a plain AVU", own, lambda: made.set("plain", "hostname", next(values))),
            Way("cp --reflink=never", own, partial(_replace, source, copy, "never")),
            Way("cp --reflink=never, synced", own, partial(_replace, source, copy, "never", synced=True)),
            Way("paper", others, lambda: _by_hand(made, client, _as_the_paper, next(values))),
            Way("cot", others, lambda: _by_hand(made, client, _with_cot, next(values))),
        ]
        if place.kind == "xfs":
            ways.append(Way("cp --reflink=always", own, partial(_replace, source, copy, "always")))
        command("cp", "--reflink=never", source, copy)
        race(recorder, ways, labels)
        if place.kind != "xfs" and size > Settings().inline_limit and not sparse:
            _queued(recorder, made, min(own, 2), labels)


def _queued(recorder: Recorder, made: Site, rounds: int, labels: dict[str, Label]) -> None:
    """With the default settings: the call returns at once, and a read waits at the gate for the delay queue."""
    made.settings()
    for number in range(rounds):
        os.sync()
        value = f"queued{number}"
        returned = timed(partial(made.set, COMPONENT, "hostname", value))
        found: list[str] = []
        waited = timed(lambda: found.append(made.hostname(COMPONENT)))  # noqa: B023 - called at once
        if found != [value]:
            raise RuntimeError(f"the ready OVA does not hold {value}")
        recorder.add("ours, queued: call returns", "ms", [returned], **labels)
        recorder.add("ours, queued: can be read", "ms", [returned + waited], **labels)


def _replace(source: Path, target: Path, reflink: str, *, synced: bool = False) -> None:
    new = target.with_name("new.ova")
    command("cp", f"--reflink={reflink}", source, new)
    if synced:
        command("sync", new)
    new.replace(target)


def _by_hand(made: Site, folder: Path, edit: Callable[[Path, Path, str], None], value: str) -> None:
    """Download, edit on the client's disk, upload."""
    folder.mkdir()
    base, edited = folder / "base.ova", folder / "comp.ova"
    made.session.data_objects.get(f"{made.home}/images/base.ova", str(base))
    edit(base, edited, value)
    made.session.data_objects.put(str(edited), f"{made.home}/by_hand.ova", force=True)
    shutil.rmtree(folder)


def _as_the_paper(base: Path, edited: Path, value: str) -> None:
    """Untar, change the descriptor with a DOM, tar."""
    with tarfile.open(base) as tar:
        names = tar.getnames()
        tar.extractall(base.parent, filter="data")
    descriptor = base.with_name("vm.ovf")
    document = minidom.parse(str(descriptor))
    for element in document.getElementsByTagName("Property"):
        if element.getAttribute("ovf:key") == "hostname":
            element.setAttribute("ovf:value", value)
    descriptor.write_text(document.toxml())
    with tarfile.open(edited, "w") as tar:
        for name in names:
            tar.add(base.with_name(name), name)


def _with_cot(base: Path, edited: Path, value: str) -> None:
    command(_COT, "-f", "edit-properties", base, "-o", edited, "-p", f"hostname={value}", folder=base.parent)
