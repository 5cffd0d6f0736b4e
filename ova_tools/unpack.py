"""Unpacks the members of an .ova into a new folder, which appears complete or not at all.

Must never write outside that folder, and must never touch an existing file: it writes into a scratch folder beside it,
and then renames that in one step.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath

from .errors import PackageError, WriteError
from .extents import Report
from .layout import Extent, Plan, plan_of
from .package import Kind, Package
from .write import stage


def unpack(package: Package, folder: Path, *, umask: int, report: Report | None = None) -> None:
    """Write every member of the archive below `folder`, which must be missing or empty. Modes follow `umask`.

    Raises PackageError for a plain .ovf and for names that no folder can hold together, WriteError. After an error
    there is no new folder.
    """
    if package.kind is not Kind.OVA:
        raise PackageError("is a plain .ovf, whose files lie beside it already; an .ova is right")
    names = _checked(package)
    _check_free(folder)
    try:
        scratch = Path(tempfile.mkdtemp(prefix=".ova-", dir=folder.parent))
    except OSError as error:
        raise WriteError(f"{folder} cannot be made: {error.strerror or error}") from error
    try:
        for member in package.members:
            target = scratch / names[member.name]
            target.parent.mkdir(parents=True, exist_ok=True)
            plan = plan_of([Extent(member.offset, member.size)]) if member.size else Plan(())
            with stage(plan, package.fileno(), target, mode=0o666 & ~umask, durable=False, report=report) as staged:
                staged.commit()
        for place in (scratch, *scratch.rglob("*")):
            if place.is_dir():
                place.chmod(0o777 & ~umask)
        scratch.rename(folder)  # also replaces an empty folder
    except OSError as error:
        shutil.rmtree(scratch, ignore_errors=True)
        raise WriteError(f"{folder} cannot be written: {error.strerror or error}") from error
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise


def _checked(package: Package) -> dict[str, PurePosixPath]:
    """Return the members' paths. Their names were checked when the archive was read (`tar.safe_name`)."""
    paths = {member.name: PurePosixPath(member.name) for member in package.members}
    files = set(paths.values())
    for name, path in paths.items():
        for parent in path.parents:
            if parent in files:
                raise PackageError(
                    f"member {name} lies below {parent}, which is a file; one of them cannot be unpacked"
                )
    return paths


def _check_free(folder: Path) -> None:
    try:
        taken = any(folder.iterdir())
    except FileNotFoundError:
        return
    except OSError as error:
        raise WriteError(f"{folder} is no folder that could be written: {error.strerror or error}") from error
    if taken:
        raise WriteError(f"{folder} is not empty; name a new or an empty folder")
