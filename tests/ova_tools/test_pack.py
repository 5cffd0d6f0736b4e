"""Packages into archives and out of them: the order of DSP0243 5.3, every byte as it was, and nothing half done."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ova_tools.cli import main
from ova_tools.package import read_package
from tests.support.appliances import manifest_of, tar_of

from . import build
from .test_cli import refusal

TWO = (
    build.descriptor()
    .replace("</References>", '<File ovf:id="file2" ovf:href="a%20b.iso"/></References>')
    .replace('ovf:href="disk.vmdk"', 'ovf:href="disk.vmdk" ovf:size="5" ovf:chunkSize="3"')
    .encode()
)
FILES = {"disk.vmdk.000000000": b"abc", "disk.vmdk.000000001": b"de", "a b.iso": b"iso", "extra.nvram": b"x" * 513}


def folder(path: Path, text: bytes = TWO, *, listed: bool = True, **files: bytes) -> Path:
    """A folder with vm.ovf, its manifest and its files, written in an order that is not that of the archive."""
    path.mkdir()
    members = {**FILES, **files}
    for name, data in sorted(members.items(), reverse=True):
        (path / name).write_bytes(data)
    if listed:
        (path / "vm.mf").write_bytes(manifest_of({"vm.ovf": text, **members}))
    (path / "vm.ovf").write_bytes(text)
    return path


def contents(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as archive:
        return {each.name: archive.extractfile(each).read() for each in archive}  # type: ignore[union-attr]


def test_an_archive_has_the_order_of_the_standard_and_every_byte(tmp_path: Path) -> None:
    source = folder(tmp_path / "d")

    assert main(["pack", str(source), "-o", str(tmp_path / "new.ova")]) == 0

    found = contents(tmp_path / "new.ova")
    assert list(found) == [
        "vm.ovf",
        "vm.mf",
        "disk.vmdk.000000000",
        "disk.vmdk.000000001",
        "a b.iso",
        "extra.nvram",
    ]
    assert found == {path.name: path.read_bytes() for path in source.iterdir()}
    assert main(["verify", "--strict", str(tmp_path / "new.ova")]) == 1  # extra.nvram is noted, as it is in the folder
    with read_package(tmp_path / "new.ova") as package:
        assert package.notes == ()


def test_the_same_files_give_the_same_archive(tmp_path: Path) -> None:
    one, two = folder(tmp_path / "one"), folder(tmp_path / "two")
    os.utime(two / "vm.ovf", (1, 1))

    assert main(["pack", str(one), "-o", str(tmp_path / "one.ova")]) == 0
    assert main(["pack", str(two / "vm.ovf"), "-o", str(tmp_path / "two.ova")]) == 0

    assert (tmp_path / "one.ova").read_bytes() == (tmp_path / "two.ova").read_bytes()
    assert (tmp_path / "one.ova").stat().st_size % 10240 == 0


def test_gnu_tar_reads_a_packed_archive(tmp_path: Path) -> None:
    source = folder(tmp_path / "d")
    assert main(["pack", str(source), "-o", str(tmp_path / "new.ova")]) == 0
    (tmp_path / "out").mkdir()

    done = subprocess.run(["tar", "xf", tmp_path / "new.ova", "-C", tmp_path / "out"], capture_output=True, check=True)

    assert done.stderr == b""
    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in source.iterdir()
    }


def test_a_stale_manifest_is_refused_with_the_way_and_made_anew(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "d")
    (source / "vm.ovf").write_bytes(TWO.replace(b"myhost", b"edited by hand"))

    line = refusal(capsys, "pack", source, "-o", tmp_path / "new.ova")
    assert "the SHA256 digest of vm.ovf is wrong" in line
    assert line.endswith("if the files are right, --manifest renew makes a new manifest")
    assert main(["pack", str(source), "--manifest", "renew", "-o", str(tmp_path / "new.ova")]) == 0

    assert main(["verify", str(tmp_path / "new.ova")]) == 0
    assert (source / "vm.mf").read_bytes() == manifest_of({"vm.ovf": TWO, **FILES}), "the source is as it was"


def test_a_folder_without_a_manifest_gets_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder(tmp_path / "d", listed=False)

    assert main(["pack", str(source), "--manifest", "sha512", "-o", str(tmp_path)]) == 0

    assert main(["verify", str(tmp_path / "vm.ova")]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "vm.ovf: SHA512 right",
        "disk.vmdk.000000000: SHA512 right",
        "disk.vmdk.000000001: SHA512 right",
        "a b.iso: SHA512 right",
    ]


def test_a_signed_package_keeps_its_signature(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    from tests.support.identities import identity

    keys = identity(tmp_path, rsa.generate_private_key(65537, 2048))
    sign = ["--sign-key", str(keys.key), "--sign-cert", str(keys.certificate)]
    source = folder(tmp_path / "d")

    assert main(["set", str(source / "vm.ovf"), "--in-place", *sign]) == 0
    assert main(["pack", str(source), "-o", str(tmp_path / "kept.ova")]) == 0
    assert main(["pack", str(source), "--manifest", "sha1", *sign, "-o", str(tmp_path / "anew.ova")]) == 0
    assert main(["pack", str(source), "--manifest", "sha1", "-o", str(tmp_path / "gone.ova")]) == 0

    assert list(contents(tmp_path / "kept.ova"))[:3] == ["vm.ovf", "vm.mf", "vm.cert"]
    assert contents(tmp_path / "kept.ova")["vm.cert"] == (source / "vm.cert").read_bytes()
    assert "vm.cert" not in contents(tmp_path / "gone.ova")
    assert "vm.cert is removed" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "kept.ova"), str(tmp_path / "anew.ova")]) == 0


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda d: (d / "a b.iso").unlink(), "file file2: a%20b.iso is not in the package"),
        (lambda d: (d / "disk.vmdk.000000001").unlink(), "disk.vmdk.000000001 is not in the package"),
        (lambda d: (d / "vm.ovf").unlink(), "has no .ovf; one, or the name of one instead of the folder's, is right"),
        (lambda d: (d / "two.ovf").write_bytes(TWO), "has 2 descriptors: two.ovf, vm.ovf"),
        (
            lambda d: (d / "vm.ovf").write_bytes(TWO.replace(b'"a%20b.iso"', b'"../a.iso"')),
            "href '../a.iso' of file 'file2' leads outside the package",
        ),
        (
            lambda d: (d / "vm.ovf").write_bytes(TWO.replace(b'"a%20b.iso"', b'"http://host/a.iso"')),
            "leads outside the package",
        ),
    ],
)
def test_what_is_no_whole_package_is_refused_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], change: object, why: str
) -> None:
    source = folder(tmp_path / "d", listed=False)
    change(source)  # type: ignore[operator]

    assert why in refusal(capsys, "pack", source, "-o", tmp_path / "new.ova")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_an_output_that_would_be_a_file_of_the_package_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = folder(tmp_path / "d")

    assert "is a file of the input" in refusal(capsys, "pack", source, "-o", source / "a b.iso")
    assert "must not end with .ovf" in refusal(capsys, "pack", source, "-o", tmp_path / "x.ovf")
    assert "is an .ova already" in refusal(capsys, "pack", build.ova(tmp_path), "-o", tmp_path / "x.ova")
    assert (source / "a b.iso").read_bytes() == b"iso"


def test_what_is_packed_and_unpacked_is_the_same(tmp_path: Path) -> None:
    source = folder(tmp_path / "d")

    assert main(["pack", str(source), "-o", str(tmp_path / "new.ova")]) == 0
    assert main(["unpack", str(tmp_path / "new.ova"), "-o", str(tmp_path / "out")]) == 0

    assert {p.name: p.read_bytes() for p in (tmp_path / "out").iterdir()} == {
        p.name: p.read_bytes() for p in source.iterdir()
    }


def test_unpacking_keeps_folders_and_follows_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "vm.ova"
    text = build.descriptor(href="disks/disk.vmdk").encode()
    path.write_bytes(tar_of([("vm.ovf", text), ("disks/disk.vmdk", b"d"), ("empty", b"")]))
    (tmp_path / "out").mkdir()  # an empty folder may be there

    old = os.umask(0o027)
    try:
        assert main(["unpack", str(path), "-o", str(tmp_path / "out")]) == 0
    finally:
        os.umask(old)

    assert (tmp_path / "out" / "disks" / "disk.vmdk").read_bytes() == b"d"
    assert (tmp_path / "out" / "empty").read_bytes() == b""
    modes = [(tmp_path / "out" / each).stat().st_mode & 0o777 for each in (".", "disks", "vm.ovf")]
    assert modes == [0o750, 0o750, 0o640]


def test_a_folder_that_is_not_empty_stays_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_bytes(b"mine")

    assert "is not empty" in refusal(capsys, "unpack", source, "-o", tmp_path / "out")
    assert "is no folder that could be written" in refusal(capsys, "unpack", source, "-o", source)
    assert "cannot be made: No such file" in refusal(capsys, "unpack", source, "-o", tmp_path / "no" / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]


def test_a_plain_ovf_has_nothing_to_unpack(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = folder(tmp_path / "d") / "vm.ovf"

    assert "is a plain .ovf, whose files lie beside it already" in refusal(
        capsys, "unpack", source, "-o", tmp_path / "out"
    )


def test_unpacking_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    script = """
import resource, sys
from ova_tools.cli import main
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, most))
code = main(sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sys.exit(code)
"""

    command = [sys.executable, "-c", script, "unpack", str(source), "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True)

    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "File too large" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["vm.ova"]


def test_a_damaged_disk_is_not_unpacked_where_that_is_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    data = bytearray(source.read_bytes())
    data[-20_000] ^= 1
    source.write_bytes(data)

    assert "digest of disk.vmdk is wrong" in refusal(capsys, "unpack", source, "--verify", "-o", tmp_path / "out")
    assert main(["unpack", str(source), "-o", str(tmp_path / "out")]) == 0


NAMES = st.lists(
    st.sampled_from(["..", "a", "b", ".", "", "/", "c.ovf", "é", "\udcff", "~", "\\", "x" * 300]),
    min_size=1,
    max_size=5,
).map("/".join)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(NAMES, max_size=4, unique=True), st.sampled_from([b"0", b"1", b"2", b"5"]))
def test_whatever_members_are_called_nothing_is_written_outside(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], kind: bytes
) -> None:
    place = tmp_path_factory.mktemp("hostile")
    data = tar_of([("vm.ovf", build.descriptor().encode())])
    blocks = []
    for name in names:
        block = bytearray(tar_of([("name", b"")])[:512])
        raw = name.encode("utf-8", "surrogateescape")[:99]
        block[0:100] = raw.ljust(100, b"\0")
        block[156:157], block[157:167] = kind, b"/etc/passw"
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        blocks.append(bytes(block))
    first = 512 + -(-len(build.descriptor().encode()) // 512) * 512
    (place / "vm.ova").write_bytes(data[:first] + b"".join(blocks) + data[first:])

    status = main(["unpack", str(place / "vm.ova"), "-o", str(place / "out")])

    assert {path.name for path in place.iterdir()} == ({"vm.ova"} if status else {"vm.ova", "out"})
    for path in (place / "out").rglob("*"):
        assert not path.is_symlink()
        assert path.is_dir() or path.is_file()
