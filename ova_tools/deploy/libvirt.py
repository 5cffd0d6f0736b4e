"""Machines on a host with libvirt: their files, and their definitions.

A machine runs on copies in a folder of its own, so that getting the grid again changes none that runs. It is known
again by its UUID and its component; a domain of that name that is not of this component is never touched.
Source: libvirt, formatdomain; virsh(1).
"""

from __future__ import annotations

import copy
import fcntl
import hashlib
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ova_tools.compose.domain import parsed
from ova_tools.deploy.copies import Copy, Report, carry, digest_of, needed
from ova_tools.deploy.folders import MACHINE, Machine, drives
from ova_tools.errors import DeployError
from ova_tools.libvirt.domain_xml import NAMESPACE
from ova_tools.libvirt.virsh import AT_REST, Virsh, VirshError
from ova_tools.records import dataclass

_LISTED = re.compile(r"^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s+(.+?)\s*$", re.MULTILINE)
_SYSTEM = Path("/var/lib/libvirt/images")
_MOST_SEED = 1 << 30

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

    def folder(self, machine: Machine) -> Path:
        """Where a machine's files go."""
        return self.images / machine.name

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep another `ova deploy` away from the folder for images. Raises DeployError if one is at work."""
        try:
            self.images.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DeployError(f"{self.images} cannot be made: {error.strerror}") from error
        fd = os.open(self.images, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise DeployError(f"another ova deploy is at work in {self.images}") from None
        finally:
            os.close(fd)


@dataclass(frozen=True)
class Plan:
    """What deploying a machine takes. `is_new`: libvirt does not know it; `xml` is its definition.

    `state` is libvirt's word, '' for a new one. `is_changed`: another definition than that in libvirt.
    """

    machine: Machine
    is_new: bool
    state: str
    copies: tuple[Copy, ...]
    xml: Element
    is_changed: bool

    @property
    def disks(self) -> list[Copy]:
        """The copies of disks."""
        return [each for each in self.copies if each.is_disk]

    @property
    def written(self) -> list[Path]:
        """The disks that would lose what the machine wrote to them."""
        return [each.place for each in self.copies if each.is_disk and each.is_written]

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
        raise DeployError(f"libvirt has another machine of that name ({other}), which stays as it is")
    known = at.names.get(machine.uuid)
    if known is not None and known != machine.name:
        raise DeployError(f"libvirt knows it as {known}; shut it down and run: virsh domrename {known} {machine.name}")
    old = _noted(at, machine) if known is not None else None
    state = _state(at, machine) if old is not None else ""
    folder = at.folder(machine)
    disks = (
        needed(disk.file, folder / f"{disk.target}.qcow2", machine.uuid, disk.content, is_disk=True)
        for disk in machine.disks
    )
    copies = [each for each in disks if each is not None]
    if machine.seed is not None:
        seed = needed(
            machine.seed,
            folder / "seed.iso",
            machine.uuid,
            digest_of(machine.seed, "sha256", _MOST_SEED),
            is_disk=False,
        )
        copies += [seed] if seed is not None else []
    xml = _definition(at, machine)
    found = Plan(machine, old is None, state, tuple(copies), xml, old is None or old != _identity_of(xml))
    _require_rest(at, found)
    return found


def _require_rest(at: Host, found: Plan) -> None:
    """Raise DeployError if a disk would be replaced of a machine that runs, or that is saved with its memory."""
    if found.is_new or not any(each.replaces for each in found.disks):
        return
    if _state(at, found.machine) not in AT_REST:
        raise DeployError("it runs, and its disk is of another version of its image; shut it down first")
    info = at.virsh("dominfo", "--domain", found.machine.uuid)
    if re.search(r"^Managed save:\s*yes", info, re.MULTILINE):
        raise DeployError("its memory is saved, and its disk is of another version of its image; shut it down first")


def _state(at: Host, machine: Machine) -> str:
    return at.virsh("domstate", "--domain", machine.uuid).strip()


def carry_out(at: Host, found: Plan, report: Report) -> None:
    """Copy the files and define the machine. `report` is called with the bytes done since the last call.

    Raises DeployError, VirshError and what a copy raises. What is done then is found again by the next run.
    """
    folder = at.folder(found.machine)
    try:
        folder.mkdir(mode=0o711, exist_ok=True)
    except OSError as error:
        raise DeployError(f"{folder} cannot be made: {error.strerror}") from error
    _require_rest(at, found)  # a question may have taken long
    for each in found.copies:
        carry(each, report)
    if found.is_changed:
        _define(at, found)


def start(at: Host, machine: Machine) -> None:
    """Start a machine. Raises VirshError."""
    at.virsh("start", "--domain", machine.uuid)


def _noted(at: Host, machine: Machine) -> str:
    """What the definition in libvirt is known by. Raises DeployError for one that is not of this component."""
    root = parsed(at.virsh("dumpxml", "--inactive", "--domain", machine.uuid).encode())
    noted = root.find(f"metadata/{MACHINE}")
    if noted is None:
        raise DeployError("libvirt has a machine of its UUID that ova deploy has not made, which stays as it is")
    if noted.get("component") != machine.component:
        text = f"libvirt has it for the component {noted.get('component')}, not for {machine.component}"
        raise DeployError(f"{text}; if that was moved, undefine the machine, and its disks are taken again")
    return noted.get("definition", "")


def _definition(at: Host, machine: Machine) -> Element:
    """The machine's domain with the files where they are to be, for this host."""
    root = copy.deepcopy(machine.root)
    root.set("type", at.virtual)
    cpu = root.find("cpu")
    if at.virtual == "qemu" and cpu is not None:
        cpu.set("mode", "maximum")  # an emulated processor has no model of the host
    folder = at.folder(machine)
    for drive, target, _ in drives(root):
        source = drive.find("source")
        if source is not None:
            source.set("file", str(folder / ("seed.iso" if drive.get("device") == "cdrom" else f"{target}.qcow2")))
    return root


def _define(at: Host, found: Plan) -> None:
    root = copy.deepcopy(found.xml)
    for noted in root.iterfind(f"metadata/{MACHINE}"):
        noted.set("definition", _identity_of(found.xml))
    with tempfile.NamedTemporaryFile(prefix="ova-deploy-", suffix=".xml") as file:
        file.write(ElementTree.tostring(root, encoding="utf-8"))
        file.flush()
        at.virsh("define", "--file", file.name)


def _identity_of(root: Element) -> str:
    return hashlib.sha256(ElementTree.tostring(root)).hexdigest()[:32]
