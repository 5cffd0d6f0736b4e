"""What a domain XML says, and what is no domain XML."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools.compose.domain import Disk, read_domain
from ova_tools.compose.operating_systems import operating_system
from ova_tools.errors import ComposeError
from ova_tools.libvirt.terms import Nic

from .domains import OSINFO, disk, domain, nic


def test_a_machine_is_read() -> None:
    found = read_domain(
        domain(disk() + nic() + "<disk type='file' device='cdrom'><target dev='sda' bus='sata'/></disk>")
    )
    assert (found.name, found.processors, found.memory, found.firmware) == ("sg12", 2, 2 << 30, "bios")
    assert found.disks == (Disk("vda", "virtio", "/var/lib/libvirt/images/vda.qcow2", "qcow2"),)
    assert found.nics == (Nic("52:54:00:12:34:56", "default", "virtio"),)
    assert found.cdrom
    assert found.left_out == ()


@pytest.mark.parametrize(
    ("os", "firmware", "secure"),
    [
        ("<os firmware='efi'><type>hvm</type></os>", "efi", False),
        ("<os><type>hvm</type><loader type='pflash' secure='yes'>/x</loader></os>", "efi", True),
        (
            "<os firmware='efi'><type>hvm</type><firmware><feature enabled='yes' name='secure-boot'/></firmware></os>",
            "efi",
            True,
        ),
        ("<os><type>hvm</type><loader type='rom'>/x</loader></os>", "bios", False),
    ],
)
def test_firmware(os: str, firmware: str, secure: bool) -> None:
    found = read_domain(domain(os=os))
    assert (found.firmware, found.secure_boot) == (firmware, secure)


@pytest.mark.parametrize(
    ("memory", "size"),
    [
        ("<memory>2048</memory>", 2 << 20),
        ("<memory unit='MiB'>512</memory>", 512 << 20),
        ("<memory unit='GB'>1</memory>", 10**9),
        ("<memory unit='b'>1048576</memory>", 1 << 20),
    ],
)
def test_memory_has_units(memory: str, size: int) -> None:
    assert read_domain(domain(memory=memory)).memory == size


def test_processors_that_are_plugged_in_and_their_sockets() -> None:
    topology = "<cpu><topology sockets='2' dies='1' cores='2' threads='2'/></cpu>"
    found = read_domain(domain(processors="<vcpu current='4'>8</vcpu>", more=topology))
    assert (found.processors, found.cores) == (4, 4)
    assert read_domain(domain(processors="<vcpu>3</vcpu>", more=topology)).cores == 1


def test_what_no_package_carries_is_listed() -> None:
    found = read_domain(
        domain(
            disk()
            + "<hostdev mode='subsystem'/><hostdev mode='subsystem'/><tpm model='tpm-crb'/><filesystem type='mount'/>"
            + "<disk type='file' device='lun'><target dev='sdz' bus='scsi'/></disk>",
            more="<cputune><shares>1</shares></cputune>",
        )
    )
    assert found.left_out == ("lun sdz", "cputune", "device filesystem", "device hostdev (2)", "device tpm")


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"<!DOCTYPE d [<!ENTITY a 'b'>]><domain type='kvm'/>", "document type declaration"),
        (b"<domain", "no well-formed XML"),
        (b"<network/>", "has the root element network"),
        (domain(type="xen"), "a domain of type xen; kvm or qemu is right"),
        (domain(nic()), "no disk that could be carried"),
        (domain(disk(type="network")), "disk vda is of type network; a file is right"),
        (domain(disk(type="volume")), "disk vda is of type volume"),
        (domain(disk() + disk()), "two disks named vda"),
        (domain(disk(format="vdi")), "disk vda is of the format vdi"),
        (domain(disk(target="../x")), "has the target '../x'"),
        (domain(memory="<memory>-1</memory>"), "its memory is '-1'"),
        (domain(memory="<memory unit='EiB'>1</memory>"), "the unit of its memory is 'EiB'"),
        (domain(memory="<memory unit='TiB'>99999</memory>"), "its memory is"),
        (domain(memory=""), "says nothing of memory"),
        (domain(processors="<vcpu>99999</vcpu>"), "its number of processors is '99999'"),
        (domain(name=" "), "it has no name"),
        (domain("".join(disk(f"vd{n}") for n in range(65))), "it has 65 disks; a package carries 64"),
        (domain(disk() + nic() * 65), "it has 65 network interfaces"),
        (domain(disk() + nic(mac="52:54")), "the MAC '52:54'"),
        (b"<domain type='kvm'>" + b"<a>" * 100 + b"</a>" * 100 + b"</domain>", "32 within each other"),
        (b"<domain type='kvm'>" + b"<a/>" * 20_000 + b"</domain>", "more than 10000 elements"),
        (b" " * (2 << 20), "it has 2097152 bytes"),
    ],
)
def test_what_is_none_is_refused_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(ComposeError) as caught:
        read_domain(data)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


@given(st.binary(max_size=300))
def test_nothing_but_our_own_error_comes_out(data: bytes) -> None:
    for text in (data, b"<domain type='kvm'>" + data + b"</domain>"):
        with pytest.raises(ComposeError):
            read_domain(text)


@pytest.mark.parametrize(
    ("osinfo", "is_64_bit", "number", "description"),
    [
        ("http://debian.org/debian/12", True, 96, "debian 12"),
        ("http://ubuntu.com/ubuntu/22.04", False, 93, "ubuntu 22.04"),
        ("http://redhat.com/rhel/9.2", True, 80, "rhel 9.2"),
        ("http://rockylinux.org/rocky/9", True, 101, "rocky 9"),
        ("http://microsoft.com/win/10", True, 1, "win 10"),
        ("", True, 1, "Other"),
        ("nonsense", True, 1, "Other"),
    ],
)
def test_operating_systems_have_numbers(osinfo: str, is_64_bit: bool, number: int, description: str) -> None:
    found = operating_system(osinfo, is_64_bit=is_64_bit)
    assert (found.number, found.description) == (number, description)
    assert read_domain(domain(more=OSINFO.format(osinfo))).osinfo == osinfo
