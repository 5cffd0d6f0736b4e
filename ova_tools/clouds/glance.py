"""The image document of a machine for OpenStack: what `POST /v2/images` of Glance takes. Pure.

Source: OpenStack, Image service API v2; Glance, useful image properties.
"""

from __future__ import annotations

import json

from ova_tools.libvirt.machine import Machine

CONTENT = "ova_disk"  # a hash of what the disk follows from
FILE = "ova_file"  # the name of the image's file, beside the document
NUMBERS = ("min_disk", "min_ram")
TEXTS_OF_NUMBERS = ("hw_cpu_cores", "hw_cpu_sockets")
PROPERTIES = {  # all that a document may have
    "name", "disk_format", "container_format", "architecture", "hypervisor_type", "hw_firmware_type", "hw_disk_bus",
    "hw_scsi_model", "hw_machine_type", "hw_vif_model", "os_secure_boot", CONTENT, FILE, *NUMBERS, *TEXTS_OF_NUMBERS,
}  # fmt: skip
_SCSI = {"virtio-scsi", "lsisas1068", "vmpvscsi", "lsilogic"}  # libvirt's models that Nova's hw_scsi_model has too
_BUSES = {"virtio", "scsi", "sata", "ide", "usb"}
_VIFS = {"virtio", "e1000", "e1000e", "vmxnet3", "pcnet", "rtl8139"}
_GIB, _MIB = 1 << 30, 1 << 20


def document(machine: Machine, name: str, content: str, file: str) -> str:
    """The document, as JSON text. `content` becomes the property by which an image that is there is found again.

    `file` is the name of the disk's file.
    """
    disk = machine.disks[0]
    found: dict[str, object] = {
        "name": name,
        "disk_format": "qcow2",
        "container_format": "bare",
        "min_disk": -(-disk.capacity // _GIB),
        "min_ram": -(-machine.memory // _MIB),
        "architecture": "x86_64",
        "hypervisor_type": "qemu",
        "hw_firmware_type": "uefi" if machine.firmware == "efi" else "bios",
        "hw_cpu_cores": str(machine.cores),
        "hw_cpu_sockets": str(machine.processors // machine.cores),
        CONTENT: content,
        FILE: file,
    }
    if disk.bus in _BUSES:
        found["hw_disk_bus"] = disk.bus
    if disk.bus == "scsi" and disk.scsi in _SCSI:
        found["hw_scsi_model"] = disk.scsi
    if disk.bus != "ide":
        found["hw_machine_type"] = "q35"
    models = {nic.model for nic in machine.nics}
    if len(models) == 1 and models <= _VIFS:
        found["hw_vif_model"] = models.pop()
    if machine.secure_boot:
        found["os_secure_boot"] = "required"
    return json.dumps(found, indent=2, sort_keys=True) + "\n"
