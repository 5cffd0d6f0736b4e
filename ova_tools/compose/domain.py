"""What a libvirt domain XML says of a machine: processors, memory, firmware, disks, network interfaces. Pure.

What has no place in a package is listed, never silently left out. Source: libvirt, formatdomain.
"""

from __future__ import annotations

import re
import xml.parsers.expat as expat
from collections.abc import Iterable
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ova_tools.errors import ComposeError
from ova_tools.libvirt.terms import MOST_MEMORY, MOST_PROCESSORS, PREFIXES, Frame, Nic
from ova_tools.macs import is_mac
from ova_tools.records import dataclass

MAX_DOMAIN_BYTES = 1 << 20
_MAX_ELEMENTS, _MAX_DEPTH, _MAX_TEXT = 10_000, 32, 1024
_MOST_DEVICES = 64
_HYPERVISORS = ("kvm", "qemu")
_UNITS = {
    "b": 1, "bytes": 1, "KB": 10**3, "k": 1 << 10, "KiB": 1 << 10, "MB": 10**6, "M": 1 << 20, "MiB": 1 << 20,
    "GB": 10**9, "G": 1 << 30, "GiB": 1 << 30, "TB": 10**12, "T": 1 << 40, "TiB": 1 << 40,
}  # fmt: skip
_OSINFO = "{http://libosinfo.org/xmlns/libvirt/domain/1.0}os"
_FORMATS = ("raw", "qcow2", "vmdk")
_TARGET = re.compile(r"[a-z]{1,8}[0-9]{0,4}")

# What a package has, or what every hypervisor has of its own; all else is listed.
_CARRIED = {
    "name", "uuid", "title", "description", "metadata", "genid", "memory", "currentMemory", "vcpu", "os", "cpu",
    "devices", "features", "clock", "on_poweroff", "on_reboot", "on_crash", "pm", "resource", "seclabel", "bootloader",
    "idmap", "maxMemory", "vcpus", "sysinfo",
}  # fmt: skip
_CARRIED_DEVICES = {
    "emulator", "disk", "controller", "interface", "serial", "console", "channel", "input", "graphics", "video",
    "memballoon", "rng", "audio", "hub", "panic", "parallel",
}  # fmt: skip


@dataclass(frozen=True)
class Disk:
    """A disk: `target` is libvirt's name for it (`vda`), `format` that of its image file."""

    target: str
    bus: str
    source: str
    format: str


@dataclass(frozen=True)
class Domain(Frame):
    """A machine. `osinfo`: libosinfo's id of its operating system."""

    is_64_bit: bool
    osinfo: str
    disks: tuple[Disk, ...]


def read_domain(data: bytes) -> Domain:
    """Read a domain XML. Raises ComposeError in one line for what is none, or is of another hypervisor."""
    root = parsed(data)
    if root.tag != "domain":
        raise ComposeError(
            f"it has the root element {_short(root.tag)}; the domain of libvirt is right (virsh dumpxml)"
        )
    kind = root.get("type", "")
    if kind not in _HYPERVISORS:
        raise ComposeError(f"it is a domain of type {_short(kind) or 'nothing'}; {' or '.join(_HYPERVISORS)} is right")
    devices = root.find("devices")
    parts = [] if devices is None else list(devices)
    left_out: list[str] = []
    disks, cdrom = _disks(parts, left_out)
    if not disks:
        raise ComposeError("it has no disk that could be carried")
    nics = [each for each in parts if each.tag == "interface"]
    for count, what in ((len(disks), "disks"), (len(nics), "network interfaces")):
        if count > _MOST_DEVICES:
            raise ComposeError(f"it has {count} {what}; a package carries {_MOST_DEVICES}")
    processors = _processors(root)
    firmware, secure_boot = _firmware(root)
    system = root.find(f"metadata//{_OSINFO}")
    type_ = root.find("os/type")
    return Domain(
        name=_name(root),
        processors=processors,
        cores=_cores(root, processors),
        memory=_memory(root),
        firmware=firmware,
        secure_boot=secure_boot,
        nics=tuple(map(_nic, nics)),
        cdrom=cdrom,
        left_out=(*left_out, *_not_carried(root, _CARRIED, ""), *_not_carried(parts, _CARRIED_DEVICES, "device ")),
        is_64_bit=type_ is None or type_.get("arch") != "i686",
        osinfo="" if system is None else system.get("id", ""),
        disks=disks,
    )


def parsed(data: bytes) -> Element:
    """Return the root of a domain XML, whose size, depth and number of elements are bounded. Raises ComposeError."""
    if len(data) > MAX_DOMAIN_BYTES:
        raise ComposeError(f"it has {len(data)} bytes; a domain XML has at most {MAX_DOMAIN_BYTES}")
    count = depth = 0

    def start(_name: str, _attributes: object) -> None:
        nonlocal count, depth
        count, depth = count + 1, depth + 1
        if count > _MAX_ELEMENTS or depth > _MAX_DEPTH:
            raise ComposeError(f"it has more than {_MAX_ELEMENTS} elements, or {_MAX_DEPTH} within each other")

    def end(_name: str) -> None:
        nonlocal depth
        depth -= 1

    def doctype(*_: object) -> None:
        raise ComposeError("it has a document type declaration (DTD), which no domain XML has")

    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler, parser.StartDoctypeDeclHandler = start, end, doctype
    try:
        parser.Parse(data, True)
        return ElementTree.fromstring(data)  # noqa: S314 - without a DTD there is no entity
    except (expat.ExpatError, ElementTree.ParseError, LookupError, ValueError) as error:
        raise ComposeError(f"it is no well-formed XML: {error}") from error


def _short(text: str) -> str:
    return text.strip()[:80]


def _name(root: Element) -> str:
    name = _short(root.findtext("name") or "")
    if not name:
        raise ComposeError("it has no name")
    return name


def _number(text: str | None, what: str, most: int) -> int:
    cleaned = (text or "").strip()
    if not (cleaned.isascii() and cleaned.isdigit() and len(cleaned) < 20) or not 0 < int(cleaned) <= most:
        raise ComposeError(f"its {what} is {_short(cleaned)!r}; a number from 1 to {most} is right")
    return int(cleaned)


def _processors(root: Element) -> int:
    element = root.find("vcpu")
    if element is None:
        return 1
    return _number(element.get("current") or element.text, "number of processors", MOST_PROCESSORS)


def _cores(root: Element, processors: int) -> int:
    """Cores of each socket, as far as that divides the processors."""
    topology = root.find("cpu/topology")
    if topology is None:
        return 1
    cores = 1
    for name in ("dies", "clusters", "cores", "threads"):
        cores *= _number(topology.get(name, "1"), f"CPU topology ({name})", MOST_PROCESSORS)
    return cores if processors % cores == 0 else 1


def _memory(root: Element) -> int:
    element = root.find("memory")
    if element is None:
        raise ComposeError("it says nothing of memory")
    unit = element.get("unit", "KiB")
    if unit not in _UNITS:
        raise ComposeError(f"the unit of its memory is {_short(unit)!r}; KiB, MiB or GiB is right")
    size = _number(element.text, "memory", MOST_MEMORY) * _UNITS[unit]
    if not 1 << 20 <= size <= MOST_MEMORY:
        raise ComposeError(f"its memory is {size} bytes; 1 MiB to 64 TiB is right")
    return size


def _firmware(root: Element) -> tuple[str, bool]:
    """The firmware, `bios` or `efi`, and whether it checks signatures at boot."""
    os = root.find("os")
    loader = None if os is None else os.find("loader")
    is_efi = os is not None and (os.get("firmware") == "efi" or (loader is not None and loader.get("type") == "pflash"))
    features = [] if os is None else os.findall("firmware/feature")
    asked = any(each.get("name") == "secure-boot" and each.get("enabled") == "yes" for each in features)
    return ("efi" if is_efi else "bios"), asked or (loader is not None and loader.get("secure") == "yes")


def _disks(parts: Iterable[Element], left_out: list[str]) -> tuple[tuple[Disk, ...], bool]:
    disks: list[Disk] = []
    cdrom = False
    for element in parts:
        if element.tag != "disk":
            continue
        target = element.find("target")
        name = "" if target is None else target.get("dev", "")
        if not _TARGET.fullmatch(name):
            raise ComposeError(f"a disk has the target {_short(name)!r}; a name such as vda is right")
        device = element.get("device", "disk")
        if device == "cdrom":
            cdrom = True
        elif device != "disk":
            left_out.append(f"{device} {name}")
        else:
            disks.append(_disk(element, name, "" if target is None else target.get("bus", "")))
    names = [disk.target for disk in disks]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ComposeError(f"it has two disks named {twice}")
    return tuple(disks), cdrom


def _disk(element: Element, name: str, bus: str) -> Disk:
    kind, source, driver = element.get("type", ""), element.find("source"), element.find("driver")
    if kind not in ("file", "block"):
        raise ComposeError(f"disk {name} is of type {_short(kind) or 'nothing'}; a file is right, so export it first")
    path = "" if source is None else source.get("file" if kind == "file" else "dev", "")
    if "\0" in path or len(path) > _MAX_TEXT:
        raise ComposeError(f"disk {name} has no path that a file could have")
    format_ = "raw" if driver is None else driver.get("type", "raw")
    if format_ not in _FORMATS:
        raise ComposeError(f"disk {name} is of the format {_short(format_)}; {', '.join(_FORMATS)} are right")
    if bus not in PREFIXES:
        bus = {"h": "ide", "s": "scsi", "v": "virtio"}.get(name[0], "sata") if not bus else "sata"
    return Disk(name, bus, path, format_)


def _nic(element: Element) -> Nic:
    mac, source, model = element.find("mac"), element.find("source"), element.find("model")
    address = "" if mac is None else mac.get("address", "").lower()
    if address and not is_mac(address):
        raise ComposeError(f"a network interface has the MAC {_short(address)!r}; six bytes with colons are right")
    named = "" if source is None else (source.get("network") or source.get("bridge") or source.get("dev") or "")
    return Nic(address, _short(named) or "default", _short("" if model is None else model.get("type", "")) or "virtio")


def _not_carried(elements: Iterable[Element], known: set[str], what: str) -> list[str]:
    names: dict[str, int] = {}
    for each in elements:
        if each.tag not in known:
            name = _short(each.tag.rpartition("}")[2])
            names[name] = names.get(name, 0) + 1
    return [f"{what}{name}" + (f" ({count})" if count > 1 else "") for name, count in sorted(names.items())]
