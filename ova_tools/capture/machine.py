"""Captures a machine: its disks as they are at one moment, and its domain XML, in a folder; all of them or none.

A running machine goes on running: libvirt copies what its disks held when the backup began. Where a guest agent
answers, file systems are frozen for that moment; without one the disks are as after a power cut. What libvirt runs for
the machine is never changed. Source: libvirt, formatbackup and formatdomain.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree
from xml.sax.saxutils import quoteattr

from ova_tools import qemu_img
from ova_tools.compose.domain import Domain, parsed, read_domain
from ova_tools.compose.package import images_of
from ova_tools.errors import CaptureError, ComposeError, WriteError
from ova_tools.libvirt.domain_xml import domain_name, image_names
from ova_tools.libvirt.virsh import AT_REST, Virsh, VirshError
from ova_tools.records import dataclass

Report = Callable[[int], None]
_EVERY_SECONDS = 0.2


@dataclass(frozen=True)
class Captured:
    """The files that were made, the XML last. notes: what may not be as expected."""

    files: tuple[Path, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Machine:
    """A machine of libvirt's: its name there, its domain XML, what that says, and whether its disks are at rest."""

    name: str
    xml: bytes
    domain: Domain
    is_at_rest: bool


def look_up(virsh: Virsh, name: str) -> Machine:
    """Find a machine. Raises CaptureError if libvirt has none, or none whose disks can be captured."""
    state = virsh("domstate", "--domain", name).strip()
    xml = virsh("dumpxml", "--domain", name).encode()
    try:
        domain = read_domain(xml)
    except ComposeError as error:
        raise CaptureError(f"{name} cannot be captured: {error}") from error
    return Machine(name, xml, domain, state in AT_REST)


def capture(virsh: Virsh, machine: Machine, folder: Path, report: Report) -> Captured:
    """Write the disks, as qcow2, and the domain XML to a folder that is there.

    `report` is called with the bytes that are done since the last call, of `size_of`. Raises CaptureError, ComposeError
    and WriteError; then nothing is left, and files of an earlier capture are as they were.
    """
    names = image_names(machine.name, [disk.target for disk in machine.domain.disks])
    try:
        with _scratch(folder) as scratch:
            targets = {target: scratch / name for target, name in names.items()}
            notes = (_copied if machine.is_at_rest else _backed_up)(virsh, machine, targets, report)
            for target, path in targets.items():
                _require_whole(path, target)
            xml = scratch / f"{domain_name(machine.name)}.xml"
            xml.write_bytes(with_disks(machine.xml, names))
            made = [*targets.values(), xml]
            for path in made:
                path.replace(folder / path.name)
    except OSError as error:
        raise WriteError(f"{folder} cannot be written: {error.strerror or error}") from error
    return Captured(tuple(folder / path.name for path in made), notes)


def _require_whole(path: Path, target: str) -> None:
    try:
        with path.open("rb") as file:
            qemu_img.examine(file.fileno(), f"disk {target}", "qcow2")
    except PermissionError:
        raise CaptureError(f"disk {target}: libvirt keeps what it has written to itself; run this as root") from None


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder within the folder. libvirt's emulator, which is of another account, has to reach it."""
    scratch = Path(tempfile.mkdtemp(prefix=".ova-capture-", dir=folder.resolve()))
    try:
        scratch.chmod(0o711)
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def size_of(virsh: Virsh, machine: Machine) -> int:
    """The bytes of a machine's disks, as the machine sees them."""
    total = 0
    for disk in machine.domain.disks:
        info = virsh("domblkinfo", "--domain", machine.name, "--device", disk.target)
        words = next((line.split() for line in info.splitlines() if line.startswith("Capacity:")), [])
        total += int(words[1]) if len(words) == 2 and words[1].isdigit() else 0
    return total


# ---- a machine at rest -----------------------------------------------------------------------------------------------


def _copied(_: Virsh, machine: Machine, targets: dict[str, Path], report: Report) -> tuple[str, ...]:
    with images_of(machine.domain, {disk.target: Path(disk.source) for disk in machine.domain.disks}) as images:
        for disk, image in zip(machine.domain.disks, images):
            with targets[disk.target].open("wb") as out:
                qemu_img.to_qcow2(image, out.fileno(), report)
        return tuple(note for image in images for note in image.notes)


# ---- a running machine -----------------------------------------------------------------------------------------------


def _backed_up(virsh: Virsh, machine: Machine, targets: dict[str, Path], report: Report) -> tuple[str, ...]:
    name = machine.name
    backup = next(iter(targets.values())).parent / "backup.xml"
    backup.write_text(backup_xml(machine, targets), encoding="utf-8")
    note = ""
    try:
        virsh("domfsfreeze", "--domain", name)
    except VirshError as error:
        with suppress(VirshError):  # it may have frozen them, and answered too late
            virsh("domfsthaw", "--domain", name)
        note = f"disks are as after a power cut, since no guest agent froze the file systems ({error})"
    has_begun = False
    try:
        try:
            virsh("backup-begin", "--domain", name, "--backupxml", str(backup))
            has_begun = True
        finally:
            if not note:
                virsh("domfsthaw", "--domain", name)
        backup.unlink()
        _await(virsh, name, report)
    except BaseException:
        if has_begun:  # else another's job may be what is under way
            with suppress(VirshError):  # it may have ended meanwhile
                virsh("domjobabort", "--domain", name)
        raise
    return (note,) if note else ()


def _await(virsh: Virsh, name: str, report: Report) -> None:
    """Wait until the backup has ended. Raises CaptureError unless it ended well."""
    done = 0
    while (job := virsh.job(name)).kind != "None":
        report(max(0, job.done - done))
        done = max(done, job.done)
        time.sleep(_EVERY_SECONDS)
    last = virsh.job(name, ["--completed"])
    if last.kind != "Completed":
        raise CaptureError(f"libvirt broke the backup of {name} off ({last.kind.lower()}); its log says why")
    report(max(0, last.total - done))


def backup_xml(machine: Machine, targets: dict[str, Path]) -> str:
    """Return what libvirt is asked for: the disks that are carried, each to a file of its own, and no other."""
    lines = ["<domainbackup mode='push'>", "  <disks>"]
    for target, path in targets.items():
        lines.append(f"    <disk name={quoteattr(target)} type='file'><target file={quoteattr(str(path))}/>")
        lines.append("      <driver type='qcow2'/></disk>")
    root = parsed(machine.xml)
    for element in root.iterfind("devices/disk/target"):
        other = element.get("dev", "")
        if other not in targets:
            lines.append(f"    <disk name={quoteattr(other)} backup='no'/>")
    return "\n".join([*lines, "  </disks>", "</domainbackup>", ""])


# ---- the domain XML --------------------------------------------------------------------------------------------------


def with_disks(xml: bytes, names: dict[str, str]) -> bytes:
    """Return the domain XML with captured files, by target, in the place of its disks'; these have no backing files."""
    root = parsed(xml)
    for element in root.iterfind("devices/disk"):
        target = element.find("target")
        name = "" if target is None else target.get("dev", "")
        if name not in names:
            continue
        for child in [*element.findall("source"), *element.findall("backingStore"), *element.findall("driver")]:
            element.remove(child)
        element.set("type", "file")
        element.insert(0, ElementTree.Element("driver", {"name": "qemu", "type": "qcow2"}))
        element.insert(1, ElementTree.Element("source", {"file": f"/var/lib/libvirt/images/{names[name]}"}))
    return bytes(ElementTree.tostring(root, encoding="utf-8")) + b"\n"
