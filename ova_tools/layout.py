"""The plan of the new file: literal bytes, extents of the source, other files and zeros, and where each comes to lie.

The layout trick: white space after the descriptor's root element, which XML allows and the digest covers, fills the
descriptor's region so that every disk keeps its offset modulo 4096 (then extents can be shared) and so that usual edits
give files of one size. Pure: must never touch a file. Source: DSP0243 5.3 (order of members), docs/ova-tools.md.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import tar
from .errors import PackageError
from .limits import MAX_PADDING
from .records import dataclass
from .xmltext import Encoding, padding, trailing_space

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Union

    Segment = Union["Literal", "Extent", "Zeros", "Piece"]

ALIGNMENT = 4096


@dataclass(frozen=True)
class Literal:
    """Bytes to be written as they are."""

    data: bytes

    @property
    def length(self) -> int:
        """Bytes of output."""
        return len(self.data)


@dataclass(frozen=True)
class Extent:
    """`length` bytes of the source, from byte `offset` on."""

    offset: int
    length: int


@dataclass(frozen=True)
class Zeros:
    """`length` zero bytes: a hole where the file system knows holes, and no memory anywhere."""

    length: int


@dataclass(frozen=True)
class Piece:
    """The first `length` bytes of another file than the source, which is open for reading as `fd`."""

    fd: int
    length: int


@dataclass(frozen=True)
class Plan:
    """The new file, segment after segment. Neighbours are merged, none is empty."""

    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        """Bytes of the new file."""
        return sum(segment.length for segment in self.segments)

    @property
    def is_copy(self) -> bool:
        """True if the new file is one extent of the source from its start."""
        return len(self.segments) == 1 and isinstance(self.segments[0], Extent) and self.segments[0].offset == 0


@dataclass(frozen=True)
class Replacement:
    """New data for the member `name`; None removes it. A name the package does not have is added after `after`."""

    name: str
    data: bytes | Piece | None
    after: str | None = None


def plan_of(segments: Iterable[Segment]) -> Plan:
    """Merge neighbours and drop what is empty."""
    merged: list[Segment] = []
    literal: list[bytes] = []

    def flush() -> None:
        if literal:
            merged.append(Literal(b"".join(literal)))
            literal.clear()

    for segment in segments:
        if not segment.length:
            continue
        if isinstance(segment, Literal):
            literal.append(segment.data)
            continue
        flush()
        last = merged[-1] if merged else None
        if isinstance(segment, Zeros) and isinstance(last, Zeros):
            merged[-1] = Zeros(last.length + segment.length)
        elif isinstance(segment, Extent) and isinstance(last, Extent) and last.offset + last.length == segment.offset:
            merged[-1] = Extent(last.offset, last.length + segment.length)
        else:
            merged.append(segment)
    flush()
    return Plan(tuple(merged))


@dataclass(frozen=True)
class NewDescriptor:
    """The descriptor after its edit, the encoding its padding must be in, and its bytes before.

    `companions` are the members that go with it and are small: the manifest and the certificate.
    """

    name: str
    data: bytes
    encoding: Encoding
    source: bytes
    companions: frozenset[str]


@dataclass(frozen=True)
class Fitted:
    """The descriptor's final bytes (with padding) and the bytes its region has for data, a multiple of 512.

    `headers_stay` where it is as in the source, so that GNU or pax headers before its own are kept too.
    """

    data: bytes
    capacity: int
    headers_stay: bool = False


def fit_descriptor(index: tar.Index, descriptor: NewDescriptor, others: Iterable[Replacement], spare: int) -> Fitted:
    """Pad the descriptor so that the largest disk keeps its offset modulo 4096.

    `spare` bytes of growth over the source's text fit without any change of the size; with `spare` 0 nothing is padded
    as long as the descriptor stays within its region. `others` may have data of the right length only, as the
    manifest's digest is not known yet.
    """
    entry = _entry(index, descriptor.name)
    header = len(_descriptor_header(entry, 0))
    rest = tuple(others)
    disks = [
        e for e in index.entries if e.is_file and e is not entry and e.size and e.name not in descriptor.companions
    ]
    text = len(descriptor.data) - trailing_space(descriptor.data, descriptor.encoding)
    source_text = len(descriptor.source) - trailing_space(descriptor.source, descriptor.encoding)
    wanted = max(text, source_text + spare if spare else 0)
    region = max(header + tar.round_up(wanted), entry.end - entry.start)
    if disks:
        anchor = max(disks, key=lambda e: e.size)
        before = sum(segment.length for segment in _before(index, entry, anchor, rest))
        region += (anchor.start - before - region) % ALIGNMENT
    capacity = region - header
    full = len(descriptor.data)
    if not spare and tar.round_up(full) == capacity:
        return Fitted(descriptor.data, capacity)
    if full >= capacity:
        return Fitted(descriptor.data[:capacity], capacity)
    return Fitted(descriptor.data + padding(capacity - full, descriptor.data, descriptor.encoding), capacity)


def as_it_is(index: tar.Index, name: str, data: bytes) -> Fitted:
    """Return the descriptor as the source has it, in its own region."""
    entry = _entry(index, name)
    return Fitted(data, entry.end - entry.data_offset, headers_stay=True)


def plan_archive(index: tar.Index, descriptor: str, fitted: Fitted, others: Iterable[Replacement]) -> Plan:
    """Lay out the archive: the descriptor first (DSP0243 5.3), all else in its order, each byte of it as it was."""
    entry = _entry(index, descriptor)
    rest = tuple(others)
    if fitted.headers_stay or (len(fitted.data) == entry.size and not entry.extended):
        header: Segment = Extent(entry.start, entry.data_offset - entry.start)
    else:
        header = Literal(_descriptor_header(entry, len(fitted.data)))
    segments: list[Segment] = [header, Literal(fitted.data), Literal(bytes(fitted.capacity - len(fitted.data)))]
    segments += _before(index, entry, None, rest)
    segments += [Extent(index.tail, max(0, index.end - index.tail)), Zeros(index.missing)]
    return plan_of(segments)


def plan_unchanged(index: tar.Index) -> Plan:
    """Return the plan that copies the archive as it is, without zeros that were added behind its end.

    End-of-archive blocks that it lacks are added.
    """
    end = min(index.end, index.size)
    return plan_of([Extent(0, end), Zeros(max(0, index.tail - end)), Zeros(index.missing)])


def padded(plan: Plan, size: int) -> Plan:
    """Return the plan of an archive with zeros behind its end, so that it has `size` bytes: the same, to every reader.

    `size` is that of `plan` or a multiple of 512 more, up to `limits.MAX_PADDING`; anything else is a ValueError.
    An edit of the archive leaves the zeros out again.
    """
    zeros = size - plan.size
    if zeros % tar.BLOCK or not 0 <= zeros <= MAX_PADDING:
        raise ValueError(f"an archive of {plan.size} bytes cannot be padded to {size}")
    return plan_of([*plan.segments, Zeros(zeros)])


def descriptor_is_first(index: tar.Index, descriptor: str) -> bool:
    """Tell whether no other file or directory comes before the descriptor, as DSP0243 5.3 wants it."""
    return not before_descriptor(index, descriptor)


def before_descriptor(index: tar.Index, descriptor: str) -> tuple[tar.Entry, ...]:
    """Return the entries before the descriptor; a global pax header is none."""
    entry = _entry(index, descriptor)
    return tuple(e for e in index.entries if e.start < entry.start and (e.is_file or not e.pax))


def _entry(index: tar.Index, name: str) -> tar.Entry:
    return next(e for e in index.entries if e.is_file and e.name == name)


def _descriptor_header(entry: tar.Entry, size: int) -> bytes:
    header = tar.resized(entry, size)
    if header is None:
        raise PackageError(
            f"member {entry.name}: its name or owner does not fit a USTAR header, a shorter name is right"
        )
    return header


def _before(
    index: tar.Index, descriptor: tar.Entry, stop: tar.Entry | None, replacements: tuple[Replacement, ...]
) -> list[Segment]:
    """Return what comes after the descriptor and before the entry `stop` (None: up to the tail)."""
    by_name = {r.name: r for r in replacements}
    known = {e.name for e in index.entries if e.is_file}
    segments: list[Segment] = []

    def added(after: str) -> None:
        for new in replacements:
            if new.after == after and new.name not in known and new.data is not None:
                segments.extend(_member(new.name, new.data, None))
                added(new.name)

    added(descriptor.name)
    for entry in index.entries:
        if entry is stop:
            break
        if entry is descriptor:
            continue
        new = by_name.get(entry.name) if entry.is_file else None
        if new is None:
            segments += _copied(index, entry)
        elif new.data is not None:
            segments.extend(_member(entry.name, new.data, entry))
        if entry.is_file:
            added(entry.name)
    return segments


def _copied(index: tar.Index, entry: tar.Entry) -> list[Segment]:
    end = min(entry.end, index.size)  # the padding of the last one may be cut short
    return [Extent(entry.start, end - entry.start), Zeros(entry.end - end)]


def _member(name: str, data: bytes | Piece, entry: tar.Entry | None) -> list[Segment]:
    content = data if isinstance(data, Piece) else Literal(data)
    size = content.length
    if entry is not None and entry.size == size:
        header: Segment = Extent(entry.start, entry.data_offset - entry.start)
    else:
        block = tar.header_for(name, size) if entry is None else tar.resized(entry, size)
        if block is None:
            raise PackageError(f"member {name}: its name does not fit a USTAR header, a shorter one is right")
        header = Literal(block)
    return [header, content, Literal(bytes(tar.round_up(size) - size))]
