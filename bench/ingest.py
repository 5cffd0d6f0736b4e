"""Ingest: the check of an image, every byte against its manifest, beside `sha256sum` of the same bytes; peak memory."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from bench import packages
from bench.packages import GIB, MIB
from bench.results import Recorder
from bench.site import Site, site
from bench.timing import peak_megabytes, timed
from bench.timing import run as command
from tests.support.processes import PeakMemory

_OVA = Path(sys.executable).with_name("ova")


def run(recorder: Recorder) -> None:
    """Measures the command, and the queued job that a put into an images collection causes."""
    size = 64 * MIB if recorder.quick else 4 * GIB
    if not recorder.room_for(2 * size, f"{size >> 20} MiB"):
        return
    labels = {"mib": size >> 20}
    with site(recorder.folder / "site") as made:
        file = recorder.folder / "base.ova"
        packages.write(file, size)
        for _ in range(2):
            recorder.add("sha256sum", "ms", [timed(partial(command, "sha256sum", file))], **labels)
            recorder.add("ova verify", "ms", [timed(partial(command, _OVA, "verify", file))], **labels)
        recorder.add("ova verify, memory", "MB", [peak_megabytes(_OVA, "verify", file)], **labels)
        _queued(recorder, made, file, labels)


def _queued(recorder: Recorder, made: Site, file: Path, labels: dict[str, int]) -> None:
    """The time until `ova::package` is valid, for an image that is registered in place."""
    made.make("images")
    made.set("images", "ova_images", "yes")
    with PeakMemory(made.zone.pid) as peak:
        for number in range(2):
            name = f"images/base{number}.ova"

            def check(name: str = name) -> None:
                made.session.data_objects.register(str(file), f"{made.home}/{name}")
                made.wait_until_checked(name)

            recorder.add("checked by the job", "ms", [timed(check)], **labels)
    recorder.add("checked by the job, memory", "MB", [peak.kib / 1024], **labels)
