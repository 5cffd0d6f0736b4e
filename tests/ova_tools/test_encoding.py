"""A descriptor stays in its own encoding, quotes and line ends, and holds any value XML can hold."""

from __future__ import annotations

import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ova_tools.descriptor import parse
from ova_tools.errors import DescriptorError, PropertyError
from ova_tools.splice import Change, set_values

from . import build

ENCODINGS = {
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "utf-8 with BOM": "utf-8-sig",
    "UTF-16": "utf-16",
    "UTF-16 big-endian": "utf-16-be",
    "UTF-16 little-endian": "utf-16-le",
    "ISO-8859-1": "latin-1",
    "ISO-8859-15": "iso8859-15",
    "windows-1252": "cp1252",
    "KOI8-R": "koi8-r",
    "US-ASCII": "ascii",
}

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30).filter(
    lambda text: not any((ord(c) < 32 and c not in "\t\n\r") or c in "\ufffe\uffff" for c in text)
)


def document(name: str, codec: str, properties: str = build.PROPERTIES) -> bytes:
    declared = name.split()[0]
    text = build.descriptor(properties, head=f'<?xml version="1.0" encoding="{declared}"?>\n')
    data = text.encode(codec)
    return {"utf-16-be": codecs.BOM_UTF16_BE, "utf-16-le": b""}.get(codec, b"") + data


def changed(data: bytes, value: str, key: str = "hostname") -> bytes:
    content = parse(data)
    prop = next(p for p in content.properties if p.key == key)
    return set_values(data, content, [Change(prop, value)])


def lxml_value(data: bytes, key: str = "hostname") -> str:
    root = etree.fromstring(data)
    (found,) = (e for e in root.iter("{*}Property") if e.get(f"{{{build.OVF1}}}key") == key)
    return str(found.get(f"{{{build.OVF1}}}value"))


@pytest.mark.parametrize("name", ENCODINGS)
@pytest.mark.parametrize(
    "value", ["sg12", "Ünïcode € жук 𝄞", "a & b < c > d", "\"both\" 'quotes'", "line\r\nline\ttab", ""]
)
def test_any_value_is_written_in_the_documents_own_encoding(name: str, value: str) -> None:
    codec = ENCODINGS[name]
    data = document(name, codec)

    new = changed(data, value)

    inner = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le"}.get(codec, codec)
    head, tail = data.split("myhost".encode(inner))
    assert new.startswith(head)
    assert new.endswith(tail)
    assert lxml_value(new.replace(b'encoding="UTF8"', b'encoding="UTF-8"')) == value


@pytest.mark.parametrize("quote", ['"', "'"])
def test_the_quotes_around_a_value_stay(quote: str) -> None:
    data = build.one_property(f"ovf:key='k' ovf:value={quote}old{quote} ovf:type='string'")

    new = changed(data, 'it\'s "new"', "k")

    inside = {'"': "it's &quot;new&quot;", "'": 'it&apos;s "new"'}[quote]
    assert f"ovf:value={quote}{inside}{quote} ovf:type='string'".encode() in new


def test_crlf_line_ends_stay() -> None:
    data = build.descriptor().replace("\n", "\r\n").encode()

    assert changed(data, "sg12") == data.replace(b'"myhost"', b'"sg12"')


@pytest.mark.parametrize("space", ["", " ", "\n      ", "\t"])
@pytest.mark.parametrize("end", ["/>", "></Property>"])
def test_a_missing_value_is_added_after_the_last_attribute(space: str, end: str) -> None:
    data = build.descriptor(f'<Property ovf:key="k" ovf:type="string"{space}{end}').encode()

    new = changed(data, "v", "k")

    assert f'<Property ovf:key="k" ovf:type="string" ovf:value="v"{space}{end}'.encode() in new


def test_a_missing_value_is_added_in_the_style_of_the_key() -> None:
    assert b'<Property key="k" value="v">' in changed(build.one_property('key="k"'), "v", "k")


@pytest.mark.parametrize("filler", [" " * 2_000_000, "".join(f" a{n}='{n}'" for n in range(20_000)), "\n" * 2_000_000])
def test_a_hostile_start_tag_costs_no_more_than_its_length(filler: str) -> None:
    data = build.one_property(f'ovf:key="k"{filler}')
    start = time.process_time()

    assert b'ovf:value="v"' in changed(data, "v", "k")

    assert time.process_time() - start < 5


def test_a_value_that_contains_its_own_markup_is_left_as_spelt_if_it_is_the_same() -> None:
    data = build.one_property('ovf:key="k" ovf:value="a&#x26;b&#62;"')

    assert changed(data, "a&b>", "k") == data


def test_an_attribute_value_with_angle_brackets_and_names_inside_quotes_does_not_confuse() -> None:
    data = build.one_property("""ovf:key="k" ovf:qualifiers=' ovf:value="no" > ' ovf:value = 'yes' """)

    assert b"ovf:value = 'new'" in changed(data, "new", "k")


@pytest.mark.parametrize("value", ["a\0b", "\x1b[31m", "\ufffe", "\udc80"])
def test_a_character_that_xml_cannot_hold_is_refused(value: str) -> None:
    with pytest.raises(PropertyError, match=r"property hostname: character \d of the value is U\+\w{4}, which XML"):
        changed(build.descriptor().encode(), value)


@pytest.mark.parametrize(
    ("head", "codec", "message"),
    [
        ('<?xml version="1.0" encoding="shift_jis"?>', "ascii", "is in encoding shift_jis; UTF-8 would be right"),
        ('<?xml version="1.0" encoding="rot13"?>', "ascii", "is in encoding rot13"),
        ('<?xml version="1.0" encoding="nonsense"?>', "ascii", "is in encoding nonsense"),
        ('<?xml version="1.0" encoding="unicode_escape"?>', "ascii", "is in encoding unicode_escape"),
        ('<?xml version="1.0" encoding="UTF-16"?>', "ascii", "declares encoding UTF-16 but its bytes are not"),
        ('<?xml version="1.0" encoding="latin-1"?>', "utf-8-sig", "declares encoding latin-1"),
        ('<?xml version="1.0" encoding="UTF-8"?>', "utf-16", "encoding specified in XML declaration is incorrect"),
        ("", "utf-32", "is in UTF-32"),
    ],
)
def test_an_encoding_that_cannot_be_edited_is_refused(head: str, codec: str, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        parse(build.descriptor(head=head).encode(codec))


def test_bytes_that_are_not_of_the_encoding_are_refused() -> None:
    with pytest.raises(DescriptorError, match="not well-formed"):
        parse(build.descriptor().encode().replace(b"myhost", b"my\xffhost"))


@given(ANY_TEXT, st.sampled_from(sorted(ENCODINGS)))
def test_for_any_value_and_encoding_the_result_says_the_value(value: str, name: str) -> None:
    data = document(name, ENCODINGS[name])

    new = changed(data, value)

    assert [(p.key, p.value) for p in parse(new).properties] == [
        ("hostname", value), ("cpus", "2"), ("fixed", "as it is")
    ]  # fmt: skip
    assert lxml_value(new.replace(b'encoding="UTF8"', b'encoding="UTF-8"')) == value
