"""The bytes of an XML document: its encoding, the places of attribute values in a start tag, and escaping.

expat tells where a tag starts but not where its attributes are; this module finds them in the document's own bytes, so
that a value can be replaced and nothing else. It must never be used on a document expat has not accepted: it relies on
well-formedness. Source: XML 1.0 (fifth edition), 2.2 Characters, 3.1 Start-Tags, 3.3.3 Attribute-Value Normalization.
"""

from __future__ import annotations

import codecs
import re

from .errors import DescriptorError, PropertyError
from .records import dataclass

# Patterns are compiled where they are used, so that the command starts faster.
# Single-byte sets that agree with ASCII below 128 (what the XML declaration is written in).
_SINGLE_BYTE = r"(ascii|iso8859-\d+|cp(437|7\d\d|8\d\d|12\d\d|1125)|koi8-[rtu]|mac-\w+|tis-620|kz1048)$"
_DECLARED = re.compile(rb"""<\?xml[ \t\r\n][^>]*?[ \t\r\n]encoding[ \t\r\n]*=[ \t\r\n]*["']([A-Za-z0-9._:-]+)["']""")
# Each matches one part of a tag and fails within it: a single pattern for all would retry at each character.
_TAG_NAME = r"<([^ \t\r\n/>]+)"
_ATTRIBUTE = r"""[ \t\r\n]+([^ \t\r\n=/>"']+)[ \t\r\n]*=[ \t\r\n]*("[^"]*"|'[^']*')"""
_TAG_END = r"[ \t\r\n]*(/?)>"
_NOT_XML = "[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
_WINDOW = 512  # bytes; most tags are shorter
_HEAD = 4096
_SPACE = " \t\r\n"


@dataclass(frozen=True)
class Encoding:
    """A document's encoding: the codec of its bytes (after any byte order mark), and its name for expat."""

    codec: str
    for_expat: str | None = None

    @property
    def unit(self) -> int:
        """Bytes of a code unit: 2 for UTF-16, else 1."""
        return 2 if self.codec.startswith("utf-16") else 1


@dataclass(frozen=True)
class Value:
    """An attribute value: bytes `start` to `end` of the document lie between quotes of the kind `quote`."""

    start: int
    end: int
    quote: str


@dataclass(frozen=True)
class StartTag:
    """A start tag in the document's bytes. `insert` is where a further attribute goes, `end` is after the '>'."""

    name: str
    attributes: dict[str, Value]
    insert: int
    end: int
    empty: bool


def detect_encoding(data: bytes) -> Encoding:
    """Return the encoding of an XML document from its first bytes (XML 1.0 appendix F).

    Raises DescriptorError for an encoding whose bytes cannot be edited in place.
    """
    if data.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        raise DescriptorError("the descriptor is in UTF-32; UTF-8 or UTF-16 would be right (DSP0243 6.1)")
    if data.startswith(codecs.BOM_UTF16_LE) or data[:2] == b"<\0":
        return Encoding("utf-16-le")
    if data.startswith(codecs.BOM_UTF16_BE) or data[:2] == b"\0<":
        return Encoding("utf-16-be")
    declared = _DECLARED.match(data[3:1024] if data.startswith(codecs.BOM_UTF8) else data[:1024])
    if declared is None:
        return Encoding("utf-8")
    name = declared.group(1).decode("ascii")
    try:
        codec = codecs.lookup(name).name
    except (LookupError, ValueError):
        codec = ""
    if codec == "utf-8":
        return Encoding("utf-8", "UTF-8")  # spelt UTF8 too, which expat does not know
    if data.startswith(codecs.BOM_UTF8):
        raise DescriptorError(f"the descriptor starts as UTF-8 (byte order mark) but declares encoding {name}")
    if codec.startswith("utf-16"):
        raise DescriptorError(f"the descriptor declares encoding {name} but its bytes are not UTF-16")
    if not re.match(_SINGLE_BYTE, codec):
        raise DescriptorError(f"the descriptor is in encoding {name}; UTF-8 would be right (DSP0243 6.1)")
    return Encoding(codec)


def read_start_tag(data: bytes, offset: int, encoding: Encoding) -> StartTag:
    """Read the start tag (or empty-element tag) at byte `offset` of a well-formed document."""
    window = _WINDOW
    while (tag := _start_tag(data[offset : offset + window], offset, encoding.codec)) is None:
        if offset + window >= len(data):
            raise DescriptorError(f"the descriptor has no start tag at byte {offset}")
        window *= 4
    return tag


def read_end_tag(data: bytes, offset: int, encoding: Encoding) -> int:
    """Return the byte after the end tag at byte `offset` of a well-formed document."""
    window = _WINDOW
    while True:
        text = data[offset : offset + window].decode(encoding.codec, "ignore")
        close = text.find(">")
        if close >= 0:
            return offset + len(text[: close + 1].encode(encoding.codec))
        if offset + window >= len(data):
            raise DescriptorError(f"the descriptor has no end tag at byte {offset}")
        window *= 4


def space_before(data: bytes, offset: int, encoding: Encoding) -> str:
    """Return the white space before byte `offset`, from about the last 512 bytes."""
    text = data[max(0, offset - _WINDOW) : offset].decode(encoding.codec, "ignore")
    return text[len(text.rstrip(_SPACE)) :]


def space_after(data: bytes, offset: int, encoding: Encoding) -> str:
    """Return the white space from byte `offset` on, from about the first 512 bytes."""
    text = data[offset : offset + _WINDOW].decode(encoding.codec, "ignore")
    return text[: len(text) - len(text.lstrip(_SPACE))]


def _start_tag(data: bytes, offset: int, codec: str) -> StartTag | None:
    """Read the start tag that begins `data`, which lies at byte `offset` of its document; None if it is cut short."""
    text = data.decode(codec, "ignore")
    characters, place = 0, offset

    def at(index: int) -> int:
        """The byte position of a character after the one of the previous call, so that each is encoded once."""
        nonlocal characters, place
        place += len(text[characters:index].encode(codec))
        characters = index
        return place

    name = re.compile(_TAG_NAME).match(text)
    if name is None:
        return None
    attributes: dict[str, Value] = {}
    attribute, position, insert = re.compile(_ATTRIBUTE), name.end(), at(name.end())
    while found := attribute.match(text, position):
        start, position = found.span(2)
        attributes[found.group(1)] = Value(at(start + 1), at(position - 1), text[start])
        insert = at(position)
    end = re.compile(_TAG_END).match(text, position)
    return None if end is None else StartTag(name.group(1), attributes, insert, at(end.end()), end.group(1) == "/")


def escape(value: str, quote: str, codec: str, property: str | None = None) -> bytes:
    """Return `value` as the bytes of an attribute value between `quote`s in `codec`.

    White space other than a blank becomes a character reference, because a parser would turn it into blanks; so do
    characters that the codec lacks. Raises PropertyError for a character no XML document can hold.
    """
    wrong = not_xml(value)
    if wrong is not None:
        raise PropertyError(f"property {property}: {wrong}" if property is not None else wrong, property, wrong)
    text = value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = text.replace(quote, "&quot;" if quote == '"' else "&apos;")
    for space in "\t\n\r":
        text = text.replace(space, f"&#{ord(space)};")
    return text.encode(codec, "xmlcharrefreplace")


def not_xml(value: str) -> str | None:
    """Name the first character of `value` that XML 1.0 cannot hold, with its position from 1; None if there is none.

    Source: XML 1.0 2.2. Not even a character reference can write such a character.
    """
    found = re.search(_NOT_XML, value)
    if found is None:
        return None
    return f"character {found.start() + 1} of the value is U+{ord(found.group()):04X}, which XML 1.0 cannot hold"


def trailing_space(data: bytes, encoding: Encoding) -> int:
    """Return how many bytes of white space end the document."""
    text = data.decode(encoding.codec, "replace")
    return (len(text) - len(text.rstrip(_SPACE))) * encoding.unit


def padding(length: int, data: bytes, encoding: Encoding) -> bytes:
    """Return at most `length` bytes of white space for the end of the document `data`, in lines with its line ends.

    It is one byte shorter if `length` is odd and the document is in UTF-16.
    """
    eol = "\r\n" if "\r\n".encode(encoding.codec) in data[:_HEAD] else "\n"
    units = length // encoding.unit
    line = " " * (80 - len(eol)) + eol
    text = " " * (units % 80) + line * (units // 80)
    return text.encode(encoding.codec)
