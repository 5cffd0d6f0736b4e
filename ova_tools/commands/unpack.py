"""`ova unpack`: the members of an .ova as files."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.package import read_package

from .common import add_command, print_notes, verify_if_asked

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "unpack",
        run,
        "write the files of an .ova into a new folder",
        "The folder appears whole or not at all, and nothing is written outside of it.",
        ("ova unpack appliance.ova -o appliance", "ova unpack appliance.ova --verify -o appliance"),
    )
    parser.add_argument("file", metavar="FILE", help="an .ova")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="a new folder, or an empty one")
    parser.add_argument("--verify", action="store_true", help="check every digest before")


def run(options: argparse.Namespace) -> int:
    """Write the files."""
    from ova_tools.progress import ProgressBar
    from ova_tools.store import umask
    from ova_tools.unpack import unpack

    with read_package(options.file) as package:
        verify_if_asked(package, options)
        with ProgressBar("unpacking", sum(member.size for member in package.members)) as progress:
            unpack(package, Path(options.output).resolve(), umask=umask(), report=progress.advance)
    print_notes(options.file, package.notes)
    return 0
