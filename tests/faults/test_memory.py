"""Memory stays constant at any size: a large OVA is put, rebuilt by the delay queue, and read."""

from __future__ import annotations

import hashlib
import tarfile
from pathlib import Path
from typing import Any

import pytest

from tests.support.appliances import descriptor_of, write_large
from tests.support.clients import ready_path
from tests.support.processes import PeakMemory
from tests.support.waiting import until
from tests.support.zones import MakePlace, Place

LIMIT_KIB = 150 * 1024


# Enough to burst the limit, and the size of the promise.
@pytest.mark.parametrize("size", [256 * 2**20, pytest.param(2 * 2**30, marks=pytest.mark.slow)])
def test_a_large_ova_goes_in_is_rebuilt_and_comes_out_in_flat_memory(
    size: int, make_place: MakePlace, tmp_path: Path
) -> None:
    place = make_place()
    file, large, component = tmp_path / "big.ova", f"{place.home}/big.ova", f"{place.home}/comp01"
    digest = write_large(file, descriptor_of(disk="disk.vmdk"), size, sparse=True)
    with PeakMemory(place.zone.pid) as peak:
        place.client.session.data_objects.put(str(file), large, num_threads=1)
        file.unlink()
        place.client.component(component, large, hostname="large")
        seen = states_until_ready(place, component)
        descriptor, disk = read_through(place.client.session, ready_path(component))
    assert b'"large"' in descriptor
    assert disk == digest
    assert peak.kib < LIMIT_KIB
    assert seen[0][0] in ("queued", "building") and seen[-1] == ("ready", "")
    assert any(status == "building" and 0 <= int(progress) < 100 for status, progress in seen if progress)


def states_until_ready(place: Place, component: str) -> list[tuple[str, str]]:
    """`ova::status` and `ova::progress`, as somebody sees them who looks again and again."""
    seen: list[tuple[str, str]] = []

    def is_ready() -> bool:
        facts = place.client.facts(component)
        now = facts["ova::status"], facts.get("ova::progress", "")
        if now not in seen[-1:]:
            seen.append(now)
        assert now[0] != "failed", facts
        return now[0] == "ready"

    until(is_ready, "the component is ready", 120)
    return seen


def read_through(session: Any, path: str) -> tuple[bytes, str]:
    """The descriptor and the SHA-256 of the disk of an OVA, of which never more than a block is held."""
    total = hashlib.sha256()
    with (
        session.data_objects.open(path, "r") as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=4 * 2**20) as tar,
    ):
        for member in tar:
            content = tar.extractfile(member)
            assert content is not None
            if member.name == "vm.ovf":
                descriptor = content.read()
            elif member.name == "disk.vmdk":
                while block := content.read(1 << 22):
                    total.update(block)
    return descriptor, total.hexdigest()
