"""The OVAs for the measurements: one descriptor that every tool can read, and a disk with given size and content."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from xml.etree import ElementTree

from tests.ova_tools import build
from tests.support.appliances import manifest_of, tar_of, write_large

MIB = 1 << 20
GIB = 1 << 30

_HARDWARE = (
    "<VirtualHardwareSection><Info>i</Info><System><vssd:ElementName>e</vssd:ElementName>"
    "<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType></System>"
    "</VirtualHardwareSection>"
)  # COT refuses a descriptor without it
_SCHEMAS = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"


def descriptor() -> bytes:
    """One system, with the properties hostname, cpus and fixed."""
    names = f'xmlns:vssd="{_SCHEMAS}VirtualSystemSettingData" xmlns:rasd="{_SCHEMAS}ResourceAllocationSettingData"'
    text = build.descriptor(envelope=names)
    return text.replace("  </VirtualSystem>", f"  {_HARDWARE}\n  </VirtualSystem>").encode()


def write(path: Path, size: int, *, sparse: bool = False) -> None:
    """Writes an OVA with a disk of `size` bytes and a right manifest; see `write_large`."""
    write_large(path, descriptor(), size, sparse=sparse)


def small() -> bytes:
    """An OVA of some kilobytes."""
    text, disk = descriptor(), b"disk" * 500
    manifest = manifest_of({"vm.ovf": text, "disk.vmdk": disk})
    return tar_of({"vm.ovf": text, "vm.mf": manifest, "disk.vmdk": disk})


def value_in(head: bytes) -> str:
    """The hostname in an OVA whose first members are in `head`; read only with the standard library."""
    with tarfile.open(fileobj=io.BytesIO(head), mode="r|") as tar:
        member = next(member for member in tar if member.name == "vm.ovf")
        stream = tar.extractfile(member)
        assert stream is not None
        root = ElementTree.fromstring(stream.read())
    ovf = f"{{{build.OVF1}}}"
    found = [each for each in root.iter(f"{ovf}Property") if each.get(f"{ovf}key") == "hostname"]
    return found[0].get(f"{ovf}value", "")
