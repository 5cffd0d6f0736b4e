"""Machines on a host with libvirt: copies of their files, and their definitions.

A machine runs on copies in a folder for images, so that getting the grid again changes none that runs. It is known
again by its UUID, which follows from its component; a domain of that name with another UUID is never touched. The
definition notes what each disk was made from and which file it was then: a disk that differs was written to, and is
replaced only if that is said.
Source: libvirt, formatdomain; virsh(1).
"""

from __future__ import annotations

import copy
import filecmp
import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ova_tools import qemu_img
from ova_tools.compose.domain import parsed
from ova_tools.deploy.folders import DISK, MACHINE, Machine, MachineDisk, contents_of, drives
from ova_tools.errors import DeployError
from ova_tools.extents import Carrier, Method
from ova_tools.layout import Extent
from ova_tools.libvirt.domain_xml import NAMESPACE
from ova_tools.libvirt.virsh import Virsh, VirshError
from ova_tools.package import open_regular
from ova_tools.records import dataclass
from ova_tools.write import stage_with

Report = Callable[[int], None]
_AT_REST = ("shut off", "crashed", "")
_LISTED = re.compile(r"^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(.+?)\s*$", re.MULTILINE)
_SYSTEM = Path("/var/lib/libvirt/images")

ElementTree.register_namespace("ova", NAMESPACE)


@dataclass(frozen=True)
class Host:
    """A libvirt on this host. `images`: where the machines' files go; `virtual`: `kvm`, or `qemu` where that is away.

    `names` are those of all its domains, by UUID.
    """

    virsh: Virsh
    images: Path
    virtual: str
    names: dict[str, str]


@dataclass(frozen=True)
class Copy:
    """A file that is to be copied. `is_written`: what it replaces was written to by the machine."""

    source: Path
    place: Path
    is_written: bool = False

    @property
    def size(self) -> int:
        """The bytes to copy."""
        return self.source.stat().st_size


@dataclass(frozen=True)
class Plan:
    """What deploying a machine takes. `is_new`: libvirt does not know it; `xml` is its definition, but for the identity
    of its disks' files. `state` is libvirt's word, '' for a new one.
    """

    machine: Machine
    is_new: bool
    state: str
    copies: tuple[Copy, ...]
    places: dict[str, Path]
    xml: Element
    is_changed: bool

    @property
    def written(self) -> list[Path]:
        """The disks that would lose what the machine wrote to them."""
        return [each.place for each in self.copies if each.is_written]

    @property
    def size(self) -> int:
        """The bytes to copy."""
        return sum(each.size for each in self.copies)


def host(uri: str, images: Path | None, *, emulate: bool = False) -> Host:
    """Look at a libvirt. `emulate`: machines are to run without KVM, as they do where there is none.

    Raises DeployError for one on another host, VirshError for one that does not answer.
    """
    parts = urlsplit(uri)
    if parts.netloc or "+" in parts.scheme:
        raise DeployError(f"{uri} is a libvirt on another host; run ova deploy there")
    virsh = Virsh(uri)
    listed = virsh("list", "--all", "--uuid", "--name")
    if images is None:
        data = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")
        images = data / "libvirt/images" if parts.path == "/session" else _SYSTEM
    virtual = "qemu" if emulate or not _has_kvm(virsh) else "kvm"
    return Host(virsh, images.resolve(), virtual, dict(_LISTED.findall(listed)))


def _has_kvm(virsh: Virsh) -> bool:
    try:
        virsh("domcapabilities", "--virttype", "kvm", "--arch", "x86_64")
    except VirshError:
        return False
    return True


def plan(at: Host, machine: Machine) -> Plan:
    """What deploying a machine takes; nothing is changed. Raises DeployError and VirshError."""
    other = next((uuid for uuid, name in at.names.items() if name == machine.name and uuid != machine.uuid), None)
    if other is not None:
        raise DeployError(
            f"libvirt has another machine of that name ({other}), which stays as it is; rename one of them"
        )
    known = at.names.get(machine.uuid)
    if known is not None and known != machine.name:
        raise DeployError(f"libvirt knows it as {known}; shut it down and run: virsh domrename {known} {machine.name}")
    old = _old(at, machine) if known is not None else None
    state = at.virsh("domstate", "--domain", machine.uuid).strip() if old is not None else ""
    places = {disk.target: _place(at, machine, disk, old) for disk in machine.disks}
    copies = [found for disk in machine.disks if (found := _copy(disk, places[disk.target], old)) is not None]
    if machine.seed is not None:
        seed = at.images / f"{machine.name}.iso"
        _require_free(seed, old)
        if not (seed.is_file() and filecmp.cmp(machine.seed, seed, shallow=False)):
            copies.append(Copy(machine.seed, seed))
    if state not in _AT_REST and any(each.place in places.values() for each in copies):
        raise DeployError("it runs, and its disk is of another version of its image; shut it down first")
    xml = _definition(at, machine, places)
    noted = "" if old is None else _identity_of(old)
    is_changed = old is None or noted != _identity_of(xml)
    return Plan(machine, old is None, state, tuple(copies), places, xml, is_changed)


def carry_out(at: Host, plan: Plan, report: Report) -> None:
    """Copy the files and define the machine. `report` is called with the bytes done since the last call.

    Raises DeployError, VirshError and WriteError. What is done then is found again by the next run.
    """
    if plan.is_new:  # from here on it is ours, also if this run ends before all is copied
        _define(at, plan, {})
    try:
        at.images.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DeployError(f"{at.images} cannot be made: {error.strerror}") from error
    for each in plan.copies:
        _carry(each, report, is_disk=each.place in plan.places.values())
    if plan.is_new or plan.is_changed or plan.copies:
        _define(at, plan, {target: _identity(place) for target, place in plan.places.items()})


def start(at: Host, machine: Machine) -> None:
    """Start a machine. Raises VirshError."""
    at.virsh("start", "--domain", machine.uuid)


def _old(at: Host, machine: Machine) -> Element:
    root = parsed(at.virsh("dumpxml", "--inactive", "--domain", machine.uuid).encode())
    if root.find(f"metadata/{MACHINE}") is None:
        raise DeployError("libvirt has a machine of its UUID that ova deploy has not made, which stays as it is")
    return root


def _place(at: Host, machine: Machine, disk: MachineDisk, old: Element | None) -> Path:
    """Where the file of a disk is, or is to be."""
    if old is not None:
        for _, target, source in drives(old):
            if target == disk.target:
                return Path(source)
    suffix = f"-{disk.target}" if len(machine.disks) > 1 else ""
    return at.images / f"{machine.name}{suffix}.qcow2"


def _copy(disk: MachineDisk, place: Path, old: Element | None) -> Copy | None:
    """The copy that a disk needs, None if its file is there and of this version of the image."""
    noted = [] if old is None else old.findall(f"metadata/{MACHINE}")
    content, identity = contents_of(noted).get(disk.target), contents_of(noted, "file").get(disk.target, "")
    if not place.exists():
        return Copy(disk.file, place)
    _require_free(place, old)
    if not identity:  # an earlier run ended before this file was noted
        return Copy(disk.file, place)
    return None if content == disk.content else Copy(disk.file, place, is_written=_identity(place) != identity)


def _require_free(place: Path, old: Element | None) -> None:
    if old is None and place.exists():
        raise DeployError(f"{place} is there, and libvirt has no machine of ours that uses it; move it or remove it")


def _definition(at: Host, machine: Machine, places: dict[str, Path]) -> Element:
    """The machine's domain with the files where they are to be, for this host."""
    root = copy.deepcopy(machine.root)
    root.set("type", at.virtual)
    cpu = root.find("cpu")
    if at.virtual == "qemu" and cpu is not None:
        cpu.set("mode", "maximum")  # an emulated processor has no model of the host
    for drive, target, _ in drives(root):
        source = drive.find("source")
        if source is not None:
            place = at.images / f"{machine.name}.iso" if drive.get("device") == "cdrom" else places[target]
            source.set("file", str(place))
    return root


def _define(at: Host, plan: Plan, identities: dict[str, str]) -> None:
    root = copy.deepcopy(plan.xml)
    for noted in root.iterfind(f"metadata/{MACHINE}"):
        noted.set("definition", _identity_of(plan.xml))
        for disk in noted.iterfind(DISK):
            disk.set("file", identities.get(disk.get("target", ""), ""))
    with tempfile.NamedTemporaryFile(prefix="ova-deploy-", suffix=".xml") as file:
        file.write(ElementTree.tostring(root, encoding="utf-8"))
        file.flush()
        at.virsh("define", "--file", file.name)


def _identity_of(root: Element) -> str:
    """What a definition is known by: as noted in it, else a hash of it."""
    noted = next((each.get("definition", "") for each in root.iterfind(f"metadata/{MACHINE}")), "")
    return noted or hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:32]


def _carry(each: Copy, report: Report, *, is_disk: bool) -> None:
    """Copy a file. A disk that leads to other files of the host is refused: libvirt would let its machine read them."""
    with open_regular(str(each.source), each.source.name) as source:
        if is_disk:
            qemu_img.examine(source.fileno(), each.source.name, "qcow2")
        size = os.fstat(source.fileno()).st_size

        def fill(out: int) -> Method:
            os.ftruncate(out, size)
            carrier = Carrier(source.fileno(), out, report, to_disk=True)
            carrier.extent(Extent(0, size), 0)
            return carrier.method

        with stage_with(fill, each.place) as staged:
            staged.commit()


def _identity(place: Path) -> str:
    found = place.stat()
    return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
