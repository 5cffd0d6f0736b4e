"""OVAs for tests, made with tarfile and hashlib (never with our own code), and read back the same way."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

_BLOCK = 4 << 20

SECTIONS = (
    '<ovf:ProductSection ovf:class="host"><ovf:Info/>\n'
    '<ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost"/>\n'
    '<ovf:Property ovf:key="domainname" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/>\n'
    '<ovf:Property ovf:key="mtu" ovf:type="uint16" ovf:qualifiers="MinValue(576)" '
    'ovf:userConfigurable="true" ovf:value="1500"/>\n'
    '<ovf:Property ovf:key="serial" ovf:type="string" ovf:value="fixed"/>\n'
    "</ovf:ProductSection>\n"
    '<ovf:ProductSection ovf:class="net" ovf:instance="0"><ovf:Info/>\n'
    '<ovf:Property ovf:key="ipaddr" ovf:type="string" ovf:userConfigurable="true" ovf:value="0.0.0.0"/>\n'
    '<ovf:Property ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/>\n'
    "</ovf:ProductSection>\n"
    '<ovf:ProductSection ovf:class="net" ovf:instance="1"><ovf:Info/>\n'
    '<ovf:Property ovf:key="dns" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/>\n'
    "</ovf:ProductSection>"
)

HARDWARE = (
    "<ovf:VirtualHardwareSection "
    'xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"><ovf:Info/>\n'
    "<ovf:Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType></ovf:Item>\n"
    "</ovf:VirtualHardwareSection>\n"
)


def descriptor_of(sections: str = SECTIONS, disk: str = "disk1.vmdk", head: str = "") -> bytes:
    """A DSP0243 1.x envelope with one system that has these product sections."""
    references = f'<ovf:File ovf:id="d" ovf:href="{disk}"/>' if disk else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n{head}'
        '<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1">\n'
        "<!-- a comment that stays -->\n"
        f"<ovf:References>{references}</ovf:References>\n"
        f'<ovf:VirtualSystem ovf:id="vm"><ovf:Info>a system</ovf:Info>\n{sections}\n</ovf:VirtualSystem>\n'
        "</ovf:Envelope>\n"
    ).encode()


def manifest_of(members: dict[str, bytes], algorithm: str = "SHA256") -> bytes:
    """The lines of these members as DSP0243 writes them."""
    digests = {name: hashlib.new(algorithm.lower(), data).hexdigest() for name, data in members.items()}
    return "".join(f"{algorithm}({name})= {digest}\n" for name, digest in digests.items()).encode()


def tar_of(members: dict[str, bytes] | Iterable[tuple[str, bytes]], format: int = tarfile.USTAR_FORMAT) -> bytes:
    """An archive of these members, in order; their owner, time and mode are not the defaults."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as tar:
        for name, data in members.items() if isinstance(members, dict) else members:
            info = tarfile.TarInfo(name)
            info.size, info.mtime, info.mode = len(data), 1_700_000_000, 0o640
            info.uname = info.gname = "someone"
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def ova(disk: bytes = b"disk" * 5000, descriptor: bytes | None = None, manifest: bytes | None = None) -> bytes:
    """descriptor, manifest, disk; the manifest is right unless one is given."""
    text = descriptor_of() if descriptor is None else descriptor
    lines = manifest_of({"vm.ovf": text, "disk1.vmdk": disk}) if manifest is None else manifest
    return tar_of({"vm.ovf": text, "vm.mf": lines, "disk1.vmdk": disk})


def write_large(path: Path, descriptor: bytes, size: int, *, sparse: bool) -> str:
    """Writes an OVA with the member disk.vmdk of `size` bytes; the SHA-256 of the disk.

    The disk's bytes are random and no two blocks alike, so that neither compression nor sharing can help anybody; or,
    `sparse`, such a block at both ends and a hole between them: a fresh disk, of which a copy has little to do.
    """
    noise, zeros = os.urandom(_BLOCK), bytes(_BLOCK)
    total = hashlib.sha256()
    offset = len(_heads(descriptor, total))
    header = tarfile.TarInfo("disk.vmdk")
    header.size, header.mode = size, 0o640
    with path.open("w+b") as file:
        for done in range(0, size, _BLOCK):
            length = min(_BLOCK, size - done)
            hole = sparse and 0 < done < size - length
            block = zeros[:length] if hole else done.to_bytes(8, "big") + noise[8:length]
            total.update(block)
            if not hole:
                file.seek(offset + 512 + done)
                file.write(block)
        file.truncate(-(-(offset + 512 + size + 1024) // 10240) * 10240)
        file.seek(0)
        # ustar itself knows no size from 8 GiB on
        file.write(_heads(descriptor, total) + header.tobuf(tarfile.GNU_FORMAT))
    return total.hexdigest()


def _heads(descriptor: bytes, disk: hashlib._Hash) -> bytes:
    """Descriptor and manifest as they stand in front of a disk with this digest."""
    manifest = manifest_of({"vm.ovf": descriptor}) + f"SHA256(disk.vmdk)= {disk.hexdigest()}\n".encode()
    members = {"vm.ovf": descriptor, "vm.mf": manifest}
    return tar_of(members)[: sum(512 + -(-len(data) // 512) * 512 for data in members.values())]


@dataclass(frozen=True)
class Read:
    """What an independent reader finds in an OVA."""

    members: dict[str, bytes]
    values: dict[str, str]
    whole: bool


def read(package: bytes) -> Read:
    """Reads an OVA with tarfile, hashlib and lxml; whole: every digest of the manifest is right."""
    from lxml import etree

    members: dict[str, bytes] = {}
    with tarfile.open(fileobj=io.BytesIO(package)) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None
            members[member.name] = stream.read()
    ovf = "{http://schemas.dmtf.org/ovf/envelope/1}"
    (descriptor,) = (name for name in members if name.endswith(".ovf"))
    manifest = f"{descriptor[:-4]}.mf"
    root = etree.fromstring(members[descriptor])
    values = {}
    for section in root.iter(f"{ovf}ProductSection"):
        for item in section.iter(f"{ovf}Property"):
            parts = (section.get(f"{ovf}class"), item.get(f"{ovf}key"), section.get(f"{ovf}instance"))
            values[".".join(str(part) for part in parts if part)] = str(item.get(f"{ovf}value") or "")
    listed = {name: data for name, data in members.items() if name != manifest}
    return Read(members, values, members[manifest] == manifest_of(listed))
