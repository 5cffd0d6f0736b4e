"""A plain .ovf: edited with the manifest and certificate beside it; its disks may be elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_tools.cli import main
from ova_tools.errors import PackageError
from ova_tools.limits import MAX_MANIFEST_BYTES
from ova_tools.package import Kind, read_archive
from tests.support.appliances import manifest_of

from . import build
from .test_cli import refusal


def test_a_plain_descriptor_is_edited_with_its_manifest_though_its_disks_are_elsewhere(tmp_path: Path) -> None:
    text = build.descriptor().encode()
    (tmp_path / "vm.ovf").write_bytes(text)
    (tmp_path / "vm.mf").write_bytes(manifest_of({"vm.ovf": text, "disk.vmdk": b"d"}))
    (tmp_path / "vm.cert").write_bytes(b"signature")

    assert main(["set", str(tmp_path / "vm.ovf"), "hostname=sg12", "--in-place"]) == 0

    new = text.replace(b'"myhost"', b'"sg12"')
    assert (tmp_path / "vm.ovf").read_bytes() == new
    assert (tmp_path / "vm.mf").read_bytes() == manifest_of({"vm.ovf": new, "disk.vmdk": b"d"})
    assert sorted(p.name for p in tmp_path.iterdir()) == ["vm.mf", "vm.ovf"]


def test_a_plain_descriptor_under_a_new_name_gets_a_manifest_of_that_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = build.descriptor().encode()
    (tmp_path / "vm.ovf").write_bytes(text)
    (tmp_path / "disk.vmdk").write_bytes(b"d")
    (tmp_path / "vm.mf").write_bytes(manifest_of({"vm.ovf": text, "disk.vmdk": b"d"}))

    assert main(["set", str(tmp_path / "vm.ovf"), "hostname=sg12", "-o", str(tmp_path / "new.ovf")]) == 0
    assert main(["verify", str(tmp_path / "new.ovf")]) == 0

    assert capsys.readouterr().out == "new.ovf: SHA256 right\ndisk.vmdk: SHA256 right\n"
    assert (tmp_path / "vm.ovf").read_bytes() == text
    assert "must end with .ovf" in refusal(capsys, "set", tmp_path / "vm.ovf", "hostname=a", "-o", tmp_path / "new.ova")


def test_verify_of_a_plain_descriptor_misses_its_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor())

    assert main(["inspect", str(tmp_path / "vm.ovf")]) == 0
    capsys.readouterr()
    assert "disk.vmdk is not in the package" in refusal(capsys, "verify", tmp_path / "vm.ovf")


def test_a_wrong_manifest_beside_a_descriptor_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor())
    (tmp_path / "vm.mf").write_bytes(manifest_of({"vm.ovf": b"another"}))

    line = refusal(capsys, "set", tmp_path / "vm.ovf", "hostname=a", "--in-place")

    assert "vm.mf, line 1: the SHA256 digest of vm.ovf is wrong" in line
    assert (tmp_path / "vm.ovf").read_text() == build.descriptor()


def test_an_output_whose_manifest_is_the_inputs_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = build.descriptor().encode()
    (tmp_path / "vm.OVF").write_bytes(text)
    (tmp_path / "vm.mf").write_bytes(manifest_of({"vm.OVF": text}))

    line = refusal(capsys, "set", tmp_path / "vm.OVF", "hostname=a", "-o", tmp_path / "vm.ovf")

    assert line.endswith("vm.mf is a file of the input; a different name for the output would be right")


def test_no_padding_is_added_to_a_plain_descriptor(tmp_path: Path) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor())

    assert main(["set", str(tmp_path / "vm.ovf"), "hostname=" + "x" * 9000, "--in-place"]) == 0

    assert (tmp_path / "vm.ovf").read_text() == build.descriptor().replace('"myhost"', f'"{"x" * 9000}"')


def test_a_descriptor_is_no_archive_and_nothing_beside_it_is_read(tmp_path: Path) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor())
    (tmp_path / "vm.mf").write_bytes(b"x" * (MAX_MANIFEST_BYTES + 1))
    with read_archive(build.ova(tmp_path)) as package:
        assert package.kind is Kind.OVA
    with pytest.raises(PackageError, match=r"OVF descriptor without its files; an \.ova, one archive of all, is right"):
        read_archive(tmp_path / "vm.ovf")
