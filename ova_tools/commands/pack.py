"""`ova pack`: a plain .ovf and its files into one .ova."""

from __future__ import annotations

import argparse
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import ManifestError, WriteError
from ova_tools.package import Kind, Package, read_package

from .common import (
    add_command,
    add_manifest,
    add_signing,
    check_signing,
    manifest_of,
    print_notes,
    signer_of,
    target_of,
    verify_if_asked,
)

if TYPE_CHECKING:
    from ova_tools.edit import Edit

    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "pack",
        run,
        "make an .ova of a folder with an .ovf and its files",
        "The descriptor comes first, then manifest, certificate and files in the order of DSP0243 5.3.\n"
        "Manifest and certificate stay as they are, unless they are made anew.",
        (
            "ova pack appliance/ -o appliance.ova",
            "ova pack appliance/ --manifest sha256 -o appliance.ova",
            "ova pack appliance/two.ovf -o .",
        ),
    )
    parser.add_argument("file", metavar="FOLDER", help="a folder with one .ovf, or the .ovf itself")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the new .ova, or a folder for it")
    parser.add_argument("--verify", action="store_true", help="check every digest before")
    add_manifest(parser)
    add_signing(parser)


def run(options: argparse.Namespace) -> int:
    """Make the archive."""
    from ova_tools.pack import archive_size, descriptor_in, stage_archive
    from ova_tools.progress import ProgressBar
    from ova_tools.store import check_apart, umask

    check_signing(options)
    place = Path(options.file)
    with read_package(descriptor_in(place) if place.is_dir() else place) as package:
        target = target_of(package, options.output, ".ova")
        if target.suffix.lower() == ".ovf":
            raise WriteError(f"{target.name} must not end with .ovf, as it is an archive; .ova is right")
        check_apart(package, [target])
        verify_if_asked(package, options)
        result = _edited(package, options)
        mode = stat.S_IMODE(os.fstat(package.fileno()).st_mode) & ~umask() & 0o777
        with ProgressBar("packing", archive_size(package)) as progress:
            staged = stage_archive(package, result, target, mode=mode, report=progress.advance)
            with staged:
                staged.commit()
    print_notes(options.file, result.notes)
    return 0


def _edited(package: Package, options: argparse.Namespace) -> Edit:
    from ova_tools.edit import edit

    new_manifest = manifest_of(package, options) if package.kind is Kind.OVF else None
    try:
        return edit(package, [], spare=0, new_manifest=new_manifest, signer=signer_of(options))
    except ManifestError as error:
        raise ManifestError(f"{error}; if the files are right, --manifest renew makes a new manifest") from error
