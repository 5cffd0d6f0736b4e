"""`ova compose` with the real qemu-img: what comes out, and which disks are refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import subprocess
import tarfile
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.support.appliances import read

from .domains import disk, domain, nic

QEMU_IMG = shutil.which("qemu-img")
pytestmark = pytest.mark.skipif(QEMU_IMG is None, reason="qemu-img is not installed here (Debian: qemu-utils)")
MEGABYTE = 1 << 20


def qemu_img(*arguments: object) -> str:
    done = subprocess.run(["qemu-img", *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    """A disk of 32 MiB with data at both ends."""
    path = tmp_path / "disk.raw"
    with path.open("wb") as file:
        file.write(b"begins" * 10_000)
        file.truncate(32 * MEGABYTE)
        file.seek(-512, 2)
        file.write(b"e" * 512)
    return path


@pytest.fixture
def machine(tmp_path: Path, raw: Path) -> Path:
    """sg12.xml, whose disk vda.qcow2 lies beside it."""
    qemu_img("convert", "-f", "raw", "-O", "qcow2", raw, tmp_path / "vda.qcow2")
    (tmp_path / "sg12.xml").write_bytes(domain())
    return tmp_path / "sg12.xml"


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    target = Path(str(arguments[1])).parent / "out.ova"
    assert main(["compose", *map(str, arguments), "-o", str(target)]) == 1
    assert not target.exists()
    _, err = capsys.readouterr()
    assert err.count("\n") == 1
    return err


def same_disk(package: Path, member: str, raw: Path, folder: Path) -> bool:
    """Whether a disk of the package has the contents of a raw one."""
    with tarfile.open(package) as tar:
        tar.extract(member, folder, filter="data") if hasattr(tarfile, "data_filter") else tar.extract(member, folder)
    return "identical" in qemu_img("compare", "-f", "vmdk", "-F", "raw", folder / member, raw)


@pytest.mark.parametrize("format", ["raw", "qcow2", "vmdk"])
def test_a_machine_becomes_a_package(tmp_path: Path, raw: Path, format: str) -> None:
    qemu_img("convert", "-f", "raw", "-O", format, raw, tmp_path / f"vda.{format}")
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format=format) + nic()))
    (tmp_path / "now.json").write_text(json.dumps({"hostname": "sg12"}))
    out = tmp_path / "sg12.ova"
    arguments = ["--domain", str(tmp_path / "sg12.xml"), "--properties", str(tmp_path / "now.json"), "-o", str(out)]
    assert main(["compose", *arguments]) == 0
    package = read(out.read_bytes())
    assert package.whole
    assert list(package.members) == ["sg12.ovf", "sg12.mf", "sg12-disk1.vmdk"]
    assert package.values["com.ibm.vsae.2_1.system-host.hostname"] == "sg12"
    assert package.members["sg12-disk1.vmdk"][:4] == b"KDMV"
    assert same_disk(out, "sg12-disk1.vmdk", raw, tmp_path)
    assert main(["verify", "--strict", str(out)]) == 0
    assert main(["set", str(out), "hostname=sg13", "--seed", "-o", str(tmp_path / "sg13.ova")]) == 0


def test_several_disks_each_in_its_place(tmp_path: Path, raw: Path) -> None:
    small = tmp_path / "data.raw"
    small.write_bytes(hashlib.sha256(b"x").digest() * 4096)
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="raw") + disk("sdb", "sata", "raw") + nic()))
    given = ["--disk", f"vda={raw}", "--disk", f"sdb={small}"]
    assert main(["compose", "--domain", str(tmp_path / "sg12.xml"), *given, "-o", str(tmp_path / "two.ova")]) == 0
    assert read((tmp_path / "two.ova").read_bytes()).whole
    assert same_disk(tmp_path / "two.ova", "sg12-disk1.vmdk", raw, tmp_path)
    assert same_disk(tmp_path / "two.ova", "sg12-disk2.vmdk", small, tmp_path)


def test_what_is_left_out_is_said(tmp_path: Path, raw: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="raw", source=str(raw)) + "<tpm model='tpm-crb'/>"))
    assert main(["compose", "--domain", str(tmp_path / "sg12.xml"), "-o", str(tmp_path / "out.ova")]) == 0
    out, err = capsys.readouterr()
    assert out == f"disk vda: {raw}\n"
    assert err.endswith("note: not in the package: device tpm\n")


def test_a_disk_with_a_backing_file_is_refused(
    tmp_path: Path, machine: Path, raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qemu_img("create", "-f", "qcow2", "-b", raw, "-F", "raw", tmp_path / "child.qcow2")
    err = refused(capsys, "--domain", machine, "--disk", f"vda={tmp_path / 'child.qcow2'}")
    assert "disk vda has a backing file, so it is not the whole disk" in err


def test_a_disk_that_keeps_its_data_elsewhere_is_refused(
    tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    qemu_img("create", "-f", "qcow2", "-o", f"data_file={tmp_path / 'data'}", tmp_path / "split.qcow2", "1M")
    assert "disk vda keeps its data in another file" in refused(
        capsys, "--domain", machine, "--disk", f"vda={tmp_path / 'split.qcow2'}"
    )


def test_a_vmdk_of_several_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    qemu_img("create", "-f", "vmdk", "-o", "subformat=monolithicFlat", tmp_path / "vda.vmdk", "1M")
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="vmdk")))
    assert "disk vda is no image of the format vmdk; a VMDK in one file" in refused(
        capsys, "--domain", tmp_path / "sg12.xml"
    )


@pytest.mark.parametrize("named", ["/etc/hostname", "fifo"])
def test_a_vmdk_that_names_another_file_is_refused_before_that_is_opened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    os.mkfifo(tmp_path / "fifo")  # whoever opened it would wait for ever
    text = f'# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 2048 FLAT "{tmp_path / named}" 0\n'
    header = b"KDMV" + struct.pack("<II4Q", 1, 3, 0, 128, 1, 20) + bytes(468)
    (tmp_path / "vda.vmdk").write_bytes(header + text.encode().ljust(20 * 512, b"\0"))
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="vmdk")))
    assert "disk vda is no image of the format vmdk" in refused(capsys, "--domain", tmp_path / "sg12.xml")


def test_an_encrypted_disk_is_refused(tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secret = ["--object", "secret,id=s,data=pass", "-o", "encrypt.format=luks,encrypt.key-secret=s"]
    qemu_img("create", "-f", "qcow2", *secret, tmp_path / "locked.qcow2", "1M")
    assert "disk vda is encrypted" in refused(capsys, "--domain", machine, "--disk", f"vda={tmp_path / 'locked.qcow2'}")


def test_a_disk_of_an_exabyte_is_refused(tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    qemu_img("create", "-f", "qcow2", tmp_path / "huge.qcow2", "1M")
    with (tmp_path / "huge.qcow2").open("r+b") as file:
        file.seek(24)  # where a qcow2 has its size
        file.write((1 << 60).to_bytes(8, "big"))
    assert "disk vda" in refused(capsys, "--domain", machine, "--disk", f"vda={tmp_path / 'huge.qcow2'}")


def test_a_disk_that_is_cut_short_is_refused(tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = (tmp_path / "vda.qcow2").read_bytes()
    (tmp_path / "vda.qcow2").write_bytes(data[: len(data) // 2])
    assert "disk vda is damaged or cut short" in refused(capsys, "--domain", machine)


@pytest.mark.parametrize("data", [b"", b"QFI\xfb" + bytes(100), b"no image at all" * 1000])
def test_what_is_no_image_is_refused(
    tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str], data: bytes
) -> None:
    (tmp_path / "vda.qcow2").write_bytes(data)
    assert "disk vda" in refused(capsys, "--domain", machine)


def test_a_disk_that_is_not_here_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "sg12.xml").write_bytes(domain())
    assert "vda.qcow2 is not here; --disk vda=FILE names it" in refused(capsys, "--domain", tmp_path / "sg12.xml")
    err = refused(capsys, "--domain", tmp_path / "sg12.xml", "--disk", "vdb=x")
    assert "has no disk vdb; it has: vda" in err


def test_a_disk_that_changes_meanwhile_is_refused(
    tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ova_tools import qemu_img as converter

    plain = converter.to_vmdk

    def converted(*arguments: object) -> int:
        with (tmp_path / "vda.qcow2").open("r+b") as file:
            file.seek(0, 2)
            file.write(b"x")
        return plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(converter, "to_vmdk", converted)
    assert "disk vda changed while it was converted" in refused(capsys, "--domain", machine)


def test_a_change_between_the_check_and_the_conversion_is_seen(
    tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from ova_tools import qemu_img as converter

    plain = converter._check

    def checked(*arguments: object) -> None:
        plain(*arguments)  # type: ignore[arg-type]
        before = (tmp_path / "vda.qcow2").stat()
        with (tmp_path / "vda.qcow2").open("r+b") as file:
            file.write(b"QFI\xfb")
        os.utime(tmp_path / "vda.qcow2", ns=(before.st_atime_ns, before.st_mtime_ns))

    monkeypatch.setattr(converter, "_check", checked)
    assert "disk vda changed while it was converted" in refused(capsys, "--domain", machine)


@pytest.mark.parametrize("text", ["[" * 200_000, "{", "[]", '{"a": 1}'])
def test_properties_that_are_no_json_object_of_texts(
    tmp_path: Path, machine: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    (tmp_path / "now.json").write_text(text)
    assert "now.json" in refused(capsys, "--domain", machine, "--properties", tmp_path / "now.json")


def test_without_room_nothing_is_left(tmp_path: Path, machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (
        "import resource, signal, sys; from ova_tools.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)); sys.exit(main(sys.argv[1:]))"
    )
    import sys

    (tmp_path / "out").mkdir()
    command = [sys.executable, "-c", script, "compose", "--domain", str(machine), "-o", str(tmp_path / "out/sg12.ova")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == []
