"""`ova libvirt` with the real qemu-img: the files, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ova_tools.cli import main
from ova_tools.compose.domain import read_domain
from tests.ova_tools.compose.domains import disk, domain, nic

pytestmark = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img is not installed here (Debian: qemu-utils)"
)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    path = tmp_path / "vda.raw"
    path.write_bytes(b"begins" * 10_000 + bytes(4 << 20) + b"e" * 512)
    with path.open("r+b") as file:
        file.truncate(-(-path.stat().st_size // 512) * 512)
    return path


@pytest.fixture
def package(tmp_path: Path, raw: Path) -> Path:
    """sg12.ova, composed of a machine with two network interfaces."""
    (tmp_path / "sg12.xml").write_bytes(
        domain(disk(format="raw", source=str(raw)) + nic() + nic("52:54:00:00:00:02", "VM Network"))
    )
    assert main(["compose", "--domain", str(tmp_path / "sg12.xml"), "-o", str(tmp_path / "sg12.ova")]) == 0
    return tmp_path / "sg12.ova"


def same(qcow2: Path, raw: Path) -> bool:
    command = ["qemu-img", "compare", "-f", "qcow2", "-F", "raw", str(qcow2), str(raw)]
    return subprocess.run(command, capture_output=True).returncode == 0


def test_a_package_becomes_a_domain(tmp_path: Path, package: Path, raw: Path) -> None:
    (tmp_path / "seed.iso").write_bytes(b"x")
    arguments = ["--seed", str(tmp_path / "seed.iso"), "--mac", "52:54:00:aa:bb:cc", "--network", "VM Network=br0"]
    assert main(["libvirt", str(package), *arguments, "-o", str(tmp_path / "out")]) == 0
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["sg12.qcow2", "sg12.xml"]
    assert same(tmp_path / "out/sg12.qcow2", raw)
    text = (tmp_path / "out/sg12.xml").read_text()
    found = read_domain(text.encode())
    assert (found.disks[0].source, found.disks[0].format) == (str(tmp_path / "out/sg12.qcow2"), "qcow2")
    assert [(each.mac, each.network) for each in found.nics] == [
        ("52:54:00:aa:bb:cc", "default"),
        ("52:54:00:00:00:02", "br0"),
    ]
    assert f'<source file="{tmp_path / "seed.iso"}"/>' in text


def test_a_plain_ovf_and_one_with_a_seed_inside(tmp_path: Path, package: Path, raw: Path) -> None:
    assert main(["set", str(package), "hostname=sg13", "--seed", "-o", str(tmp_path / "sg13.ova")]) == 0
    assert main(["unpack", str(tmp_path / "sg13.ova"), "-o", str(tmp_path / "un")]) == 0
    assert main(["libvirt", str(tmp_path / "un/sg12.ovf"), "--name", "other", "-o", str(tmp_path / "out")]) == 0
    assert same(tmp_path / "out/other.qcow2", raw)


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--mac", "nonsense"], 2, "is no MAC"),
        (["--mac", "52:54:00:00:00:01"] * 3, 2, "3 MACs are given, and the machine has 2 network interfaces"),
        (["--network", "x"], 2, "is not of the form NETWORK=BRIDGE"),
        (["--seed", "missing.iso"], 1, "the seed missing.iso is not here"),
        (["--system", "x"], 1, "no virtual system x; the package has: sg12"),
    ],
)
def test_what_is_refused(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, why: str
) -> None:
    capsys.readouterr()
    try:
        code = main(["libvirt", str(package), *arguments, "-o", str(tmp_path / "out")])
    except SystemExit as error:
        code = int(error.code or 0)
    assert code == status
    assert why in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_disk_that_is_no_image_leaves_nothing(
    tmp_path: Path, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = package.read_bytes()
    package.write_bytes(data.replace(b"KDMV", b"XXXX"))
    capsys.readouterr()
    assert main(["libvirt", str(package), "-o", str(tmp_path / "out")]) == 1
    assert "sg12-disk1.vmdk is no image of the format vmdk" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_last_files_stay_if_a_conversion_fails(
    tmp_path: Path, package: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ova_tools import qemu_img
    from ova_tools.errors import ComposeError

    assert main(["libvirt", str(package), "-o", str(tmp_path / "out")]) == 0
    before = {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()}

    def fail(image: object, path: Path, report: object) -> None:
        path.write_bytes(b"half")
        raise ComposeError("no room")

    monkeypatch.setattr(qemu_img, "to_qcow2", fail)
    assert main(["libvirt", str(package), "-o", str(tmp_path / "out")]) == 1
    assert {each.name: each.read_bytes() for each in (tmp_path / "out").iterdir()} == before
