"""The manifest and certificate of a package under any name; lines that cannot be right in any manifest."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_tools.cli import main
from ova_tools.errors import PackageError
from ova_tools.inspect import report
from ova_tools.notes import NoteKind
from ova_tools.package import read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of, tar_of

from . import build
from .test_cli import refusal

TEXT = build.descriptor().encode()
LINES = manifest_of({"vm.ovf": TEXT, "disk.vmdk": b"d"})


def folder(path: Path, **manifests: bytes) -> Path:
    (path / "vm.ovf").write_bytes(TEXT)
    (path / "disk.vmdk").write_bytes(b"d")
    for name, lines in manifests.items():
        (path / name.replace("_", ".")).write_bytes(lines)
    return path / "vm.ovf"


@pytest.mark.parametrize("name", ["VM.mf", "vm.MF", "Vm.Mf", "appliance.mf", "APPLIANCE.MF"])
def test_a_manifest_of_another_name_is_found_and_renewed_where_it_is(tmp_path: Path, name: str) -> None:
    path = folder(tmp_path)
    (tmp_path / name).write_bytes(LINES)
    (tmp_path / "other.mf").write_bytes(manifest_of({"other.ovf": b"o"}))

    with read_package(path) as package:
        assert package.manifest is not None and package.manifest.name == name
        assert [note.kind for note in package.notes] == [NoteKind.COMPANION_NAME]
    assert main(["set", str(path), "hostname=sg12", "--in-place"]) == 0

    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([name, "other.mf", "vm.ovf", "disk.vmdk"])
    assert (tmp_path / name).read_bytes() == manifest_of({"vm.ovf": path.read_bytes(), "disk.vmdk": b"d"})
    assert main(["verify", str(path)]) == 0


def test_a_manifest_of_another_package_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    path = folder(tmp_path, other_mf=manifest_of({"other.ovf": b"o"}))

    with read_package(path) as package:
        assert package.manifest is None


@pytest.mark.parametrize("names", [("a.mf", "b.mf"), ("VM.mf", "Vm.mf")])
def test_of_two_manifests_none_is_chosen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: tuple[str, str]
) -> None:
    path = folder(tmp_path)
    for name in names:
        (tmp_path / name).write_bytes(LINES)

    for command in (["verify"], ["set", "--in-place", "hostname=a"]):
        line = refusal(capsys, command[0], path, *command[1:])
        assert f"{' and '.join(sorted(names))} beside vm.ovf may be meant; vm.mf would be right" in line


@pytest.mark.parametrize("name", ["new.mf", "NEW.mf", "new.cert"])
def test_an_output_beside_which_a_manifest_or_certificate_would_be_stale_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = folder(tmp_path)
    (tmp_path / name).write_bytes(b"")

    assert f"{name} would be wrong for the new new.ovf" in refusal(
        capsys, "set", path, "hostname=a", "-o", tmp_path / "new.ovf"
    )
    assert not (tmp_path / "new.ovf").exists()


def test_through_a_link_no_manifest_is_left_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "real").mkdir()
    path = folder(tmp_path / "real", vm_mf=LINES)
    (tmp_path / "vm.ovf").symlink_to(path)

    line = refusal(capsys, "set", tmp_path / "vm.ovf", "hostname=a", "--in-place")

    assert "real/vm.mf would be wrong for the new vm.ovf" in line
    assert path.read_bytes() == TEXT


def test_a_folder_in_which_very_many_files_lie_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ova_tools.companions.MAX_FOLDER", 5)
    for number in range(6):
        (tmp_path / str(number)).touch()

    with pytest.raises(PackageError, match="more than 5 files beside it; a folder of its own is right"):
        read_package(folder(tmp_path))


def test_in_an_archive_the_only_manifest_is_the_manifest(tmp_path: Path) -> None:
    (tmp_path / "vm.ova").write_bytes(tar_of({"vm.ovf": TEXT, "x.MF": LINES, "disk.vmdk": b"d"}))

    with read_package(tmp_path / "vm.ova") as package:
        assert [note.text for note in package.notes] == ["the manifest is x.MF; vm.mf would be right (DSP0243 5.1)"]
        assert verify_members(package).hashed == (("vm.ovf", "SHA256"), ("disk.vmdk", "SHA256"))


OWN = {
    "itself": ("SHA256(vm.mf)= {0}\n", "line 3: about vm.mf"),
    "itself, twice": ("SHA256(vm.mf)= {0}\nSHA256 (./vm.mf) = {0}\n", "lines 3, 4: about vm.mf"),
    "itself in another case": ("SHA256(VM.MF)= {0}\n", "line 3: about VM.MF"),
    "a certificate that is not there": ("SHA256(vm.cert)= {0}\n", "line 3: about vm.cert"),
    "both": ("SHA2-256(vm.cert)= {0}\r\nSHA256 (vm.mf) = {0}\r\n", "lines 3, 4: about vm.cert"),
}


@pytest.mark.parametrize("what", OWN)
@pytest.mark.parametrize("first", [False, True])
def test_a_line_about_the_manifest_or_the_certificate_is_passed_over(tmp_path: Path, what: str, first: bool) -> None:
    own, text = OWN[what]
    own_lines = own.format("0" * 64).encode()
    lines = own_lines + LINES if first else LINES + own_lines
    (tmp_path / "vm.ova").write_bytes(tar_of({"vm.ovf": TEXT, "vm.mf": lines, "disk.vmdk": b"d"}))

    with read_package(tmp_path / "vm.ova") as package:
        (note,) = package.notes
        assert note.kind is NoteKind.MANIFEST_LINE
        assert first or text in note.text
        assert verify_members(package).hashed == (("vm.ovf", "SHA256"), ("disk.vmdk", "SHA256"))
        verdicts = [line["verdict"] for line in report(package)["manifest"]["lines"]]
        assert verdicts.count("passed over") == own.count("SHA")
    result, new = build.edited(tmp_path / "vm.ova", ("hostname", "sg12"))
    assert result.notes == (note,)
    (tmp_path / "vm.ova").write_bytes(new)
    assert main(["verify", str(tmp_path / "vm.ova")]) == 0


@pytest.mark.parametrize("name", ["vm.cert", "other.cert"])
def test_the_line_about_a_certificate_goes_with_it(tmp_path: Path, name: str) -> None:
    lines = LINES + manifest_of({name: b"old"})
    members = {"vm.ovf": TEXT, "vm.mf": lines, name: b"c", "disk.vmdk": b"d"}
    (tmp_path / "vm.ova").write_bytes(tar_of(members))

    result, new = build.edited(tmp_path / "vm.ova", ("hostname", "sg12"))

    assert result.manifest == manifest_of({"vm.ovf": result.descriptor, "disk.vmdk": b"d"})
    (tmp_path / "vm.ova").write_bytes(new)
    assert main(["verify", "--strict", str(tmp_path / "vm.ova")]) == 0


def test_a_referenced_file_that_ends_with_cert_is_checked_as_any_other(tmp_path: Path) -> None:
    text = build.descriptor(href="ca.cert").encode()
    listed = manifest_of({"vm.ovf": text, "ca.cert": b"c"})
    members = [("vm.ovf", text), ("vm.mf", listed), ("ca.cert", b"d"), ("vm.cert", b"")]
    (tmp_path / "vm.ova").write_bytes(tar_of(members))

    with read_package(tmp_path / "vm.ova") as package, pytest.raises(Exception, match=r"digest of ca\.cert is wrong"):
        verify_members(package)


@pytest.mark.parametrize("namespace", ["http://schemas.dmtf.org/ovf/envelope/1", "http://schemas.dmtf.org/ovf/envelope/2",
                                       "http://www.vmware.com/schema/ovf/1/envelope"])  # fmt: skip
def test_a_slash_at_the_end_of_the_namespace_is_read_noted_and_kept(tmp_path: Path, namespace: str) -> None:
    text = build.descriptor().replace(build.OVF1, f"{namespace}/").encode()
    path = build.ova(tmp_path, text)

    result, _ = build.edited(path, ("hostname", "sg12"))

    (note,) = result.notes
    assert note.kind is NoteKind.NAMESPACE
    assert f"{namespace}/" in note.text
    assert result.descriptor.rstrip() == text.replace(b'"myhost"', b'"sg12"').rstrip()
