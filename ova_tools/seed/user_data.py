"""User data: what cloud-init does at boot, ours and the user's, as one MIME message.

Ours says that a changed host name and address count at each boot, and runs the tasks of the disc. Source: cloud-init,
User data formats; Updates of network configuration.
"""

from __future__ import annotations

import hashlib
import json
from base64 import encodebytes

from ova_tools.seed.machine import Machine

# What the first line of a user's text says of its kind; the first that fits.
_KINDS = (
    ("#cloud-config", "text/cloud-config"),
    ("#cloud-boothook", "text/cloud-boothook"),
    ("#include", "text/x-include-url"),
    ("#part-handler", "text/part-handler"),
    ("## template: jinja", "text/jinja2"),
    ("#!", "text/x-shellscript"),
)
_MIME = ("content-type:", "mime-version:")

# Runs the tasks of the disc that configures this machine, with the arguments of `tasks/run`.
RUN_TASKS = """\
#!/bin/sh
# Runs the tasks of the disc that configures this machine; at each boot, since the disc may have changed.
place=/run/ova-seed
mkdir -p "$place" || exit 1
for device in /dev/disk/by-label/OVF\\x20ENV /dev/disk/by-label/cidata /dev/disk/by-label/config-2 /dev/sr[0-9]*; do
    [ -b "$device" ] && mount -o ro "$device" "$place" 2>/dev/null || continue
    if [ -f "$place/tasks/run" ]; then
        sh "$place/tasks/run" "$@"
        status=$?
        umount "$place"
        exit "$status"
    fi
    umount "$place"
done
[ $# -eq 0 ] || { echo "no disc with tasks is in this machine" >&2; exit 1; }
"""


def user_data(machine: Machine, own: str, *, has_tasks: bool) -> tuple[bytes, list[str]]:
    """The message, and notes. own: the user's text: cloud-config, a script, MIME or what else cloud-init knows."""
    config: dict[str, object] = {"updates": {"network": {"when": ["boot-new-instance", "boot"]}}}
    config["preserve_hostname"] = False
    if machine.host_name:
        config["hostname"] = machine.host_name.partition(".")[0]
        config["fqdn"] = machine.full_name
        config["manage_etc_hosts"] = "localhost"  # so that the full name is found without a name server
    if machine.public_keys:
        config["ssh_authorized_keys"] = list(machine.public_keys)
    parts = [_part("text/cloud-config", "#cloud-config\n" + json.dumps(config, indent=1, sort_keys=True) + "\n")]
    if has_tasks:
        parts.append(_part("text/x-shellscript-per-boot", RUN_TASKS, "ova-tasks.sh"))
    notes = []
    if own.strip():
        kind = kind_of(own)
        if kind is None:
            notes.append("user-data is neither cloud-config, a script nor MIME; cloud-init passes it over")
        parts.append(own.encode() if kind == "" else _part(kind or "text/plain", own))
    boundary = f"=={hashlib.sha256(b''.join(parts)).hexdigest()[:32]}=="
    lines = [b"MIME-Version: 1.0", f'Content-Type: multipart/mixed; boundary="{boundary}"'.encode(), b""]
    for part in parts:
        lines += [f"--{boundary}".encode(), part]
    return b"\n".join([*lines, f"--{boundary}--".encode(), b""]), notes


def kind_of(text: str) -> str | None:
    """The type of a user's text by its first line; "" where it is MIME itself, None where cloud-init knows none."""
    first = text.lstrip().lower()
    if first.startswith(_MIME):
        return ""
    return next((kind for start, kind in _KINDS if first.startswith(start)), None)


def _part(kind: str, text: str, name: str = "") -> bytes:
    attachment = f'\nContent-Disposition: attachment; filename="{name}"' if name else ""
    head = f'Content-Type: {kind}; charset="utf-8"\nContent-Transfer-Encoding: base64{attachment}\n\n'
    return head.encode() + encodebytes(text.encode())
