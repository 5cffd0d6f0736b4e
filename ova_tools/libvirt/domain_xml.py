"""The domain XML of a machine. Pure. Source: libvirt, formatdomain."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from ova_tools.errors import DomainError
from ova_tools.libvirt.machine import Machine, letters
from ova_tools.libvirt.terms import IDE_PLACES, Nic
from ova_tools.records import dataclass
from ova_tools.xmltext import not_xml

NAMESPACE = "urn:ova-tools:machine"
_OF_LIBVIRT = "network:"
_VIRTIO = "virtio-scsi"  # the model of a SCSI controller
_NAME = re.compile(r"[^A-Za-z0-9._+-]+")


@dataclass(frozen=True)
class Files:
    """Where the files of a domain lie: a qcow2 for each disk by its target, and a CD image, None for none."""

    disks: Mapping[str, str]
    seed: str | None = None


@dataclass(frozen=True)
class Made:
    """What a domain is made from, noted in it: the `component`, and a hash of what each disk had at first, by target.

    `uuid` is the domain's.
    """

    uuid: str
    component: str
    disks: Mapping[str, str]


def domain_xml(
    machine: Machine,
    name: str,
    files: Files,
    macs: Sequence[str] = (),
    bridges: Mapping[str, str] | None = None,
    made: Made | None = None,
) -> str:
    """Return the domain XML. `macs` take the place of those of the network interfaces, in order.

    `bridges` are what the host has for the networks of the package: a bridge, or `network:NAME` for one of libvirt's;
    another network is taken for libvirt's network of that name. Raises DomainError for what libvirt has no place for.
    """
    ide = sum(disk.bus == "ide" for disk in machine.disks)
    if ide > IDE_PLACES:
        raise DomainError(f"{machine.name} has {ide} disks on IDE; libvirt has places for {IDE_PLACES}")
    if ide and machine.firmware == "efi":
        raise DomainError(f"{machine.name} has a disk on IDE and EFI firmware, which libvirt has no machine for")
    lines = [
        "<domain type='kvm'>",
        f"  <name>{escape(domain_name(name))}</name>",
        *([f"  <uuid>{made.uuid}</uuid>"] if made is not None else []),
        f"  <title>{escape(' '.join(machine.name.split()))}</title>",
        *(_metadata(made) if made is not None else []),
        f"  <memory unit='b'>{machine.memory}</memory>",
        f"  <vcpu>{machine.processors}</vcpu>",
        "  <os firmware='efi'>" if machine.firmware == "efi" else "  <os>",
        f"    <type arch='x86_64' machine='{'pc' if ide else 'q35'}'>hvm</type>",
    ]
    if machine.secure_boot:
        lines.append("    <firmware><feature enabled='yes' name='secure-boot'/></firmware>")
    lines += [
        "    <boot dev='hd'/>",
        "  </os>",
        f"  <features><acpi/><apic/>{'<smm state=' + quoteattr('on') + '/>' if machine.secure_boot else ''}</features>",
        f"  <cpu mode='host-model'>{_topology(machine)}</cpu>",
        "  <devices>",
        *_disks(machine, files),
        *(line for number, nic in enumerate(machine.nics) for line in _nic(nic, macs[number:], bridges or {})),
        "    <console type='pty'/>",
        "    <graphics type='vnc' autoport='yes' listen='127.0.0.1'/>",
        "    <video><model type='vga'/></video>",
        "  </devices>",
        "</domain>",
        "",
    ]
    text = "\n".join(lines)
    wrong = not_xml(text)
    if wrong is not None:
        raise DomainError(f"a name of {machine.name!a} has a character that no XML can hold ({wrong})")
    return text


def domain_name(name: str) -> str:
    """Return a name as libvirt takes it for a domain, and file systems for files."""
    return _NAME.sub("_", name).strip("._-")[:64] or "machine"


def image_names(name: str, targets: Sequence[str]) -> dict[str, str]:
    """Return the name of the qcow2 file of each disk of a domain, by target."""
    base = domain_name(name)
    return {target: f"{base}-{target}.qcow2" if len(targets) > 1 else f"{base}.qcow2" for target in targets}


def _metadata(made: Made) -> list[str]:
    """libvirt keeps an element of each namespace, and does not look into it."""
    disks = (f"target={quoteattr(target)} content={quoteattr(text)}" for target, text in made.disks.items())
    return [
        "  <metadata>",
        f"    <ova:machine xmlns:ova='{NAMESPACE}' component={quoteattr(made.component)}>",
        *(f"      <ova:disk {disk}/>" for disk in disks),
        "    </ova:machine>",
        "  </metadata>",
    ]


def _topology(machine: Machine) -> str:
    if machine.cores == 1:
        return ""
    sockets = machine.processors // machine.cores
    return f"<topology sockets='{sockets}' cores='{machine.cores}' threads='1'/>"


def _disks(machine: Machine, files: Files) -> list[str]:
    """The disks with the controllers that their SCSI models need, and the CD drives."""
    lines: list[str] = []
    controllers: dict[str, int] = {}
    units: dict[str, int] = {}

    def place_on(model: str) -> str:
        index = controllers.setdefault(model, len(controllers))
        unit = units[model] = units.get(model, -1) + 1
        return f"<address type='drive' controller='{index}' bus='0' target='0' unit='{unit}'/>"

    for disk in machine.disks:
        place = place_on(disk.scsi) if disk.bus == "scsi" else ""
        lines += _drive("disk", "qcow2", files.disks[disk.target], f"dev='{disk.target}' bus='{disk.bus}'", place)
    taken = {disk.target for disk in machine.disks}
    free = (name for number in itertools.count() if (name := f"sd{letters(number)}") not in taken)
    if machine.cdrom or files.seed is not None:
        lines += _drive("cdrom", "raw", files.seed, f"dev='{next(free)}' bus='sata'", "<readonly/>")
    if files.seed is not None and any(disk.bus == "virtio" or disk.scsi == _VIRTIO for disk in machine.disks):
        # Kernels for clouds (Debian's linux-image-cloud) have drivers for virtio, and none for SATA.
        place = f"<readonly/>{place_on(_VIRTIO)}"
        lines += _drive("cdrom", "raw", files.seed, f"dev='{next(free)}' bus='scsi'", place)
    for model, index in controllers.items():
        lines.append(f"    <controller type='scsi' index='{index}' model='{model}'/>")
    return lines


def _drive(device: str, format_: str, path: str | None, target: str, more: str) -> list[str]:
    return [
        f"    <disk type='file' device='{device}'>",
        f"      <driver name='qemu' type='{format_}'/>",
        *([f"      <source file={quoteattr(path)}/>"] if path is not None else []),
        f"      <target {target}/>",
        *([f"      {more}"] if more else []),
        "    </disk>",
    ]


def _nic(nic: Nic, macs: Sequence[str], bridges: Mapping[str, str]) -> list[str]:
    mapped = bridges.get(nic.network, f"{_OF_LIBVIRT}{nic.network or 'default'}")
    kind = "network" if mapped.startswith(_OF_LIBVIRT) else "bridge"
    source = f"{kind}={quoteattr(mapped.removeprefix(_OF_LIBVIRT))}"
    mac = macs[0] if macs else nic.mac
    return [
        f"    <interface type='{kind}'>",
        *([f"      <mac address={quoteattr(mac)}/>"] if mac else []),
        f"      <source {source}/>",
        f"      <model type='{nic.model}'/>",
        "    </interface>",
    ]
