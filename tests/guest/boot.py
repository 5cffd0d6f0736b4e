"""A machine boots with its values and tasks, over three boots with a changed seed: `make boot`.

Starts an embedded zone, sets the paper's seven AVUs and two tasks by python-irodsclient, gets the seed, boots the guest
of build_guest.sh with it in QEMU, and reads from its console what became of it. Then another host name and address are
set, and the machine boots again; a third boot takes a seed of the kind nocloud. No network but the machine's own.

usage: python -m tests.guest.boot FOLDER       FOLDER holds disk.raw, vmlinuz, initrd (build_guest.sh FOLDER)
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.guest.machine import REPORT, Machine, expect, user_data
from tests.support import REPOSITORY
from tests.support.clients import PythonClient
from tests.support.zones import embedded_zone, rule_folder

MAC = "52:54:00:12:34:56"
TASKS = {"install": "echo once >>/var/installed", "config": 'echo "$OVA_hostname" >>/var/configured'}

# The checks in the guest, as a user's own part of the user-data; at each boot, after the tasks.
REPORTS = f"""\
    echo "{REPORT} hostname $(hostname)"
    echo "{REPORT} fqdn $(hostname -f 2>/dev/null)"
    ip -o -4 addr show dev eth0 | while read -r _ _ _ address _; do echo "{REPORT} address $address"; done
    ip route show default | while read -r _ _ gateway _; do echo "{REPORT} gateway $gateway"; done
    grep '^search' /etc/resolv.conf | while read -r _ search; do echo "{REPORT} search $search"; done
    echo "{REPORT} installed $(cat /var/installed 2>/dev/null | wc -l)"
    echo "{REPORT} configured $(tr '\\n' ' ' </var/configured 2>/dev/null)"
    echo "{REPORT} tasks $(tr '\\n' ' ' </var/lib/ova-tasks/result 2>/dev/null)"
"""
USER_DATA = user_data(REPORTS, at_each_boot=True, then_off=True)


def main(guest: Path) -> None:
    """The three boots."""
    with tempfile.TemporaryDirectory(prefix="ova-boot-") as name:
        folder = Path(name)
        with embedded_zone(folder / "zone", rule_folder(folder / "etc")) as zone:
            client = PythonClient(zone.session())
            home = zone.home
            grid, component = f"{home}/grid01", f"{home}/grid01/comp01"
            client.put((REPOSITORY / "demo/sample.ova").read_bytes(), f"{home}/base.ova")
            client.make(component)
            for group, script in TASKS.items():
                client.make(f"{component}/{group}")
                client.put(f"#!/bin/sh\n{script}\n".encode(), f"{component}/{group}/10-{group}.sh")
            client.put(USER_DATA.encode(), f"{component}/config/user-data")
            client.set(grid, "ova_forms", "seed")
            client.set(component, "ova_url", f"{home}/base.ova")
            for attribute, value in (
                ("hostname", "sg12"), ("domainname", "cc.kek.jp"), ("ip_addr", "10.91.14.12"),
                ("netmask", "255.255.255.0"), ("gateway", "10.91.14.1"), ("search", "cc.kek.jp"), ("mac", MAC),
            ):  # fmt: skip
                client.set(component, attribute, value)
            machine = Machine(guest, folder, MAC)

            def boot(number: int) -> dict[str, str]:
                facts = client.facts(component)
                if facts["ova::status"] != "ready":
                    raise SystemExit(facts.get("ova::message", "the component is not ready"))
                seed = folder / f"seed{number}.iso"
                seed.write_bytes(client.get(f"{component}/comp01.iso"))
                return machine.boot(seed, Path(guest) / f"console{number}.log")

            print("first boot: seven AVUs, two tasks")
            expect(boot(1), hostname="sg12", fqdn="sg12.cc.kek.jp", address="10.91.14.12/24", gateway="10.91.14.1",
                   search="cc.kek.jp", installed="1", configured="sg12")  # fmt: skip
            print("second boot: another host name and address")
            client.set(component, "hostname", "sg77")
            client.set(component, "ip_addr", "10.91.14.77")
            expect(boot(2), hostname="sg77", fqdn="sg77.cc.kek.jp", address="10.91.14.77/24", installed="1",
                   configured="sg12 sg77")  # fmt: skip
            print("third boot: a new machine, and a seed of the kind nocloud")
            client.set(grid, "ova_forms", "seed:nocloud")
            machine = Machine(guest, folder, MAC)
            expect(boot(3), hostname="sg77", address="10.91.14.77/24", gateway="10.91.14.1", search="cc.kek.jp",
                   installed="1", configured="sg77")  # fmt: skip
    print("three boots, each with its values")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).resolve())
