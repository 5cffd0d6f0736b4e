"""Put an edited package where it belongs: an .ova as one file, a plain .ovf with its manifest and certificate.

All new files are written before the first takes its place, so that a full disk leaves everything as it was.
Must never touch a disk image of a plain .ovf.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

from .edit import Edit
from .errors import WriteError
from .layout import Literal, Plan
from .package import Kind, Package
from .progress import ProgressBar
from .write import stage


def store(package: Package, edit: Edit, target: Path) -> None:
    """Put `edit` of `package` at `target`, an absolute path. Raises WriteError; then nothing has changed.

    A new file gets the source's mode, within the umask. Where a file is replaced, the new one is synced to the disk
    first.
    """
    files: list[tuple[Path, Plan]] = [(target, edit.plan)]
    stale: Path | None = None
    if package.kind is Kind.OVF:
        source = package.path.resolve()
        if edit.manifest is not None and package.manifest is not None:
            files.append((target.with_suffix(".mf"), _literal(edit.manifest)))
        if edit.certificate is not None:
            files.append((target.with_suffix(".cert"), _literal(edit.certificate)))
        elif package.certificate is not None and target == source:
            stale = source.with_name(package.certificate.name)
        if target != source:
            _check_apart(package, source, [path for path, _ in files[1:]])
    mode = stat.S_IMODE(os.fstat(package.fileno()).st_mode) & ~_umask() & 0o777
    total = sum(plan.size for _, plan in files)
    with ExitStack() as stack, ProgressBar("writing", total) as progress:
        staged = [
            stack.enter_context(
                stage(plan, package.fileno(), path, mode=mode, durable=path.exists(), report=progress.advance)
            )
            for path, plan in files
        ]
        for each in staged:
            each.commit()
        if stale is not None:
            stale.unlink(missing_ok=True)


def _literal(data: bytes) -> Plan:
    return Plan((Literal(data),))


def _check_apart(package: Package, source: Path, new: list[Path]) -> None:
    """Refuse a target whose manifest would take the place of a file of the source."""
    for path in new:
        for member in package.members:
            try:
                same = path.samefile(source.with_name(member.name))
            except OSError:
                same = False
            if same:
                raise WriteError(f"{path} is a file of the input; a different name for the output would be right")


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask
