"""The content found in descriptors of every version and kind that occurs in practice."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_tools.descriptor import parse
from ova_tools.errors import DescriptorError
from ova_tools.limits import MAX_DEPTH, MAX_DESCRIPTOR_BYTES
from ova_tools.model import SystemKind
from ova_tools.package import read_package
from ova_tools.verify import verify_members

from . import build

NAMESPACES = [
    "http://schemas.dmtf.org/ovf/envelope/1",
    "http://schemas.dmtf.org/ovf/envelope/2",
    "http://www.vmware.com/schema/ovf/1/envelope",
]


@pytest.mark.parametrize("namespace", NAMESPACES)
@pytest.mark.parametrize("prefix", ["", "ovf:", "x:"])
def test_properties_are_found_in_every_version_with_any_prefix(namespace: str, prefix: str) -> None:
    attribute = prefix or "o:"
    text = f"""<{prefix}Envelope xmlns="{namespace}" xmlns:ovf="{namespace}" xmlns:x="{namespace}"
      xmlns:o="{namespace}">
      <{prefix}VirtualSystem {attribute}id="vm"><{prefix}ProductSection {attribute}class="c" {attribute}instance="i">
        <{prefix}Property {attribute}key="k" {attribute}type="string" {attribute}value="v"
           {attribute}userConfigurable="true"/>
      </{prefix}ProductSection></{prefix}VirtualSystem></{prefix}Envelope>"""

    (prop,) = parse(text.encode()).properties

    assert (prop.full_name, prop.value, prop.system, prop.user_configurable) == ("c.k.i", "v", "vm", True)


def test_attributes_without_a_prefix_count_too() -> None:
    (prop,) = parse(build.one_property('key="k" type="uint8" value="7" userConfigurable="1"')).properties

    assert (prop.key, prop.type, prop.value, prop.user_configurable) == ("k", "uint8", "7", True)


def test_where_both_forms_of_an_attribute_stand_the_qualified_one_counts() -> None:
    (prop,) = parse(build.one_property('ovf:key="k" value="plain" ovf:value="qualified"')).properties

    assert prop.value == "qualified"


def test_ovf_0_9_names_sections_and_systems_by_xsi_type() -> None:
    namespace = "http://www.vmware.com/schema/ovf/1/envelope"
    text = f"""<ovf:Envelope xmlns:ovf="{namespace}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
      <Content ovf:id="vm" xsi:type="ovf:VirtualSystem_Type">
        <Section xsi:type="ovf:ProductSection_Type" ovf:class="c" ovf:instance="1">
          <Property ovf:key="app.log" ovf:type="string[low,high]" ovf:configurableByUser="true" ovf:value="low"/>
        </Section></Content></ovf:Envelope>"""

    content = parse(text.encode())

    assert content.version == "0.9"
    assert [(s.id, s.kind) for s in content.systems] == [("vm", SystemKind.SYSTEM)]
    assert [(p.full_name, p.user_configurable, p.system) for p in content.properties] == [("c.app.log.1", True, "vm")]


def test_systems_nest_and_each_property_belongs_to_the_innermost() -> None:
    section = '<ProductSection><Property ovf:key="k" ovf:type="string"/></ProductSection>'
    text = f"""<Envelope xmlns="{build.OVF1}" xmlns:ovf="{build.OVF1}">
      <VirtualSystemCollection ovf:id="all">{section}
        <VirtualSystemCollection ovf:id="inner">{section}<VirtualSystem ovf:id="a">{section}</VirtualSystem>
        </VirtualSystemCollection>
        <VirtualSystem ovf:id="b"><Name>Bee</Name>{section}{section}</VirtualSystem>{section}
      </VirtualSystemCollection></Envelope>"""

    content = parse(text.encode())

    assert [p.system for p in content.properties] == ["all", "inner", "a", "b", "b", "all"]
    assert [(s.id, s.parent) for s in content.systems] == [("all", ""), ("inner", "all"), ("a", "inner"), ("b", "all")]
    assert content.systems[3].name == "Bee"


def test_what_only_looks_like_a_property_is_none() -> None:
    text = build.descriptor(
        """<!-- <Property ovf:key="comment" ovf:value="1"/> -->
        <?note <Property ovf:key="instruction"/> ?>
        <Info><![CDATA[<Property ovf:key="cdata"/>]]></Info>
        <Info>&lt;Property ovf:key="text"/></Info>
        <vmw:Property ovf:key="foreign"/>
        <vmw:Config><Property ovf:key="nested"/></vmw:Config>
        <Property ovf:value="no key"/>
        <Property ovf:key="real" ovf:type="string" ovf:value="1"/>"""
    )

    assert [p.key for p in parse(text.encode()).properties] == ["real"]


def test_label_description_category_qualifiers_and_password_are_read() -> None:
    text = build.descriptor(
        """<Category>Net  work</Category>
        <Property ovf:key="k" ovf:type="string" ovf:password="true" ovf:qualifiers="MinLen(1)" vmw:qualifiers="Ip">
          <Label ovf:msgid="l">A &amp; B</Label><Description>Two
          lines</Description></Property>"""
    )

    (prop,) = parse(text.encode()).properties

    assert (prop.category, prop.label, prop.description) == ("Net work", "A & B", "Two lines")
    assert (prop.qualifiers, prop.vmw_qualifiers, prop.password) == ("MinLen(1)", "Ip", True)


def test_values_of_configurations_are_read_and_the_one_for_all_is_the_default() -> None:
    children = (
        '<Value ovf:value="9" ovf:configuration="big"/><Value ovf:value="1" ovf:configuration="small"/>'
        '<Value ovf:value="5"/>'
    )

    (prop,) = parse(build.one_property('ovf:key="k" ovf:type="int" ovf:value=""', children)).properties

    assert dict(prop.configurations) == {"big": "9", "small": "1"}
    assert (prop.value, prop.default) == ("5", "")


def test_references_and_configurations_are_read() -> None:
    text = f"""<Envelope xmlns="{build.OVF1}" xmlns:ovf="{build.OVF1}"><References>
      <File ovf:id="f" ovf:href="a%20b.vmdk" ovf:size="12" ovf:compression="gzip" ovf:chunkSize="5"/>
      <File ovf:id="g" ovf:href="c.vmdk" ovf:size="unknown"/></References>
      <DeploymentOptionSection><Configuration ovf:id="s" ovf:default="true"/><Configuration ovf:id="m"/>
      </DeploymentOptionSection></Envelope>"""

    content = parse(text.encode())

    first, second = content.references
    assert (first.id, first.href, first.size, first.compression, first.chunk_size) == ("f", "a%20b.vmdk", 12, "gzip", 5)
    assert second.size is None
    assert [(c.id, c.default) for c in content.configurations] == [("s", True), ("m", False)]


ENVELOPE = f'<Envelope xmlns="{build.OVF1}">'.encode()

REFUSED = {
    "empty": (b"", "no element found"),
    "broken": (ENVELOPE + b"\n<a></Envelope>", "not well-formed XML: mismatched tag, line 2"),
    "unbound prefix": (b"<x:Envelope/>", "unbound prefix"),
    "another root": (b"<html/>", "root element html in no namespace; an OVF Envelope is right"),
    "an envelope of something else": (b'<Envelope xmlns="urn:soap"/>', "root element Envelope in namespace urn:soap"),
    "a document type": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', r"document type declaration \(DTD\)"),
    "an external document type": (
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        r"document type declaration \(DTD\)",
    ),
    "an undefined entity": (ENVELOPE + b"&b;</Envelope>", "undefined entity"),
    "two values": (build.one_property('ovf:key="k" ovf:value="1" ovf:value="2"'), "duplicate attribute"),
    "XML 1.1": (b'<?xml version="1.1"?>' + build.descriptor(head="").encode(), "is XML 1.1; XML 1.0 is right"),
    "text after the end": (build.descriptor().encode() + b"more", "junk after document element"),
    "a zero byte": (build.descriptor().encode() + b"\0", "not well-formed"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_descriptor_is_refused_with_its_reason(name: str) -> None:
    data, message = REFUSED[name]

    with pytest.raises(DescriptorError, match=message):
        parse(data)


def test_a_deep_descriptor_is_refused() -> None:
    deep = b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1)

    with pytest.raises(DescriptorError, match=f"nests elements more than {MAX_DEPTH} deep"):
        parse(f'<Envelope xmlns="{build.OVF1}">'.encode() + deep + b"</Envelope>")


def test_a_descriptor_of_very_many_elements_or_attributes_is_refused() -> None:
    start = f'<Envelope xmlns="{build.OVF1}">'.encode()

    with pytest.raises(DescriptorError, match="more than 100000 elements"):
        parse(start + b"<a/>" * 100_001 + b"</Envelope>")


def test_a_descriptor_over_16_mib_is_refused_unread() -> None:
    with pytest.raises(DescriptorError, match="at most 16777216 are right"):
        parse(b" " * (MAX_DESCRIPTOR_BYTES + 1))


OUTSIDE = ["/etc/passwd", "../disk.vmdk", "a/../../disk.vmdk", "%2e%2e/disk.vmdk", "..\\disk.vmdk", "file:///etc/passwd",
           "C:\\disk.vmdk", "ftp://host/disk.vmdk"]  # fmt: skip


@pytest.mark.parametrize("href", [*OUTSIDE, "https://example.org/disk.vmdk"])
def test_a_reference_that_leaves_an_ova_is_refused(tmp_path: Path, href: str) -> None:
    with pytest.raises(DescriptorError, match="leads outside the package; the name of a file in it is right"):
        read_package(build.ova(tmp_path, build.descriptor(href=href).encode()))


@pytest.mark.parametrize("href", OUTSIDE)
def test_a_reference_that_leaves_a_plain_descriptor_is_never_followed_and_refused_by_verify(
    tmp_path: Path, href: str
) -> None:
    """DSP0243 7.1 lets the disks of a plain .ovf lie anywhere; an edit of its values does not concern them."""
    (tmp_path / "in").mkdir()
    (tmp_path / "disk.vmdk").write_bytes(b"outside")
    (tmp_path / "in" / "vm.ovf").write_text(build.descriptor(href=href))

    with read_package(tmp_path / "in" / "vm.ovf") as package:
        assert [member.name for member in package.members] == ["vm.ovf"]
        with pytest.raises(DescriptorError, match="leads outside the package"):
            verify_members(package)


def test_a_web_address_is_right_beside_a_plain_descriptor(tmp_path: Path) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor(href="https://example.org/disk.vmdk"))

    with read_package(tmp_path / "vm.ovf") as package:
        assert (
            verify_members(package).notes[-1].text == "https://example.org/disk.vmdk is on the web and was not checked"
        )


def test_a_property_shows_no_value_in_its_repr() -> None:
    (prop,) = parse(build.one_property('ovf:key="k" ovf:password="true" ovf:value="s3cret"')).properties

    assert "s3cret" not in repr(prop)
