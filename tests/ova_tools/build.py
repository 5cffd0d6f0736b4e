"""Hand-made descriptors and packages for the tests of ova_tools. What is written here is data, never an assertion."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path

from ova_tools.edit import Change, Edit, Signer, edit
from ova_tools.package import read_package
from ova_tools.properties import select
from ova_tools.write import stream
from tests.support.appliances import manifest_of, tar_of

OVF1 = "http://schemas.dmtf.org/ovf/envelope/1"
VMW = "http://www.vmware.com/schema/ovf"

PROPERTIES = """\
      <Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost">
        <Label>Host name</Label>
        <Description>The name of the host</Description>
      </Property>
      <Property ovf:key="cpus" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="2"/>
      <Property ovf:key="fixed" ovf:type="string" ovf:value="as it is"/>
"""


def descriptor(
    properties: str = PROPERTIES,
    *,
    href: str = "disk.vmdk",
    product: str = "",
    envelope: str = "",
    head: str = '<?xml version="1.0" encoding="UTF-8"?>\n',
    options: str = "",
) -> str:
    """Return the text of a descriptor with one system, one product section, and the properties given."""
    return f"""{head}<Envelope xmlns="{OVF1}" xmlns:ovf="{OVF1}" xmlns:vmw="{VMW}" {envelope}>
  <References><File ovf:id="file1" ovf:href="{href}"/></References>
  <!-- <Property ovf:key="hostname" ovf:value="in a comment"/> -->
  {options}
  <VirtualSystem ovf:id="vm">
    <Info>A virtual machine</Info>
    <Name>The machine</Name>
    <ProductSection {product}>
      <Info>Settings</Info>
{properties}    </ProductSection>
  </VirtualSystem>
</Envelope>
"""


def one_property(attributes: str, children: str = "") -> bytes:
    """Return a descriptor whose only property has `attributes` and `children`, as written."""
    return descriptor(f"<Property {attributes}>{children}</Property>\n").encode()


def disk(size: int = 70_000) -> bytes:
    """Return `size` bytes that look like no other block."""
    return b"".join(hashlib.sha256(str(n).encode()).digest() for n in range(-(-size // 32)))[:size]


def ova(
    directory: Path,
    text: bytes | None = None,
    *,
    name: str = "vm",
    algorithm: str | None = "SHA256",
    disk_data: bytes | None = None,
    certificate: bytes | None = None,
    manifest_last: bool = False,
    format: int = tarfile.USTAR_FORMAT,
) -> Path:
    """Write NAME.ova below `directory`: descriptor, manifest, certificate if given, disk.vmdk."""
    text = descriptor().encode() if text is None else text
    data = disk() if disk_data is None else disk_data
    members = [(f"{name}.ovf", text)]
    signed = []
    if algorithm is not None:
        signed.append((f"{name}.mf", manifest_of({f"{name}.ovf": text, "disk.vmdk": data}, algorithm)))
    if certificate is not None:
        signed.append((f"{name}.cert", certificate))
    disks = [("disk.vmdk", data)]
    path = directory / f"{name}.ova"
    path.write_bytes(tar_of(members + (disks + signed if manifest_last else signed + disks), format=format))
    return path


def edited(
    path: Path, *values: tuple[str, str], spare: int = 8192, allow_fixed: bool = False, signer: Signer | None = None
) -> tuple[Edit, bytes]:
    """Set these properties of a package: what came of it, and the bytes of the new package."""
    with read_package(path) as package:
        changes = [Change(select(package.properties, name), value) for name, value in values]
        result = edit(package, changes, spare=spare, allow_fixed=allow_fixed, signer=signer)
        return result, b"".join(stream(result.plan, package.fileno()))
