"""Finds the machines in folders that `iget -r` has brought.

What lies there may be a stranger's. So a file counts only where the server puts it: in a folder with the component's
name, under a name that begins with it, in a grid's folder of the machine's name. Links are never followed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar
from xml.etree.ElementTree import Element

from ova_tools.compose.domain import MAX_DOMAIN_BYTES, parsed
from ova_tools.deploy.vocabulary import require_known
from ova_tools.errors import DeployError, OvaError, one_line
from ova_tools.libvirt.domain_xml import NAMESPACE, domain_name
from ova_tools.package import open_regular
from ova_tools.records import dataclass

MACHINE, DISK = f"{{{NAMESPACE}}}machine", f"{{{NAMESPACE}}}disk"
_MOST_FILES, _MOST_DEPTH = 100_000, 16


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Found = TypeVar("_Found", bound=_Named)


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

    Raises DeployError where there is none in a folder.
    """
    return found_in(
        folders, ".xml", _machine, "has no machine; the server makes their files where ova_forms says libvirt"
    )


def found_in(
    folders: Sequence[Path], ending: str, read: Callable[[Path], _Found | None], none: str
) -> tuple[list[_Found], list[str]]:
    """Return what `read` makes of the files of that ending, by name, and what is wrong with others.

    Raises DeployError, with `none`, for a folder without any.
    """
    found: dict[str, tuple[Path, _Found]] = {}
    faults: dict[str, None] = {}
    ambiguous: set[str] = set()
    for folder in folders:
        if not folder.is_dir():
            raise DeployError(f"{folder} is no folder here; `iget -r` brings one")
        count = 0
        for path in _files_below(folder, ending):
            try:
                machine = read(path)
                if machine is None:
                    continue
                count += 1
                _require_place(path, machine.name, is_named=path.parent == folder)
            except (OvaError, OSError) as error:
                count += 1
                faults[one_line(f"{path}: {error}")] = None
                continue
            known, _ = found.setdefault(machine.name, (path, machine))
            if known != path:
                ambiguous.add(machine.name)
                faults[one_line(f"{path}: it has the name {machine.name}, and so has {known}")] = None
        if not count:
            raise DeployError(f"{folder} {none}")
    return [found[name][1] for name in sorted(found) if name not in ambiguous], list(faults)


def _files_below(folder: Path, ending: str) -> Iterator[Path]:
    """The files of that ending at or below a folder, sorted. Raises DeployError for a folder that is too large."""
    count, waiting = 0, [(folder, 0)]
    while waiting:
        place, depth = waiting.pop(0)
        with os.scandir(place) as entries:
            for entry in sorted(entries, key=lambda each: each.name):
                count += 1
                if count > _MOST_FILES or depth > _MOST_DEPTH:
                    raise DeployError(f"{folder} has more than {_MOST_FILES} files, or is too deep; name other folders")
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((Path(entry.path), depth + 1))
                elif entry.name.endswith(ending):
                    yield Path(entry.path)


def _require_place(path: Path, name: str, *, is_named: bool) -> None:
    """Raise DeployError unless a machine's file lies where `iget -r` brings it. `is_named`: its folder was named."""
    own, grid = path.parent.name, path.parent.parent.name
    wanted = domain_name(f"{grid}-{own}")
    right = (
        name == wanted
        or name.startswith((f"{wanted}-", f"{wanted[:50]}-"))
        or (is_named and f"-{domain_name(own)}" in name)
    )
    if not right or not path.name.startswith(own):
        raise DeployError(f"it is of {name}, which does not belong in the folder {grid}/{own}")


def _machine(path: Path) -> Machine | None:
    """The machine of a domain XML; None if it is another XML. Raises OvaError for one that cannot be deployed."""
    with open_regular(str(path), path.name, follow=False) as stream:
        data = stream.read(MAX_DOMAIN_BYTES + 1)
    if NAMESPACE.encode() not in data:
        return None
    root = parsed(data)
    noted = root.find(f"metadata/{MACHINE}")
    if root.tag != "domain" or noted is None:
        return None
    require_known(root)
    name, uuid, component = root.findtext("name", ""), root.findtext("uuid", ""), noted.get("component", "")
    if component.rpartition("/")[2] != path.parent.name:
        raise DeployError(f"it is of the component {component}, which does not belong in the folder {path.parent.name}")
    contents = {disk.get("target", ""): disk.get("content", "") for disk in noted.iterfind(DISK)}
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
    return Machine(name, uuid, component, root, tuple(disks), seed)


def drives(root: Element) -> Iterator[tuple[Element, str, str]]:
    """The disks and CD drives of a domain that hold a file: each with its target and the file."""
    for drive in root.iterfind("devices/disk"):
        target, source = drive.find("target"), drive.find("source")
        if target is not None and source is not None and source.get("file"):
            yield drive, target.get("dev", ""), source.get("file", "")
