"""The main job of the paper (see README): a component, its settings as AVUs, and the ready OVA that follows them.

Starts an embedded zone on a free port in a temporary folder. Prints every step as the i-command for a real server, and
does it with python-irodsclient over TCP. At the end it times the paper's own way (download, untar, edit, tar, upload)
on the same OVA. Exits with 1 if anything differs from the promise.

    python demo/main_job.py [CORE]      CORE: an installed core.py with its settings beside it, instead of the clone's
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from xml.dom import minidom

import appliance
from irods.meta import iRODSMeta
from irods.session import iRODSSession

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
HOME = "/tempZone/home/rods"
COMPONENT = f"{HOME}/grid01/comp01"
READY = f"{COMPONENT}/comp01.ova"
SOURCE = f"{HOME}/images/base.ova"

# The paper's Table 1; there ova_url is the address of a web server, here it is a path in iRODS.
TABLE_1 = {
    "ova_url": SOURCE,
    "hostname": "sg12",
    "ip_addr": "10.91.14.12",
    "netmask": "255.255.255.0",
    "gateway": "10.91.14.1",
    "domainname": "cc.kek.jp",
    "search": "cc.kek.jp",
}


def say(text: str = "") -> None:
    print(text, flush=True)


def step(command: str, action: Callable[[], Any]) -> float:
    """Prints the i-command, does the same, prints and returns the seconds it took."""
    start = time.perf_counter()
    action()
    seconds = time.perf_counter() - start
    say(f"  $ {command:<88} {seconds * 1000:8.1f} ms")
    return seconds


@contextmanager
def zone(folder: Path, rules: Path) -> Iterator[iRODSSession]:
    """An embedded zone with the rules of that core.py, and a session of the user rods."""
    command = [sys.executable, "-m", "irods_zone.cli", "--root", str(folder), "--port", "0", "--rules", str(rules)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        line = server.stdout.readline().strip()
        if not line:
            sys.exit("the zone did not start")
        say(f"  {line}")
        environment = json.loads((folder / "irods_environment.json").read_text())
        with iRODSSession(
            host=environment["irods_host"],
            port=environment["irods_port"],
            user="rods",
            password="rods",
            zone=environment["irods_zone_name"],
        ) as session:
            yield session
    finally:
        server.terminate()
        server.wait(timeout=10)


def linked_rules(folder: Path) -> Path:
    """A link to the clone's core.py and settings beside it, as on a real server."""
    rules = folder / "etc" / "core.py"
    rules.parent.mkdir()
    rules.symlink_to(REPOSITORY / "core.py")
    (rules.parent / "ova_rules.json").write_text(json.dumps({"state_directory": str(folder / "state")}))
    return rules


def contents(package: Path) -> dict[str, bytes]:
    """The members as Python's own tarfile sees them, in order."""
    found = {}
    with tarfile.open(package) as tar:
        for member in tar:
            stream = tar.extractfile(member)
            assert stream is not None
            found[member.name] = stream.read()
    return found


def member(package: dict[str, bytes], ending: str) -> str:
    """The member name with this ending."""
    return next(name for name in package if name.endswith(ending))


def check(claim: str, holds: bool) -> None:
    say(f"  {'ok ' if holds else 'NOT'}  {claim}")
    if not holds:
        sys.exit(1)


def compare(source: Path, ready: Path) -> None:
    """Compares the descriptor and the disk before and after, and the manifest with the members."""
    old, new = contents(source), contents(ready)
    before, after = (package[member(package, ".ovf")].decode().splitlines() for package in (old, new))
    changed = [pair for pair in zip(before, after) if pair[0] != pair[1]]
    for was, is_now in changed:
        say(f"  - {was.strip()}\n  + {is_now.strip()}")
    padding = [line for line in after[len(before) :] if line.strip()]
    check(f"{len(changed)} lines of the descriptor differ, nothing was added but white space", not padding)
    check("each of Table 1's values is in it", all(f'"{v}"' in "\n".join(after) for v in list(TABLE_1.values())[1:]))
    for line in new[member(new, ".mf")].decode().splitlines():
        name, _, digest = line[len("SHA256(") :].partition(")= ")
        check(f"manifest: {name} is what tarfile and hashlib read", hashlib.sha256(new[name]).hexdigest() == digest)
    disk = member(new, ".vmdk")
    check(
        f"the disk is byte for byte the source's ({hashlib.sha256(old[disk]).hexdigest()[:16]}…)",
        old[disk] == new[disk],
    )
    if appliance.available():
        copy = ready.with_name(disk)
        copy.write_bytes(new[disk])
        command = ["qemu-img", "info", "--output=json", str(copy)]
        size = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["virtual-size"]
        check(f"qemu-img reads the disk: {size // 2**20} MiB", size == appliance.CAPACITY)


def papers_way(session: iRODSSession, folder: Path) -> float:
    """Download, untar, edit with minidom, tar, upload, as the paper's client does. Returns the seconds it took."""
    folder.mkdir()
    start = time.perf_counter()
    session.data_objects.get(SOURCE, str(folder / "base.ova"))
    package = contents(folder / "base.ova")
    for name, data in package.items():
        (folder / name).write_bytes(data)
    descriptor = folder / member(package, ".ovf")
    document = minidom.parse(str(descriptor))
    for element in document.getElementsByTagName("ovf:Property"):
        key = element.getAttribute("ovf:key")
        if key in TABLE_1:
            element.setAttribute("ovf:value", TABLE_1[key])
    descriptor.write_text(document.toxml())
    with tarfile.open(folder / "comp01.ova", "w") as tar:
        for name in package:
            tar.add(folder / name, name)
    session.data_objects.put(str(folder / "comp01.ova"), f"{HOME}/by_hand.ova")
    return time.perf_counter() - start


def fact(session: iRODSSession, name: str) -> str:
    """The value of one AVU of the component, or "-"."""
    found = [avu.value for avu in session.collections.get(COMPONENT).metadata.items() if avu.name == name]
    return found[0] if found else "-"


def run(folder: Path, rules: Path) -> None:
    """Runs all steps, in a temporary folder, with the rules of a core.py."""
    say("1. An appliance")
    source = folder / "base.ova"
    if appliance.available():
        appliance.make(folder, 48 * 2**20)
        say(f"  {source.name}: {source.stat().st_size / 2**20:.1f} MiB, its disk of 96 MiB made by qemu-img")
    else:
        shutil.copy(HERE / "sample.ova", source)
        say("  qemu-img is not installed: the small sample that lies beside the demo is used")

    say("\n2. An embedded zone with the rules, as a real server would load them")
    with zone(folder / "zone", rules) as session:
        say("\n3. The grid of the paper: grid01/comp01 with its three tasks, and the appliance")
        create = session.collections.create
        for task in ("install", "config", "reset"):
            step(f"imkdir -p grid01/comp01/{task}", partial(create, f"{COMPONENT}/{task}", recurse=True))
        step("imkdir images", lambda: create(f"{HOME}/images"))
        step("iput base.ova images/base.ova", lambda: session.data_objects.put(str(source), SOURCE))

        say("\n4. The seven entries of Table 1, as AVUs; each call returns when the ready OVA holds it")
        metadata = session.collections.get(COMPONENT).metadata
        times = {}
        for name, value in TABLE_1.items():
            times[name] = step(
                f"imeta set -C grid01/comp01 {name} {value}", partial(metadata.set, iRODSMeta(name, value))
            )
        say()
        for name in ("ova::status", "ova::message", "ova::fingerprint", "ova::built"):
            say(f"  {name:<18} {fact(session, name)}")
        check("the component is ready", fact(session, "ova::status") == "ready")

        say("\n5. The ready OVA")
        ready = folder / "out" / "comp01.ova"
        ready.parent.mkdir()
        step("iget grid01/comp01/comp01.ova", lambda: session.data_objects.get(READY, str(ready)))
        compare(source, ready)

        say("\n6. A value that does not fit, and a right one")
        step("imeta set -C grid01/comp01 mtu 12", lambda: metadata.set(iRODSMeta("mtu", "12")))
        say(f"  ova::status {fact(session, 'ova::status')}: {fact(session, 'ova::message')}")
        check("a reader is refused, in the same words", fact(session, "ova::message") in refusal(session))
        step("imeta set -C grid01/comp01 mtu 9000", lambda: metadata.set(iRODSMeta("mtu", "9000")))
        check("ready again", fact(session, "ova::status") == "ready")

        say("\n7. Against the paper's own way (download, untar, edit, tar, upload) on the same OVA")
        by_hand = papers_way(session, folder / "by_hand")
        rebuild = sorted(list(times.values())[1:])[len(times) // 2]
        say(f"  the paper's way      {by_hand * 1000:8.1f} ms")
        say(f"  imeta set, rebuilt   {rebuild * 1000:8.1f} ms   ({by_hand / rebuild:.0f} times less)")
    say("\nDone: the ready OVA followed its metadata.")


def refusal(session: iRODSSession) -> str:
    """The server's message to a reader of the ready OVA; "" if the read is allowed."""
    from irods.exception import iRODSException

    try:
        session.data_objects.open(READY, "r").close()
    except iRODSException as error:
        return str(error)
    return ""


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="ova-demo-") as name:
        run(Path(name), Path(sys.argv[1]) if len(sys.argv) > 1 else linked_rules(Path(name)))
