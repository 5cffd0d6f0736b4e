"""`ova capture`: the disks and the domain XML of a machine of libvirt's, for `ova compose`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ova_tools.errors import one_line

from .common import add_command, made_folder, print_notes

if TYPE_CHECKING:
    from .common import Commands


def add(commands: Commands) -> None:
    """Describe the command."""
    parser = add_command(
        commands,
        "capture",
        run,
        "capture a machine of libvirt's: its domain XML, and a qcow2 of each disk",
        "Run it on the KVM host. A running machine goes on running; the disks are as they are at one moment, with\n"
        "frozen file systems if the guest has an agent. An earlier capture is replaced when all files are there.",
        (
            "ova capture sg12 -o captured/",
            "ova capture sg12 --reset --connect qemu:///system -o captured/",
            "ova compose --domain captured/sg12.xml -o sg12.ova",
        ),
    )
    parser.add_argument("domain", metavar="DOMAIN", help="the machine's name in libvirt")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where the files go; made if missing")
    parser.add_argument(
        "--reset",
        action="store_true",
        help="first run the reset tasks of the machine's seed, by the agent in the guest",
    )
    parser.add_argument("--connect", metavar="URI", default="", help="libvirt's connection (default: as virsh has it)")


def run(options: argparse.Namespace) -> int:
    """Capture the machine."""
    from ova_tools import qemu_img
    from ova_tools.capture.machine import capture, look_up, size_of
    from ova_tools.libvirt.virsh import Virsh
    from ova_tools.progress import ProgressBar

    qemu_img.require()
    virsh = Virsh(options.connect)
    machine = look_up(virsh, options.domain)
    folder = made_folder(options.output)
    if options.reset:
        from ova_tools.capture.agent import reset

        reset(virsh, machine.name)
    with ProgressBar("capturing", size_of(virsh, machine)) as progress:
        found = capture(virsh, machine, folder, progress.advance)
    for path in found.files:
        print(one_line(str(path)))
    print_notes(options.domain, found.notes)
    return 0
