"""Memory stays flat at any size: a large OVA goes in, is rebuilt by the delay queue and comes out."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import rule_folder
from tests.appliances import descriptor_of, manifest_of
from tests.faults.processes import PeakMemory

# Enough to burst the limit; OVA_TEST_SIZE=2147483648 makes it the 2 GiB of the promise.
SIZE = int(os.environ.get("OVA_TEST_SIZE", 512 * 2**20))
LIMIT_KIB = 150 * 1024


def test_a_large_ova_goes_in_is_rebuilt_and_comes_out_in_flat_memory(
    irods_zone_factory: Callable[..., Any], tmp_path: Path
) -> None:
    zone = irods_zone_factory(rule_folder(tmp_path / "etc"))
    package = tmp_path / "big.ova"
    digest = sparse_ova(package)
    component = f"{zone.home}/comp01"
    client = PythonClient(zone.session())
    client.make(component)
    with PeakMemory(zone.pid) as peak:
        client.session.data_objects.put(str(package), f"{zone.home}/big.ova", num_threads=1)
        package.unlink()
        client.set(component, "ova_url", "../big.ova")
        client.set(component, "hostname", "large")
        said = what_it_says_until_ready(client, component)
        with (
            client.session.data_objects.open(f"{component}/comp01.ova", "r") as stream,
            tarfile.open(fileobj=stream, mode="r|", bufsize=4 * 2**20) as tar,
        ):
            found = {}
            for member in tar:
                content = tar.extractfile(member)
                assert content is not None
                if member.name == "vm.ovf":
                    assert b'"large"' in content.read()
                else:
                    found[member.name] = hash_of(content)
    assert found["disk1.vmdk"] == digest
    assert peak.kib < LIMIT_KIB
    assert said[0][0] in ("queued", "building") and said[-1] == ("ready", "")
    assert any(status == "building" and 0 <= int(progress) < 100 for status, progress in said if progress)


def what_it_says_until_ready(client: PythonClient, component: str) -> list[tuple[str, str]]:
    """`ova::status` and `ova::progress`, as somebody sees them who looks again and again."""
    seen: list[tuple[str, str]] = []
    end = time.monotonic() + 120
    while not seen or seen[-1][0] != "ready":
        facts = {avu.name: avu.value for avu in client.session.collections.get(component).metadata.items()}
        now = facts["ova::status"], facts.get("ova::progress", "")
        if now not in seen[-1:]:
            seen.append(now)
        assert time.monotonic() < end and now[0] != "failed", facts
    return seen


def hash_of(stream: Any) -> str:
    total = hashlib.sha256()
    while block := stream.read(1 << 22):
        total.update(block)
    return total.hexdigest()


def sparse_ova(package: Path) -> str:
    """An OVA whose disk is SIZE bytes with a little at both ends; the digest of the disk."""
    start, end = b"start of the disk", b"end of the disk"
    total = hashlib.sha256(start)
    zeros, left = bytes(1 << 22), SIZE - len(start) - len(end)
    while left:
        total.update(zeros[:left] if left < len(zeros) else zeros)
        left -= min(left, len(zeros))
    total.update(end)
    text = descriptor_of()
    manifest = manifest_of({"vm.ovf": text}) + f"SHA256(disk1.vmdk)= {total.hexdigest()}\n".encode()
    with tarfile.open(package, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in (("vm.ovf", text), ("vm.mf", manifest)):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    info = tarfile.TarInfo("disk1.vmdk")
    info.size = SIZE
    with package.open("r+b") as file:
        offset = 512 * 2 + -(-len(text) // 512) * 512 + -(-len(manifest) // 512) * 512
        file.seek(offset)
        file.write(info.tobuf(tarfile.USTAR_FORMAT) + start)
        file.seek(offset + 512 + SIZE - len(end))
        file.write(end)
        file.truncate(-(-(offset + 512 + SIZE + 1024) // 10240) * 10240)
    return total.hexdigest()
