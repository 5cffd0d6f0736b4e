"""What a domain XML of the server may hold. Pure.

Whoever defines a domain may run any program and open any file of the host as libvirt does. So nothing is defined that
`ova_tools.libvirt.domain_xml` does not write: each element, each attribute, and each value that could lead elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element

from ova_tools.errors import DeployError
from ova_tools.libvirt.domain_xml import NAMESPACE, domain_name

_ANY = r"[^\0]*"
_NUMBER = r"[0-9]{1,20}"
_WORD = r"[a-z0-9-]{1,32}"
_MACHINE = f"metadata/{{{NAMESPACE}}}machine"
_DISK, _NIC = "devices/disk", "devices/interface"

# The attributes of each element, by its path, with what they may be.
_ELEMENTS: Mapping[str, Mapping[str, str]] = {
    "": {"type": "kvm"},
    "name": {}, "uuid": {}, "title": {}, "metadata": {}, "vcpu": {}, "devices": {},
    _MACHINE: {"component": _ANY},
    f"{_MACHINE}/{{{NAMESPACE}}}disk": {"target": _WORD, "content": _WORD},
    "memory": {"unit": "b"},
    "os": {"firmware": "efi"},
    "os/type": {"arch": "x86_64", "machine": "pc|q35"},
    "os/firmware": {}, "os/firmware/feature": {"enabled": "yes", "name": "secure-boot"},
    "os/boot": {"dev": "hd"},
    "features": {}, "features/acpi": {}, "features/apic": {}, "features/smm": {"state": "on"},
    "cpu": {"mode": "host-model"},
    "cpu/topology": {"sockets": _NUMBER, "cores": _NUMBER, "threads": "1"},
    _DISK: {"type": "file", "device": "disk|cdrom"},
    f"{_DISK}/driver": {"name": "qemu", "type": "qcow2|raw"},
    f"{_DISK}/source": {"file": _ANY},  # another one takes its place
    f"{_DISK}/target": {"dev": _WORD, "bus": _WORD},
    f"{_DISK}/readonly": {},
    f"{_DISK}/address": {
        "type": "drive", "controller": _NUMBER, "bus": _NUMBER, "target": _NUMBER, "unit": _NUMBER,
    },
    "devices/controller": {"type": "scsi", "index": _NUMBER, "model": _WORD},
    _NIC: {"type": "network|bridge"},
    f"{_NIC}/mac": {"address": "[0-9a-f:]{17}"},
    f"{_NIC}/source": {"network": _ANY, "bridge": r"[A-Za-z0-9_.:@-]{1,64}"},
    f"{_NIC}/model": {"type": _WORD},
    "devices/console": {"type": "pty"},
    "devices/graphics": {"type": "vnc", "autoport": "yes", "listen": "127\\.0\\.0\\.1"},
    "devices/video": {}, "devices/video/model": {"type": "vga"},
}  # fmt: skip
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def require_known(root: Element) -> None:
    """Raise DeployError if a domain holds anything that the server does not write."""
    name, uuid = root.findtext("name") or "", root.findtext("uuid") or ""
    if root.tag != "domain" or domain_name(name) != name or not _UUID.fullmatch(uuid):
        raise DeployError("its name or UUID is none that the server gives")
    for once in ("name", "uuid", "metadata", f"metadata/{{{NAMESPACE}}}machine", "os", "cpu", "devices"):
        if len(root.findall(once)) > 1:
            raise DeployError(f"it has {once.rpartition('}')[2]} more than once, which the server does not write")
    targets = [each.get("dev") for each in root.iterfind("devices/disk/target")]
    if len(set(targets)) < len(targets):
        raise DeployError("two of its disks have one target, which the server does not write")
    _require(root, "")
    for drive in root.iterfind("devices/disk"):
        driver, device = drive.find("driver"), drive.get("device")
        if driver is None or driver.get("type") != ("raw" if device == "cdrom" else "qcow2"):
            raise DeployError("it has a disk of another format than the server gives")


def _require(element: Element, path: str) -> None:
    allowed = _ELEMENTS.get(path)
    shown = path.replace(f"{{{NAMESPACE}}}", "ova:") or "domain"
    if allowed is None:
        raise DeployError(f"it has {shown[:100]}, which the server does not write")
    for attribute, value in element.attrib.items():
        if attribute not in allowed or not re.fullmatch(allowed[attribute], value):
            raise DeployError(f"it has {shown} with {attribute[:40]}={value[:80]!r}, which the server does not write")
    for child in element:
        _require(child, f"{path}/{child.tag}" if path else child.tag)
