"""The way back: what a descriptor says, in libvirt's terms; and that a machine comes through both ways."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ova_tools.compose.domain import Domain, read_domain
from ova_tools.compose.envelope import DiskFile, descriptor
from ova_tools.descriptor import parse
from ova_tools.errors import DomainError
from ova_tools.hardware import amount
from ova_tools.libvirt.domain_xml import Files, domain_xml
from ova_tools.libvirt.machine import Machine, machines
from tests.ova_tools.compose.domains import disk, domain, nic


def machine_of(text: bytes) -> Machine:
    (found,) = machines(text, parse(text)).values()
    return found


def through(machine: Domain) -> Domain:
    """A domain as a descriptor, and as a domain again."""
    files = [DiskFile(f"d{number}.vmdk", 1, 1 << 30) for number, _ in enumerate(machine.disks)]
    back = machine_of(descriptor(machine, files, {}))
    paths = {each.target: f"/x/{each.target}.qcow2" for each in back.disks}
    return read_domain(domain_xml(back, machine.name, Files(paths)).encode())


_BUSES = st.lists(st.sampled_from(["virtio", "scsi", "sata", "usb"]), min_size=1, max_size=30)
_IDE = st.lists(st.just("ide"), max_size=3)
_NICS = st.lists(
    st.tuples(
        st.integers(0, 2**40 - 1).map(lambda n: "52:" + ":".join(f"{n:010x}"[i : i + 2] for i in range(0, 10, 2))),
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=12),
        st.sampled_from(["virtio", "e1000", "e1000e", "vmxnet3", "rtl8139", "pcnet"]),
    ),
    max_size=5,
)


@given(
    processors=st.integers(1, 256), megabytes=st.integers(1, 1 << 20), buses=_BUSES, ide=_IDE, nics=_NICS,
    efi=st.booleans(), secure=st.booleans(), cdrom=st.booleans(),
)  # fmt: skip
def test_a_machine_comes_through_both_ways(
    processors: int,
    megabytes: int,
    buses: list[str],
    ide: list[str],
    nics: list[tuple[str, str, str]],
    efi: bool,
    secure: bool,
    cdrom: bool,
) -> None:
    all_buses = buses if efi else buses + ide
    devices = "".join(disk(f"vd{number}", bus) for number, bus in enumerate(all_buses))
    devices += "".join(nic(*each) for each in nics)
    devices += "<disk type='file' device='cdrom'><target dev='sdz' bus='sata'/></disk>" if cdrom else ""
    firmware = "<firmware><feature enabled='yes' name='secure-boot'/></firmware>" if efi and secure else ""
    before = read_domain(
        domain(
            devices,
            processors=f"<vcpu>{processors}</vcpu>",
            memory=f"<memory unit='MiB'>{megabytes}</memory>",
            os=f"<os{' firmware=' + json.dumps('efi') if efi else ''}><type>hvm</type>{firmware}</os>",
        )
    )
    after = through(before)
    assert (after.processors, after.memory, after.firmware) == (before.processors, before.memory, before.firmware)
    assert after.secure_boot == before.secure_boot
    assert [each.bus for each in after.disks] == [each.bus for each in before.disks]
    assert after.nics == before.nics
    assert after.cdrom == before.cdrom


@pytest.mark.parametrize(
    ("text", "units", "size"),
    [
        ("512", "byte * 2^20", 512 << 20),
        ("2", "byte*2^30", 2 << 30),
        ("5", "byte * 10^9", 5 * 10**9),
        ("512", "MegaBytes", 512 << 20),
        ("7", "", 7),
        ("7", "byte", 7),
        ("-1", "byte", None),
        ("1", "parsec", None),
        ("1", "byte * 2^999", None),
        ("9" * 30, "byte", None),
    ],
)
def test_quantities_have_units(text: str, units: str, size: int | None) -> None:
    assert amount(text, units) == size


RASD = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"


def item(configuration: str = "", **elements: str) -> str:
    option = f" ovf:configuration='{configuration}'" if configuration else ""
    return (
        f"<ovf:Item{option}>"
        + "".join(f"<r:{name}>{text}</r:{name}>" for name, text in elements.items())
        + "</ovf:Item>"
    )


MEMORY = item(AllocationUnits="byte * 2^20", InstanceID="2", ResourceType="4", VirtualQuantity="512")
CPU = item(InstanceID="1", ResourceType="3", VirtualQuantity="2")
DISK = item(HostResource="ovf:/disk/d1", InstanceID="9", Parent="4", ResourceType="17")


def envelope(items: str, disks: str = "<ovf:Disk ovf:diskId='d1' ovf:fileRef='f1' ovf:capacity='8'/>") -> bytes:
    ovf = "http://schemas.dmtf.org/ovf/envelope/1"
    return (
        f"<ovf:Envelope xmlns:ovf='{ovf}' xmlns:r='{RASD}'><ovf:References><ovf:File ovf:id='f1' ovf:href='d.vmdk'/>"
        f"</ovf:References><ovf:DiskSection><ovf:Info/>{disks}</ovf:DiskSection><ovf:DeploymentOptionSection>"
        "<ovf:Configuration ovf:id='small' ovf:default='true'/><ovf:Configuration ovf:id='big'/>"
        "</ovf:DeploymentOptionSection><ovf:VirtualSystem ovf:id='vm'><ovf:Info/>"
        f"<ovf:VirtualHardwareSection><ovf:Info/>{items}</ovf:VirtualHardwareSection></ovf:VirtualSystem></ovf:Envelope>"
    ).encode()


@pytest.mark.parametrize(
    ("subtype", "kind", "bus", "model"),
    [
        ("lsilogic", "6", "scsi", "lsilogic"),
        ("lsilogicsas", "6", "scsi", "lsisas1068"),
        ("VirtualSCSI", "6", "scsi", "vmpvscsi"),
        ("AHCI", "20", "sata", ""),
        ("PIIX4", "5", "ide", ""),
    ],
)
def test_controllers_of_others_have_their_likes(subtype: str, kind: str, bus: str, model: str) -> None:
    controller = item(InstanceID="4", ResourceSubType=subtype, ResourceType=kind)
    (found,) = machine_of(envelope(CPU + MEMORY + controller + DISK)).disks
    assert (found.bus, found.scsi) == (bus, model)


def test_the_default_deployment_option_counts() -> None:
    other = item("big", InstanceID="1", ResourceType="3", VirtualQuantity="16")
    own = item("small", InstanceID="1", ResourceType="3", VirtualQuantity="4")
    assert machine_of(envelope(CPU + other + own + MEMORY + DISK)).processors == 4
    assert machine_of(envelope(CPU + other + MEMORY + DISK)).processors == 2


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (envelope(CPU + DISK), "the memory of vm cannot be read"),
        (envelope(CPU + MEMORY + DISK, ""), "leads to 'd1', which is no disk of the package"),
        (envelope(CPU + MEMORY + DISK, "<ovf:Disk ovf:diskId='d1' ovf:capacity='x'/>"), "the capacity of the disk d1"),
        (
            envelope(CPU + MEMORY + DISK, "<ovf:Disk ovf:diskId='d1' ovf:capacity='1' ovf:parentRef='p'/>"),
            "has a parent",
        ),
        (envelope(CPU.replace(">2<", ">two<") + MEMORY), "the number of processors is 'two'"),
    ],
)
def test_what_cannot_be_read_is_said(text: bytes, why: str) -> None:
    with pytest.raises(DomainError, match=why):
        machine_of(text)


@pytest.mark.skipif(shutil.which("virt-xml-validate") is None, reason="libvirt's schemas are not installed here")
@pytest.mark.parametrize("os", ["<os><type>hvm</type></os>", "<os firmware='efi'><type>hvm</type></os>"])
def test_libvirt_s_schema_takes_it(os: str, tmp_path: Path) -> None:
    devices = "".join(disk(f"vd{number}", bus) for number, bus in enumerate(["virtio", "scsi", "scsi", "sata", "usb"]))
    machine = read_domain(domain(devices + nic() + nic("52:54:00:00:00:01", "br0"), os=os))
    files = [DiskFile(f"d{number}.vmdk", 1, 1 << 30) for number, _ in enumerate(machine.disks)]
    back = machine_of(descriptor(machine, files, {}))
    paths = {each.target: f"/x/{each.target}.qcow2" for each in back.disks}
    (tmp_path / "d.xml").write_text(domain_xml(back, "sg12", Files(paths, "/x/seed.iso"), bridges={"br0": "br0"}))
    done = subprocess.run(["virt-xml-validate", str(tmp_path / "d.xml"), "domain"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
