"""A machine as an OVF 1 descriptor that importers take. Pure.

Disks hang on controllers by `rasd:Parent` and `rasd:AddressOnParent`; the subtypes are those that VMware and VirtualBox
know, and Description has libvirt's own word, so that a way back keeps it. Every machine gets the properties of the
paper: host name, domain, one network interface for each NIC, name servers; what the machine has now are their values.
Source: DSP0243 7 to 9, CIM_ResourceAllocationSettingData, CIM_OperatingSystem.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from ova_tools.compose.domain import Domain
from ova_tools.compose.operating_systems import operating_system
from ova_tools.errors import ComposeError
from ova_tools.hardware import CD, CLIENT_DRIVE, DISK, ETHERNET, IDE, MEMORY, PROCESSORS, RASD, SATA, SCSI
from ova_tools.libvirt.terms import IDE_PLACES
from ova_tools.records import dataclass
from ova_tools.seed.roles import OF_INTERFACES, Role, Roles, Value
from ova_tools.xmltext import not_xml

_OVF = "http://schemas.dmtf.org/ovf/envelope/1"
_VSSD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData"
_VMW = "http://www.vmware.com/schema/ovf"
_VMDK = "http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"
_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")
# Of libvirt's bus: the controller's ResourceType, its ResourceSubType, and how many addresses it has.
_CONTROLLERS = {
    "virtio": (SCSI, "VirtualSCSI", 16),
    "scsi": (SCSI, "lsilogic", 16),
    "sata": (SATA, "AHCI", 30),
    "usb": (SATA, "AHCI", 30),
    "ide": (IDE, "PIIX4", 2),
}
_MOST_CONTROLLERS = {SCSI: 4, SATA: 4, IDE: 2}
_NICS = {"e1000": "E1000", "e1000e": "E1000e", "rtl8139": "PCNet32", "pcnet": "PCNet32"}
_PARAVIRTUAL = "VmxNet3"
_CLASS = "com.ibm.vsae.2_1"
_HOST = {Role.HOST_NAME: ("hostname", "Hostname"), Role.DOMAIN: ("domainname", "Domain Name")}
_INTERFACE = {
    Role.ADDRESS: ("ipaddr", "IP Address"),
    Role.NETMASK: ("netmask", "Netmask"),
    Role.GATEWAY: ("gateway", "Default Gateway"),
}
_NAMES = {Role.NAME_SERVERS: ("dns", "Name Servers"), Role.SEARCH: ("search", "Search Domains")}


@dataclass(frozen=True)
class DiskFile:
    """A disk's file in the package: its name, its bytes, and the disk's own size."""

    name: str
    size: int
    capacity: int


def file_name(name: str) -> str:
    """Return a machine's name as a base name for files: plain characters only, as some importers want them."""
    return _FILE_NAME.sub("_", name).strip("._")[:64] or "machine"


def descriptor(domain: Domain, files: Sequence[DiskFile], values: Mapping[str, str]) -> bytes:
    """Return the descriptor. `values` are what the machine has now, by plain names (`hostname`, `ipaddr1` …).

    Raises ComposeError for a value or a name that XML cannot hold.
    """
    system = operating_system(domain.osinfo, is_64_bit=domain.is_64_bit)
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<Envelope xmlns="{_OVF}" xmlns:ovf="{_OVF}" xmlns:rasd="{RASD}"',
        f'  xmlns:vssd="{_VSSD}" xmlns:vmw="{_VMW}">',
        "  <References>",
        *(
            f'    <File ovf:href="{each.name}" ovf:id="file{number}" ovf:size="{each.size}"/>'
            for number, each in enumerate(files, 1)
        ),
        "  </References>",
        "  <DiskSection>",
        "    <Info>Virtual disks</Info>",
        *(_disk(number, each) for number, each in enumerate(files, 1)),
        "  </DiskSection>",
        "  <NetworkSection>",
        "    <Info>Networks</Info>",
        *(f"    <Network ovf:name={quoteattr(name)}/>" for name in dict.fromkeys(nic.network for nic in domain.nics)),
        "  </NetworkSection>",
        f"  <VirtualSystem ovf:id={quoteattr(file_name(domain.name))}>",
        "    <Info>A virtual machine</Info>",
        f"    <Name>{escape(domain.name)}</Name>",
        f'    <OperatingSystemSection ovf:id="{system.number}">',
        "      <Info>The guest operating system</Info>",
        f"      <Description>{escape(system.description)}</Description>",
        "    </OperatingSystemSection>",
        *_hardware(domain),
        *_properties(domain, values),
        "  </VirtualSystem>",
        "</Envelope>",
        "",
    ]
    text = "\n".join(lines if domain.nics else _without_networks(lines))
    wrong = not_xml(text)
    if wrong is not None:
        raise ComposeError(f"its name, a network or a value has a character that no XML can hold ({wrong})")
    return text.encode()


def _without_networks(lines: Sequence[str]) -> list[str]:
    first, last = lines.index("  <NetworkSection>"), lines.index("  </NetworkSection>")
    return [*lines[:first], *lines[last + 1 :]]


def _disk(number: int, file: DiskFile) -> str:
    return (
        f'    <Disk ovf:capacity="{file.capacity}" ovf:capacityAllocationUnits="byte" ovf:diskId="disk{number}" '
        f'ovf:fileRef="file{number}" ovf:format="{_VMDK}" ovf:populatedSize="{file.size}"/>'
    )


def _item(number: int, **elements: str) -> list[str]:
    """One item; its elements in the schema's order, by name."""
    said = {"InstanceID": str(number), **elements}
    return [
        "      <Item>",
        *(f"        <rasd:{name}>{escape(said[name])}</rasd:{name}>" for name in sorted(said) if said[name]),
        "      </Item>",
    ]


def _hardware(domain: Domain) -> list[str]:
    megabytes = -(-domain.memory >> 20)  # rounded up
    lines = [
        '    <VirtualHardwareSection ovf:transport="iso com.vmware.guestInfo">',
        "      <Info>Virtual hardware</Info>",
        "      <System>",
        "        <vssd:ElementName>Virtual Hardware Family</vssd:ElementName>",
        "        <vssd:InstanceID>0</vssd:InstanceID>",
        f"        <vssd:VirtualSystemIdentifier>{escape(domain.name)}</vssd:VirtualSystemIdentifier>",
        "        <vssd:VirtualSystemType>vmx-13</vssd:VirtualSystemType>",
        "      </System>",
        *_item(
            1,
            AllocationUnits="hertz * 10^6",
            ElementName=f"{domain.processors} virtual CPU(s)",
            ResourceType=PROCESSORS,
            VirtualQuantity=str(domain.processors),
        ),
        *_item(
            2,
            AllocationUnits="byte * 2^20",
            ElementName=f"{megabytes} MB of memory",
            ResourceType=MEMORY,
            VirtualQuantity=str(megabytes),
        ),
    ]
    if domain.cores > 1:  # as an element of VMware's in the item of the processors
        end = lines.index("      </Item>")
        lines.insert(end, f'        <vmw:CoresPerSocket ovf:required="false">{domain.cores}</vmw:CoresPerSocket>')
    lines += _storage(domain, 3)
    number = sum(line == "      <Item>" for line in lines) + 1
    for position, nic in enumerate(domain.nics):
        lines += _item(
            number + position,
            Address=nic.mac,
            AddressOnParent=str(position),
            AutomaticAllocation="true",
            Connection=nic.network,
            Description=nic.model,
            ElementName=f"Network adapter {position + 1}",
            ResourceSubType=_NICS.get(nic.model, _PARAVIRTUAL),
            ResourceType=ETHERNET,
        )
    if domain.firmware == "efi":
        lines.append('      <vmw:Config ovf:required="false" vmw:key="firmware" vmw:value="efi"/>')
    if domain.secure_boot:
        lines.append(
            '      <vmw:Config ovf:required="false" vmw:key="bootOptions.efiSecureBootEnabled" vmw:value="true"/>'
        )
    return [*lines, "    </VirtualHardwareSection>"]


def _storage(domain: Domain, number: int) -> list[str]:
    """The controllers, the disks on them, and the CD drive if the machine has one; `number`: the first InstanceID."""
    lines: list[str] = []
    free: dict[str, tuple[int, int]] = {}  # by bus: the controller's number, and the next free place on it
    counts: dict[str, int] = {}

    def place(bus: str) -> tuple[int, int]:
        nonlocal number
        type_, subtype, most = _CONTROLLERS[bus]
        controller, address = free.get(bus, (0, most + 1))
        if address >= most or controller == 0:
            controller, address = number, 0
            number += 1
            count = counts[type_] = counts.get(type_, -1) + 1
            if count >= _MOST_CONTROLLERS[type_]:
                raise ComposeError(f"it has more disks on {bus} than a package has controllers for")
            lines.extend(
                _item(
                    controller,
                    Address=str(count),
                    Description=bus,
                    ElementName=f"{subtype} controller {count}",
                    ResourceSubType=subtype,
                    ResourceType=type_,
                )
            )
        address += type_ == SCSI and address == 7  # the place of the controller itself
        free[bus] = (controller, address + 1)
        return controller, address

    for position, disk in enumerate(domain.disks, 1):
        controller, address = place(disk.bus)
        lines += _item(
            number,
            AddressOnParent=str(address),
            Description=disk.target,
            ElementName=f"Hard disk {position}",
            HostResource=f"ovf:/disk/disk{position}",
            Parent=str(controller),
            ResourceType=DISK,
        )
        number += 1
    if domain.cdrom:
        on_ide = sum(disk.bus == "ide" for disk in domain.disks)
        controller, address = place("ide" if on_ide < IDE_PLACES else "sata")
        lines += _item(
            number,
            AddressOnParent=str(address),
            AutomaticAllocation="false",
            ElementName="CD/DVD drive",
            Parent=str(controller),
            ResourceSubType=CLIENT_DRIVE,
            ResourceType=CD,
        )
    return lines


def _properties(domain: Domain, values: Mapping[str, str]) -> list[str]:
    roles = Roles()
    known: dict[tuple[Role, str], list[str]] = {}
    others: dict[str, str] = {}
    names: dict[tuple[Role, str], str] = {}
    for name, value in values.items():
        meaning = roles.of(Value(name, value))
        if meaning is None or (meaning.role not in (*_HOST, *_INTERFACE, *_NAMES)):
            others[name] = value
        else:
            place = (meaning.role, meaning.interface)
            known.setdefault(place, []).append(value)
            other = names.setdefault(place, name)
            if other != name and meaning.role is not Role.NAME_SERVERS:
                raise ComposeError(f"{other} and {name} both say the {meaning.role.value}; one of them is right")
    lines = _section(
        "system-host", "", {key: (label, known.pop((role, ""), [])) for role, (key, label) in _HOST.items()}
    )
    for position in range(len(domain.nics)):
        own = {key: (label, known.pop((role, str(position)), [])) for role, (key, label) in _INTERFACE.items()}
        lines += _section("network-interface", str(position) if len(domain.nics) > 1 else "", own)
    service = {key: (label, known.pop((role, ""), [])) for role, (key, label) in _NAMES.items()}
    lines += _section("name-service", "", service)
    lost = sorted(f"{role.value} of interface {interface}" for role, interface in known if role in OF_INTERFACES)
    if lost:
        raise ComposeError(f"there is a value for the {lost[0]}, and the machine has {len(domain.nics)} of them")
    further = {name: (name, [value]) for name, value in others.items()}
    return lines + (_section("", "", further) if further else [])


def _section(class_: str, instance: str, properties: Mapping[str, tuple[str, Sequence[str]]]) -> list[str]:
    of_class = f' ovf:class="{_CLASS}.{class_}"' if class_ else ""
    lines = [f"    <ProductSection{of_class}" + (f' ovf:instance="{instance}">' if instance else ">")]
    lines.append(f"      <Info>{class_ or 'Further values'}</Info>")
    for key, (label, found) in properties.items():
        if not key or ":" in key or "." in key:
            raise ComposeError(f"{key[:80]!r} is no name of a property; it may have neither '.' nor ':'")
        lines += [
            f'      <Property ovf:key={quoteattr(key)} ovf:type="string" ovf:userConfigurable="true" '
            f"ovf:value={quoteattr(' '.join(found), {chr(10): '&#10;', chr(13): '&#13;', chr(9): '&#9;'})}>",
            f"        <Label>{escape(label)}</Label>",
            "      </Property>",
        ]
    return [*lines, "    </ProductSection>"]
