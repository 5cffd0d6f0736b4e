"""libvirt's terms, which `ova compose` reads and `ova libvirt` writes. Pure. Source: libvirt, formatdomain."""

from __future__ import annotations

from ova_tools.records import dataclass

PREFIXES = {"virtio": "vd", "scsi": "sd", "sata": "sd", "usb": "sd", "ide": "hd"}  # of the names of disks, by bus
IDE_PLACES = 4
MOST_PROCESSORS, MOST_MEMORY = 4096, 64 << 40


@dataclass(frozen=True)
class Nic:
    """A network interface: its MAC in lower case ('' if none is given), its network's name, its model."""

    mac: str
    network: str
    model: str


@dataclass(frozen=True)
class Frame:
    """What a machine is without its disks. memory in bytes; `cores`: of each socket; `firmware`: `bios` or `efi`.

    `cdrom`: it has a CD drive. `left_out`: what cannot be carried over, one line for each.
    """

    name: str
    processors: int
    cores: int
    memory: int
    firmware: str
    secure_boot: bool
    nics: tuple[Nic, ...]
    cdrom: bool
    left_out: tuple[str, ...]
