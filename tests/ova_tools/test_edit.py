"""An edit changes only the requested values, the manifest and the padding, and always gives the same result."""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from ova_tools.errors import ManifestError, PropertyError
from ova_tools.layout import Extent
from tests.support.appliances import manifest_of

from . import build
from .build import edited


def members(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {m.name: archive.extractfile(m).read() for m in archive.getmembers()}  # type: ignore[union-attr]


def test_the_new_value_is_read_back_and_the_manifest_fits(tmp_path: Path) -> None:
    _, data = edited(build.ova(tmp_path), ("hostname", "sg12"))

    found = members(data)
    assert b'ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="sg12"' in found["vm.ovf"]
    assert found["vm.mf"] == manifest_of({"vm.ovf": found["vm.ovf"], "disk.vmdk": build.disk()})
    assert found["disk.vmdk"] == build.disk()


def test_in_the_descriptor_only_the_value_changes_and_white_space_is_added_at_the_end(tmp_path: Path) -> None:
    source = build.descriptor()

    _, data = edited(build.ova(tmp_path, source.encode()), ("hostname", "sg12"))

    assert members(data)["vm.ovf"].decode().rstrip() == source.replace('"myhost"', '"sg12"').rstrip()


def test_disks_keep_their_offset_modulo_4096(tmp_path: Path) -> None:
    path = build.ova(tmp_path)
    before = offset_of(path.read_bytes(), "disk.vmdk")

    for value in ("a", "b" * 100, "c" * 9000, "d" * 70000):
        _, data = edited(path, ("hostname", value))
        assert (offset_of(data, "disk.vmdk") - before) % 4096 == 0


def offset_of(data: bytes, name: str) -> int:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmember(name).offset_data


def test_edits_within_the_spare_room_give_files_of_one_size(tmp_path: Path) -> None:
    path = build.ova(tmp_path)

    sizes = {edited(path, ("hostname", "x" * length))[0].plan.size for length in (0, 1, 6, 500, 4095, 8190)}

    assert len(sizes) == 1


def test_the_same_changes_give_the_same_bytes(tmp_path: Path) -> None:
    path = build.ova(tmp_path)

    assert edited(path, ("hostname", "a"), ("cpus", "7")) == edited(path, ("hostname", "a"), ("cpus", "7"))


def test_no_change_without_spare_room_is_the_source_itself(tmp_path: Path) -> None:
    path = build.ova(tmp_path)

    result, data = edited(path, spare=0)

    assert result.plan.segments == (Extent(0, path.stat().st_size),)
    assert data == path.read_bytes()


def test_a_value_of_the_same_length_moves_nothing(tmp_path: Path) -> None:
    path = build.ova(tmp_path)

    _, data = edited(path, ("hostname", "thisho"), spare=0)

    assert len(data) == path.stat().st_size
    differing = [i for i, (a, b) in enumerate(zip(data, path.read_bytes())) if a != b]
    old_line = path.read_bytes().index(b"SHA256(vm.ovf)= ") + 16
    value = path.read_bytes().index(b'"myhost"') + 1
    assert set(differing) <= {*range(value, value + 6), *range(old_line, old_line + 64)}


def test_a_wrong_manifest_line_of_the_descriptor_is_refused(tmp_path: Path) -> None:
    path = build.ova(tmp_path)
    data = bytearray(path.read_bytes())
    data[data.index(b"myhost")] ^= 1
    path.write_bytes(data)

    with pytest.raises(ManifestError, match=r"vm\.mf, line 1: the SHA256 digest of vm\.ovf is wrong"):
        edited(path, ("hostname", "a"))


def test_a_property_that_is_not_user_configurable_is_refused_unless_allowed(tmp_path: Path) -> None:
    path = build.ova(tmp_path)

    with pytest.raises(PropertyError, match="property fixed is fixed") as caught:
        edited(path, ("fixed", "new"))
    assert caught.value.property == "fixed"

    _, data = edited(path, ("fixed", "new"), allow_fixed=True)
    assert b'ovf:value="new"' in members(data)["vm.ovf"]


@pytest.mark.parametrize("algorithm", ["SHA1", "SHA256", "SHA512"])
def test_the_manifest_keeps_its_algorithm(tmp_path: Path, algorithm: str) -> None:
    _, data = edited(build.ova(tmp_path, algorithm=algorithm), ("hostname", "a"))

    found = members(data)
    digest = hashlib.new(algorithm.lower(), found["vm.ovf"]).hexdigest()
    assert found["vm.mf"].startswith(f"{algorithm}(vm.ovf)= {digest}\n".encode())


def test_gnu_tar_reads_the_result(tmp_path: Path) -> None:
    _, data = edited(build.ova(tmp_path), ("hostname", "a"))
    (tmp_path / "new.ova").write_bytes(data)

    assert os.system(f"tar tf {tmp_path}/new.ova > {tmp_path}/list") == 0
    assert (tmp_path / "list").read_text() == "vm.ovf\nvm.mf\ndisk.vmdk\n"
