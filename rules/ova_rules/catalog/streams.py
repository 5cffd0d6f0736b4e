"""Data objects that are read and written through iRODS's own calls, wherever their vaults are, piece by piece.

Bytes that only pass through never become Python's: PREP hands the rules a `BytesBuf`, which is passed on as it is. To
turn one into `bytes`, or `bytes` into one, costs PREP a call for each byte. What is freed here is all that a rule can
free; iRODS keeps more until the agent ends, hence MOST (docs/decisions/0030-streamed-builds.md).
"""

from __future__ import annotations

import errno

from ova_rules.catalog.types import Replica
from ova_rules.catalog.writes import Catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Any

PIECE = 4 << 20  # bytes of one call
# Bytes that one job may stream: of each, iRODS 5.0.2 keeps two copies until the agent of the job ends.
MOST = 1 << 30
_AHEAD = 1 << 16  # bytes that a small read brings: the headers, descriptor and manifest of most packages


class Buffer:
    """Bytes of a data object in the server's memory, until the end of its `with` block. raw: None if there are none."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw

    def __len__(self) -> int:
        return int(self.raw.len) if self.raw is not None else 0

    def data(self) -> bytes:
        """Its bytes, as Python's."""
        return bytes(self.raw.get_bytes()) if self.raw is not None else b""

    def __enter__(self) -> Buffer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.raw is not None:
            self.raw.clear_buffer()  # PREP frees no buffer by itself


class ObjectReader:
    """A replica of a data object, open for reading: a `tar.Reader`. Close it, or use it in a `with` statement."""

    def __init__(self, catalog: Catalog, path: str, replica: Replica) -> None:
        """Opens it as the client. Raises OSError if iRODS refuses."""
        self.size = replica.size
        self._catalog, self._path = catalog, path
        self._position, self._ahead, self._ahead_from = 0, b"", 0
        try:
            self._descriptor = catalog.open_for_read(path, replica)
        except RuntimeError as error:
            raise self._failure(error) from error

    def pread(self, count: int, offset: int) -> bytes:
        """Up to `count` bytes from byte `offset` on, at most PIECE; none only at the end. Raises OSError."""
        start = offset - self._ahead_from
        if start < 0 or start + count > len(self._ahead):
            with self.buffer(max(count, _AHEAD), offset) as buffer:
                data = buffer.data()
            if count > _AHEAD:
                return data
            self._ahead, self._ahead_from, start = data, offset, 0
        return self._ahead[start : start + count]

    def buffer(self, count: int, offset: int) -> Buffer:
        """What `pread` returns, left in the server's memory."""
        count = max(0, min(count, PIECE, self.size - offset))
        try:
            if offset != self._position:
                self._catalog.seek(self._descriptor, offset)
            buffer = Buffer(self._catalog.read(self._descriptor, count))
        except RuntimeError as error:
            self._position = -1
            raise self._failure(error) from error
        self._position = offset + len(buffer)
        return buffer

    def _failure(self, error: RuntimeError) -> OSError:
        self._catalog.log(f"{self._path}: {error}")
        return OSError(errno.EIO, "iRODS could not read it")

    def close(self) -> None:
        """Closes it."""
        self._catalog.close(self._descriptor)

    def __enter__(self) -> ObjectReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class ObjectWriter:
    """A new data object, written from its start to its end. Not readable for anybody until it is closed."""

    def __init__(self, catalog: Catalog, path: str, resource: str) -> None:
        """Creates it as the client, on `resource`. Raises RuntimeError if iRODS refuses, as all its methods."""
        self._catalog, self._path = catalog, path
        self._descriptor = catalog.create(path, resource)

    def write(self, data: bytes) -> None:
        """Appends Python's bytes."""
        from irods_types import BytesBuf

        for start in range(0, len(data), PIECE):
            with Buffer(BytesBuf()) as buffer:
                buffer.raw.set_buffer(data[start : start + PIECE])
                self.pass_on(buffer)

    def pass_on(self, buffer: Buffer) -> None:
        """Appends what was read from another object, without a look at its bytes; the buffer is empty then."""
        length = len(buffer)
        count = self._catalog.send(self._descriptor, buffer.raw)
        if count != length:
            raise RuntimeError(f"iRODS wrote {count} of {length} bytes of {self._path}")

    def close(self) -> None:
        """Closes it: from now on it can be read."""
        self._catalog.close(self._descriptor)
