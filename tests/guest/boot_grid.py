"""The example grid works: its computing element runs a job on its worker. `make boot-grid`

Starts an embedded zone and makes the grid of examples/grid in it with its own script and Debian's packages; gets the
seeds of ce01 and wn01, boots a guest with each on one virtual network, and reads from the console of ce01 what `srun
hostname` printed, and what the information system says. The two machines see nothing but each other.

usage: python -m tests.guest.boot_grid FOLDER     FOLDER holds disk.raw, vmlinuz, initrd, status (build_guest.sh FOLDER)
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from irods_zone.pytest_plugin import EmbeddedZone

from tests.guest.machine import BOOT_SECONDS, REPORT, Machine, expect, reported, told, user_data
from tests.support import REPOSITORY
from tests.support.clients import PythonClient
from tests.support.icommands import commands
from tests.support.zones import embedded_zone, rule_folder

EXAMPLE = REPOSITORY / "examples/grid"
PATIENCE = "60"  # tries of srun, with a few seconds between them

REPORTS = f"""\
    echo "{REPORT} hostname $(hostname)"
    echo "{REPORT} tasks $(tr '\\n' ' ' </var/lib/ova-tasks/result 2>/dev/null)"
    grep -q ' failed ' /var/lib/ova-tasks/result && tail -n 20 /var/log/ova-tasks.log
    WORK
"""
USER_DATA = user_data(REPORTS, errors=True)
WORK = {
    "wn01": "",
    "ce01": f"""
    for try in $(seq {PATIENCE}); do
        found=$(timeout 60 srun -N1 hostname 2>&1) && break
        echo "srun: $found; $(sinfo -h -o '%n %T' 2>&1 | tr '\\n' ' ')"
        sleep 5
    done
    echo "{REPORT} srun $found"
    echo "{REPORT} sinfo $(sinfo -h -o '%n %T' | tr '\\n' ' ')"
    for try in $(seq {PATIENCE}); do
        found=$(ldapsearch -LLL -x -H ldap://localhost:2170 -b o=glue '(objectClass=GLUE2ComputingService)' \\
            GLUE2ServiceAdminDomainForeignKey 2>/dev/null | sed -n 's/^GLUE2ServiceAdmin[^:]*: //p')
        [ -n "$found" ] && break
        sleep 5
    done
    echo "{REPORT} bdii $found"
""",
}


def make_grid(zone: EmbeddedZone, guest: Path, folder: Path) -> str:
    """The grid, by the example's own scripts. Returns its path."""
    packages = guest / "packages"
    if not packages.exists():
        subprocess.run(["sh", str(EXAMPLE / "packages.sh"), str(packages), str(guest / "status")], check=True)
    PythonClient(zone.session()).put((REPOSITORY / "demo/sample.ova").read_bytes(), f"{zone.home}/base.ova")
    path = f"{commands(folder / 'bin')}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "IRODS_ENVIRONMENT_FILE": str(zone.environment)}
    environment["IRODS_AUTHENTICATION_FILE"] = str(folder / "irodsA")
    if not (folder / "bin/imeta").exists():
        subprocess.run(["iinit"], env=environment, input="rods", text=True, check=True, capture_output=True)
    script = ["sh", str(EXAMPLE / "make-grid.sh"), f"{zone.home}/base.ova", str(packages)]
    subprocess.run(script, env=environment, check=True)
    return f"{zone.home}/grid01"


def main(guest: Path) -> None:
    """Makes the grid and boots two of its machines."""
    with tempfile.TemporaryDirectory(prefix="ova-grid-") as name:
        folder = Path(name)
        network = f"addr.type=unix,addr.path={folder}/network"
        with embedded_zone(folder / "zone", rule_folder(folder / "etc")) as zone:
            grid = make_grid(zone, guest, folder)
            client = PythonClient(zone.session())
            machines, seeds = {}, {}
            for machine, work in WORK.items():
                component = f"{grid}/{machine}"
                client.make(f"{component}/config")
                client.put(USER_DATA.replace("WORK", work).encode(), f"{component}/config/user-data")
                facts = client.facts(component)
                expect(facts, **{"ova::status": "ready"})
                seeds[machine] = folder / f"{machine}.iso"
                seeds[machine].write_bytes(client.get(f"{component}/{machine}.iso"))
                end = "stream,server=on" if machine == "wn01" else "stream"
                mac = facts["ova::mac"]
                machines[machine] = Machine(guest, folder / machine, mac, network=f"{end},{network}", processors=1)
                print(f"{machine}: a seed of {seeds[machine].stat().st_size} bytes, MAC {mac}")
        logs = {machine: guest / f"console-{machine}.log" for machine in machines}
        start = time.monotonic()
        running = [machines["wn01"].start(seeds["wn01"], logs["wn01"])]
        try:
            while not (folder / "network").exists():  # the worker's end of the cable
                time.sleep(0.1)
            running.append(machines["ce01"].start(seeds["ce01"], logs["ce01"]))
            while "end" not in reported(logs["ce01"]) and time.monotonic() - start < 2 * BOOT_SECONDS:
                time.sleep(1)
                if any(process.poll() is not None for process in running):
                    raise SystemExit(f"a machine ended; their consoles are {guest}/console-*.log")
        finally:
            for process in running:
                process.kill()
        for machine in ("wn01", "ce01"):
            print(f"{machine}, {time.monotonic() - start:.0f} s after the start; its console says:")
            found = told(logs[machine])
            expect(found, hostname=machine)
        expect(found, srun="wn01", bdii="EXAMPLE-GRID")
    print("a job ran on the worker")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]).resolve())
