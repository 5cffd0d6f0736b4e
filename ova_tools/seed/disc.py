"""The disc: ISO 9660 with Rock Ridge for Unix and Joliet for Windows, written by pycdlib.

The same files give the same bytes: no time of now, no zone of the clock. The first bytes, which ISO 9660 leaves to
systems, say what made it. Its size is a multiple of 64 KiB, so that most changes leave it as it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import cast

from ova_tools.errors import SeedError
from ova_tools.seed.tasks import DiscFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

_EPOCH = 315532800  # 1980, for every date on the disc
_MARK = b"ova-tools seed\n"
_STEP = 64 * 1024
_EXECUTABLE, _READABLE, _FOLDER = 0o100555, 0o100444, 0o040555


def write(files: Sequence[DiscFile], label: str, out: BinaryIO) -> int:
    """Writes the disc to `out`, which is empty and can seek; returns its size in bytes.

    Raises SeedError if pycdlib is missing, or a file has another size than it should have.
    """
    try:
        import pycdlib
    except ImportError:
        text = "seeds need the Python package pycdlib, which is not here; an administrator installs it"
        raise SeedError(text) from None
    with _frozen_clock(pycdlib):
        disc = pycdlib.PyCdlib()
        disc.new(interchange_level=3, joliet=3, rock_ridge="1.09", vol_ident=label, sys_ident="LINUX")
        streams = []
        try:
            folders: dict[str, str] = {}
            for number, file in enumerate(sorted(files, key=lambda file: file.path)):
                place = _folder(disc, folders, file.path.rpartition("/")[0])
                stream = _Exact(file)
                streams.append(stream)
                disc.add_fp(
                    cast("BinaryIO", stream),
                    file.size,
                    f"{place}/F{number:05}.;1",
                    rr_name=file.path.rpartition("/")[2],
                    joliet_path=f"/{file.path}",
                    file_mode=_EXECUTABLE if file.executable else _READABLE,
                )
            disc.write_fp(out)
        except pycdlib.pycdlibexception.PyCdlibException as error:
            raise SeedError(f"the disc cannot be made: {error}") from error
        finally:
            for stream in streams:
                stream.close()
            with contextlib.suppress(pycdlib.pycdlibexception.PyCdlibException):
                disc.close()
    size = out.seek(0, 2)
    whole = -(-size // _STEP) * _STEP
    out.write(bytes(whole - size))
    out.seek(0)
    out.write(_MARK)
    return whole


def _folder(disc: Any, folders: dict[str, str], path: str) -> str:
    """The ISO 9660 name of a folder, made with those above it if need be."""
    if path == "":
        return ""
    if path not in folders:
        above, _, name = path.rpartition("/")
        folders[path] = f"{_folder(disc, folders, above)}/D{len(folders):05}"
        disc.add_directory(folders[path], rr_name=name, joliet_path=f"/{path}", file_mode=_FOLDER)
    return folders[path]


class _Exact:
    """A file of a disc while it is read: opened when its turn comes, and of exactly the size that was said."""

    def __init__(self, file: DiscFile) -> None:
        self._file, self._at = file, 0
        self._stream: BinaryIO | None = None

    @property
    def mode(self) -> str:
        return "rb"

    def read(self, size: int = -1) -> bytes:
        if self._stream is None:
            self._stream = self._file.open()
        wanted = self._file.size - self._at if size < 0 else min(size, self._file.size - self._at)
        data = self._stream.read(wanted)
        if len(data) != wanted:
            raise SeedError(f"{self._file.path} is shorter than it was; try again")
        self._at += wanted
        if self._at == self._file.size and self._stream.read(1):
            raise SeedError(f"{self._file.path} is longer than it was; try again")
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence or offset != self._at:
            if self._stream is None:
                self._stream = self._file.open()
            self._at = self._stream.seek(offset, whence)
        return self._at

    def tell(self) -> int:
        return self._at

    def close(self) -> None:
        if self._stream is not None:
            self._stream.close()


@contextlib.contextmanager
def _frozen_clock(pycdlib: Any) -> Iterator[None]:
    """pycdlib asks the clock for every date and takes no other: it is given one that stands still."""
    still = SimpleNamespace(
        time=lambda: float(_EPOCH), localtime=time.gmtime, gmtime=time.gmtime, strftime=time.strftime,
        strptime=time.strptime, struct_time=time.struct_time, timezone=0,
    )  # fmt: skip
    modules = [pycdlib.pycdlib, pycdlib.headervd, pycdlib.dates]
    before = [module.time for module in modules]
    for module in modules:
        module.time = still
    try:
        yield
    finally:
        for module, clock in zip(modules, before):
            module.time = clock
