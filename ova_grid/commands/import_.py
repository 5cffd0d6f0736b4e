"""`ova-grid import`: brings a saved grid back, here or elsewhere."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ova_grid.commands.common import add_command, signed_in
from ova_grid.errors import GridError
from ova_grid.text import counted, whole

if TYPE_CHECKING:
    from typing import IO

    from ova_grid.commands.common import Commands
    from ova_grid.restore import Plan
    from ova_grid.saved import Archive


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "import",
        run,
        "bring a saved grid back, at any place of any zone",
        "Paths into the saved grid lead into the new one; other paths stay as they are.\n"
        "If something else is at PATH, nothing is written. An import that was broken off can be run again.",
        (
            "ova-grid import grid01.tar grid02 --dry-run",
            "ova-grid import grid01.tar grid02",
            "ova-grid import grid01.tar grid01 --replace",
        ),
    )
    parser.add_argument("file", metavar="FILE", help="what `ova-grid export` made")
    parser.add_argument("path", metavar="PATH", help="the collection that the grid becomes")
    parser.add_argument("--dry-run", action="store_true", help="show what would be done")
    parser.add_argument("--replace", action="store_true", help="overwrite AVUs and tasks that differ")


def _opened(name: str, stream: IO[bytes]) -> Archive:
    from ova_grid.saved import Archive

    try:
        return Archive(stream)
    except GridError as error:
        raise GridError(f"{name}: {error}") from error


def run(options: argparse.Namespace) -> int:
    """Restores it."""
    from ova_grid.reading import absolute
    from ova_grid.restore import carry_out, plan
    from ova_tools.progress import ProgressBar

    with Path(options.file).open("rb") as stream, _opened(options.file, stream) as archive:
        archive.check()
        with signed_in(options) as (session, base):
            path = absolute(base, options.path)
            wanted = plan(session, archive, path, replace=options.replace)
            for line in _lines(wanted) if options.dry_run else ():
                print(whole(line))
            steps = len(wanted.collections) + len(wanted.objects) + len(wanted.remove) + len(wanted.add)
            if not options.dry_run:
                with ProgressBar("restoring", steps) as progress:
                    carry_out(session, archive, wanted, progress.advance)
    verb = "would be written" if options.dry_run else "written"
    counts = counted(len(wanted.collections), "collection"), counted(len(wanted.add), "AVU")
    print(f"{whole(path)}: {', '.join(counts)}, {counted(len(wanted.objects), 'task')} {verb}")
    for image in wanted.missing:
        print(f"missing: {whole(image)}")
    return 0


def _lines(plan: Plan) -> list[str]:
    return [
        *(f"make {path}" for path in plan.collections),
        *(f"remove AVU {avu.attribute} of {avu.path}" for avu in plan.remove),
        *(f"set AVU {avu.attribute} of {avu.path}" for avu in plan.add),
    ]
