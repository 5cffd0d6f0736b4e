"""Whether all chunks of a file exist and have the right sizes.

A file in chunks is stored as NAME.000000000, NAME.000000001 and so on, each of `ovf:chunkSize` bytes except the last,
which has the rest. Pure: must never touch a file. Source: DSP0243 7.1 (References).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from .member_names import chunk_name
from .model import Reference


def chunk_fault(reference: Reference, name: str, chunks: Mapping[int, str], size_of: Callable[[str], int]) -> str:
    """Return in one line why `chunks` are not the file `name` of `reference`, or '' if they are.

    `chunks` are the existing chunks, by number; `size_of` gives a member's size in bytes. Without `ovf:chunkSize` all
    chunks must be as long as the first. Without `ovf:size` a missing end cannot be detected.
    """
    ordered = sorted(chunks)
    gap = next((number for number, there in enumerate(ordered) if number != there), len(ordered))
    if 0 not in chunks:
        return f"{chunk_name(name, 0)} is not in the package"
    unit = reference.chunk_size or size_of(chunks[0])
    count = None if reference.size is None else max(1, -(-reference.size // max(1, unit)))
    said = f"{reference.size} bytes in chunks of {unit} are {count} chunks" if count else f"chunks of {unit} bytes"
    if gap < len(ordered) or (count is not None and len(ordered) < count):
        return f"{chunk_name(name, gap)} is not in the package; {said} (DSP0243 7.1)"
    if count is not None and len(ordered) > count:
        return f"{chunks[count]} is a chunk too many; {said} (DSP0243 7.1)"
    last = ordered[-1]
    for number in ordered[:-1]:
        if size_of(chunks[number]) != unit:
            return f"{chunks[number]} has {size_of(chunks[number])} bytes; all chunks but the last have {unit}"
    size, rest = size_of(chunks[last]), None if reference.size is None else reference.size - unit * last
    if rest is not None and size != rest:
        return f"{chunks[last]} has {size} bytes; the last of {said} has {rest}"
    if size > unit or (size == 0 and last):
        return f"{chunks[last]} has {size} bytes; the last chunk has 1 to {unit}"
    return ""
