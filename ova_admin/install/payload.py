"""The files to install: our packages from where Python finds them, and the packages that ova-admin needs.

They are copied, not fetched: the server needs no package index, and what was tested is what is installed. A clone, an
installed wheel and an installed version give the same files.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path, PurePosixPath

from ova_admin.errors import AdminError

PACKAGES = "packages"
RULES = PurePosixPath("rules")  # core.py looks for ova_rules here, for the others beside itself
_OURS = {"ova_rules": RULES, "ova_tools": PurePosixPath(), "ova_grid": PurePosixPath(), "ova_admin": PurePosixPath()}
_NAME = "ova-tools"
_METADATA = ("METADATA", "licenses/LICENSE")  # the files of our own distribution that an installed version keeps
_NEEDED = ("python-irodsclient", "rich")
_IF_THERE = ("httpx", "pycdlib")
_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Payload:
    """Files to install: path in the version's folder -> the file with its content."""

    files: dict[PurePosixPath, Path]
    version: str

    def digest(self, *more: str) -> str:
        """A hash of all names and contents, and of what else distinguishes versions."""
        digest = hashlib.sha256(repr(more).encode())
        for name in sorted(self.files):
            content = self.files[name].read_bytes()
            digest.update(f"{name}\0{len(content)}\0".encode())
            digest.update(content)
        return digest.hexdigest()


def collect() -> Payload:
    """Everything to install, from the running version. Raises AdminError if a part is missing."""
    core, own = _core(), _distribution(_NAME)
    files = {PurePosixPath("core.py"): core}
    for package, place in _OURS.items():
        folder = Path(importlib.import_module(package).__path__[0]).resolve()
        for file in sorted(folder.rglob("*")):
            if (
                file.is_file()
                and (file.suffix == ".py" or file.name == "py.typed" or file.parent.name == "engine")
                and file != core
            ):
                files[place / package / file.relative_to(folder).as_posix()] = file
    for name, file in (*_own_metadata(own), *_distribution_files()):
        files[PACKAGES / name] = file
    return Payload(files, own.version)


def _core() -> Path:
    """The path of core.py: in a wheel beside this module, elsewhere beside the package."""
    folder = Path(__file__).resolve().parent
    for core in (folder / "core.py", folder.parents[1] / "core.py"):
        if core.is_file():
            return core
    raise AdminError(f"{folder}: core.py is missing; install {_NAME} again")


def _own_metadata(own: Distribution) -> Iterator[tuple[PurePosixPath, Path]]:
    for name in _METADATA:
        entry = PurePosixPath(f"{_NAME.replace('-', '_')}-{own.version}.dist-info", name)
        file = Path(str(own.locate_file(entry)))
        if file.is_file():
            yield entry, file


def _distribution_files() -> Iterator[tuple[PurePosixPath, Path]]:
    for distribution in _needed_distributions():
        for entry in distribution.files or ():
            # Scripts (../../bin) and bytecode are not copied.
            if ".." in entry.parts or "__pycache__" in entry.parts or entry.suffix == ".pyc":
                continue
            located = Path(str(distribution.locate_file(entry)))
            if located.is_file():
                yield PurePosixPath(*entry.parts), located


def _needed_distributions() -> list[Distribution]:
    """The distributions that ova-admin needs, with all their requirements."""
    found: dict[str, Distribution] = {}
    waiting = [(name, name not in _IF_THERE) for name in (*_NEEDED, *_IF_THERE)]
    while waiting:
        name, needed = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = _distribution(name)
        except AdminError:
            if needed:
                raise
            continue
        for requirement in found[key].requires or ():
            text, _, marker = requirement.partition(";")
            match = _REQUIREMENT.match(text)
            if match and "extra" not in marker:
                waiting.append((match[0], not marker.strip()))
    return list(found.values())


def _distribution(name: str) -> Distribution:
    try:
        return importlib.metadata.distribution(name)
    except PackageNotFoundError:
        raise AdminError(f"the package {name} is missing here; install it: pip install '{_NAME}[admin]'") from None
