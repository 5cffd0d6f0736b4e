"""The OVAs that are measured: one descriptor that every tool can read, and a disk whose size and content are said."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path
from xml.etree import ElementTree

from tests.appliances import manifest_of
from tests.ova_tools import build

MIB = 1 << 20
GIB = 1 << 30

_HARDWARE = (
    "<VirtualHardwareSection><Info>i</Info><System><vssd:ElementName>e</vssd:ElementName>"
    "<vssd:InstanceID>0</vssd:InstanceID><vssd:VirtualSystemType>vmx-10</vssd:VirtualSystemType></System>"
    "</VirtualHardwareSection>"
)  # COT reads no descriptor without it
_SCHEMAS = "http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_"
_BLOCK = 4 * MIB


def descriptor() -> bytes:
    """One system, with the properties hostname, cpus and fixed."""
    names = f'xmlns:vssd="{_SCHEMAS}VirtualSystemSettingData" xmlns:rasd="{_SCHEMAS}ResourceAllocationSettingData"'
    text = build.descriptor(envelope=names)
    return text.replace("  </VirtualSystem>", f"  {_HARDWARE}\n  </VirtualSystem>").encode()


def write(path: Path, size: int, *, sparse: bool = False) -> None:
    """Writes an OVA with a disk of `size` bytes, its manifest right.

    The disk's bytes are random and no two blocks alike, so that neither compression nor sharing can help anybody; or,
    `sparse`, a hole with a little at the start: a fresh disk, of which a copy has little to do.
    """
    start, noise = b"start of the disk", os.urandom(_BLOCK)
    total = hashlib.sha256()
    text = descriptor()
    with path.open("w+b") as file:
        heads = [("vm.ovf", text), ("vm.mf", _manifest(text, total))]
        offset = sum(512 + -(-len(data) // 512) * 512 for _, data in heads)
        header = tarfile.TarInfo("disk.vmdk")
        header.size, header.mode = size, 0o640
        file.seek(offset)
        file.write(header.tobuf(tarfile.GNU_FORMAT))  # ustar itself knows no size from 8 GiB on
        if sparse:
            file.write(start)
        for done in range(0, size, _BLOCK):
            length = min(_BLOCK, size - done)
            if sparse:
                block = (start if done == 0 else b"").ljust(length, b"\0")
            else:
                block = done.to_bytes(8, "big") + noise[8:length]
                file.write(block)
            total.update(block)
        file.truncate(-(-(offset + 512 + size + 1024) // 10240) * 10240)
        file.seek(0)
        file.write(build.tar_bytes([("vm.ovf", text), ("vm.mf", _manifest(text, total))])[:offset])


def small() -> bytes:
    """An OVA of some kilobytes."""
    text, disk = descriptor(), b"disk" * 500
    manifest = manifest_of({"vm.ovf": text, "disk.vmdk": disk})
    return build.tar_bytes([("vm.ovf", text), ("vm.mf", manifest), ("disk.vmdk", disk)])


def _manifest(text: bytes, disk: hashlib._Hash) -> bytes:
    return manifest_of({"vm.ovf": text}) + f"SHA256(disk.vmdk)= {disk.hexdigest()}\n".encode()


def value_in(head: bytes) -> str:
    """The hostname in an OVA, of which `head` holds the first members; read with the standard library alone."""
    with tarfile.open(fileobj=io.BytesIO(head), mode="r|") as tar:
        member = next(member for member in tar if member.name == "vm.ovf")
        stream = tar.extractfile(member)
        assert stream is not None
        root = ElementTree.fromstring(stream.read())
    ovf = f"{{{build.OVF1}}}"
    found = [each for each in root.iter(f"{ovf}Property") if each.get(f"{ovf}key") == "hostname"]
    return found[0].get(f"{ovf}value", "")
