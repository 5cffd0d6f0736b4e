"""The descriptor of a machine: read by our own parsers and by another one."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools import hardware
from ova_tools.compose.domain import Domain, read_domain
from ova_tools.compose.envelope import DiskFile, descriptor, file_name
from ova_tools.descriptor import parse
from ova_tools.errors import ComposeError
from ova_tools.hardware import ETHERNET, Item

from .domains import disk, domain, nic


def composed(machine: Domain, values: dict[str, str] | None = None) -> bytes:
    files = [DiskFile(f"d{number}.vmdk", 1, 1 << 30) for number, _ in enumerate(machine.disks)]
    return descriptor(machine, files, values or {})


def items(text: bytes) -> list[Item]:
    (section,) = hardware.read(text, parse(text).encoding)
    return list(section.items)


def test_the_paper_s_properties_have_the_values_of_now() -> None:
    machine = read_domain(domain(disk() + nic() + nic("52:54:00:12:34:57", "br1")))
    text = composed(machine, {"hostname": "sg12", "ipaddr1": "10.0.0.2", "dns": "10.0.0.53", "role": "ce"})
    values = {prop.full_name: prop.value for prop in parse(text).properties}
    assert values == {
        "com.ibm.vsae.2_1.system-host.hostname": "sg12",
        "com.ibm.vsae.2_1.system-host.domainname": "",
        "com.ibm.vsae.2_1.network-interface.ipaddr.0": "",
        "com.ibm.vsae.2_1.network-interface.netmask.0": "",
        "com.ibm.vsae.2_1.network-interface.gateway.0": "",
        "com.ibm.vsae.2_1.network-interface.ipaddr.1": "10.0.0.2",
        "com.ibm.vsae.2_1.network-interface.netmask.1": "",
        "com.ibm.vsae.2_1.network-interface.gateway.1": "",
        "com.ibm.vsae.2_1.name-service.dns": "10.0.0.53",
        "com.ibm.vsae.2_1.name-service.search": "",
        "role": "ce",
    }
    assert all(prop.user_configurable for prop in parse(text).properties)


def test_it_says_how_the_values_reach_the_guest() -> None:
    (system,) = parse(composed(read_domain(domain()))).systems
    assert system.transport == "iso com.vmware.guestInfo"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"ipaddr3": "10.0.0.1"}, "there is a value for the address of interface 3, and the machine has 1 of them"),
        ({"a:b": "x"}, "'a:b' is no name of a property"),
        ({"hostname": "a", "HostName": "b"}, "hostname and HostName both say the host-name; one of them is right"),
        ({"role": "a\x01"}, "a character that no XML can hold"),
    ],
)
def test_values_that_have_no_place(values: dict[str, str], why: str) -> None:
    with pytest.raises(ComposeError, match=why):
        composed(read_domain(domain()), values)


@pytest.mark.parametrize(("bus", "most"), [("ide", 4), ("virtio", 60), ("sata", 64)])
def test_as_many_disks_as_there_are_places(bus: str, most: int) -> None:
    machine = read_domain(domain("".join(disk(f"vd{number}", bus) for number in range(most))))
    places = [
        (each.get("Parent"), each.get("AddressOnParent")) for each in items(composed(machine)) if each.type == "17"
    ]
    assert len(set(places)) == most
    if most < 64:
        more = read_domain(domain("".join(disk(f"vd{number}", bus) for number in range(most + 1))))
        with pytest.raises(ComposeError, match=f"more disks on {bus} than a package has controllers for"):
            composed(more)


@given(st.text(max_size=80))
def test_a_name_of_files_is_plain(name: str) -> None:
    found = file_name(name)
    assert found
    assert found.isascii()
    assert not set(found) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not found.startswith(".")


_NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12)
_NICS = st.lists(
    st.tuples(
        st.integers(0, 2**40 - 1).map(lambda n: "52:" + ":".join(f"{n:010x}"[i : i + 2] for i in range(0, 10, 2))),
        _NAMES,
        st.sampled_from(["virtio", "e1000", "e1000e", "rtl8139"]),
    ),
    max_size=5,
)
_DISKS = st.tuples(
    st.lists(st.sampled_from(["virtio", "scsi", "sata", "usb"]), min_size=1, max_size=40),
    st.lists(st.just("ide"), max_size=4),
).map(lambda both: both[0] + both[1])


@given(
    processors=st.integers(1, 256), megabytes=st.integers(1, 1 << 20), buses=_DISKS, nics=_NICS,
    efi=st.booleans(), cdrom=st.booleans(),
)  # fmt: skip
def test_processors_memory_disks_nics_and_firmware_come_through(
    processors: int, megabytes: int, buses: list[str], nics: list[tuple[str, str, str]], efi: bool, cdrom: bool
) -> None:
    devices = "".join(disk(f"vd{number}", bus) for number, bus in enumerate(buses)) + "".join(
        nic(*each) for each in nics
    )
    devices += "<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk>" if cdrom else ""
    machine = read_domain(
        domain(
            devices,
            processors=f"<vcpu>{processors}</vcpu>",
            memory=f"<memory unit='MiB'>{megabytes}</memory>",
            os=f"<os{' firmware=' + json.dumps('efi') if efi else ''}><type>hvm</type></os>",
        )
    )
    text = composed(machine)
    found = items(text)
    by_id = {item.id: item for item in found}
    assert len(by_id) == len(found)
    assert [each.get("VirtualQuantity") for each in found if each.type == "3"] == [str(processors)]
    assert [each.get("VirtualQuantity") for each in found if each.type == "4"] == [str(megabytes)]
    disks = [each for each in found if each.type == "17"]
    assert [by_id[each.get("Parent")].get("Description") for each in disks] == buses
    places = [(each.get("Parent"), each.get("AddressOnParent")) for each in found if each.get("Parent")]
    assert len(set(places)) == len(places)
    assert [
        (each.get("Address"), each.get("Connection"), each.get("Description"))
        for each in found
        if each.type == ETHERNET
    ] == nics
    assert (b'vmw:key="firmware" vmw:value="efi"' in text) == efi
    assert sum(each.type == "15" for each in found) == cdrom
    envelope = ElementTree.fromstring(text)  # another parser
    declared = [each.attrib.values() for each in envelope.iter() if each.tag.endswith("}Network")]
    assert len(declared) == len({network for _, network, _ in nics})
