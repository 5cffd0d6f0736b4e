"""A libvirt of the tests' own, as root, on a socket in a temporary folder and in a network namespace of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

BRIDGE = "ovabr0"  # in its namespace
_PROGRAMS = ("libvirtd", "virtlogd", "virsh", "qemu-system-x86_64", "qemu-img", "qemu-io", "unshare", "ip", "mount")
_PLACES = ("/run/libvirt", "/var/lib/libvirt", "/etc/libvirt", "/var/log/libvirt", "/var/cache/libvirt")
# In namespaces of its own: so it neither finds nor leaves anything. Without KVM, so that it is the same everywhere:
# where KVM is there and does not work, each definition would take more than a minute.
_SETUP = f"""
set -e
for place in {" ".join(_PLACES)}; do mount -t tmpfs -o mode=755 tmpfs "$place"; done
echo 'namespaces = []' >/etc/libvirt/qemu.conf
if [ -e /dev/kvm ]; then
    mkdir -p "$1/dev/net" "$1/dev/pts" "$1/dev/shm"
    cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/ptmx "$1/dev"
    cp -a /dev/net/tun "$1/dev/net"
    mount --rbind /dev/pts "$1/dev/pts"
    mount --rbind /dev/shm "$1/dev/shm"
    mount --rbind "$1/dev" /dev
fi
ip link add {BRIDGE} type bridge
ip link set {BRIDGE} up
virtlogd -p "$1/virtlogd.pid" &
exec libvirtd -f "$1/libvirtd.conf" -p "$1/libvirtd.pid"
"""


def missing() -> str:
    """What this host lacks, '' for nothing."""
    programs = [name for name in _PROGRAMS if shutil.which(name) is None]
    if programs:
        return f"{', '.join(programs)}: not installed here (libvirt-daemon-system libvirt-clients qemu-system-x86)"
    if os.getuid() != 0:
        return "libvirtd is started as root"
    try:
        pwd.getpwnam("libvirt-qemu")
    except KeyError:
        return "no account libvirt-qemu here (libvirt-daemon-system)"
    return ""


MARKS = [
    pytest.mark.slow,
    pytest.mark.xdist_group("libvirt"),
    pytest.mark.skipif(bool(missing()), reason=missing() or "all is here"),
]


class Host:
    """A libvirt, and a folder that its emulator may enter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.uri = f"qemu:///system?socket={folder}/libvirt-sock"

    def virsh(self, *arguments: str) -> str:
        """What a command of virsh prints."""
        command = ["virsh", "--quiet", "--connect", self.uri, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout

    def clear(self, *names: str) -> None:
        """Ends and forgets these domains, as far as they are there."""
        for name in names:
            for command in (("destroy", name), ("undefine", name)):
                subprocess.run(["virsh", "-c", self.uri, *command], capture_output=True, check=False, timeout=300)


@contextmanager
def libvirt_host() -> Iterator[Host]:
    """A libvirt that runs as long as the context."""
    folder = Path(tempfile.mkdtemp(prefix="ova-libvirt-"))
    folder.chmod(0o755)
    for place in _PLACES:
        Path(place).mkdir(parents=True, exist_ok=True)
    configuration = f'unix_sock_dir = "{folder}"\nauth_unix_ro = "none"\nauth_unix_rw = "none"\n'
    (folder / "libvirtd.conf").write_text(configuration, encoding="utf-8")
    log = (folder / "log").open("wb")
    command = ["unshare", "--net", "--mount", "sh", "-c", _SETUP, "sh", str(folder)]
    daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 30
        while not (folder / "libvirt-sock").exists():
            assert daemon.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()[-2000:]
            time.sleep(0.05)
        yield Host(folder)
    finally:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((folder / "virtlogd.pid").read_text()), signal.SIGTERM)
        daemon.terminate()
        daemon.wait(30)
        log.close()
        shutil.rmtree(folder)
