"""`ova seed`: a disc that hands a machine its values and tasks when it boots."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import SeedError, WriteError, one_line
from ova_tools.package import Package, read_package

from .common import add_command, print_notes
from .seeding import add_seeding, seeds_of

if TYPE_CHECKING:
    from ova_tools.extents import Method
    from ova_tools.model import Property
    from ova_tools.seed.roles import Value
    from ova_tools.seed.seeds import Seed

    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "seed",
        run,
        "make a disc that hands a machine its values and tasks when it boots",
        "The disc holds the properties of FILE, with these values instead of its own, and what cloud-init needs.\n"
        "A NAME that no property has is a value all the same: hostname, ip, netmask, gateway and so on\n"
        "DIR holds the folders install, config and reset with scripts and files; docs/seeds.md says what runs when.\n"
        "A VALUE that begins with @ names a text file whose content is the value; @@ is one @.",
        (
            "ova seed base.ova hostname=sg12 ipaddr=10.91.14.12/24 gateway=10.91.14.1 -o sg12.iso",
            "ova seed base.ova hostname=sg12 --tasks bundle/ --kind nocloud -o sg12.iso",
            "ova seed base.ova user-data=@cloud.cfg public-keys=@id.pub -o sg12.iso",
        ),
    )
    parser.add_argument("file", metavar="FILE", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("values", metavar="NAME=VALUE", nargs="*", help="what the machine is told")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="the new disc")
    add_seeding(parser)
    parser.add_argument("--configuration", metavar="ID", help="the deployment option whose values count")
    parser.add_argument("--system", metavar="ID", help="the virtual system, where FILE has several")


def run(options: argparse.Namespace) -> int:
    """Make the disc."""
    for each in options.values:
        if not each.partition("=")[0] or "=" not in each:
            options.usage_error(f"{each!r} is not of the form NAME=VALUE")
    target = Path(options.output)
    if target.is_dir():
        raise WriteError(f"{target} is a folder; the name of a file is right")
    with read_package(options.file) as package:
        values, further = _values(package, options)
        found = seeds_of(package, options, values, further, target.stem, options.configuration)
        seed = _chosen(found, options.system)
        _write(seed, target.resolve())
    for each in seed.machine.interfaces:
        print(one_line(f"interface {each.name}: MAC {each.mac}"))
    print_notes(options.file, seed.notes)
    return 0


def _values(package: Package, options: argparse.Namespace) -> tuple[dict[Property, str], list[Value]]:
    from ova_tools.properties import Names
    from ova_tools.seed.roles import Value
    from ova_tools.value_files import value_of
    from ova_tools.values import check_value

    names = Names(package.properties)
    values, further = {}, []
    for each in options.values:
        name, _, text = each.partition("=")
        value = value_of(text)
        if names.candidates(name):
            prop = names.select(name)
            check_value(prop, value)
            values[prop] = value
        else:
            further.append(Value(name, value))
    return values, further


def _chosen(found: list[Seed], system: str | None) -> Seed:
    if system is None and len(found) == 1:
        return found[0]
    known = ", ".join(seed.system for seed in found)
    if system is None:
        raise SeedError(f"the package has several virtual systems; --system says which one: {known}")
    for seed in found:
        if seed.system == system:
            return seed
    raise SeedError(f"no virtual system {system}; the package has: {known}")


def _write(seed: Seed, target: Path) -> None:
    from ova_tools.extents import Method
    from ova_tools.seed import disc
    from ova_tools.store import umask
    from ova_tools.write import stage_with

    def fill(descriptor: int) -> Method:
        with os.fdopen(descriptor, "w+b", closefd=False) as out:
            disc.write(seed.files, seed.label, out)
        return Method.COPIED

    with stage_with(fill, target, mode=0o666 & ~umask()) as staged:
        staged.commit()
