"""What a package says of a machine, in libvirt's terms. Pure.

libvirt's own words count where a descriptor has them as descriptions, as `ova compose` writes them; else the types and
subtypes of the hardware do. Source: DSP0243 8 and 9, CIM_ResourceAllocationSettingData; libvirt, formatdomain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ova_tools import hardware
from ova_tools.errors import DomainError
from ova_tools.hardware import CD, DISK, DVD, ETHERNET, IDE, MEMORY, PROCESSORS, SATA, SCSI, Hardware, Item
from ova_tools.libvirt.terms import MOST_MEMORY, MOST_PROCESSORS, PREFIXES, Frame, Nic
from ova_tools.model import Content, SystemKind
from ova_tools.records import dataclass

_SCSI_MODELS = {"lsilogicsas": "lsisas1068", "virtualscsi": "vmpvscsi", "virtioscsi": "virtio-scsi"}
_NIC_MODELS = {"e1000": "e1000", "e1000e": "e1000e", "vmxnet3": "vmxnet3", "pcnet32": "pcnet", "virtio": "virtio"}
_KNOWN_NICS = (*_NIC_MODELS.values(), "rtl8139")
_HANDLED = (PROCESSORS, MEMORY, DISK, ETHERNET, CD, DVD, IDE, SCSI, SATA)
_OTHERS = {"1": "other", "14": "a floppy drive", "23": "a USB controller", "24": "a graphics controller", "35": "sound"}


@dataclass(frozen=True)
class MachineDisk:
    """A disk. `target` is libvirt's name for it; `file` is the id of its reference, '' for one without data.

    `format` is as the descriptor has it, `capacity` in bytes. `scsi`: the model of its controller, '' on another bus.
    """

    target: str
    bus: str
    file: str
    format: str
    capacity: int
    scsi: str = ""


@dataclass(frozen=True)
class Machine(Frame):
    """A machine with its disks."""

    disks: tuple[MachineDisk, ...]


def machines(data: bytes, content: Content, option: str | None = None) -> dict[str, Machine]:
    """Return the machine of each virtual system of a descriptor, by the system's id.

    `option`: the deployment option whose hardware counts; None for the package's default one. Raises DomainError.
    """
    option = option or content.default_configuration or ""
    sections: dict[str, Hardware] = {}
    all_sections, all_disks = hardware.read_with_disks(data, content.encoding)
    for section in all_sections:
        sections.setdefault(section.system, section)  # further ones are alternatives (DSP0243 8.1)
    disks = {disk.id: disk for disk in all_disks}
    found = {}
    for system in content.systems:
        if system.kind is SystemKind.SYSTEM:
            section_ = sections.get(system.id)
            if section_ is None:
                raise DomainError(f"the virtual system {system.id} has no virtual hardware")
            found[system.id] = _machine(system.name or system.id, section_, disks, option)
    if not found:
        raise DomainError("the package has no virtual system")
    return found


def _machine(name: str, section: Hardware, disks: Mapping[str, hardware.Disk], option: str) -> Machine:
    items = [item for item in section.items if not item.configuration or option in item.configuration.split()]
    others = [each for each in items if each.type not in _HANDLED]
    left_out = [_OTHERS.get(each.type, each.get("ElementName") or f"resource type {each.type}") for each in others]
    processors = _quantity(_last(items, PROCESSORS), "number of processors", MOST_PROCESSORS) or 1
    memory_item = _last(items, MEMORY)
    memory = (
        None
        if memory_item is None
        else hardware.amount(memory_item.get("VirtualQuantity"), memory_item.get("AllocationUnits") or "byte * 2^20")
    )
    if memory is None or not 1 << 20 <= memory <= MOST_MEMORY:
        raise DomainError(f"the memory of {name} cannot be read; VirtualQuantity and AllocationUnits are right")
    cores = _quantity(_last(items, PROCESSORS), "", MOST_PROCESSORS, "CoresPerSocket") or 1
    return Machine(
        name=name,
        processors=processors,
        cores=cores if processors % cores == 0 else 1,
        memory=memory,
        firmware="efi" if section.settings.get("firmware", "").lower() == "efi" else "bios",
        secure_boot=section.settings.get("bootOptions.efiSecureBootEnabled", "").lower() == "true",
        nics=tuple(_nic(item) for item in items if item.type == ETHERNET),
        cdrom=any(item.type in (CD, DVD) for item in items),
        left_out=tuple(dict.fromkeys(left_out)),
        disks=tuple(_disks(items, disks)),
    )


def _last(items: Sequence[Item], type_: str) -> Item | None:
    """The item that counts: one of the deployment option comes after the one that holds for all."""
    found = [item for item in items if item.type == type_]
    return next((item for item in reversed(found) if item.configuration), found[0] if found else None)


def _quantity(item: Item | None, what: str, most: int, element: str = "VirtualQuantity") -> int | None:
    text = "" if item is None else item.get(element)
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10) or not 0 < int(text) <= most:
        if not what:
            return None
        raise DomainError(f"the {what} is {text[:80]!r}; 1 to {most} is right")
    return int(text)


def _disks(items: Sequence[Item], disks: Mapping[str, hardware.Disk]) -> list[MachineDisk]:
    by_id = {item.id: item for item in items}
    counts: dict[str, int] = {}
    found: list[MachineDisk] = []
    for item in items:
        if item.type != DISK:
            continue
        id_ = item.get("HostResource").rpartition("/")[2]
        disk = disks.get(id_)
        if disk is None:
            raise DomainError(
                f"the disk {item.get('ElementName') or item.id} leads to {id_!r}, which is no disk of the package"
            )
        if disk.parent:
            raise DomainError(f"the disk {id_} has a parent; a disk that is whole is right")
        capacity = hardware.amount(disk.capacity, disk.units)
        if capacity is None:
            raise DomainError(f"the capacity of the disk {id_} cannot be read")
        bus, model = _bus(by_id.get(item.get("Parent")))
        prefix = PREFIXES[bus]
        counts[prefix] = counts.get(prefix, -1) + 1
        found.append(MachineDisk(f"{prefix}{letters(counts[prefix])}", bus, disk.file, disk.format, capacity, model))
    return found


def _bus(controller: Item | None) -> tuple[str, str]:
    """libvirt's bus for disks on a controller, and the model of a SCSI controller."""
    if controller is None:
        return "sata", ""
    said, subtype = controller.get("Description"), controller.get("ResourceSubType").lower()
    if said in PREFIXES:
        return said, _SCSI_MODELS.get(subtype, "lsilogic") if said == "scsi" else ""
    if controller.type == IDE:
        return "ide", ""
    if controller.type == SCSI:
        return "scsi", _SCSI_MODELS.get(subtype, "lsilogic")
    return "sata", ""


def letters(number: int) -> str:
    """Return how libvirt and Linux count drives: a, b … z, aa …"""
    text = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def _nic(item: Item) -> Nic:
    said = item.get("Description")
    model = said if said in _KNOWN_NICS else _NIC_MODELS.get(item.get("ResourceSubType").lower(), "e1000")
    return Nic(item.get("Address").lower(), item.get("Connection"), model)
