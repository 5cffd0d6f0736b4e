"""Folders as `iget -r` brings them, without a server: what `ova_forms libvirt` makes of a machine."""

from __future__ import annotations

import subprocess
import uuid
from pathlib import Path

from ova_tools.libvirt.domain_xml import Files, Made, domain_xml
from ova_tools.libvirt.machine import Machine, MachineDisk
from ova_tools.libvirt.terms import Nic

ZONE = "/tempZone/home/rods"


def put_machine(
    folder: Path,
    name: str = "sg12",
    *,
    content: str = "c1",
    seed: bytes = b"seed",
    data: str = "0x42",
    nics: tuple[Nic, ...] = (),
    memory: int = 64 << 20,
) -> Path:
    """Writes the files of a component folder/NAME; returns its domain XML. content and data: of its disk."""
    place = folder / name
    place.mkdir(parents=True, exist_ok=True)
    disk = place / f"{name}.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "64M"], check=True)
    subprocess.run(["qemu-io", "-f", "qcow2", "-c", f"write -P {data} 1M 4M", disk], check=True, capture_output=True)
    (place / f"{name}.iso").write_bytes(seed.ljust(4096, b"\0"))
    disks = (MachineDisk("vda", "virtio", "file1", "vmdk", 64 << 20),)
    machine = Machine(name, 1, 1, memory, "bios", False, nics, True, (), disks)
    component = f"{ZONE}/{folder.name}/{name}"
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, component))
    images = f"/var/lib/libvirt/images/{folder.name}/{name}"
    files = Files({"vda": f"{images}/{name}.qcow2"}, f"{images}/{name}.iso")
    text = domain_xml(machine, f"{folder.name}-{name}", files, made=Made(number, component, {"vda": content}))
    path = place / f"{name}.xml"
    path.write_text(text, encoding="utf-8")
    return path
