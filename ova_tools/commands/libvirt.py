"""`ova libvirt`: a libvirt domain of a package."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from ova_tools.errors import DomainError, one_line
from ova_tools.package import read_package

from .common import add_command, made_folder, print_notes

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "libvirt",
        run,
        "make a libvirt domain of a package: a domain XML, and a qcow2 of each disk",
        "The seed, if there is one, becomes a CD drive of the domain; its network interfaces need the MACs that the\n"
        "seed was made for. A network of the package is taken for libvirt's network of that name; --network maps it\n"
        "to a bridge of the host. qemu-img makes the disks.",
        (
            "ova libvirt sg12.ova -o domains/",
            "ova libvirt sg12.ova --seed sg12.iso --mac 52:54:00:12:34:56 --network 'VM Network=br0' -o domains/",
            "virsh define domains/sg12.xml && virsh start sg12",
        ),
    )
    parser.add_argument("file", metavar="FILE", help="an .ova, or an .ovf with its files beside it")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where the files go; made if missing")
    parser.add_argument("--seed", metavar="ISO", help="the CD image that hands the machine its values")
    parser.add_argument("--name", metavar="NAME", help="the name of the domain (default: that of FILE)")
    parser.add_argument("--mac", action="append", default=[], help="the MAC of the next network interface")
    parser.add_argument(
        "--network", metavar="NETWORK=BRIDGE", action="append", default=[], help="the bridge for a network of FILE"
    )
    parser.add_argument("--system", metavar="ID", help="the virtual system, where FILE has several")


def run(options: argparse.Namespace) -> int:
    """Make the domain."""
    from ova_tools import qemu_img
    from ova_tools.libvirt.export import Domain, images_of, write
    from ova_tools.libvirt.machine import machines
    from ova_tools.progress import ProgressBar

    bridges = _bridges(options)
    seed = None if options.seed is None else Path(options.seed)
    if seed is not None and not seed.is_file():
        raise DomainError(f"the seed {seed} is not here")
    with ExitStack() as stack:
        package = stack.enter_context(read_package(options.file))
        found = machines(package.descriptor.data, package.descriptor.content)
        if options.system is not None and options.system not in found:
            raise DomainError(f"no virtual system {options.system}; the package has: {', '.join(found)}")
        chosen = {options.system: found[options.system]} if options.system is not None else found
        if len(chosen) > 1 and (options.seed or options.mac):
            raise DomainError(f"--seed and --mac are of one machine; --system says which: {', '.join(found)}")
        _check_macs(options, max(len(machine.nics) for machine in chosen.values()))
        qemu_img.require()
        name = options.name or package.path.stem
        domains = []
        for id_, machine in chosen.items():
            images = stack.enter_context(images_of(package, machine))
            full = name if len(chosen) == 1 else f"{name}-{id_}"
            domains.append(Domain(full, machine, images, seed, options.mac))
        folder = made_folder(options.output)
        with ProgressBar("converting", sum(domain.size for domain in domains)) as progress:
            for domain in domains:
                for path in write(domain, folder, bridges, progress.advance):
                    print(one_line(str(path)))
    notes = [f"not in the domain: {each}" for domain in domains for each in domain.machine.left_out]
    print_notes(options.file, dict.fromkeys(notes))
    return 0


def _bridges(options: argparse.Namespace) -> dict[str, str]:
    found = {}
    for each in options.network:
        name, equals, bridge = each.rpartition("=")
        if not (name and equals and bridge):
            options.usage_error(f"{each!r} is not of the form NETWORK=BRIDGE")
        found[name] = bridge
    return found


def _check_macs(options: argparse.Namespace, count: int) -> None:
    from ova_tools.macs import is_of_one_interface

    for mac in options.mac:
        if not is_of_one_interface(mac):
            options.usage_error(f"{mac!r} is no MAC, as in 52:54:00:12:34:56")
    if len(options.mac) > count:
        options.usage_error(f"{len(options.mac)} MACs are given, and the machine has {count} network interfaces")
