"""The converter, qemu-img, with limits: what it may open, how much memory it may have, how long it may look.

A disk image is untrusted input. Its format is never guessed, and it may not lead to another file: no backing file, no
data file, no extent elsewhere. Source: qemu-img(1), qemu-block-drivers(7).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import select
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ova_tools.errors import ComposeError, WriteError
from ova_tools.records import dataclass

MAX_VIRTUAL_BYTES = 64 << 40
_MEMORY = 2 << 30
_LOOKING_SECONDS = 60
_CHECKING_SECONDS = 1800
_SILENT_SECONDS = 1.0
_ERROR_BYTES = 10_000
_NO_ROOM = 1 << 20
_ALIGNMENT = 1 << 16
_MAGIC = {"qcow2": b"QFI\xfb", "vmdk": b"KDMV"}
_HEAD, _VMDK_CAPACITY = 64, slice(12, 20)
_OWN_VMDKS = ("monolithicSparse", "streamOptimized")
_PERCENT = re.compile(rb"\((\d+)\.\d+/100%\)")
_CORRUPT = 2  # exit status of `qemu-img check`
# Headers of a VMDK of `capacity` bytes may need this much before its first data, and more than that is no header.
_MAX_EMPTY = 1 << 30


@dataclass(frozen=True)
class Image:
    """A disk image that may be converted: open for reading as `fd`. capacity, in bytes, is the disk's own size.

    It begins at byte `offset` of the file and has `size` bytes; None where it is the whole file.
    """

    fd: int
    shown: str
    format: str
    capacity: int
    notes: tuple[str, ...]
    state: tuple[int, ...]
    offset: int = 0
    size: int | None = None

    @property
    def options(self) -> str:
        """What qemu-img is to open."""
        return _options(self.fd, self.format, self.offset, self.size)

    def require_unchanged(self) -> None:
        """Raise ComposeError if the file has changed since it was examined: what was read may be of another disk."""
        if _state(self.fd) != self.state:
            raise ComposeError(f"{self.shown} changed while it was converted; shut the machine down first")


def require() -> str:
    """Return the path of qemu-img. Raises ComposeError where it is not installed."""
    found = shutil.which("qemu-img")
    if found is None:
        raise ComposeError("qemu-img is not installed here (Debian: qemu-utils); disks cannot be converted")
    return found


def examine(fd: int, shown: str, format_: str, offset: int = 0, size: int | None = None) -> Image:
    """Look at an image that is open as `fd`, or lies in that file. `shown` names it in errors.

    Raises ComposeError for one that is not of this format, leads to other files, is encrypted, damaged or too large.
    """
    state = _state(fd)  # before anything is looked at, so that no later change goes unnoticed
    magic = _MAGIC.get(format_, b"")
    head = os.pread(fd, _HEAD, offset)
    # A VMDK that is a text, or has no capacity of its own, names other files, which qemu-img would open.
    if not head.startswith(magic) or (format_ == "vmdk" and head[_VMDK_CAPACITY] in (b"", bytes(8))):
        several = "; a VMDK in one file, sparse or streamOptimized, is right" if format_ == "vmdk" else ""
        raise ComposeError(f"{shown} is no image of the format {format_}{several}")
    options = _options(fd, format_, offset, size)
    told = _json(_run(["info", "--output=json", "--image-opts", options], fd, shown, _LOOKING_SECONDS), shown)
    specific = told.get("format-specific", {}).get("data", {})
    capacity = told.get("virtual-size")
    if told.get("format") != format_ or not isinstance(capacity, int):
        raise ComposeError(f"{shown} is no image of the format {format_}")
    if "backing-filename" in told or "full-backing-filename" in told:
        raise ComposeError(
            f"{shown} has a backing file, so it is not the whole disk; `qemu-img convert` makes one that is"
        )
    if told.get("encrypted") or specific.get("encrypt"):
        raise ComposeError(f"{shown} is encrypted")
    if specific.get("data-file"):
        raise ComposeError(f"{shown} keeps its data in another file; `qemu-img convert` makes an image of its own")
    if format_ == "vmdk":
        extents = specific.get("extents", [])
        if specific.get("create-type") not in _OWN_VMDKS or len(extents) != 1:
            raise ComposeError(f"{shown} is a VMDK in several files; one file, sparse or streamOptimized, is right")
    if not 0 < capacity <= MAX_VIRTUAL_BYTES:
        raise ComposeError(f"{shown} is a disk of {capacity} bytes; 1 to {MAX_VIRTUAL_BYTES} are right")
    if format_ != "raw":
        _check(fd, shown, options)
    snapshots = told.get("snapshots") or []
    notes = (f"{shown}: {len(snapshots)} snapshots inside the image",) if snapshots else ()
    return Image(fd, shown, format_, capacity, notes, state, offset, size)


def private_copy(fd: int, offset: int, size: int, folder: str) -> tuple[int, int]:
    """Copy a part of a file to one without a name in `folder`: nobody else can change what is examined there.

    Returns its descriptor, which the caller closes, and where the part begins in it. Shares extents where possible.
    Raises WriteError and OSError.
    """
    from ova_tools.extents import copy_part
    from ova_tools.layout import Extent

    copy = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        start = offset % _ALIGNMENT  # extents are shared where both begin at the same place of a block
        copy_part(fd, copy, Extent(offset, size), start, to_disk=False)
    except BaseException:
        os.close(copy)
        raise
    return copy, start


def _state(fd: int) -> tuple[int, ...]:
    """What changes with a file's contents; no user can set its ctime."""
    found = os.fstat(fd)
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size


def _check(fd: int, shown: str, options: str) -> None:
    """Raise ComposeError for an image whose own tables say that it is damaged or cut short."""
    found = _run(
        ["check", "--output=json", "--image-opts", options], fd, shown, _CHECKING_SECONDS, (0, _CORRUPT, 3, 63)
    )
    if found.returncode == 63:  # no check is known for this kind
        return
    told = _json(found, shown)
    if found.returncode == _CORRUPT or told.get("corruptions") or told.get("check-errors"):
        raise ComposeError(f"{shown} is damaged or cut short: qemu-img check finds errors in it")


def _empty_vmdk(out: int, offset: int, image: Image, scratch: str) -> None:
    """Write the head of a streamOptimized VMDK for the disk of `image` to `out`, from byte `offset` on."""
    from ova_tools.extents import write_all

    path = Path(scratch) / "empty.vmdk"
    arguments = ["create", "-q", "-f", "vmdk", "-o", "subformat=streamOptimized", str(path), str(image.capacity)]
    _run(arguments, None, image.shown, _LOOKING_SECONDS)
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size > _MAX_EMPTY:
                raise ComposeError(f"{image.shown}: its VMDK would need too large a table")
            while block := file.read(1 << 20):
                if block.strip(b"\0"):
                    write_all(out, block, offset)
                offset += len(block)
    finally:
        path.unlink()
    os.ftruncate(out, offset)


def to_qcow2(image: Image, out: int, report: Callable[[int], None]) -> None:
    """Write the disk as a qcow2 to `out`, an empty file open for writing. `report` is as of `to_vmdk`.

    Raises ComposeError, and what `report` raises.
    """
    arguments = ["-O", "qcow2", "--image-opts", image.options, _path(out)]
    _convert(image, arguments, (image.fd, out), report, out)


def empty_qcow2(out: int, capacity: int, shown: str) -> None:
    """Write a qcow2 of a disk that has no data to `out`. `shown` names it in errors. Raises ComposeError."""
    _run(["create", "-q", "-f", "qcow2", _path(out), str(capacity)], out, shown, _LOOKING_SECONDS)


def to_vmdk(image: Image, out: int, offset: int, scratch: str, report: Callable[[int], None]) -> int:
    """Write the disk as a streamOptimized VMDK to the end of `out`, from byte `offset` on. Returns its bytes.

    `report` is called with the bytes of the disk that are done since the last call, also with 0 at least every second;
    what it raises ends the conversion. Raises ComposeError.
    """
    _empty_vmdk(out, offset, image, scratch)
    target = f"driver=vmdk,file.driver=raw,file.offset={offset},file.file.driver=file,file.file.filename={_path(out)}"
    arguments = ["-n", "--target-is-zero", "--image-opts", "--target-image-opts", image.options, target]
    _convert(image, arguments, (image.fd, out), report, out)
    return os.fstat(out).st_size - offset


def _convert(
    image: Image, arguments: list[str], fds: tuple[int, ...], report: Callable[[int], None], place: int
) -> None:
    """Run the conversion. `place` is where it writes to: qemu-img does not always say that there is no room."""
    process = _start(["convert", "-p", *arguments], fds)
    done = percent = 0
    out_fd = process.stdout.fileno() if process.stdout is not None else -1
    try:
        text = b""
        while True:
            if not select.select([out_fd], [], [], _SILENT_SECONDS)[0]:
                report(0)
                continue
            piece = os.read(out_fd, 4096)
            if not piece:
                break
            text = (text + piece)[-64:]
            percents = _PERCENT.findall(text)
            if percents:
                percent = min(100, int(percents[-1]))
                now = image.capacity * percent // 100
                report(max(0, now - done))
                done = max(done, now)
        errors = process.stderr.read(_ERROR_BYTES) if process.stderr is not None else b""
        # Where the system reaps children on its own, a process that failed has the status 0.
        if process.wait() or percent < 100:
            is_full = os.fstatvfs(place).f_bavail * os.fstatvfs(place).f_frsize < _NO_ROOM
            reason = "there is no room left for it" if is_full else _reason(errors)
            raise ComposeError(f"{image.shown} cannot be converted: {reason}")
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    image.require_unchanged()
    report(image.capacity - done)


def _options(fd: int, format_: str, offset: int, size: int | None) -> str:
    """What qemu-img opens, as image options: each key is ours, and no text of others is in a value."""
    if offset == 0 and size is None:
        return f"driver={format_},file.driver={_driver(fd)},file.filename={_path(fd)}"
    part = f"file.driver=raw,file.offset={offset}" + ("" if size is None else f",file.size={size}")
    return f"driver={format_},{part},file.file.driver={_driver(fd)},file.file.filename={_path(fd)}"


def _driver(fd: int) -> str:
    return "host_device" if stat.S_ISBLK(os.fstat(fd).st_mode) else "file"


def _path(fd: int) -> str:
    return f"/dev/fd/{fd}"


def _start(arguments: list[str], fds: tuple[int, ...]) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(  # noqa: S603 - no shell; the arguments are ours, and open descriptors
        [require(), *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=fds,
        env={"PATH": os.defpath, "LC_ALL": "C"},
    )
    with contextlib.suppress(ProcessLookupError):  # it may have ended
        resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    return process


def _run(
    arguments: list[str], fd: int | None, shown: str, seconds: int, right: tuple[int, ...] = (0,)
) -> subprocess.CompletedProcess[bytes]:
    process = _start(arguments, () if fd is None else (fd,))
    try:
        out, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        raise WriteError(f"{shown}: qemu-img {arguments[0]} took longer than {seconds} seconds") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode < 0:
        raise WriteError(f"{shown}: qemu-img {arguments[0]} was ended by the signal {-process.returncode}")
    if process.returncode not in right:
        raise ComposeError(f"{shown} cannot be read: {_reason(errors)}")
    return subprocess.CompletedProcess(arguments, process.returncode, out, errors)


def _json(done: subprocess.CompletedProcess[bytes], shown: str) -> dict[str, Any]:
    try:
        found = json.loads(done.stdout)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ComposeError(f"{shown}: qemu-img {done.args[0]} gave no answer that can be read")
    return found


def _reason(errors: bytes) -> str:
    """The last line that qemu-img printed, without its name and the numbers of descriptors."""
    lines = [line for line in errors.decode("utf-8", "replace").splitlines() if line.strip()]
    text = lines[-1] if lines else "qemu-img failed without a word"
    return re.sub(r"/dev/fd/\d+", "the file", text.replace("qemu-img: ", "", 1).strip())[:300]
