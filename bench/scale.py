"""Scale of a zone: the cost of changes with 10 to 10,000 components in it. Queries are counted, not only timed.

A zone of N has a grid of 10 and, with the other N - 10, grids of at most 1,000. The OVAs are tiny, and the zone is in
memory if the machine has such a file system, so that decisions are measured and not the disk.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from irods_zone.catalog import metadata, users
from irods_zone.catalog.database import Database

from bench import packages, profiler
from bench.packages import GIB
from bench.populate import populate
from bench.results import Label, Recorder, file_system
from bench.site import Site, site
from ova_admin.reconcile import stale

SIZES = (10, 100, 1000, 10000)
QUICK = (10, 100)
_GRID = 10
_LARGEST_GRID = 1000
_MEMORY = Path("/dev/shm")


def run(recorder: Recorder) -> None:
    """Measures one zone for each size."""
    for size in QUICK if recorder.quick else SIZES:
        with _quiet_folder(recorder) as folder, site(folder / "site", profiled=True) as made:
            _measure(recorder, made, size, file_system(folder))


@contextmanager
def _quiet_folder(recorder: Recorder) -> Iterator[Path]:
    memory = _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > 2 * GIB
    with tempfile.TemporaryDirectory(dir=_MEMORY if memory else recorder.folder) as name:
        yield Path(name)


def _measure(recorder: Recorder, made: Site, size: int, kind: str) -> None:
    grids = {"grid": min(size, _GRID)}
    for number, start in enumerate(range(_GRID, size, _LARGEST_GRID)):
        grids[f"other{number}"] = min(size - start, _LARGEST_GRID)
    made.make("images")
    made.put("images/base.ova", packages.small())
    for grid, components in grids.items():
        populate(made, grid, components, f"{made.home}/images/base.ova")
    largest = max(grids, key=lambda grid: grids[grid])
    one_in_a_hundred = [f"{largest}/c{number:05}" for number in range(max(1, size // 100))]
    operation = Operation(recorder, made, {"components": size, "file_system": kind})

    operation("first build of all", size, partial(_set_all, made, list(grids)))
    if missing := sum(map(made.not_ready, grids)):
        raise RuntimeError(f"{missing} of {size} components are not ready")
    for _ in range(5):
        operation("one change", 1, partial(made.set, f"{largest}/c00003", "hostname"))
        operation("a read through the gate", 0, lambda _: made.hostname(f"{largest}/c00003"))
    operation("a change of a grid of 10", grids["grid"], partial(made.set, "grid", "hostname"))
    if largest != "grid":
        operation("a change of the largest grid", grids[largest], partial(made.set, largest, "hostname"))
    operation("reconcile, nothing to do", 0, lambda _: _reconcile(made, []))
    change_unnoticed(made, one_in_a_hundred)
    operation("reconcile, 1 % to do", len(one_in_a_hundred), lambda _: _reconcile(made, one_in_a_hundred))
    _reconcile(made, [])


def _set_all(made: Site, grids: Sequence[str], value: str) -> None:
    for grid in grids:
        made.set(grid, "hostname", value)


class Operation:
    """Does one thing, waits for its jobs, and records time and counts."""

    def __init__(self, recorder: Recorder, made: Site, labels: dict[str, Label]) -> None:
        self._recorder, self._made, self._labels = recorder, made, labels
        self._values = map("host{}".format, count())

    def __call__(self, name: str, changed: int, action: Callable[[str], object]) -> None:
        """changed: how many components get another value."""
        labels = {**self._labels, "changed": changed}
        self._made.forget_events()
        start = time.perf_counter()
        action(next(self._values))
        returned = time.perf_counter()
        self._made.wait_for_jobs()
        events = self._made.events()
        jobs = [event for event in events if event["event"] in profiler.JOBS]
        if jobs:
            self._recorder.add(f"{name}: all done", "ms", [(time.perf_counter() - start) * 1000], **labels)
        self._recorder.add(f"{name}: call returns", "ms", [(returned - start) * 1000], **labels)
        self._recorder.add(f"{name}: in hooks and jobs", "ms", [profiler.milliseconds(events)], **labels)
        for unit, number in profiler.counts(events).items():
            self._recorder.add(f"{name}: {unit}", unit, [number], **labels)


def change_unnoticed(made: Site, components: Sequence[str]) -> None:
    """Sets AVUs directly in the catalog, so that no event announces them."""
    with contextlib.closing(Database.open(made.zone.root / "catalog.sqlite")) as database:
        user = users.require(database, made.zone.user)
        for name in components:
            metadata.modify(database, user, ("set", "-C", f"{made.home}/{name}", "hostname", "unnoticed"))


def _reconcile(made: Site, expected: Sequence[str]) -> None:
    """Does what `ova-admin reconcile` does for one owner: asks which are out of date, and opens each for reading."""
    found = [each.path for each in stale(made.session)]
    if found != [f"{made.home}/{name}" for name in expected]:
        raise RuntimeError(f"{len(found)} components are out of date, {len(expected)} should be: {found[:3]}")
    for path in found:
        made.hostname(path.removeprefix(f"{made.home}/"))
