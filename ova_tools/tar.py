"""The tar side of an OVA: an index of its members from the headers alone, and USTAR headers for what we change.

Reads ustar, GNU (long names, base-256 numbers) and pax archives. Must never read a member's data, and must never
accept what could reach outside the package: links, devices, sparse files, absolute or climbing names.
Formats: POSIX.1-2017 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format". OVA: DSP0243 5.3.
"""

from __future__ import annotations

import errno
import os

from .errors import PackageError
from .limits import MAX_EXTENSION, MAX_EXTENSIONS, MAX_HEADERS, MAX_MEMBER_NAME, MAX_TAIL
from .records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, Union

    class Reader(Protocol):
        """An archive that is no file of this machine, but can be read at any offset."""

        @property
        def size(self) -> int:
            """Its bytes."""

        def pread(self, count: int, offset: int) -> bytes:
            """Return up to `count` bytes from byte `offset` on; none only at the end. Raises OSError."""

    Archive = Union[int, Reader]  # an open file's descriptor, or a reader

BLOCK = 512
RECORD = 20 * BLOCK  # tar programs write whole records, so most archives end at a multiple of it
_LONGEST_LENGTH = 12  # digits of a pax record's length, with the blank
_CHUNK = 1 << 18
_ZEROS = bytes(_CHUNK)

_REFUSED_TYPES = {
    b"1": "a hard link",
    b"2": "a symbolic link",
    b"3": "a character device",
    b"4": "a block device",
    b"6": "a named pipe",
    b"S": "a sparse member",
    b"D": "a GNU directory dump",
    b"M": "a part of a multi-volume archive",
    b"V": "a volume label",
}


@dataclass(frozen=True)
class Entry:
    """One entry of the archive; all positions are byte offsets in the file.

    `start` is the offset of its first extension header (or of its own header), `header` the 512 bytes of its own
    header, `end` the end of its data rounded up to a block. `pax`: whether it has, or is, a pax header.
    """

    name: str
    start: int
    header: bytes
    data_offset: int
    size: int
    is_file: bool = True
    pax: bool = False

    @property
    def end(self) -> int:
        """Offset of the next entry."""
        return self.data_offset + round_up(self.size)

    @property
    def extended(self) -> bool:
        """True if GNU or pax extension headers come before the entry's own header."""
        return self.data_offset - self.start > BLOCK


@dataclass(frozen=True)
class Index:
    """All entries in their order, the offset where the end-of-archive blocks begin, and the size of the file.

    The file may end before `tail`, in the padding of the last entry, whose data is whole.
    """

    entries: tuple[Entry, ...]
    tail: int
    size: int

    @property
    def end(self) -> int:
        """Bytes of the archive up to its normal end: two blocks of zeros, and the rest of the record if it exists.

        Further zeros are padding, such as `layout.padded` adds, and not part of the content.
        """
        least = self.tail + 2 * BLOCK
        full = round_up(least, RECORD)
        return full if self.size >= full else min(self.size, least)

    @property
    def missing(self) -> int:
        """Bytes that are missing from the two blocks of zeros that end an archive (POSIX.1-2017 pax, ustar)."""
        return max(0, 2 * BLOCK - max(0, self.size - self.tail))

    @property
    def unfinished(self) -> bool:
        """True if no block of zeros marks the end of the archive."""
        return self.missing > BLOCK


def round_up(size: int, unit: int = BLOCK) -> int:
    """Return `size` rounded up to a multiple of `unit`."""
    return -(-size // unit) * unit


def looks_like_tar(block: bytes) -> bool:
    """Tell whether `block`, the first bytes of a file, is a tar header with a right checksum (or an empty archive)."""
    return len(block) >= BLOCK and (block[:BLOCK] == bytes(BLOCK) or _checksum_right(block[:BLOCK]))


def pread(archive: Archive, count: int, offset: int) -> bytes:
    """Return `count` bytes of an archive from byte `offset` on; fewer only at its end. Raises OSError."""
    if isinstance(archive, int):
        return os.pread(archive, count, offset)
    found = archive.pread(count, offset)
    while 0 < len(found) < count and (more := archive.pread(count - len(found), offset + len(found))):
        found += more
    return found


def read_index(archive: Archive, size: int) -> Index:
    """Index an archive of `size` bytes, a regular file or what is behind a reader, reading its headers only.

    An archive may end without its end-of-archive blocks; `Index.unfinished` says so. Raises PackageError if it is
    otherwise not a complete, plain archive of regular files and directories.
    """
    entries: list[Entry] = []
    seen: dict[str, bool] = {}
    offset, start, extensions = 0, 0, 0
    long_name: str | None = None
    pax: dict[str, str] = {}
    has_pax = False
    for _ in range(MAX_HEADERS):
        if offset + BLOCK > size:
            if any(pread(archive, max(0, size - offset), offset)):
                raise PackageError(f"truncated archive: a part of a header only at byte {offset}")
            break
        header = pread(archive, BLOCK, offset)
        if len(header) != BLOCK:
            raise PackageError(f"truncated archive: the file became shorter than {size} bytes while it was read")
        if header == bytes(BLOCK):
            break
        if not _checksum_right(header):
            raise PackageError(f"checksum error in the tar header at byte {offset}")
        kind = header[156:157]
        length = _number(header[124:136], "size", offset)
        if kind in (b"L", b"K", b"x", b"g"):
            extensions += length
            record = _extension(archive, size, offset + BLOCK, length, extensions)
            if kind == b"L":
                long_name = _text(record.split(b"\0", 1)[0])
            elif kind == b"x":
                pax, has_pax = _pax_records(record, offset), True
            elif kind == b"g" and _pax_records(record, offset).keys() & {"path", "size", "linkpath"}:
                raise PackageError(f"a global pax header at byte {offset} sets names or sizes; one per member is right")
            offset += BLOCK + round_up(length)
            if kind == b"g":  # belongs to no member: an entry of its own, copied where it is
                entries.append(Entry("", start, header, start + BLOCK, length, is_file=False, pax=True))
                start = offset
            continue
        name = pax.get("path") or long_name or _ustar_name(header)
        if any(key.startswith("GNU.sparse.") for key in pax):
            raise PackageError(f"member {name}: a sparse member, plain files only are right in an OVA")
        if kind in _REFUSED_TYPES:
            raise PackageError(f"member {name}: {_REFUSED_TYPES[kind]}, plain files only are right in an OVA")
        if kind not in (b"0", b"\0", b"7", b"5"):
            raise PackageError(f"member {name}: unknown tar type {kind!r}, plain files only are right in an OVA")
        is_file = kind != b"5" and not (kind == b"\0" and name.endswith("/"))
        if "size" in pax:
            length = _pax_size(pax["size"], name)
        if not is_file:
            length = 0
        name = safe_name(name, is_file=is_file)
        if name in seen and (is_file or seen[name]):  # a directory may be named again, a file may not
            raise PackageError(f"member {name} occurs twice")
        seen[name] = is_file
        entry = Entry(name, start, header, offset + BLOCK, length, is_file, pax=has_pax)
        if entry.data_offset + length > size:
            ends = entry.data_offset + length
            raise PackageError(f"truncated archive: member {name} ends at byte {ends}, the file at byte {size}")
        entries.append(entry)
        offset = start = entry.end
        long_name, pax, has_pax = None, {}, False
    else:
        raise PackageError(f"more than {MAX_HEADERS} headers, an OVA has few members")
    if start != offset:
        raise PackageError(f"truncated archive: an extension header at byte {start} has no member")
    _check_tail(archive, offset, size)
    return Index(tuple(entries), offset, size)


def safe_name(name: str, *, is_file: bool = True) -> str:
    """Return a member's name without leading "./"; raise PackageError if it is absolute, climbs or is empty."""
    if len(name.encode("utf-8", "surrogateescape")) > MAX_MEMBER_NAME:
        raise PackageError(f"member {name[:40]}…: a name of more than {MAX_MEMBER_NAME} bytes")
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or (len(name) > 1 and name[1] == ":" and name[0].isalpha()):
        raise PackageError(f"member {name}: an absolute name, one relative to the package is right")
    if ".." in parts:
        raise PackageError(f"member {name}: a name that climbs out of the package with '..'")
    if "\0" in name:
        raise PackageError(f"member {name}: a zero byte in its name")
    plain = "/".join(part for part in name.split("/") if part not in ("", "."))
    if is_file and (not plain or name.endswith("/")):
        raise PackageError(f"member {name!r}: not the name of a file")
    return plain


def header_for(name: str, size: int, like: bytes | None = None) -> bytes | None:
    """Build a USTAR header for a regular file of `size` bytes, or None if USTAR cannot hold the name or size.

    Mode, owner and time are those of the header `like`, if given; else 0644, no owner, the epoch.
    """
    encoded = name.encode("utf-8", "surrogateescape")
    split = _split_name(encoded)
    if split is None or size >= 8**11:
        return None
    prefix, last = split
    block = bytearray(BLOCK)
    block[0 : len(last)] = last
    block[100:108] = b"0000644\0"
    block[108:116] = block[116:124] = b"0000000\0"
    block[136:148] = b"00000000000\0"
    if like is not None:
        for first, stop in ((100, 108), (108, 116), (116, 124), (136, 148)):
            if not like[first] & 0x80:  # base-256 is GNU's own: USTAR has no place for it
                block[first:stop] = like[first:stop]
        if like[257:262] == b"ustar":
            block[265:329] = like[265:329]
    block[124:136] = b"%011o\0" % size
    block[156:157] = b"0"
    block[257:265] = b"ustar\x0000"
    block[345 : 345 + len(prefix)] = prefix
    return _summed(block)


def large_header(name: str, size: int) -> bytes | None:
    """Build a header like `header_for` for a file of 8 GiB or more, which USTAR has no number for.

    The size is written as all tars write it since GNU tar: in base 256, with the top bit as its mark.
    """
    header = header_for(name, 0)
    if header is None or not 0 <= size < 1 << 62:
        return None
    block = bytearray(header)
    block[124:136] = (size | 1 << 95).to_bytes(12, "big")
    return _summed(block)


def resized(entry: Entry, size: int) -> bytes | None:
    """Return the header of `entry` for data of `size` bytes, as USTAR; None if USTAR cannot hold it."""
    header = entry.header
    if not entry.extended and header[257:265] == b"ustar\x0000" and size < 8**11 and not header[124] & 0x80:
        block = bytearray(header)  # already USTAR: nothing but size and checksum changes
        block[124:136] = b"%011o\0" % size
        return _summed(block)
    return header_for(entry.name, size, header)


def _summed(block: bytearray) -> bytes:
    """Return a header with its checksum, for which the field itself counts as blanks."""
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def _split_name(name: bytes) -> tuple[bytes, bytes] | None:
    if len(name) <= 100:
        return b"", name
    cut = name.rfind(b"/", 1, min(156, len(name) - 1))
    return (name[:cut], name[cut + 1 :]) if cut > 0 and len(name) - cut - 1 <= 100 else None


def _checksum_right(header: bytes) -> bool:
    field = header[148:156].strip(b" \0")
    try:
        stored = int(field, 8) if field.isdigit() else -1
    except ValueError:
        return False
    summed = header[:148] + b" " * 8 + header[156:]
    unsigned = sum(summed)
    return stored == unsigned or stored == unsigned - 256 * sum(byte > 127 for byte in summed)  # old tars: signed


def _number(field: bytes, name: str, offset: int) -> int:
    if field[0] & 0x80:  # base-256: two's complement, the top bit is the mark
        value = int.from_bytes(field, "big") & ((1 << (8 * len(field) - 1)) - 1)
        if field[0] & 0x40 or value >= 1 << 62:
            raise PackageError(f"the tar header at byte {offset} has an impossible {name}")
        return value
    text = field.strip(b" \0")
    if not text:
        return 0
    try:
        if not text.isdigit():
            raise ValueError(text)
        return int(text, 8)
    except ValueError:
        raise PackageError(f"the tar header at byte {offset} has a {name} that is not an octal number") from None


def _extension(archive: Archive, size: int, offset: int, length: int, in_all: int) -> bytes:
    if length > MAX_EXTENSION:
        raise PackageError(
            f"an extension header at byte {offset - BLOCK} claims {length} bytes, at most 1 MiB is right"
        )
    if in_all > MAX_EXTENSIONS:
        raise PackageError(f"extension headers of more than {MAX_EXTENSIONS} bytes, an OVA has few and short names")
    if offset + round_up(length) > size:
        raise PackageError(f"truncated archive: an extension header at byte {offset - BLOCK} is cut short")
    return pread(archive, length, offset)


def _pax_records(record: bytes, offset: int) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(record) and record[position] != 0:
        digits, blank, _ = record[position : position + _LONGEST_LENGTH].partition(b" ")
        start = position + len(digits) + 1
        end = position + int(digits) if blank and digits.isdigit() else 0
        key, equals, value = record[start : end - 1].partition(b"=")
        if not start < end <= len(record) or not equals or record[end - 1 : end] != b"\n":
            raise PackageError(f"the pax header at byte {offset} cannot be read")
        found[_text(key)] = _text(value)
        position = end  # beyond `start`, so that the loop always ends
    return found


def _pax_size(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise PackageError(f"member {name}: its pax header gives an impossible size")
    return int(text)


def _ustar_name(header: bytes) -> str:
    name = header[:100].split(b"\0", 1)[0]
    if header[257:263] == b"ustar\0":  # GNU's "ustar  " has other fields in place of the prefix
        prefix = header[345:500].split(b"\0", 1)[0]
        if prefix:
            name = prefix + b"/" + name
    return _text(name)


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _check_tail(archive: Archive, offset: int, size: int) -> None:
    if size - offset > MAX_TAIL:
        raise PackageError(f"{size - offset} bytes after the last member, at most {MAX_TAIL} bytes of zeros are right")
    try:
        if isinstance(archive, int):
            offset = max(offset, os.lseek(archive, offset, os.SEEK_DATA))
    except OSError as error:
        if error.errno == errno.ENXIO:  # only a hole up to the end: zeros that need not be read
            return
    while offset < size:
        chunk = pread(archive, min(_CHUNK, size - offset), offset)
        if not chunk:
            raise PackageError(f"truncated archive: the file became shorter than {size} bytes while it was read")
        if chunk != _ZEROS[: len(chunk)]:
            raise PackageError("trailing garbage: data after the end-of-archive blocks")
        offset += len(chunk)
