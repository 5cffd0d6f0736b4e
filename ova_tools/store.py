"""Put an edited package where it belongs: an .ova as one file, a plain .ovf with its manifest, certificate and seeds.

All new files are written before the first takes its place, so that a full disk leaves everything as it was.
Must never touch a disk image of a plain .ovf.
"""

from __future__ import annotations

import os
import stat
from contextlib import ExitStack
from pathlib import Path

from .companions import CERTIFICATE, MANIFEST, right_name
from .edit import Edit
from .errors import WriteError
from .layout import Literal, Piece, Plan, plan_of
from .manifest import Manifest
from .package import Certificate, Kind, Package, companions_beside
from .progress import ProgressBar
from .write import stage


def store(package: Package, edit: Edit, target: Path) -> None:
    """Put `edit` of `package` at `target`, an absolute path. Raises WriteError; then nothing has changed.

    A new file gets the source's mode, within the umask. Where a file is replaced, the new one is synced to the disk
    first.
    """
    files: list[tuple[Path, Plan]] = [(target, edit.plan)]
    gone: Path | None = None
    if package.kind is Kind.OVF:
        in_place = target == package.path.resolve()
        manifest = _companion(package, package.manifest, MANIFEST, target, in_place=in_place)
        certificate = _companion(package, package.certificate, CERTIFICATE, target, in_place=in_place)
        if edit.manifest is not None:
            files.append((manifest, _literal(edit.manifest)))
        if edit.certificate is not None:
            files.append((certificate, _literal(edit.certificate)))
        elif package.certificate is not None and in_place:
            gone = certificate
        for seed in edit.enclosed:
            path = target.parent / seed.href
            if path.exists() and not (in_place and seed.is_in(package.references)):
                raise WriteError(f"{path} is there already, and is no seed of this package; it is not replaced")
            files.append((path, plan_of([Piece(seed.fd, seed.size)])))
        if not in_place:
            check_apart(package, [path for path, _ in files[1:]])
        _check_none_left(target, {path for path, _ in files}.union({gone} if gone else ()))
    mode = stat.S_IMODE(os.fstat(package.fileno()).st_mode) & ~umask() & 0o777
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
        if gone is not None:
            gone.unlink(missing_ok=True)


def _literal(data: bytes) -> Plan:
    return Plan((Literal(data),))


def _companion(
    package: Package, present: Manifest | Certificate | None, suffix: str, target: Path, *, in_place: bool
) -> Path:
    """Return where the manifest or certificate of `target` goes: where one is, else to the right name."""
    if in_place and present is not None:
        return (package.path.parent / present.name).resolve()
    return target.with_name(right_name(target.name, suffix))


def check_apart(package: Package, new: list[Path]) -> None:
    """Refuse a target whose manifest would take the place of a file of the source."""
    for path in new:
        for member in package.members:
            try:
                same = path.samefile(package.path.parent / member.name)
            except OSError:
                same = False
            if same:
                raise WriteError(f"{path} is a file of the input; a different name for the output would be right")


def _check_none_left(target: Path, known: set[Path]) -> None:
    """Refuse a target beside which a manifest or certificate of another package would be taken for its own."""
    found = companions_beside(str(target.parent), target.name)
    for name in (found.manifest, found.certificate):
        if name is not None and (target.parent / name).resolve() not in known:
            raise WriteError(
                f"{target.parent / name} would be wrong for the new {target.name}, and is not of this package; "
                "without it, or with a different name for the output, it would be right"
            )


def umask() -> int:
    """Return the umask of the process. It can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
