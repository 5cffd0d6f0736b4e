"""A rebuild by one AVU, against the paper's own way (download, untar, edit, tar, upload) and against `cp`.

    .venv/bin/python -m bench.rebuild [--folder DIR] [--sizes MIB,MIB…] [--rounds N]

Everything over TCP with python-irodsclient, on an embedded zone whose vault lies in DIR (a file system that shares
extents, such as XFS, shows the difference). Prints medians in milliseconds and ratios of one run.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.dom import minidom

from tests.appliances import descriptor_of, manifest_of

REPOSITORY = Path(__file__).resolve().parents[1]
HOME = "/tempZone/home/rods"


@contextmanager
def zone(folder: Path) -> Iterator[Any]:
    """A zone with the rules, building inside the hook whatever the size."""
    from irods.session import iRODSSession

    rules = folder / "etc"
    rules.mkdir()
    (rules / "core.py").symlink_to(REPOSITORY / "core.py")
    (rules / "ova_rules.json").write_text(json.dumps({"inline_limit": 2**40}))
    command = [sys.executable, "-m", "zone.cli", "--root", str(folder / "zone"), "--port", "0"]
    server = subprocess.Popen([*command, "--rules", str(rules / "core.py")], cwd=REPOSITORY, stdout=subprocess.PIPE)
    try:
        assert server.stdout is not None and server.stdout.readline()
        environment = json.loads((folder / "zone" / "irods_environment.json").read_text())
        where = {"host": environment["irods_host"], "port": environment["irods_port"], "zone": "tempZone"}
        with iRODSSession(user="rods", password="rods", **where) as session:
            yield session
    finally:
        server.terminate()
        server.wait()


def package(folder: Path, mebibytes: int) -> Path:
    """An OVA with a disk of that many MiB of random bytes."""
    import hashlib

    disk = folder / "disk1.vmdk"
    total = hashlib.sha256()
    with disk.open("wb") as stream:
        for _ in range(mebibytes):
            block = os.urandom(2**20)
            total.update(block)
            stream.write(block)
    (folder / "vm.ovf").write_bytes(descriptor_of())
    lines = manifest_of({"vm.ovf": descriptor_of()}).decode() + f"SHA256(disk1.vmdk)= {total.hexdigest()}\n"
    (folder / "vm.mf").write_text(lines)
    made = folder / "base.ova"
    with tarfile.open(made, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in ("vm.ovf", "vm.mf", "disk1.vmdk"):
            tar.add(folder / name, name)
    disk.unlink()
    return made


def papers_way(session: Any, folder: Path) -> None:
    """What the paper's client does for one component."""
    folder.mkdir()
    session.data_objects.get(f"{HOME}/base.ova", str(folder / "base.ova"))
    with tarfile.open(folder / "base.ova") as tar:
        names = tar.getnames()
        for name in names:
            source = tar.extractfile(name)
            assert source is not None
            with (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
    document = minidom.parse(str(folder / "vm.ovf"))
    for element in document.getElementsByTagName("ovf:Property"):
        if element.getAttribute("ovf:key") == "hostname":
            element.setAttribute("ovf:value", "by-hand")
    (folder / "vm.ovf").write_text(document.toxml())
    with tarfile.open(folder / "comp.ova", "w") as tar:
        for name in names:
            tar.add(folder / name, name)
    session.data_objects.put(str(folder / "comp.ova"), f"{HOME}/by_hand.ova", force=True)
    shutil.rmtree(folder)


def timed(action: Any, *arguments: Any) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    action(*arguments)
    return (time.perf_counter() - start) * 1000


def measure(folder: Path, mebibytes: int, rounds: int) -> None:
    """One size: all ways in turn, several times."""
    from irods.meta import iRODSMeta

    source = package(folder, mebibytes)
    with zone(folder) as session:
        session.data_objects.put(str(source), f"{HOME}/base.ova")
        session.collections.create(f"{HOME}/comp01")
        session.collections.create(f"{HOME}/plain")
        component = session.collections.get(f"{HOME}/comp01").metadata
        plain = session.collections.get(f"{HOME}/plain").metadata
        first = timed(component.set, iRODSMeta("ova_url", f"{HOME}/base.ova"))
        by_hand, rebuilt, nothing, copied = [], [], [], []
        for number in range(rounds):
            by_hand.append(timed(papers_way, session, folder / "by_hand"))
            os.sync()  # what the paper's way left to be written must not count as ours
            rebuilt.append(timed(component.set, iRODSMeta("hostname", f"host{number}")))
            nothing.append(timed(plain.set, iRODSMeta("hostname", f"host{number}")))
            copied.append(timed(subprocess.run, ["cp", "--reflink=never", str(source), str(folder / "copy.ova")]))
    ours, papers = statistics.median(rebuilt), statistics.median(by_hand)
    print(
        f"{mebibytes:6} MiB  paper's way {papers:9.1f}  cp {statistics.median(copied):8.1f}  "
        f"first build {first:8.1f}  imeta set, rebuilt {ours:7.1f}  plain AVU {statistics.median(nothing):5.1f}  "
        f"paper/ours {papers / ours:6.1f}",
        flush=True,
    )


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=None)
    parser.add_argument("--sizes", default="16,64,256")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print("milliseconds, medians")
    for size in options.sizes.split(","):
        with tempfile.TemporaryDirectory(dir=options.folder) as folder:
            measure(Path(folder), int(size), options.rounds)


if __name__ == "__main__":
    main()
