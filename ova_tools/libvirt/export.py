"""The files of a libvirt domain: a qcow2 of each disk and the domain XML, in a folder, all of them or none."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ova_tools import qemu_img
from ova_tools.errors import DomainError, WriteError
from ova_tools.libvirt.domain_xml import Files, domain_name, domain_xml, image_names
from ova_tools.libvirt.machine import Machine, MachineDisk
from ova_tools.package import Kind, Package, open_regular
from ova_tools.records import dataclass

Report = Callable[[int], None]
_FORMATS = ("vmdk", "qcow2", "raw")


@dataclass(frozen=True)
class Domain:
    """A domain to be written: its name, what it is, the image of each disk by target (None: without data)."""

    name: str
    machine: Machine
    images: Mapping[str, qemu_img.Image | None]
    seed: Path | None
    macs: Sequence[str] = ()

    @property
    def size(self) -> int:
        """The bytes that are to be converted."""
        return sum(image.capacity for image in self.images.values() if image is not None)


@contextmanager
def images_of(package: Package, machine: Machine) -> Iterator[dict[str, qemu_img.Image | None]]:
    """Open and examine the disks of a machine in its package, by target. Raises DomainError and ComposeError."""
    with ExitStack() as stack:
        yield {disk.target: image_of(package, disk, stack) for disk in machine.disks}


def image_of(
    package: Package, disk: MachineDisk, stack: ExitStack, private: str | None = None
) -> qemu_img.Image | None:
    """Open and examine a disk in its package, for as long as `stack`; None for one without data.

    `private`: a folder for a copy, where others may write to the package meanwhile. Raises DomainError, ComposeError,
    and WriteError or OSError for a copy that cannot be made.
    """
    if not disk.file:
        return None
    where = next((each for each in package.located if each.reference.id == disk.file), None)
    if where is None or where.fault or len(where.members) != 1:
        why = "in chunks" if where is not None and len(where.members) > 1 else "not in the package"
        raise DomainError(f"the file {disk.file} of the disk {disk.target} is {why}; one file is right")
    if where.reference.compression:
        raise DomainError(f"{where.reference.href} is compressed ({where.reference.compression[:40]}); unpack it first")
    member = next(each for each in package.members if each.name == where.members[0])
    format_ = _format(disk.format, member.name)
    if package.kind is Kind.OVA:
        fd, offset = package.fileno(), member.offset
        if private is not None:
            fd, offset = qemu_img.private_copy(fd, offset, member.size, private)
            stack.callback(os.close, fd)
        return qemu_img.examine(fd, member.name, format_, offset, member.size)
    file = stack.enter_context(open_regular(str(package.path.parent / member.name), member.name))
    return qemu_img.examine(file.fileno(), member.name, format_)


def _format(said: str, name: str) -> str:
    """qemu's name of a format that a descriptor names by an address (DSP0243 9.1), or a file by its ending."""
    lower = said.lower()
    found = next((each for each in _FORMATS if each in lower), None) or Path(name).suffix.lower()[1:]
    if found not in _FORMATS:
        raise DomainError(f"{name} has the format {said[:80] or 'nothing'}; {', '.join(_FORMATS)} are right")
    return found


def write(domain: Domain, folder: Path, bridges: Mapping[str, str], report: Report) -> list[Path]:
    """Write the files of a domain to a folder that is there; returns them, the XML last.

    Each is written under another name and put in place when all are whole. Raises WriteError, ComposeError and
    DomainError.
    """
    base = domain_name(domain.name)
    targets = {target: folder / name for target, name in image_names(domain.name, list(domain.images)).items()}
    seed = None if domain.seed is None else str(domain.seed.resolve())
    files = Files({target: str(path.resolve()) for target, path in targets.items()}, seed)
    text = domain_xml(domain.machine, domain.name, files, domain.macs, bridges)
    made: list[tuple[Path, Path]] = []
    capacities = {disk.target: disk.capacity for disk in domain.machine.disks}
    try:
        for target, image in domain.images.items():
            made.append((_beside(targets[target]), targets[target]))
            with made[-1][0].open("xb") as out:
                if image is None:
                    qemu_img.empty_qcow2(out.fileno(), capacities[target], targets[target].name)
                else:
                    qemu_img.to_qcow2(image, out.fileno(), report)
        xml = folder / f"{base}.xml"
        made.append((_beside(xml), xml))
        made[-1][0].write_text(text, encoding="utf-8")
        for new, place in made:
            new.replace(place)
    except OSError as error:
        raise WriteError(f"{folder} cannot be written: {error.strerror or error}") from error
    finally:
        for new, _ in made:
            new.unlink(missing_ok=True)
    return [place for _, place in made]


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.part")
