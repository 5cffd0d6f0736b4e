"""`ova diff`: the differences of two packages; it never reports as the same what was not compared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.support.appliances import tar_of

from . import build
from .test_cli import SECRET


def lines(capsys: pytest.CaptureFixture[str], left: Path, right: Path) -> list[str]:
    """What the command prints; its status is that of diff."""
    status = main(["diff", str(left), str(right)])
    out, err = capsys.readouterr()
    assert err == ""
    assert status == (1 if out else 0)
    return out.splitlines()


def folder(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def test_a_package_is_the_same_as_itself_and_as_its_copy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    assert main(["set", str(source), "hostname=myhost", "-o", str(tmp_path / "copy.ova")]) == 0

    assert lines(capsys, source, source) == lines(capsys, source, tmp_path / "copy.ova") == []


def test_padding_and_an_order_of_attributes_are_no_difference(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = build.descriptor()
    other = text.replace('ovf:id="file1" ovf:href="disk.vmdk"', 'ovf:href="disk.vmdk"\n ovf:id="file1"') + " \n" * 99

    one = build.ova(folder(tmp_path, "one"), text.encode())
    two = build.ova(folder(tmp_path, "two"), other.encode())

    assert lines(capsys, one, two) == []


def test_values_defaults_and_what_is_there_once_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    arguments = ["hostname=sg12", "cpus=4", "new=1", "--add", "-o", str(tmp_path / "new.ova")]
    assert main(["set", str(source), *arguments]) == 0
    capsys.readouterr()

    assert lines(capsys, source, tmp_path / "new.ova") == [
        "property vm/hostname: value 'myhost' -> 'sg12'",
        "property vm/cpus: value '2' -> '4'",
        "property vm/new: only in the second",
    ]
    assert lines(capsys, tmp_path / "new.ova", source)[-1] == "property vm/new: only in the first"


def test_systems_options_and_their_values(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        '<DeploymentOptionSection><Configuration ovf:id="s"/><Configuration ovf:id="b"/></DeploymentOptionSection>'
    )
    text = build.descriptor(options=options).encode()
    one = build.ova(folder(tmp_path, "one"), text)
    two = build.ova(folder(tmp_path, "two"), text.replace(b"<Name>The machine", b"<Name>Another"))
    arguments = ["hostname=x", "--configuration", "b", "--default-configuration", "b", "--in-place"]
    assert main(["set", str(two), *arguments]) == 0

    assert lines(capsys, one, two) == [
        "system vm: name 'The machine' -> 'Another'",
        "configuration b: default 'false' -> 'true'",
        "property vm/hostname: value in b none -> 'x'",
    ]


def test_the_text_of_a_password_is_never_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path, SECRET)
    assert main(["set", str(source), "pass=0123", "-o", str(tmp_path / "new.ova")]) == 0
    capsys.readouterr()

    assert lines(capsys, source, tmp_path / "new.ova") == [
        "property vm/pass: value differs (a password)",
        "property vm/pass: value in big differs (a password)",
    ]
    assert main(["diff", "--json", str(source), str(tmp_path / "new.ova")]) == 1
    out = capsys.readouterr().out
    assert "s3cret" not in out
    assert "0123" not in out
    assert {(each["left"], each["right"], each["hidden"]) for each in json.loads(out)["differences"]} == {
        (None, None, True)
    }


def test_hardware_is_compared_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = build.descriptor()
    one = build.ova(folder(tmp_path, "one"), text.encode())
    two = build.ova(folder(tmp_path, "two"), text.replace("</VirtualSystem>", "<X/></VirtualSystem>").encode())

    (line,) = lines(capsys, one, two)

    assert line.startswith("descriptor: differs in other parts, first at line ")


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (b"abc", b"abc", []),
        (b"abc", b"abcd", ["file disk.vmdk: size '3' -> '4'"]),
        (b"abc", b"abd", ["file disk.vmdk: SHA256 '{}' -> '{}'"]),
    ],
)
def test_files_are_compared_by_size_and_digest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], left: bytes, right: bytes, expected: list[str]
) -> None:
    one = build.ova(folder(tmp_path, "one"), disk_data=left)
    two = build.ova(folder(tmp_path, "two"), disk_data=right)

    found = lines(capsys, one, two)

    assert [line.split(" '")[0] for line in found] == [line.split(" '")[0] for line in expected]


@pytest.mark.parametrize("last", [b"a", b"b"])
def test_without_a_common_digest_the_bytes_decide(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], last: bytes
) -> None:
    data = b"x" * (1 << 20)
    one = build.ova(folder(tmp_path, "one"), disk_data=data + b"a", algorithm="SHA1")
    two = build.ova(folder(tmp_path, "two"), disk_data=data + last, algorithm="SHA512")

    said = ["file manifest: algorithm 'SHA1' -> 'SHA512'"]
    assert lines(capsys, one, two) == said + ([] if last == b"a" else ["file disk.vmdk: content differs"])


def test_a_file_and_a_manifest_that_are_there_once_only(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = build.ova(folder(tmp_path, "one"), algorithm=None)
    two = folder(tmp_path, "two") / "vm.ova"
    two.write_bytes(tar_of([("vm.ovf", build.descriptor().encode()), ("disk.vmdk", build.disk()), ("more", b"")]))
    three = build.ova(folder(tmp_path, "three"))

    assert lines(capsys, one, two) == ["file more: only in the second"]
    assert lines(capsys, one, three) == ["file manifest: only in the second"]


def test_an_archive_and_its_files_are_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    assert main(["unpack", str(source), "-o", str(tmp_path / "out")]) == 0

    assert lines(capsys, source, tmp_path / "out" / "vm.ovf") == []


def test_trouble_is_status_2_and_names_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)

    assert main(["diff", str(source), str(tmp_path / "none.ova")]) == 2
    assert main(["diff", str(tmp_path / "none.ova"), str(source)]) == 2

    where = f"ova: {tmp_path}/none.ova: cannot be opened: No such file or directory\n"
    assert capsys.readouterr().err == where * 2
