"""How a descriptor is written: prefixes and indentation, so that new text in it looks like the text around it."""

from __future__ import annotations

from .model import Content, Element
from .splice import Splice
from .xmltext import StartTag, read_end_tag, read_start_tag, space_before


def prefix(name: str) -> str:
    """Return the prefix of an element's or attribute's name as written, with its colon; '' if it has none."""
    return "".join(name.rpartition(":")[:2])


def end_of(data: bytes, content: Content, element: Element) -> int:
    """Return the byte after an element."""
    tag = read_start_tag(data, element.tag, content.encoding)
    return tag.end if tag.empty else read_end_tag(data, element.end_tag, content.encoding)


def indent(data: bytes, content: Content, tag: int) -> str:
    """Return the line end and the white space before the tag at byte `tag`; '' where it does not begin a line."""
    return last_line(space_before(data, tag, content.encoding))


def last_line(space: str) -> str:
    """Return a line end and what indents the line behind it; '' where markup follows markup in one line."""
    start = space.rfind("\n")
    if start < 0:
        return ""
    return space[start - 1 :] if space[start - 1 : start] == "\r" else space[start:]


def deeper(margin: str, outer: str) -> str:
    """Return the indentation inside an element at `margin`, whose parent stands at `outer`."""
    if not margin:
        return ""
    step = margin[len(outer) :] if outer and margin.startswith(outer) else ""
    return margin + (step or "  ")


def opened(content: Content, tag: StartTag, inner: bytes) -> Splice:
    """Return the end of an empty-element tag as that of a start tag, `inner` and an end tag."""
    codec = content.encoding.codec
    slash = tag.end - len("/>".encode(codec))
    return Splice(slash, tag.end, ">".encode(codec) + inner + f"</{tag.name}>".encode(codec))
