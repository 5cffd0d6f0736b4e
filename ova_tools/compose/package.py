"""Writes the package in one go: each disk is converted right to its place in the archive, so no byte is written twice.

The descriptor and the manifest stand before the disks and are known after them only, so room is left for them: names
and numbers of digits are known before. A run that breaks off leaves nothing.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ova_tools import qemu_img, tar
from ova_tools.compose.domain import Domain
from ova_tools.compose.envelope import DiskFile, descriptor, file_name
from ova_tools.errors import ComposeError, WriteError
from ova_tools.extents import Method, write_all
from ova_tools.layout import ALIGNMENT
from ova_tools.manifest import file_digest, new_manifest
from ova_tools.write import Staged, stage_with

_WIDEST = 10**19 - 1
Report = Callable[[int], None]


@contextmanager
def images_of(domain: Domain, paths: Mapping[str, Path]) -> Iterator[list[qemu_img.Image]]:
    """Open and examine the disks of a machine; `paths` has a file or a block device for each, by its target.

    Raises ComposeError for a disk that cannot become a file of the package.
    """
    with ExitStack() as stack:
        images = []
        for disk in domain.disks:
            file = stack.enter_context(_opened(paths[disk.target], disk.target))
            images.append(qemu_img.examine(file.fileno(), f"disk {disk.target}", disk.format))
        yield images


def _opened(path: Path, target: str) -> io.FileIO:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise ComposeError(f"disk {target}: {path} cannot be opened: {error.strerror}") from error
    mode = os.fstat(fd).st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISBLK(mode)):
        os.close(fd)
        raise ComposeError(f"disk {target}: {path} is neither a file nor a block device")
    return io.FileIO(fd, "r")


def compose(
    domain: Domain,
    images: Sequence[qemu_img.Image],
    values: Mapping[str, str],
    target: Path,
    report: Report,
    *,
    mode: int,
) -> Staged:
    """Write the package of a machine to the folder of `target`; see `write.stage`.

    `values` are what the machine has now. `report` is called with the bytes of the disks that are done, of the sum of
    their capacities. Raises ComposeError and WriteError.
    """

    def fill(fd: int) -> Method:
        write(domain, images, values, fd, report)
        return Method.COPIED

    return stage_with(fill, target, mode=mode, durable=target.exists())


def write(domain: Domain, images: Sequence[qemu_img.Image], values: Mapping[str, str], fd: int, report: Report) -> None:
    """Write the package of a machine to an empty file that is open as `fd`; otherwise as `compose`."""
    base = file_name(domain.name)
    names = [f"{base}-disk{number}.vmdk" for number, _ in enumerate(images, 1)]
    widest = [DiskFile(name, _WIDEST, _WIDEST) for name in names]
    room = len(descriptor(domain, widest, values))
    listed = dict.fromkeys([f"{base}.ovf", *names], "0" * hashlib.sha256().digest_size * 2)
    manifest_size = len(new_manifest(f"{base}.mf", "sha256", listed).data)
    front = 2 * tar.BLOCK + tar.round_up(manifest_size) + tar.BLOCK  # headers, and that of the first disk
    capacity = tar.round_up(room + front, ALIGNMENT) - front
    try:
        offset = 2 * tar.BLOCK + capacity + tar.round_up(manifest_size)
        found, digests = [], {}
        with tempfile.TemporaryDirectory(prefix="ova-compose-") as scratch:
            for name, image in zip(names, images):
                start = offset + tar.BLOCK
                os.ftruncate(fd, start)
                size = qemu_img.to_vmdk(image, fd, start, scratch, report)
                write_all(fd, _header(name, size), offset)
                digests[name] = file_digest(fd, start, size, "sha256")
                found.append(DiskFile(name, size, image.capacity))
                offset = start + tar.round_up(size)
        text = descriptor(domain, found, values)
        text += b" " * (capacity - len(text) - 1) + b"\n"
        listed = {f"{base}.ovf": hashlib.sha256(text).hexdigest(), **digests}
        manifest = new_manifest(f"{base}.mf", "sha256", listed).data
        write_all(fd, _header(f"{base}.ovf", len(text)) + text, 0)
        write_all(fd, _header(f"{base}.mf", len(manifest)) + manifest, tar.BLOCK + capacity)
        os.ftruncate(fd, tar.round_up(offset + 2 * tar.BLOCK, tar.RECORD))
    except EOFError:
        raise WriteError("the result became shorter while it was written") from None
    except OSError as error:
        raise WriteError(f"the result cannot be written: {error.strerror or error}") from error


def _header(name: str, size: int) -> bytes:
    header = tar.header_for(name, size) or tar.large_header(name, size)
    if header is None:
        raise ComposeError(f"{name} is too long a name for an archive")
    return header
