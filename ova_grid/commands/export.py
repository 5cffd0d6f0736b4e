"""`ova-grid export`: saves what users set in a grid, and its tasks."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ova_grid.commands.common import add_command, signed_in
from ova_grid.errors import GridError
from ova_grid.text import counted, whole

if TYPE_CHECKING:
    from ova_grid.commands.common import Commands


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "export",
        run,
        "save a grid: its collections, what users set, and its tasks",
        "Images, ready OVAs and facts are not saved; `ova-grid import` says which images are missing.\n"
        "The file holds every value, passwords too; it is made for your eyes only (mode 0600).",
        ("ova-grid export grid01 -o grid01.tar",),
    )
    parser.add_argument("path", metavar="PATH", help="a collection")
    parser.add_argument("-o", "--out", metavar="FILE", required=True, help="the file to write")
    parser.add_argument("-f", "--force", action="store_true", help="overwrite a file that is there")


def run(options: argparse.Namespace) -> int:
    """Saves it."""
    from ova_grid.export import export
    from ova_grid.reading import absolute
    from ova_tools.progress import ProgressBar

    target = Path(options.out)
    if target.exists() and not options.force:
        raise GridError(f"{target} is there already; --force overwrites it")
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    with signed_in(options) as (session, base):
        path = absolute(base, options.path)
        try:
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as out, ProgressBar("saving", 0) as progress:
                grid = export(session, path, out, progress.advance)
            beside.replace(target)
        finally:
            beside.unlink(missing_ok=True)
    avus = sum(len(each.avus) for each in grid.collections) + sum(len(each.avus) for each in grid.objects)
    counts = counted(len(grid.collections), "collection"), counted(avus, "AVU"), counted(len(grid.objects), "task")
    print(f"{whole(path)}: {', '.join(counts)}")
    for image in grid.images:
        print(f"not saved: {whole(image)}")
    return 0
