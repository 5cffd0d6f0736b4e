"""OVAs for tests, made with tarfile and hashlib (never with our own code), and read back the same way."""

from __future__ import annotations

import hashlib
import io
import tarfile
from dataclasses import dataclass

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


def manifest_of(members: dict[str, bytes]) -> bytes:
    """SHA256 lines as DSP0243 writes them."""
    return "".join(f"SHA256({name})= {hashlib.sha256(data).hexdigest()}\n" for name, data in members.items()).encode()


def tar_of(members: dict[str, bytes]) -> bytes:
    """A USTAR archive of these members, in order."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def ova(disk: bytes = b"disk" * 5000, descriptor: bytes | None = None, manifest: bytes | None = None) -> bytes:
    """descriptor, manifest, disk; the manifest is right unless one is given."""
    text = descriptor_of() if descriptor is None else descriptor
    lines = manifest_of({"vm.ovf": text, "disk1.vmdk": disk}) if manifest is None else manifest
    return tar_of({"vm.ovf": text, "vm.mf": lines, "disk1.vmdk": disk})


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
    root = etree.fromstring(members["vm.ovf"])
    values = {}
    for section in root.iter(f"{ovf}ProductSection"):
        for item in section.iter(f"{ovf}Property"):
            parts = (section.get(f"{ovf}class"), item.get(f"{ovf}key"), section.get(f"{ovf}instance"))
            values[".".join(str(part) for part in parts if part)] = str(item.get(f"{ovf}value") or "")
    listed = {name: data for name, data in members.items() if name != "vm.mf"}
    return Read(members, values, members["vm.mf"] == manifest_of(listed))
