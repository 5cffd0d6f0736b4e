"""The whole chain with a real guest: `make deploy`

A machine runs on a libvirt; it is captured while it runs; its domain XML and disk go into an embedded zone, where
`ova_capture` makes an image of them and `ova_forms libvirt` makes a component's machine; that is got and deployed on
the same libvirt, where it boots with the name and address of its AVUs. Prints what each step took.

usage: python -m tests.guest.deploy FOLDER       FOLDER holds bootable.raw (build_guest.sh, make_bootable.sh)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ova_tools.cli import main as ova
from tests.guest.machine import BOOT_SECONDS, REPORT, expect, reported, told, user_data
from tests.support import REPOSITORY
from tests.support.clients import PythonClient, brought
from tests.support.libvirt import BRIDGE, Host, libvirt_host, missing
from tests.support.waiting import until
from tests.support.zones import embedded_zone, rule_folder

SOURCE = "sg12"
MACHINE = f"""\
<domain type='qemu'><name>{SOURCE}</name><memory unit='MiB'>1024</memory><vcpu>2</vcpu>
<os><type arch='x86_64' machine='q35'>hvm</type></os><features><acpi/></features><cpu mode='maximum'/>
<devices><emulator>/usr/bin/qemu-system-x86_64</emulator>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{{disk}}'/>
<target dev='vda' bus='virtio'/></disk>
<interface type='bridge'><mac address='52:54:00:12:34:56'/><source bridge='{BRIDGE}'/><model type='virtio'/></interface>
<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='{{seed}}'/>
<target dev='sda' bus='scsi'/><readonly/></disk><controller type='scsi' model='virtio-scsi'/>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<console type='pty'/></devices></domain>
"""
RESET = "#!/bin/sh\necho reset >/var/captured\nsync\n"
REPORTS = f"""\
    echo "{REPORT} hostname $(hostname)"
    echo "{REPORT} fqdn $(hostname -f 2>/dev/null)"
    ip -o -4 addr show dev eth0 | while read -r _ _ _ address _; do echo "{REPORT} address $address"; done
    echo "{REPORT} captured $(cat /var/captured)"
"""
USER_DATA = user_data(REPORTS, at_each_boot=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Prints what a step took."""
    print(f"{text} …", flush=True)
    start = time.monotonic()
    yield
    print(f"  {time.monotonic() - start:.1f} s", flush=True)


def command(*arguments: str) -> None:
    """Runs `ova`; ends the run if it refuses."""
    print(f"  $ ova {' '.join(arguments)}", flush=True)
    if ova(list(arguments)):
        raise SystemExit(f"ova {arguments[0]} failed")


def follow(host: Host, name: str, log: Path) -> None:
    """Writes what a domain prints on its console to a file, as long as the domain runs."""
    log.touch()
    terminal = os.open(host.virsh("ttyconsole", name).strip(), os.O_RDONLY | os.O_NOCTTY)

    def copy() -> None:
        with log.open("wb", buffering=0) as file:
            try:
                while data := os.read(terminal, 4096):
                    file.write(data)
            except OSError:  # the domain has ended
                return

    threading.Thread(target=copy, daemon=True).start()


def wait_for(log: Path, text: str) -> None:
    """Waits until a console shows a text."""
    until(lambda: text in log.read_text(errors="replace"), f"{log} does not show {text!r}", BOOT_SECONDS)


def answers(host: Host) -> bool:
    """Whether the agent in the guest does."""
    ping = ["qemu-agent-command", SOURCE, '{"execute":"guest-ping"}']
    return subprocess.run(["virsh", "-q", "-c", host.uri, *ping], capture_output=True, check=False).returncode == 0


def captured(host: Host, guest: Path, place: Path) -> Path:
    """The folder with a machine that was captured while it ran."""
    with step("a machine boots on a libvirt"):
        disk = host.folder / "source.qcow2"
        arguments = ["-f", "raw", "-O", "qcow2", str(guest / "bootable.raw"), str(disk)]
        subprocess.run(["qemu-img", "convert", *arguments], check=True)
        (host.folder / "tasks/reset").mkdir(parents=True)
        (host.folder / "tasks/reset/10-captured.sh").write_text(RESET, encoding="utf-8")
        seed = host.folder / "source.iso"
        tasks = ["--tasks", str(host.folder / "tasks"), "--kind", "nocloud", "-o", str(seed)]
        command("seed", str(REPOSITORY / "demo/sample.ova"), f"hostname={SOURCE}", *tasks)
        (host.folder / "source.xml").write_text(MACHINE.format(disk=disk, seed=seed), encoding="utf-8")
        host.virsh("define", str(host.folder / "source.xml"))
        host.virsh("start", SOURCE)
        follow(host, SOURCE, guest / "console-source.log")
        wait_for(guest / "console-source.log", f"{SOURCE} login:")
        until(lambda: answers(host), "the agent in the guest does not answer", BOOT_SECONDS)
    with step("its reset tasks run, and it is captured while it runs"):
        command("capture", SOURCE, "--reset", "--connect", host.uri, "-o", str(place))
    if host.virsh("domstate", SOURCE).strip() != "running":
        raise SystemExit("it does not run any more")
    host.virsh("destroy", SOURCE)
    return place


def put(client: PythonClient, folder: Path, collection: str) -> None:
    """As `iput -r` does."""
    client.make(collection)
    for each in sorted(folder.iterdir()):
        client.session.data_objects.put(str(each), f"{collection}/{each.name}")


def status(client: PythonClient, collection: str, wanted: str) -> None:
    """Waits for a status; ends the run if it is `failed`."""

    def there() -> bool:
        facts = client.facts(collection)
        if facts.get("ova::status") == "failed":
            raise SystemExit(f"{collection}: {facts.get('ova::message')}")
        return facts.get("ova::status") == wanted

    until(there, f"{collection} is not {wanted}", BOOT_SECONDS)


def main(guest: Path) -> None:
    """The chain."""
    for log in guest.glob("console-*.log"):
        log.unlink()
    with tempfile.TemporaryDirectory(prefix="ova-deploy-") as name, libvirt_host() as host:
        folder = Path(name)
        files = captured(host, guest, host.folder / "captured")
        with embedded_zone(folder / "zone", rule_folder(folder / "etc")) as zone:
            client = PythonClient(zone.session())
            image, grid = f"{zone.home}/captured/sg12", f"{zone.home}/grid02"
            component = f"{grid}/sg77"
            with step("its files are put into the repository"):
                put(client, files, image)
            with step("ova_capture: an image is made of them, and checked"):
                client.set(image, "ova_capture", "yes")
                status(client, image, "ready")
                until(lambda: client.package(f"{image}/sg12.ova") == "valid", "the image is not valid", BOOT_SECONDS)
            with step("a component of it, ready"):
                client.make(f"{component}/config")
                client.put(USER_DATA.encode(), f"{component}/config/user-data")
                client.set(component, "ova_url", f"{image}/sg12.ova")
                for attribute, value in (
                    ("hostname", "sg77"), ("domainname", "cc.kek.jp"), ("ip_addr", "10.91.14.77"),
                    ("netmask", "255.255.255.0"),
                ):  # fmt: skip
                    client.set(component, attribute, value)
                status(client, component, "ready")
            with step("ova_forms libvirt: its disk is converted, its domain and its seed are made"):
                client.set(grid, "ova_networks", f"{BRIDGE}={BRIDGE}")
                client.set(component, "ova_forms", "libvirt")
                status(client, component, "ready")
            with step("an AVU changes: the seed and the domain follow, no disk is converted"):
                client.set(component, "hostname", "sg78")
                status(client, component, "ready")
            with step("the grid is got"):
                place = brought(client, grid, folder)
        with step("it is deployed and started"):
            command("deploy", str(place), "--connect", host.uri, "--images", str(host.folder / "images"), "--start")
        with step("the machine boots"):
            log = guest / "console-deployed.log"
            follow(host, "grid02-sg77", log)
            until(lambda: "end" in reported(log), f"{log} has no report", BOOT_SECONDS)
        expect(told(log), hostname="sg78", fqdn="sg78.cc.kek.jp", address="10.91.14.77/24", captured="reset")
        host.clear("grid02-sg77", SOURCE)
    print("the machine is up, with the name and the address of its AVUs")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    if missing():
        raise SystemExit(f"make deploy needs: {missing()}")
    main(Path(sys.argv[1]).resolve())
