"""The virtual hardware of a descriptor: each item with its elements and its place in the bytes.

Must never change anything, and reads only a descriptor that `descriptor.parse` has read, so that its limits hold.
Source: DSP0243 8 (VirtualHardwareSection), CIM_ResourceAllocationSettingData (names and numbers).
"""

from __future__ import annotations

import re
import xml.parsers.expat as expat
from collections.abc import Mapping

from .errors import DescriptorError
from .model import Element
from .records import dataclass, field, replace
from .xmltext import Encoding

RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
PROCESSORS, MEMORY, DISK = "3", "4", "17"  # ResourceType
IDE, SCSI, ETHERNET, CD, DVD, SATA = "5", "6", "10", "15", "16", "20"
CLIENT_DRIVE = "vmware.cdrom.remotepassthrough"  # ResourceSubType of a CD drive that is empty
_SEPARATOR = "\x01"
_UNIT = re.compile(r"byte(?:\s*\*\s*(2|10)\s*\^\s*([0-9]{1,3}))?")
_OLD_UNITS = {
    "": 1, "bytes": 1, "kilobytes": 1 << 10, "kb": 1 << 10, "megabytes": 1 << 20, "mb": 1 << 20, "gigabytes": 1 << 30,
    "gb": 1 << 30,
}  # fmt: skip
_MOST_POWER = 60
_ITEMS = ("Item", "EthernetPortItem", "StorageItem")


@dataclass(frozen=True)
class Item:
    """One item of virtual hardware: what its elements say, by their local names; the first counts of several.

    `kind` is the element's local name. `configuration` names the deployment options that it is for, '' for all.
    `prefix` and `namespace` are those of its first element, whose tag is at byte `first`.
    """

    kind: str
    configuration: str
    texts: Mapping[str, str]
    place: Element = field(repr=False, compare=False)
    prefix: str = field(default="", compare=False)
    namespace: str = ""
    first: int = field(default=0, repr=False, compare=False)

    def get(self, name: str) -> str:
        """Return what the element of this name says, '' if there is none."""
        return self.texts.get(name, "")

    @property
    def type(self) -> str:
        """Its ResourceType, a number as text."""
        return self.get("ResourceType")

    @property
    def id(self) -> str:
        """Its InstanceID."""
        return self.get("InstanceID")


@dataclass(frozen=True)
class Hardware:
    """One VirtualHardwareSection of the virtual system `system`; `type` is its VirtualSystemType.

    `settings` are VMware's `Config` elements by their keys, such as `firmware`; `tag` is the byte of its start tag.
    """

    system: str
    type: str
    items: tuple[Item, ...]
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    tag: int = field(default=0, repr=False, compare=False)

    @property
    def macs(self) -> list[str]:
        """The MAC of each network interface, in order; '' where it has none."""
        return [item.get("Address") for item in self.items if item.type == ETHERNET]


@dataclass(frozen=True)
class Disk:
    """A `Disk` of the DiskSection (DSP0243 9.1), as written; '' for what is not there."""

    id: str
    file: str
    capacity: str
    units: str
    format: str
    parent: str


def read(data: bytes, encoding: Encoding) -> list[Hardware]:
    """Return the hardware sections of the descriptor `data`, in order. Raises DescriptorError if it is no XML."""
    return read_with_disks(data, encoding)[0]


def amount(text: str, units: str) -> int | None:
    """Return a quantity in bytes, from its number and its units as DSP0243 and older descriptors write them.

    `byte * 2^20`, `byte * 10^6`, `MegaBytes`, `MB` and `` (bytes) are known; None for all else.
    """
    cleaned = text.strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) < 20):
        return None
    known = _UNIT.fullmatch(units.strip())
    if known is not None:
        power = int(known.group(2) or 0)
        return int(cleaned) * int(known.group(1) or 1) ** power if power <= _MOST_POWER else None
    factor = _OLD_UNITS.get(units.strip().lower())
    return None if factor is None else int(cleaned) * factor


def read_with_disks(data: bytes, encoding: Encoding) -> tuple[list[Hardware], list[Disk]]:
    """Return what `read` does, and the disks of the DiskSection, in order."""
    reader = _Reader(encoding)
    try:
        reader.parser.Parse(data, True)
    except expat.ExpatError as error:
        raise DescriptorError(f"the descriptor cannot be read: {error}") from error
    return reader.found, reader.disks


class _Reader:
    """The state of one parse."""

    def __init__(self, encoding: Encoding) -> None:
        self.parser = expat.ParserCreate(encoding.for_expat, namespace_separator=_SEPARATOR)
        self.parser.namespace_prefixes = True
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.found: list[Hardware] = []
        self.path: list[str] = []
        self.systems: list[str] = []
        self.type = ""
        self.items: list[Item] = []
        self.settings: dict[str, str] = {}
        self.disks: list[Disk] = []
        self.tag = 0
        self.item: Item | None = None
        self.texts: dict[str, str] = {}
        self.text: list[str] = []

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        parts = name.split(_SEPARATOR)
        namespace, local = ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])
        inside = self.path[-1] if self.path else ""
        self.path.append(local)
        if local == "VirtualSystem":
            self.systems.append(_local(attributes, "id"))
        elif local == "VirtualHardwareSection":
            self.type, self.items, self.settings = "", [], {}
            self.tag = self.parser.CurrentByteIndex
        elif inside == "VirtualHardwareSection" and local == "Config":
            self.settings.setdefault(_local(attributes, "key"), _local(attributes, "value"))
        elif inside == "DiskSection" and local == "Disk":
            names = ("diskId", "fileRef", "capacity", "capacityAllocationUnits", "format", "parentRef")
            self.disks.append(Disk(*(_local(attributes, name) for name in names)))
        elif inside == "VirtualHardwareSection" and local in _ITEMS:
            here = Element(self.parser.CurrentByteIndex, 0)
            self.texts = {}
            self.item = Item(local, _local(attributes, "configuration"), self.texts, here)
        elif self.item is not None and inside == self.item.kind:
            if not self.item.first:
                prefix = f"{parts[2]}:" if len(parts) == 3 else ""
                at = self.parser.CurrentByteIndex
                self.item = replace(self.item, prefix=prefix, namespace=namespace, first=at)
            self._listen()
        elif inside == "System" and local == "VirtualSystemType":
            self._listen()

    def _listen(self) -> None:
        self.text = []
        self.parser.CharacterDataHandler = self.text.append

    def _end(self, _name: str) -> None:
        local = self.path.pop()
        inside = self.path[-1] if self.path else ""
        if local == "VirtualSystem":
            self.systems.pop()
        elif local == "VirtualHardwareSection" and self.systems:
            self.found.append(Hardware(self.systems[-1], self.type, tuple(self.items), self.settings, self.tag))
        elif self.item is not None and inside == "VirtualHardwareSection" and local == self.item.kind:
            place = Element(self.item.place.tag, self.parser.CurrentByteIndex)
            self.items.append(replace(self.item, place=place))
            self.item = None
        elif self.item is not None and inside == self.item.kind:
            self.texts.setdefault(local, self._heard())
        elif inside == "System" and local == "VirtualSystemType":
            self.type = self._heard()

    def _heard(self) -> str:
        self.parser.CharacterDataHandler = None
        return "".join(self.text).strip()


def _local(attributes: Mapping[str, str], name: str) -> str:
    """Return the attribute of this local name."""
    for key, value in attributes.items():
        parts = key.split(_SEPARATOR)
        if (parts[0] if len(parts) == 1 else parts[1]) == name:
            return value
    return ""
