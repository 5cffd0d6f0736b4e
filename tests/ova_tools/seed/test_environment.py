"""ovf-env.xml: what is set is what a reader sees, as DSP0243 has it and as cloud-init reads it."""

from __future__ import annotations

import json
import shutil
import subprocess
from base64 import b64decode
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools.errors import SeedError
from ova_tools.seed.environment import environment
from ova_tools.seed.machine import Interface, Machine

OE = "{http://schemas.dmtf.org/ovf/environment/1}"
TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff") | st.sampled_from("\t\n\r")
)
OURS = ("instance-id", "user-data", "hostname", "network-config", "public-keys")
SG12 = Machine("sg12", "cc.kek.jp", (Interface("0", "52:54:00:12:34:56", ("10.91.14.12/24",), ("10.91.14.1",)),))


def section(element: ElementTree.Element) -> dict[str, str]:
    found = element.find(f"{OE}PropertySection")
    assert found is not None
    return {each.attrib[f"{OE}key"]: each.attrib[f"{OE}value"] for each in found}


@given(
    TEXT, st.dictionaries(TEXT.filter(lambda name: name not in OURS), TEXT, max_size=5),
    st.dictionaries(TEXT, st.dictionaries(TEXT, TEXT, max_size=3), max_size=3),
)  # fmt: skip
def test_what_is_set_is_what_a_reader_sees(
    system: str, properties: dict[str, str], siblings: dict[str, dict[str, str]]
) -> None:
    root = ElementTree.fromstring(environment(system, properties, siblings, Machine(), "id", b""))
    assert root.tag == f"{OE}Environment"
    assert root.attrib[f"{OE}id"] == system
    assert root[0].tag == f"{OE}PropertySection"
    assert section(root) == {**properties, "instance-id": "id", "user-data": ""}
    assert {each.attrib[f"{OE}id"]: section(each) for each in root.findall(f"{OE}Entity")} == siblings


@pytest.mark.parametrize("character", ["\x00", "\x04", "\x1f", "\ufffe", "\ud800"])
def test_a_character_that_xml_lacks_is_one_line(character: str) -> None:
    with pytest.raises(SeedError, match=r"motd: the character U\+[0-9A-F]{4} cannot stand in XML"):
        environment("vm", {"motd": f"a{character}"}, {}, Machine(), "id", b"")


def test_cdata_and_quotes_are_text() -> None:
    value = "]]> <!-- \" ' & &amp;"
    assert section(ElementTree.fromstring(environment("vm", {"a": value}, {}, Machine(), "id", b"")))["a"] == value


def test_the_prefix_is_the_one_that_cloudbase_init_looks_for() -> None:
    assert b"<oe:PropertySection>" in environment("vm", {}, {}, Machine(), "id", b"")


def test_bare_names_for_cloud_init() -> None:
    found = section(ElementTree.fromstring(environment("vm", {"x.hostname": "sg12"}, {}, SG12, "z-7", b"#!/bin/sh\n")))
    assert found["x.hostname"] == "sg12"
    assert (found["hostname"], found["instance-id"]) == ("sg12.cc.kek.jp", "z-7")
    assert b64decode(found["user-data"]) == b"#!/bin/sh\n"
    (interface,) = json.loads(b64decode(found["network-config"]))["network"]["config"]
    assert (interface["name"], interface["mac_address"]) == ("eth0", "52:54:00:12:34:56")
    assert interface["subnets"] == [{"type": "static", "address": "10.91.14.12/24", "gateway": "10.91.14.1"}]


SYSTEM_PYTHON = "/usr/bin/python3"
_IMPORT = [SYSTEM_PYTHON, "-c", "import cloudinit.sources.DataSourceOVF"]
HAS_CLOUD_INIT = shutil.which(SYSTEM_PYTHON) is not None and not subprocess.run(_IMPORT, capture_output=True).returncode


@pytest.mark.skipif(not HAS_CLOUD_INIT, reason="the distribution's cloud-init is not installed here")
def test_the_parser_of_cloud_init_reads_it() -> None:
    program = (
        "import sys, json, cloudinit.sources.DataSourceOVF as d\n"
        "md, ud, cfg = d.read_ovf_environment(sys.stdin.buffer.read().decode(), True)\n"
        "print(json.dumps([md, ud if isinstance(ud, str) else ud.decode()]))"
    )
    text = environment("vm", {"x.hostname": "sg12"}, {}, SG12, "z-7", b"#!/bin/sh\n")
    done = subprocess.run([SYSTEM_PYTHON, "-c", program], input=text, capture_output=True, check=True)
    meta, user_data = json.loads(done.stdout)
    assert (meta["instance-id"], meta["local-hostname"]) == ("z-7", "sg12.cc.kek.jp")
    assert user_data == "#!/bin/sh\n"
    assert meta["network-config"]["config"][0]["name"] == "eth0"
