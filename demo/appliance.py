"""Makes the OVA of the demo: a streamOptimized VMDK from qemu-img, a descriptor, a manifest.

The descriptor is in the style of the images of IBM's Image Construction and Composition Tool (Figure 14 of the paper
that the README names): the names of the host are in one class, the address of its network in another, so that the class
distinguishes properties.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

CAPACITY = 96 * 1024 * 1024  # bytes of the virtual disk

DESCRIPTOR = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- captured from a running machine; edited by nobody since -->
<ovf:Envelope xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
              xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
              xmlns:vssd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_VirtualSystemSettingData">
  <ovf:References>
    <ovf:File ovf:id="disk" ovf:href="{disk}" ovf:size="{size}"/>
  </ovf:References>
  <ovf:DiskSection>
    <ovf:Info>Virtual disks</ovf:Info>
    <ovf:Disk ovf:diskId="vmdisk1" ovf:fileRef="disk" ovf:capacity="{capacity}"
      ovf:format="http://www.vmware.com/interfaces/specifications/vmdk.html#streamOptimized"/>
  </ovf:DiskSection>
  <ovf:NetworkSection>
    <ovf:Info>Networks</ovf:Info>
    <ovf:Network ovf:name="cluster"><ovf:Description>The grid's network</ovf:Description></ovf:Network>
  </ovf:NetworkSection>
  <ovf:VirtualSystem ovf:id="sg12_image">
    <ovf:Info>A worker of the grid</ovf:Info>
    <ovf:OperatingSystemSection ovf:id="80"><ovf:Info>CentOS 6.5, 64 bit</ovf:Info></ovf:OperatingSystemSection>
    <ovf:VirtualHardwareSection>
      <ovf:Info>One processor, 1024 MB, one disk</ovf:Info>
      <ovf:Item>
        <rasd:ElementName>1 virtual CPU</rasd:ElementName><rasd:InstanceID>1</rasd:InstanceID>
        <rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity>
      </ovf:Item>
      <ovf:Item>
        <rasd:ElementName>1024 MB of memory</rasd:ElementName><rasd:InstanceID>2</rasd:InstanceID>
        <rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>1024</rasd:VirtualQuantity>
      </ovf:Item>
      <ovf:Item>
        <rasd:ElementName>disk</rasd:ElementName><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource>
        <rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceType>17</rasd:ResourceType>
      </ovf:Item>
    </ovf:VirtualHardwareSection>
    <ovf:ProductSection ovf:class="com.ibm.vsae.2_1.system-host">
      <ovf:Info>System name and domain name</ovf:Info>
      <ovf:Product>activate-system-host</ovf:Product>
      <ovf:Version>2.1</ovf:Version>
      <ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost">
        <ovf:Description>Hostname</ovf:Description>
        <ovf:Label>Hostname</ovf:Label>
      </ovf:Property>
      <ovf:Property ovf:key="domainname" ovf:type="string" ovf:userConfigurable="true" ovf:value="localdomain">
        <ovf:Description>Domain Name</ovf:Description>
        <ovf:Label>Domain Name</ovf:Label>
      </ovf:Property>
    </ovf:ProductSection>
    <ovf:ProductSection ovf:class="com.ibm.vsae.2_1.network-interface">
      <ovf:Info>Address, gateway and search list</ovf:Info>
      <ovf:Product>activate-network-interface</ovf:Product>
      <ovf:Version>2.1</ovf:Version>
      <ovf:Property ovf:key="ipaddr" ovf:type="string" ovf:userConfigurable="true" ovf:value="0.0.0.0"/>
      <ovf:Property ovf:key="netmask" ovf:type="string" ovf:userConfigurable="true" ovf:value="0.0.0.0"/>
      <ovf:Property ovf:key="gateway" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/>
      <ovf:Property ovf:key="search" ovf:type="string" ovf:userConfigurable="true" ovf:value=""/>
      <ovf:Property ovf:key="mtu" ovf:type="uint16" ovf:qualifiers="MinValue(576) MaxValue(9000)"
        ovf:userConfigurable="true" ovf:value="1500"/>
    </ovf:ProductSection>
  </ovf:VirtualSystem>
</ovf:Envelope>
"""


def make(folder: Path, content: int) -> Path:
    """An OVA in `folder` whose disk of 96 MiB holds `content` random bytes, the rest zeros. Needs qemu-img."""
    raw, disk = folder / "disk.raw", folder / "sg12_image-disk1.vmdk"
    with raw.open("wb") as stream:
        for done in range(0, content, 1 << 20):
            stream.write(os.urandom(min(1 << 20, content - done)))
        stream.truncate(CAPACITY)
    command = ["qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized"]
    subprocess.run([*command, str(raw), str(disk)], check=True)
    raw.unlink()
    return pack(folder / "base.ova", disk)


def pack(package: Path, disk: Path) -> Path:
    """A tar (USTAR) of descriptor, manifest (SHA256) and `disk`."""
    text = DESCRIPTOR.format(disk=disk.name, size=disk.stat().st_size, capacity=CAPACITY)
    descriptor, manifest = package.with_name("sg12_image.ovf"), package.with_name("sg12_image.mf")
    descriptor.write_text(text, encoding="utf-8")
    lines = [f"SHA256({file.name})= {hashlib.sha256(file.read_bytes()).hexdigest()}\n" for file in (descriptor, disk)]
    manifest.write_text("".join(lines), encoding="ascii")
    with tarfile.open(package, "w", format=tarfile.USTAR_FORMAT) as tar:
        for file in (descriptor, manifest, disk):
            tar.add(file, file.name, filter=_anonymous)
    return package


def available() -> bool:
    """Whether qemu-img is on this machine."""
    return shutil.which("qemu-img") is not None


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    member.mode = 0o644
    return member
