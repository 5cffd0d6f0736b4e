"""What a reader and a writer of data objects ask of iRODS: which calls, and what becomes of their failures."""

from __future__ import annotations

from typing import Any, cast

import pytest

from ova_rules.catalog.streams import PIECE, Buffer, ObjectReader, ObjectWriter
from ova_rules.catalog.types import Replica
from ova_rules.catalog.writes import Catalog

DATA = bytes(range(256)) * 1024


class Raw:
    """A BytesBuf."""

    def __init__(self, data: bytes) -> None:
        self.data, self.len = data, len(data)

    def get_bytes(self) -> list[int]:
        return list(self.data)

    def clear_buffer(self) -> None:
        self.data, self.len = b"", 0


class Calls:
    """A catalog that notes the calls on one object of these bytes; `refusing` names the calls that fail."""

    def __init__(self, refusing: str = "") -> None:
        self.refusing, self.made, self.at = refusing, list[tuple[Any, ...]](), 0

    def _call(self, name: str, *given: Any) -> None:
        self.made.append((name, *given))
        if name == self.refusing:
            raise RuntimeError("[iRods__Error__Code:-305111] ")

    def open_for_read(self, path: str, replica: Replica) -> int:
        self._call("open", path, replica.number)
        return 7

    def create(self, path: str, resource: str) -> int:
        self._call("create", path, resource)
        return 7

    def seek(self, descriptor: int, offset: int) -> None:
        self._call("seek", offset)
        self.at = offset

    def read(self, descriptor: int, count: int) -> Raw | None:
        self._call("read", count)
        found = DATA[self.at : self.at + count]
        self.at += len(found)
        return Raw(found) if found else None

    def send(self, descriptor: int, buffer: Raw) -> int:
        self._call("send", buffer.len)
        return buffer.len - 1

    def close(self, descriptor: int) -> None:
        self._call("close", descriptor)

    def log(self, text: str) -> None:
        self._call("log", text)


def opened(calls: Calls) -> ObjectReader:
    return ObjectReader(cast(Catalog, calls), "/zone/a.ova", Replica("1", "2", "1", len(DATA), "", "", "", ""))


def test_small_reads_nearby_are_one_call() -> None:
    calls = Calls()
    with opened(calls) as reader:
        assert reader.pread(512, 0) == DATA[:512]
        assert reader.pread(2000, 512) == DATA[512:2512]
    assert calls.made == [("open", "/zone/a.ova", "2"), ("read", 1 << 16), ("close", 7)]


def test_reads_in_order_need_no_seek() -> None:
    calls = Calls()
    reader = opened(calls)
    for offset in (0, 100_000, 200_000):
        with reader.buffer(100_000, offset) as buffer:
            assert buffer.data() == DATA[offset : offset + 100_000]
    assert calls.made[1:] == [("read", 100_000), ("read", 100_000), ("read", len(DATA) - 200_000)]
    assert reader.pread(70_000, 5) == DATA[5:70_005]
    assert calls.made[4:] == [("seek", 5), ("read", 70_000)]


def test_no_call_asks_for_more_than_a_piece_or_beyond_the_end() -> None:
    calls = Calls()
    reader = opened(calls)
    reader.size = 10 * PIECE
    reader.buffer(3 * PIECE, 0)
    assert calls.made[1:] == [("read", PIECE)]
    with reader.buffer(100, len(DATA)) as end:  # the file is shorter than the catalog says
        assert (len(end), end.data()) == (0, b"")
    assert reader.pread(100, 11 * PIECE) == b""


@pytest.mark.parametrize("call", ["open", "seek", "read"])
def test_what_irods_refuses_to_read_is_an_error_of_the_system(call: str) -> None:
    calls = Calls(refusing=call)
    with pytest.raises(OSError, match="iRODS could not read it"):
        opened(calls).pread(10, 20)
    assert calls.made[-1] == ("log", "/zone/a.ova: [iRods__Error__Code:-305111] ")


def test_after_a_failed_read_the_next_one_seeks() -> None:
    calls = Calls(refusing="read")
    reader = opened(calls)
    with pytest.raises(OSError):
        reader.pread(10, 0)
    calls.refusing, calls.at = "", 99
    assert reader.pread(10, 0) == DATA[:10]


def test_a_write_of_fewer_bytes_fails() -> None:
    writer = ObjectWriter(cast(Catalog, Calls()), "/zone/b.ova", "")
    with pytest.raises(RuntimeError, match=r"iRODS wrote 2 of 3 bytes of /zone/b\.ova"):
        writer.pass_on(Buffer(Raw(b"abc")))
