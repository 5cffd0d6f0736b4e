"""Finds the machines in folders that `iget -r` has brought. Pure but for reading.

A machine is a domain XML that names a component, with its files beside it. Other files are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from xml.etree.ElementTree import Element

from ova_tools.compose.domain import MAX_DOMAIN_BYTES, parsed
from ova_tools.deploy.vocabulary import require_known
from ova_tools.errors import DeployError, OvaError
from ova_tools.libvirt.domain_xml import NAMESPACE
from ova_tools.package import open_regular
from ova_tools.records import dataclass

MACHINE, DISK = f"{{{NAMESPACE}}}machine", f"{{{NAMESPACE}}}disk"
_MOST_FILES = 100_000


@dataclass(frozen=True)
class MachineDisk:
    """A disk: libvirt's name for it, its file, and a hash of what that follows from."""

    target: str
    file: Path
    content: str


@dataclass(frozen=True)
class Machine:
    """A machine to be deployed. `root` is its domain XML; `seed` its CD image, None for none."""

    name: str
    uuid: str
    component: str
    root: Element
    disks: tuple[MachineDisk, ...]
    seed: Path | None


def machines_in(folders: Sequence[Path]) -> tuple[list[Machine], list[str]]:
    """Return the machines at or below these folders, by name, and what is wrong with others, in one line each.

    Raises DeployError where there is none in a folder, and for two components of one machine's name.
    """
    found: dict[str, Machine] = {}
    faults: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            raise DeployError(f"{folder} is no folder here; `iget -r` brings one")
        count = 0
        for path in files_below(folder, ".xml"):
            try:
                machine = _machine(path)
            except OvaError as error:
                faults.append(f"{path}: {error}")
                count += 1
                continue
            if machine is None:
                continue
            count += 1
            known = found.setdefault(machine.name, machine)
            if known.component != machine.component:
                text = f"{machine.name} is the name of {known.component} and of {machine.component}"
                raise DeployError(f"{text}; deploy them on different hosts, or rename a collection")
        if not count:
            raise DeployError(f"{folder} has no machine; the server makes their files where ova_forms says libvirt")
    return [found[name] for name in sorted(found)], list(dict.fromkeys(faults))


def files_below(folder: Path, ending: str) -> Iterator[Path]:
    """The files of that ending at or below a folder, sorted. Raises DeployError for a folder that is too large."""
    count = 0
    for place, folders, names in os.walk(folder):
        folders.sort()
        count += len(names)
        if count > _MOST_FILES:
            raise DeployError(f"{folder} has more than {_MOST_FILES} files; name the folders of the machines")
        yield from (Path(place) / name for name in sorted(names) if name.endswith(ending))


def _machine(path: Path) -> Machine | None:
    """The machine of a domain XML; None if it is another XML. Raises OvaError for one that cannot be deployed."""
    with open_regular(str(path), path.name) as stream:
        data = stream.read(MAX_DOMAIN_BYTES + 1)
    if NAMESPACE.encode() not in data:
        return None
    root = parsed(data)
    noted = root.find(f"metadata/{MACHINE}")
    if root.tag != "domain" or noted is None:
        return None
    require_known(root)
    name, uuid = root.findtext("name", ""), root.findtext("uuid", "")
    contents = contents_of([noted])
    disks: list[MachineDisk] = []
    seed = None
    for drive, target, source in drives(root):
        file = path.parent / source.rpartition("/")[2]
        if file.is_symlink() or not file.is_file():
            raise DeployError(f"{file.name} is not beside it; get the whole collection again (iget -r)")
        if drive.get("device") == "cdrom":
            seed = file
        elif target in contents:
            disks.append(MachineDisk(target, file, contents[target]))
        else:
            raise DeployError(f"it does not say what its disk {target} is made from")
    return Machine(name, uuid, noted.get("component", ""), root, tuple(disks), seed)


def drives(root: Element) -> Iterator[tuple[Element, str, str]]:
    """The disks and CD drives of a domain that hold a file: each with its target and the file."""
    for drive in root.iterfind("devices/disk"):
        target, source = drive.find("target"), drive.find("source")
        if target is not None and source is not None and source.get("file"):
            yield drive, target.get("dev", ""), source.get("file", "")


def contents_of(noted: Iterable[Element], attribute: str = "content") -> dict[str, str]:
    """What is noted of each disk in a domain, by target."""
    disks = (disk for each in noted for disk in each.iterfind(DISK))
    return {disk.get("target", ""): disk.get(attribute, "") for disk in disks}
