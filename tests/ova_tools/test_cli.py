"""The command `ova` as people and scripts see it: its output, its exit status, and never a traceback."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ova_tools.cli import main
from ova_tools.package import read_package
from tests.support import REPOSITORY
from tests.support.appliances import manifest_of, tar_of
from tests.support.identities import identity
from tests.support.importing import imported

from . import build

SECRET = build.descriptor(
    build.PROPERTIES
    + '<Property ovf:key="pass" ovf:type="string" ovf:userConfigurable="true" ovf:password="true" ovf:value="s3cret"'
    ' ovf:qualifiers="MaxLen(9)"><Value ovf:value="s3cret2" ovf:configuration="big"/></Property>'
).encode()


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run the command, which must refuse, and return its one line."""
    assert main([str(each) for each in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"ova: {arguments[1]}: ")
    return err.rstrip("\n")


def test_set_writes_a_new_package_and_leaves_the_old_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    before = source.read_bytes()

    assert main(["set", str(source), "hostname=sg12", "vm/cpus=4", "-o", str(tmp_path / "new.ova")]) == 0

    assert capsys.readouterr() == ("", "")
    assert source.read_bytes() == before
    with read_package(tmp_path / "new.ova") as package:
        assert [p.value for p in package.properties] == ["sg12", "4", "as it is"]
    assert main(["verify", str(tmp_path / "new.ova")]) == 0
    assert capsys.readouterr().out == "vm.ovf: SHA256 right\ndisk.vmdk: SHA256 right\n"


def test_set_in_place_replaces_the_package_through_a_link_and_keeps_its_mode(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    source.chmod(0o604)
    (tmp_path / "link.ova").symlink_to("vm.ova")

    assert main(["set", str(tmp_path / "link.ova"), "--in-place", "hostname=a=b"]) == 0

    assert (tmp_path / "link.ova").is_symlink()
    assert source.stat().st_mode & 0o777 == 0o604
    with read_package(source) as package:
        assert package.properties[0].value == "a=b"


def test_set_to_the_value_that_is_there_copies_byte_for_byte(tmp_path: Path) -> None:
    source = build.ova(tmp_path)

    assert main(["set", str(source), "hostname=myhost", "-o", str(tmp_path / "copy.ova")]) == 0

    assert (tmp_path / "copy.ova").read_bytes() == source.read_bytes()


def test_values_may_stand_anywhere(tmp_path: Path) -> None:
    source = build.ova(tmp_path)

    assert main(["set", str(source), "hostname=a", "-o", str(tmp_path / "new.ova"), "cpus=3"]) == 0

    with read_package(tmp_path / "new.ova") as package:
        assert [p.value for p in package.properties[:2]] == ["a", "3"]


def test_a_new_file_has_the_sources_mode_within_the_umask(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    source.chmod(0o664)

    old = os.umask(0o027)
    try:
        main(["set", str(source), "hostname=a", "-o", str(tmp_path / "new.ova")])
    finally:
        os.umask(old)

    assert (tmp_path / "new.ova").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["hostname=\0"], "which XML 1.0 cannot hold"),
        (["cpus=900"], "property cpus: '900' does not fit, uint8 is a whole number from 0 to 255"),
        (["nothing=1"], "no property nothing; known: cpus, fixed, hostname"),
        (["fixed=1"], 'property fixed is fixed; only one with userConfigurable="true" may be set'),
        (["hostname=1", "vm/hostname=2"], "property hostname is given two values, one is right"),
        (["hostname=1", "--configuration", "big"], "no configuration 'big'; the descriptor has: none"),
        (["--sign-key", "none", "--sign-cert", "none"], "none cannot be opened: No such file"),
    ],
)
def test_set_refuses_with_one_line_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], why: str
) -> None:
    source = build.ova(tmp_path)

    assert why in refusal(capsys, "set", source, *arguments, "-o", tmp_path / "new.ova")
    assert [p.name for p in tmp_path.iterdir()] == ["vm.ova"]


def test_force_sets_what_is_fixed(tmp_path: Path) -> None:
    source = build.ova(tmp_path)

    assert main(["set", str(source), "fixed=1", "--force", "--in-place"]) == 0

    with read_package(source) as package:
        assert package.properties[2].value == "1"


def test_the_input_is_no_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    os.link(source, tmp_path / "hard.ova")
    (tmp_path / "soft.ova").symlink_to(source)

    for out in ("vm.ova", "hard.ova", "soft.ova", "../" + tmp_path.name + "/vm.ova"):
        assert "is the input itself" in refusal(capsys, "set", source, "hostname=a", "-o", tmp_path / out)


def test_an_output_that_cannot_be_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    os.mkfifo(tmp_path / "pipe")

    for out, why in (("none/new.ova", "No such file or directory"), ("pipe", "is not a regular file"),
                     ("none/", "is not there; a folder that is there"), ("new.ovf", "`ova unpack` makes an .ovf"),
                     ("vm.ova/new.ova", "Not a directory"), ("n" * 300, "File name too long")):  # fmt: skip
        assert why in refusal(capsys, "set", source, "hostname=a", "-o", f"{tmp_path}/{out}")
    assert "is not a regular file" in refusal(capsys, "set", source, "hostname=a", "-o", "/dev/full")


def test_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk: the write fails half-way."""
    source = build.ova(tmp_path)
    before = source.read_bytes()
    script = """
import resource, sys
from ova_tools.cli import main
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (9000, most))
code = main(sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sys.exit(code)
"""

    for target in (["-o", str(tmp_path / "new.ova")], ["--in-place"]):
        result = subprocess.run(
            [sys.executable, "-c", script, "set", str(source), "hostname=a", *target],
            capture_output=True,
            text=True,
        )
        assert result.returncode == 1
        assert re.fullmatch(r"ova: \S+: the result cannot be written: File too large\n", result.stderr)
        assert [p.name for p in tmp_path.iterdir()] == ["vm.ova"]
        assert source.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [[], ["unknown"], ["set"], ["set", "f"], ["set", "f", "--in-place"], ["set", "f", "-o", "o", "--dry-run", "a=b"],
     ["set", "f", "--in-place", "a=b", "--add", "--configuration", "c"],
     ["set", "f", "--in-place", "--manifest", "md5"], ["set", "f", "no", "--in-place"],
     ["pack", "f"], ["unpack", "f"], ["diff", "f"], ["verify"], ["completion"], ["completion", "cmd"],
     ["pack", "f", "-o", "o", "--sign-key", "k"], ["set", "f", "-o", "o", "--in-place"],
     ["set", "f", "=v", "--in-place"], ["set", "f", "--in-place", "--sign-key", "k"], ["inspect"],
     ["inspect", "a", "b"], ["verify", "f", "--unknown"], ["set", "f", "--in-place", "--unknown", "a=b"]],
)  # fmt: skip
def test_wrong_usage_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)

    assert caught.value.code == 2
    assert "usage: ova" in capsys.readouterr().err


def test_verify_before_set_finds_a_damaged_disk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    data = bytearray(source.read_bytes())
    data[-20_000] ^= 1
    source.write_bytes(data)

    line = refusal(capsys, "set", source, "hostname=a", "--verify", "-o", tmp_path / "new.ova")

    assert "vm.mf, line 2: the SHA256 digest of disk.vmdk is wrong" in line
    assert not (tmp_path / "new.ova").exists()
    assert main(["set", str(source), "hostname=a", "-o", str(tmp_path / "new.ova")]) == 0


def test_verify_says_what_is_odd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = build.descriptor().replace('ovf:href="disk.vmdk"', 'ovf:href="disk.vmdk" ovf:size="99"').encode()
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("vm.ovf", text), ("disk.vmdk", b"d"), ("readme.txt", b"r")]))

    assert main(["verify", str(path)]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "note: no manifest: no digest was checked",
        "note: readme.txt is an extra member: the descriptor does not refer to it",
        "note: disk.vmdk has 1 bytes, the descriptor says 99",
    ]


def test_verify_refuses_a_missing_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("vm.ovf", build.descriptor().encode())]))

    assert "file file1: disk.vmdk is not in the package" in refusal(capsys, "verify", path)


def test_chunks_of_a_file_are_that_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = build.descriptor().replace('ovf:href="disk.vmdk"', 'ovf:href="disk.vmdk" ovf:chunkSize="2"').encode()
    path = tmp_path / "vm.ova"
    chunks = [(f"disk.vmdk.{n:09d}", b"dd") for n in range(3)]
    path.write_bytes(tar_of([("vm.ovf", text), ("vm.mf", manifest_of(dict(chunks))), *chunks]))

    assert main(["verify", str(path)]) == 0
    assert "extra member" not in capsys.readouterr().out


def test_signing_with_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    files = identity(tmp_path, rsa.generate_private_key(65537, 2048))
    source = build.ova(tmp_path)
    keys = ["--sign-key", str(files.key), "--sign-cert", str(files.certificate)]

    assert main(["set", str(source), "hostname=a", "--in-place", *keys]) == 0
    assert main(["verify", str(source)]) == 0
    assert "vm.cert: signature right, by CN=signer" in capsys.readouterr().out
    assert main(["set", str(source), "hostname=b", "--in-place"]) == 0
    assert capsys.readouterr().err == (
        f"ova: {source}: note: vm.cert is removed: its signature was of the old manifest\n"
    )


def test_inspect_as_json_is_of_the_documented_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path, SECRET)

    assert main(["inspect", str(source), "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert list(report) == [
        "format", "file", "kind", "size", "descriptor", "version", "encoding", "members", "references", "manifest",
        "certificate", "systems", "configurations", "properties", "notes",
    ]  # fmt: skip
    assert report["members"][0] == {"name": "vm.ovf", "offset": 512, "size": len(SECRET)}
    assert report["manifest"]["algorithm"] == "SHA256"
    assert [line["verdict"] for line in report["manifest"]["lines"]] == ["right", "not checked"]
    assert report["systems"] == [{"id": "vm", "kind": "VirtualSystem", "parent": "", "name": "The machine"}]
    assert report["references"][0]["present"] is True
    first, *_, last = report["properties"]
    assert first == {
        "fullName": "hostname", "system": "vm", "class": "", "key": "hostname", "instance": "", "type": "string",
        "value": "myhost", "default": "myhost", "configurations": {}, "qualifiers": "", "vmwQualifiers": "",
        "label": "Host name", "description": "The name of the host", "category": "", "userConfigurable": True,
        "password": False,
    }  # fmt: skip
    assert (last["value"], last["default"], last["configurations"]) == (None, None, {"big": None})


@pytest.mark.parametrize(
    "arguments", [["inspect"], ["inspect", "--json"], ["verify"], ["set", "--in-place", "pass=0123456789"]]
)
def test_a_password_is_never_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    source = build.ova(tmp_path, SECRET)

    main([arguments[0], str(source), *arguments[1:]])

    out, err = capsys.readouterr()
    assert "s3cret" not in out + err
    assert "0123456789" not in out + err


def test_inspect_shows_a_wrong_manifest_and_set_refuses_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    source.write_bytes(source.read_bytes().replace(b"myhost", b"mYhost"))

    assert main(["inspect", str(source)]) == 0
    assert "wrong  vm.ovf" in capsys.readouterr().out
    assert "the SHA256 digest of vm.ovf is wrong" in refusal(capsys, "set", source, "hostname=a", "--in-place")


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "ova_tools.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_a_closed_pipe_is_no_traceback(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    command = f"{sys.executable} -m ova_tools.cli inspect {source} --json | true; exit ${{PIPESTATUS[0]}}"

    result = subprocess.run(["bash", "-c", command], capture_output=True, check=False)

    assert result.stderr == b""


def test_names_and_values_in_other_character_sets_are_no_traceback(tmp_path: Path) -> None:
    text = build.descriptor().replace("myhost", "жук").encode()
    source = build.ova(tmp_path, text, name="ünï")
    environment = {
        **os.environ,
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "PYTHONIOENCODING": "ascii",
    }

    shown = run("inspect", source, env=environment)
    refused = run("set", source, b"hostname=\xff".decode("utf-8", "surrogateescape"), "--in-place", env=environment)

    assert (shown.returncode, shown.stderr) == (0, b"")
    assert refused.returncode == 1
    assert b"which XML 1.0 cannot hold" in refused.stderr


def test_a_signal_while_it_writes_leaves_nothing(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    script = f"""
import os, signal, sys
from ova_tools import write
from ova_tools.cli import main
write.os.ftruncate = lambda fd, size: os.kill(os.getpid(), {signal.SIGTERM})
sys.exit(main(["set", {str(source)!r}, "hostname=a", "-o", {str(tmp_path / "new.ova")!r}]))
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False, text=True)

    assert (result.returncode, result.stderr) == (1, f"ova: {source}: interrupted, nothing was changed\n")
    assert [p.name for p in tmp_path.iterdir()] == ["vm.ova"]


def test_a_fault_of_our_own_is_one_line_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("ova_tools.inspect.report", fail)

    line = refusal(capsys, "inspect", build.ova(tmp_path), "--json")

    assert line.endswith("a fault in ova itself, please report it: RuntimeError: two\\nlines")


def test_gnu_tar_reads_an_edited_package(tmp_path: Path) -> None:
    content = bytes(range(256)) * 400
    source = build.ova(tmp_path, disk_data=content)

    assert main(["set", str(source), "hostname=sg12", "--in-place"]) == 0

    with read_package(source) as package:
        disk = next(m for m in package.members if m.name == "disk.vmdk")
    (tmp_path / "extracted").mkdir()
    subprocess.run(["tar", "xf", source, "-C", tmp_path / "extracted"], check=True)
    assert (tmp_path / "extracted" / "disk.vmdk").read_bytes() == content
    assert disk.size == len(content)


@pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is the other reader here")
def test_qemu_reads_the_disk_of_an_edited_package(tmp_path: Path) -> None:
    image = tmp_path / "disk.vmdk"
    subprocess.run(
        ["qemu-img", "create", "-q", "-f", "vmdk", "-o", "subformat=streamOptimized", image, "8M"], check=True
    )
    source = build.ova(tmp_path, disk_data=image.read_bytes())

    assert main(["set", str(source), "hostname=sg12", "--in-place"]) == 0

    (tmp_path / "extracted").mkdir()
    subprocess.run(["tar", "xf", source, "-C", tmp_path / "extracted"], check=True)
    extracted = tmp_path / "extracted" / "disk.vmdk"
    info = subprocess.run(["qemu-img", "info", "--output=json", extracted], capture_output=True, check=True)
    assert json.loads(info.stdout)["virtual-size"] == 8 << 20


def test_the_engine_imports_nothing_but_the_standard_library() -> None:
    names = (
        *("additions", "compare", "edit", "inspect", "pack", "package", "properties", "store", "unpack"),
        *("value_files", "values", "verify", "write"),
    )
    modules = set(imported(REPOSITORY, *(f"ova_tools.{name}" for name in names)).modules)
    assert not modules & {"lxml", "rich", "cryptography", "argparse", "json"}
