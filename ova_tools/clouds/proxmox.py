"""The commands that make a machine on a Proxmox host, as a script. Pure. Source: Proxmox VE, qm(1), pvesm(1)."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence

from ova_tools.errors import DomainError
from ova_tools.libvirt.machine import Machine
from ova_tools.libvirt.terms import Nic

_NAME = re.compile(r"[^A-Za-z0-9-]+")
_FILE = re.compile(r"[^,\x00-\x1f\x7f]+")
_SHOWN = re.compile(r"[^A-Za-z0-9._-]+")  # a name may hold a newline, and this is a comment
_SCSI = {"virtio-scsi": "virtio-scsi-pci", "vmpvscsi": "pvscsi", "lsisas1068": "lsi", "lsilogic": "lsi"}
_NICS = {"e1000", "e1000e", "rtl8139", "virtio", "vmxnet3", "pcnet"}
_PLACES = {"virtio": 16, "scsi": 31, "sata": 5, "ide": 2}  # sata5 or ide2 is the seed's
_MIB = 1 << 20

_HEAD = """\
#!/bin/sh
# Makes the machine {name} on this Proxmox host from the files beside this script:
#     sh {script} VMID STORAGE [ISO-STORAGE]
# STORAGE is where its disks go; ISO-STORAGE, with content of type iso ("local" if left out), where its seed goes.
# To hand the machine new values later, run the line that begins with cp again, and restart the machine.
set -eu
vmid=${{1:?usage: sh {script} VMID STORAGE [ISO-STORAGE]}}
storage=${{2:?usage: sh {script} VMID STORAGE [ISO-STORAGE]}}
isos=${{3:-local}}
here=$(cd "$(dirname "$0")" && pwd)
"""


def script(
    machine: Machine,
    name: str,
    own: str,
    disks: Mapping[str, str],
    seed: str,
    macs: Sequence[str],
    bridges: Mapping[str, str],
) -> str:
    """The script's text.

    `own` is its file's name; `disks` are the names of the files beside it, by target; `seed` the name of the CD image;
    `macs` as of `domain_xml`; `bridges` the bridge for each network, vmbr0 for others. Raises DomainError.
    """
    wrong = next((each for each in (name, own, seed, *disks.values()) if not _FILE.fullmatch(each)), None)
    if wrong is not None:
        raise DomainError(f"{wrong!a:.80} has a comma or a control character, which no name has for Proxmox")
    iso = f"{name}.iso"
    quoted = shlex.quote
    lines = [
        _HEAD.format(name=_plain(name), script=_SHOWN.sub("_", own)),
        f'cp -- "$here"/{quoted(seed)} "$(pvesm path "$isos":iso/{quoted(iso)})"',
        'qm create "$vmid" \\',
        f"  --name {quoted(_plain(name))} --ostype l26 --memory {-(-machine.memory // _MIB)} \\",
        f"  --cores {machine.cores} --sockets {machine.processors // machine.cores} \\",
    ]
    if machine.firmware == "efi":
        keys = 1 if machine.secure_boot else 0
        lines.append(f'  --bios ovmf --machine q35 --efidisk0 "$storage":1,efitype=4m,pre-enrolled-keys={keys} \\')
    counts: dict[str, int] = {}
    first = ""
    models = {disk.scsi for disk in machine.disks if disk.bus == "scsi"}
    if len(models) > 1:
        raise DomainError(f"{machine.name} has SCSI controllers of several models; Proxmox has one for all disks")
    lines += [f"  --scsihw {_SCSI.get(model, 'virtio-scsi-pci')} \\" for model in models]
    for disk in machine.disks:
        number = counts[disk.bus] = counts.get(disk.bus, -1) + 1
        if number >= _PLACES.get(disk.bus, 0):
            raise DomainError(f"{machine.name} has more disks on {disk.bus} than Proxmox has places for")
        first = first or f"{disk.bus}{number}"
        source = f'"$here"/{quoted(disks[disk.target])}'
        lines.append(f'  --{disk.bus}{number} "$storage":0,import-from={source} \\')
    for number, nic in enumerate(machine.nics):
        lines.append(f"  --net{number} {quoted(_nic(nic, macs[number], bridges))} \\")
    drive = "ide2" if machine.firmware == "bios" else "sata5"
    boot = f" --boot order={first}" if first else ""
    lines.append(f'  --{drive} "$isos":iso/{quoted(iso)},media=cdrom{boot}')
    return "\n".join([*lines, ""])


def _nic(nic: Nic, mac: str, bridges: Mapping[str, str]) -> str:
    model = nic.model if nic.model in _NICS else "e1000"
    return f"{model}={mac},bridge={bridges.get(nic.network, 'vmbr0').rpartition(':')[2]}"


def _plain(name: str) -> str:
    """A name as Proxmox takes it: a label of DNS."""
    return _NAME.sub("-", name).strip("-")[:63] or "machine"
