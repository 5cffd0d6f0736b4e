"""What is installed: our packages from where this command runs, and the packages that ova-admin needs.

Copied, not fetched: no index is needed on the server, and what was tested is what is installed.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ova_admin.errors import AdminError

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = "packages"
_OURS = ("rules", "ova_tools", "ova_admin")
_NEEDED = ("python-irodsclient", "rich")
_IF_THERE = ("httpx",)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Payload:
    """Files to install: path in the version's folder -> where its content is."""

    files: dict[PurePosixPath, Path]
    version: str

    def digest(self, *more: str) -> str:
        """A hash of all names and contents, and of what else makes versions differ."""
        made = hashlib.sha256(repr(more).encode())
        for name in sorted(self.files):
            content = self.files[name].read_bytes()
            made.update(f"{name}\0{len(content)}\0".encode())
            made.update(content)
        return made.hexdigest()


def collect(root: Path = ROOT) -> Payload:
    """Everything to install, from a checkout (or an installed version) at `root`. Raises AdminError if parts lack."""
    core = root / "core.py"
    if not core.is_file() or not (root / "rules").is_dir():
        raise AdminError(f"{root}: core.py and rules/ are not here; run ova-admin from a clone of the repository")
    files = {PurePosixPath("core.py"): core}
    for package in _OURS:
        for file in sorted((root / package).rglob("*")):
            if file.is_file() and (file.suffix == ".py" or file.name == "py.typed"):
                files[PurePosixPath(file.relative_to(root).as_posix())] = file
    for name, file in _distribution_files():
        files[PurePosixPath(PACKAGES) / name] = file
    if (root / "LICENSE").is_file():
        files[PurePosixPath("LICENSE")] = root / "LICENSE"
    return Payload(files, _version(root))


def _version(root: Path) -> str:
    try:
        return importlib.metadata.version("ova-tools")
    except importlib.metadata.PackageNotFoundError:
        note = root / "VERSION"
        return note.read_text().strip() if note.is_file() else "0"


def _distribution_files() -> Iterator[tuple[PurePosixPath, Path]]:
    for distribution in _distributions():
        for entry in distribution.files or ():
            # Scripts (../../bin) and bytecode stay behind.
            if ".." in entry.parts or "__pycache__" in entry.parts or entry.suffix == ".pyc":
                continue
            located = Path(str(distribution.locate_file(entry)))
            if located.is_file():
                yield PurePosixPath(*entry.parts), located


def _distributions() -> list[importlib.metadata.Distribution]:
    """The distributions that ova-admin needs and all that they need."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [(name, name not in _IF_THERE) for name in (*_NEEDED, *_IF_THERE)]
    while waiting:
        name, needed = waiting.pop()
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            found[key] = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            if needed:
                raise AdminError(
                    f"the package {name} is missing here; run `make setup`, then .venv/bin/ova-admin"
                ) from None
            continue
        for requirement in found[key].requires or ():
            text, _, marker = requirement.partition(";")
            match = _NAME.match(text)
            if match and "extra" not in marker:
                waiting.append((match[0], not marker.strip()))
    return list(found.values())
