"""Properties that an image lacks are added in the descriptor's own style, and nothing else changes."""

from __future__ import annotations

import codecs
from itertools import permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from ova_tools.additions import insertions
from ova_tools.descriptor import parse
from ova_tools.edit import Addition, Change, edit
from ova_tools.errors import PropertyError
from ova_tools.package import read_package
from ova_tools.splice import set_values

from . import build
from .test_encoding import ANY_TEXT, ENCODINGS

COLLECTION = f"""\
<ovf:Envelope xmlns:ovf="{build.OVF1}">
  <ovf:VirtualSystemCollection ovf:id="all">
    <ovf:Info>Both</ovf:Info>
    <ovf:VirtualSystem ovf:id="a"><ovf:Info/><ovf:VirtualHardwareSection ovf:transport="iso"/></ovf:VirtualSystem>
    <ovf:VirtualSystem ovf:id="b/c"><ovf:Info/></ovf:VirtualSystem>
  </ovf:VirtualSystemCollection>
</ovf:Envelope>
""".encode()


def added(data: bytes, *additions: tuple[str, str]) -> bytes:
    content = parse(data)
    return set_values(data, content, [], insertions(data, content, [Addition(*each) for each in additions]))


def read_by_lxml(data: bytes) -> list[tuple[str, str, str, str]]:
    """Each property as (id of its parent's parent, class, key, value), as a reader of the standard finds them."""
    ovf = f"{{{build.OVF1}}}"
    return [
        (
            str(section.getparent().get(f"{ovf}id")),  # type: ignore[union-attr]
            section.get(f"{ovf}class", ""),
            str(prop.get(f"{ovf}key")),
            str(prop.get(f"{ovf}value")),
        )
        for section in etree.fromstring(data).iter(f"{ovf}ProductSection")
        for prop in section.iter(f"{ovf}Property")
    ]


def test_a_property_goes_behind_the_last_of_its_section_in_the_same_style() -> None:
    data = build.descriptor().encode()

    new = added(data, ("gateway", "10.0.0.1"))

    last = '      <Property ovf:key="fixed" ovf:type="string" ovf:value="as it is"/>\n'
    line = '      <Property ovf:key="gateway" ovf:type="string" ovf:userConfigurable="true" ovf:value="10.0.0.1"/>\n'
    assert new == data.replace(last.encode(), (last + line).encode())


def test_a_class_that_no_section_has_gets_a_section_behind_the_last_one() -> None:
    data = build.descriptor().encode()

    new = added(data, ("net.gateway", "10.0.0.1"), ("net.dns", "10.0.0.2"))

    assert new == data.replace(
        b"    </ProductSection>\n",
        b"""    </ProductSection>
    <ProductSection ovf:class="net">
      <Info>Properties that were added to this package</Info>
      <Property ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" ovf:value="10.0.0.2"/>
      <Property ovf:key="gateway" ovf:type="string" ovf:userConfigurable="true" ovf:value="10.0.0.1"/>
    </ProductSection>
""",
    )


def test_a_system_without_a_section_gets_one_behind_its_name() -> None:
    data = f"""<ovf:Envelope xmlns:ovf="{build.OVF1}">\r
\t<ovf:VirtualSystem ovf:id="vm">\r
\t\t<ovf:Info>A machine</ovf:Info>\r
\t\t<ovf:Name>n</ovf:Name>\r
\t\t<ovf:OperatingSystemSection ovf:id="1"><ovf:Info/></ovf:OperatingSystemSection>\r
\t</ovf:VirtualSystem>\r
</ovf:Envelope>""".encode()

    new = added(data, ("hostname", "sg12"))

    assert new == data.replace(
        b"</ovf:Name>\r\n",
        b"</ovf:Name>\r\n"
        b"\t\t<ovf:ProductSection>\r\n"
        b"\t\t\t<ovf:Info>Properties that were added to this package</ovf:Info>\r\n"
        b'\t\t\t<ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="sg12"/>\r\n'
        b"\t\t</ovf:ProductSection>\r\n",
    )


def test_a_section_of_an_instance_is_another_one() -> None:
    data = build.descriptor(product='ovf:class="net" ovf:instance="1"').encode()

    assert read_by_lxml(added(data, ("net.gateway", "g")))[-1] == ("vm", "net", "gateway", "g")
    assert added(data, ("net.gateway", "g")).count(b"<ProductSection") == 2


def test_the_order_of_additions_makes_no_difference() -> None:
    data = build.descriptor().encode()
    asked = [("b", "1"), ("net.x", "2"), ("a", "3"), ("app.x", "4")]

    assert len({added(data, *each) for each in permutations(asked)}) == 1


def test_a_value_and_an_addition_are_made_at_once(tmp_path: Path) -> None:
    text = build.one_property('ovf:key="k" ovf:userConfigurable="true"').replace(b"></Property>", b"/>")

    with read_package(build.ova(tmp_path, text)) as package:
        changes = [Change(package.properties[0], "v")]
        result = edit(package, changes, additions=[Addition("new", "w")])

    assert read_by_lxml(result.descriptor) == [("vm", "", "k", "v"), ("vm", "", "new", "w")]


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("<ProductSection/>", [("vm", "", "k", "v")]),
        ("<ProductSection></ProductSection>", [("vm", "", "k", "v")]),
        ("<ProductSection>\n\n</ProductSection>", [("vm", "", "k", "v")]),
        ("<ProductSection><Info>i</Info><!-- no --></ProductSection >", [("vm", "", "k", "v")]),
        ("<ProductSection><Property ovf:key='a'>\n</Property\n></ProductSection>", [("vm", "", "k", "v")]),
        (
            "<ProductSection><p:Property xmlns:p='http://schemas.dmtf.org/ovf/envelope/1' p:key='a'/></ProductSection>",
            [("vm", "", "k", "v")],
        ),
        ("<ProductSection ovf:class=''><Info/></ProductSection>", [("vm", "", "k", "v")]),
    ],
)
def test_any_form_of_a_section_takes_a_property(section: str, expected: list[tuple[str, str, str, str]]) -> None:
    data = f'<Envelope xmlns="{build.OVF1}" xmlns:ovf="{build.OVF1}"><VirtualSystem ovf:id="vm">{section}'
    new = added(f"{data}</VirtualSystem></Envelope>".encode(), ("k", "v"))

    assert [each for each in read_by_lxml(new) if each[2] != "a"] == expected
    assert new.count(b"ProductSection") == 2, "there is one section, with two tags"


@pytest.mark.parametrize("system", ["<VirtualSystem ovf:id='vm'/>", "<VirtualSystem ovf:id='vm' ></VirtualSystem>"])
def test_an_empty_system_takes_a_section(system: str) -> None:
    data = f'<Envelope xmlns="{build.OVF1}" xmlns:ovf="{build.OVF1}">\n  {system}\n</Envelope>'

    assert read_by_lxml(added(data.encode(), ("k", "v"))) == [("vm", "", "k", "v")]


def test_without_a_system_the_name_means_the_only_one_or_the_outermost_collection() -> None:
    new = added(COLLECTION, ("everywhere", "1"), ("a/app.here", "2"), ("b/c/there", "3"))

    assert sorted(read_by_lxml(new)) == [
        ("a", "app", "here", "2"),
        ("all", "", "everywhere", "1"),
        ("b/c", "", "there", "3"),
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "its key is empty; [class.]key is right"),
        ("net.", "its key is empty"),
        (".key", "its class is empty"),
        ("a..key", "its class is empty"),
        ("vm/", "its key is empty"),
        ("a:b", "its key is 'a:b'; it may have no ':'"),
        ("a:b.key", "its class is 'a:b'; it may have no ':'"),
        ("a\nb", "its key is 'a\\nb'; it may have no ':', no control character"),
        (" key", "its key is ' key'; it may have no ':', no control character and no blank around it"),
        ("k" * 257, "its key has 257 characters, at most 256 are right"),
        ("c" * 257 + ".k", "its class has 257 characters, at most 256 are right"),
        ("other/key", "SYSTEM-ID/NAME with one of these systems would be right: vm"),
        ("hostname", "property hostname is there already, or added twice"),
        ("vm/hostname", "property vm/hostname is there already, or added twice"),
    ],
)
def test_a_name_that_is_no_valid_one_is_refused(name: str, message: str) -> None:
    with pytest.raises(PropertyError) as refused:
        added(build.descriptor().encode(), (name, "v"))

    assert message in str(refused.value).replace("\\\\n", "\\n")
    assert "\n" not in str(refused.value)


def test_what_is_added_twice_is_refused() -> None:
    with pytest.raises(PropertyError, match="property vm/new is there already, or added twice"):
        added(build.descriptor().encode(), ("new", "1"), ("vm/new", "2"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (f'<Envelope xmlns="{build.OVF1}"/>'.encode(), "the descriptor has no virtual system"),
        (
            b'<Envelope xmlns="http://www.vmware.com/schema/ovf/1/envelope"><VirtualSystem id="vm"/></Envelope>',
            "cannot be added to a descriptor of OVF 0.9; 1.0 or newer is right",
        ),
        (
            f'<Envelope xmlns="{build.OVF1}"><VirtualSystem id="a"/><VirtualSystem id="b"/></Envelope>'.encode(),
            "SYSTEM-ID/NAME with one of these systems would be right: a, b",
        ),
    ],
)
def test_a_descriptor_that_cannot_take_one_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(PropertyError, match=message):
        added(data, ("k", "v"))


def test_two_systems_of_one_id_are_refused() -> None:
    data = f'<Envelope xmlns="{build.OVF1}"><VirtualSystem id="a"/><VirtualSystem id="a"/></Envelope>'.encode()

    with pytest.raises(PropertyError, match="2 systems have the id a"):
        added(data, ("a/k", "v"))


def test_a_value_that_xml_cannot_hold_is_refused() -> None:
    with pytest.raises(PropertyError, match=r"property new: character 2 of the value is U\+0004"):
        added(build.descriptor().encode(), ("new", "a\x04"))


def test_a_record_shows_no_value() -> None:
    assert "s3cret" not in repr(Addition("k", "s3cret"))


NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=6)
SECTIONS = st.lists(
    st.tuples(st.sampled_from(["", "net", "app.x"]), st.sampled_from(["", "", "1"]), st.integers(0, 2)),
    max_size=4,
    unique_by=lambda each: each[:2],
)
SPACES = st.sampled_from(["", "\n", "\n  ", "\r\n\t\t", " ", "\n\n      "])


@given(
    sections=SECTIONS,
    names=st.lists(
        st.tuples(st.sampled_from(["", "net.", "app.x.", "new."]), NAMES).map("".join),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    value=ANY_TEXT,
    prefixes=st.sampled_from(
        [("", "ovf:", f'xmlns="{build.OVF1}" xmlns:ovf="{build.OVF1}"'), ("o:", "o:", f'xmlns:o="{build.OVF1}"')]
    ),
    encoding=st.sampled_from(sorted(ENCODINGS)),
    space=SPACES,
)
def test_whatever_a_descriptor_looks_like_it_gets_the_properties_and_keeps_the_rest(
    sections: list[tuple[str, str, int]],
    names: list[str],
    value: str,
    prefixes: tuple[str, str, str],
    encoding: str,
    space: str,
) -> None:
    e, a, declared = prefixes
    old = [(class_, instance, f"_{n}") for class_, instance, count in sections for n in range(count)]
    parts = [
        f"{space}<{e}ProductSection {a}class='{class_}' {a}instance=\"{instance}\">{space}<{e}Info/>"
        + "".join(f"{space}<{e}Property {a}key='_{n}' {a}value='old'/>" for n in range(count))
        + f"{space}</{e}ProductSection>"
        for class_, instance, count in sections
    ]
    text = (
        f'<?xml version="1.0" encoding="{encoding.split()[0]}"?>\n<{e}Envelope {declared}>{space}'
        f'<{e}VirtualSystem {a}id="vm">{space}<{e}Info/>{"".join(parts)}{space}</{e}VirtualSystem></{e}Envelope>\n'
    )
    codec = ENCODINGS[encoding]
    data = {"utf-16-be": codecs.BOM_UTF16_BE}.get(codec, b"") + text.encode(codec)

    new = added(data, *((name, value) for name in names))

    found = read_by_lxml(new.replace(b'encoding="UTF8"', b'encoding="UTF-8"'))
    expected = [("vm", name.rpartition(".")[0], name.rpartition(".")[2], value) for name in names]
    assert sorted(found) == sorted(expected + [("vm", class_, key, "old") for class_, _, key in old])
    read = [(section.class_, section.instance) for section in parse(new).sections]
    assert len(read) == len(set(read)), "class and instance are unique in a system"
    rest = iter(new)
    assert all(byte in rest for byte in data), "every byte of the source is still there, in its order"
