"""`ova compose`: a package of a libvirt domain and its disks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import ComposeError, PackageError, WriteError, one_line
from ova_tools.package import open_regular

from .common import add_command, print_notes

if TYPE_CHECKING:
    from ova_tools.compose.domain import Domain

    from .common import Commands

_MAX_PROPERTIES_BYTES = 1 << 20


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "compose",
        run,
        "make a package of a libvirt domain and its disks",
        "FILE is what `virsh dumpxml` prints. Disks are looked for beside it, by the names of their files, then where\n"
        "it says; --disk names one. qemu-img makes streamOptimized VMDKs of raw, qcow2 and VMDK images.\n"
        "The package gets properties for host name, domain, addresses and name servers; --properties names a JSON\n"
        'file with the values that the machine has now, such as {"hostname": "sg12", "ipaddr0": "10.91.14.12"}.',
        (
            "ova compose --domain sg12.xml -o sg12.ova",
            "ova compose --domain sg12.xml --disk vda=sg12.qcow2 --properties sg12.json -o sg12.ova",
        ),
    )
    parser.add_argument("--domain", metavar="FILE", required=True, help="the domain XML")
    parser.add_argument(
        "--disk", metavar="TARGET=FILE", action="append", default=[], help="the file of the disk TARGET"
    )
    parser.add_argument("--properties", metavar="FILE", help="the values that the machine has now, as JSON")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the new .ova")


def run(options: argparse.Namespace) -> int:
    """Make the package."""
    from ova_tools import qemu_img
    from ova_tools.compose import package
    from ova_tools.compose.domain import MAX_DOMAIN_BYTES, read_domain
    from ova_tools.progress import ProgressBar
    from ova_tools.store import umask

    target = Path(options.output)
    if target.is_dir() or target.suffix.lower() != ".ova":
        raise WriteError(f"{target} must be the name of a file that ends with .ova")
    try:
        domain = read_domain(_read(options.domain, MAX_DOMAIN_BYTES))
    except ComposeError as error:
        raise ComposeError(f"{options.domain}: {error}") from error
    paths = _paths(domain, options)
    values = _values(options.properties)
    qemu_img.require()
    with package.images_of(domain, paths) as images:
        with ProgressBar("converting", sum(image.capacity for image in images)) as progress:
            staged = package.compose(domain, images, values, target.resolve(), progress.advance, mode=0o666 & ~umask())
        with staged:
            staged.commit()
    for disk_target, path in paths.items():
        print(one_line(f"disk {disk_target}: {path}"))
    notes = [f"not in the package: {each}" for each in domain.left_out]
    print_notes(options.domain, [*notes, *(note for image in images for note in image.notes)])
    return 0


def _read(name: str, most: int) -> bytes:
    with open_regular(name, name) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise PackageError(f"{name} has more than {most} bytes")
    return data


def _paths(domain: Domain, options: argparse.Namespace) -> dict[str, Path]:
    given = {}
    for each in options.disk:
        name, equals, file = each.partition("=")
        if not (name and equals and file):
            options.usage_error(f"{each!r} is not of the form TARGET=FILE")
        given[name] = Path(file)
    targets = [disk.target for disk in domain.disks]
    unknown = sorted(set(given) - set(targets))
    if unknown:
        raise ComposeError(f"{options.domain} has no disk {unknown[0]}; it has: {', '.join(targets)}")
    found = {}
    for disk in domain.disks:
        beside = Path(options.domain).parent / Path(disk.source).name
        places = [given[disk.target]] if disk.target in given else [beside, Path(disk.source)]
        there = next((place for place in places if _is_there(place)), None) if disk.source or given else None
        if there is None:
            where = one_line(str(places[-1])) if disk.source or disk.target in given else "no file"
            raise ComposeError(f"disk {disk.target}: {where} is not here; --disk {disk.target}=FILE names it")
        found[disk.target] = there
    return found


def _is_there(place: Path) -> bool:
    try:
        return place.exists() and not place.is_dir()
    except OSError:  # a name that no file can have
        return False


def _values(name: str | None) -> Mapping[str, str]:
    if name is None:
        return {}
    try:
        found = json.loads(_read(name, _MAX_PROPERTIES_BYTES))
    except (ValueError, RecursionError) as error:
        raise ComposeError(f"{name} is no JSON: {error}") from error
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        raise ComposeError(f"{name}: one JSON object whose values are texts is right")
    return {str(key): value for key, value in found.items()}
