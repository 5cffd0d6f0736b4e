"""What `ova set` and `ova verify` do beyond values: where they write, new manifests, values from files, dry runs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from ova_tools.cli import main, make_parser
from ova_tools.commands.completion import SHELLS
from ova_tools.limits import MAX_VALUE_FILE
from ova_tools.package import read_package
from tests.support.appliances import manifest_of, tar_of

from . import build
from .test_cli import SECRET, refusal, run


def value(path: Path, key: str = "hostname") -> str:
    with read_package(path) as package:
        return next(prop.value for prop in package.properties if prop.key == key)


def test_a_folder_as_output_keeps_the_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)
    (tmp_path / "out").mkdir()

    assert main(["set", str(source), "hostname=a", "-o", str(tmp_path / "out")]) == 0
    assert value(tmp_path / "out" / "vm.ova") == "a"
    assert "is the input itself" in refusal(capsys, "set", source, "hostname=a", "-o", tmp_path)


def test_standard_output_gets_the_same_bytes_as_a_file(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    assert main(["set", str(source), "hostname=a", "-o", str(tmp_path / "file.ova")]) == 0

    done = run("set", source, "hostname=a", "-o", "-")

    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout == (tmp_path / "file.ova").read_bytes()


def test_standard_output_that_is_full_is_one_line(tmp_path: Path) -> None:
    source = build.ova(tmp_path)

    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "ova_tools.cli", "set", str(source), "hostname=a", "-o", "-"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert (done.returncode, done.stderr) == (1, f"ova: {source}: No space left on device\n")


def test_of_a_plain_ovf_the_descriptor_goes_to_standard_output(tmp_path: Path) -> None:
    source = tmp_path / "vm.ovf"
    source.write_text(build.descriptor())
    (tmp_path / "vm.mf").write_bytes(manifest_of({"vm.ovf": source.read_bytes()}))
    (tmp_path / "disk.vmdk").write_bytes(b"d")

    done = run("set", source, "hostname=a", "-o", "-")

    assert done.stdout == source.read_bytes().replace(b"myhost", b"a")
    assert b"only the descriptor goes to stdout" in done.stderr


def test_a_dry_run_says_what_would_be_set_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = build.ova(tmp_path, SECRET)
    before = source.read_bytes()

    assert main(["set", str(source), "hostname=a", "pass=0123", "new=1", "--add", "--dry-run"]) == 0

    assert capsys.readouterr().out.splitlines() == [
        "property vm/hostname: value 'myhost' -> 'a'",
        "property vm/pass: value differs (a password)",
        "property vm/pass: value in big differs (a password)",
        "property vm/new: added",
        "the manifest changes",
    ]
    assert (source.read_bytes(), [each.name for each in tmp_path.iterdir()]) == (before, ["vm.ova"])


def test_a_dry_run_refuses_what_a_run_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not fit" in refusal(capsys, "set", build.ova(tmp_path), "cpus=900", "--dry-run")


def test_add_sets_what_is_there_and_adds_what_is_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path)

    assert "no property gateway; known:" in refusal(capsys, "set", source, "gateway=1", "--in-place")
    assert main(["set", str(source), "--add", "hostname=a", "net.gateway=1", "--in-place"]) == 0

    with read_package(source) as package:
        assert {prop.full_name: prop.value for prop in package.properties} == {
            "hostname": "a", "cpus": "2", "fixed": "as it is", "net.gateway": "1"
        }  # fmt: skip
    assert main(["verify", str(source)]) == 0


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"ssh-rsa AAAA me@host\n", "ssh-rsa AAAA me@host"),
        (b"a\nb\n\n", "a\nb\n"),
        (b"a\r\nb\r\n", "a\r\nb"),
        (b"\xef\xbb\xbfjos\xc3\xa9", "josé"),
        (b"", ""),
        (b"x" * MAX_VALUE_FILE, "x" * MAX_VALUE_FILE),
    ],
)
def test_a_value_can_be_the_text_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, expected: str
) -> None:
    source = build.ova(tmp_path)
    (tmp_path / "id.pub").write_bytes(content)
    monkeypatch.chdir(tmp_path)

    assert main(["set", str(source), "hostname=@id.pub", "--in-place"]) == 0

    assert value(source) == expected


@pytest.mark.parametrize(("text", "expected"), [("@@", "@"), ("@@home", "@home"), ("a@b", "a@b")])
def test_a_literal_at_sign_can_be_written(tmp_path: Path, text: str, expected: str) -> None:
    source = build.ova(tmp_path)

    assert main(["set", str(source), f"hostname={text}", "--in-place"]) == 0

    assert value(source) == expected


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"x" * (MAX_VALUE_FILE + 1), "has more than 262144 bytes, too many for a value"),
        (b"abc\xff", "is no text in UTF-8: byte 4 is part of no character"),
        (b"ab\x00", "character 3 of the value is U+0000, which XML 1.0 cannot hold"),
        (None, "cannot be opened: No such file or directory; @FILE is the content of a file, @@ is one @"),
    ],
)
def test_a_file_that_is_no_value_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, why: str
) -> None:
    source = build.ova(tmp_path)
    if content is not None:
        (tmp_path / "value").write_bytes(content)

    assert why in refusal(capsys, "set", source, f"hostname=@{tmp_path}/value", "--in-place")


@pytest.mark.parametrize("name", ["", "/dev/zero", "/"])
def test_what_is_no_file_is_no_value(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    line = refusal(capsys, "set", build.ova(tmp_path), f"hostname=@{name}", "--in-place")

    assert line.endswith("@FILE is the content of a file, @@ is one @")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("there", [None, "SHA1", "SHA256"])
@pytest.mark.parametrize("last", [False, True])
def test_a_manifest_is_made_or_converted(tmp_path: Path, algorithm: str, there: str | None, last: bool) -> None:
    source = build.ova(tmp_path, algorithm=there, manifest_last=last)

    assert main(["set", str(source), "--manifest", algorithm, "--in-place"]) == 0

    with read_package(source) as package:
        assert [line.spelling for line in package.manifest.lines] == [algorithm.upper()] * 2  # type: ignore[union-attr]
        assert package.notes == ()
        assert package.descriptor.data.rstrip() == build.descriptor().encode().rstrip()
    assert main(["verify", str(source), "--strict"]) == 0


def test_a_stale_manifest_is_renewed_with_its_own_algorithm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = build.ova(tmp_path, algorithm="SHA512")
    source.write_bytes(source.read_bytes().replace(b"myhost", b"edited"))

    line = refusal(capsys, "set", source, "cpus=3", "--in-place")
    assert line.endswith("if FILE is right, --manifest renew makes a new manifest")
    assert main(["set", str(source), "cpus=3", "--manifest", "renew", "--in-place"]) == 0

    assert main(["verify", str(source)]) == 0
    assert capsys.readouterr().out == "vm.ovf: SHA512 right\ndisk.vmdk: SHA512 right\n"
    assert (value(source), value(source, "cpus")) == ("edited", "3")


def test_a_manifest_that_is_right_is_renewed_to_itself(tmp_path: Path) -> None:
    source = build.ova(tmp_path)
    before = source.read_bytes()

    assert main(["set", str(source), "--manifest", "renew", "--in-place"]) == 0

    assert source.read_bytes() == before


def test_a_stale_manifest_of_a_plain_ovf_is_renewed_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "vm.ovf").write_text(build.descriptor())
    (tmp_path / "disk.vmdk").write_bytes(b"d")
    (tmp_path / "VM.mf").write_bytes(manifest_of({"vm.ovf": b"before", "disk.vmdk": b"before"}, "SHA1"))
    (tmp_path / "vm.cert").write_bytes(b"of the old one")

    assert main(["set", str(tmp_path / "vm.ovf"), "--manifest", "renew", "--in-place"]) == 0

    expected = {"vm.ovf": build.descriptor().encode(), "disk.vmdk": b"d"}
    assert (tmp_path / "VM.mf").read_bytes() == manifest_of(expected, "SHA1")
    assert not (tmp_path / "vm.cert").exists()


def test_a_manifest_is_not_made_for_a_package_that_lacks_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("vm.ovf", build.descriptor().encode())]))

    line = refusal(capsys, "set", path, "--manifest", "sha256", "--in-place")

    assert line.endswith("file file1: disk.vmdk is not in the package")


def test_names_below_a_folder_are_relative_to_the_manifest(tmp_path: Path) -> None:
    path = tmp_path / "vm.ova"
    path.write_bytes(tar_of([("d/vm.ovf", build.descriptor().encode()), ("d/disk.vmdk", b"d"), ("disk.vmdk", b"e")]))

    assert main(["set", str(path), "--manifest", "sha256", "--in-place"]) == 0

    with read_package(path) as package:
        assert package.manifest is not None
        assert package.manifest.name == "d/vm.mf"
        assert [line.name for line in package.manifest.lines] == ["d/vm.ovf", "d/disk.vmdk", "disk.vmdk"]
        assert [line.written for line in package.manifest.lines] == ["vm.ovf", "d/disk.vmdk", "disk.vmdk"]
    assert main(["verify", str(path)]) == 0


def test_several_files_are_verified_each_for_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = build.ova(tmp_path), tmp_path / "wrong.ova"
    wrong.write_bytes(right.read_bytes().replace(b"myhost", b"mYhost"))

    assert main(["verify", str(wrong), str(tmp_path / "none"), str(right)]) == 1

    out, err = capsys.readouterr()
    assert out.splitlines() == [f"{right}: vm.ovf: SHA256 right", f"{right}: disk.vmdk: SHA256 right"]
    assert [line.split(": ")[1] for line in err.splitlines()] == [str(wrong), str(tmp_path / "none")]


def test_verify_as_json_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    right, wrong = build.ova(tmp_path), tmp_path / "wrong.ova"
    wrong.write_bytes(right.read_bytes().replace(b"myhost", b"mYhost"))
    noted = build.ova(tmp_path, name="noted", algorithm=None)

    assert main(["verify", "--json", "--strict", str(right), str(wrong), str(noted)]) == 1

    out, err = capsys.readouterr()
    assert err == ""
    first, second, third = json.loads(out)["packages"]
    hashed = [{"name": name, "algorithm": "SHA256"} for name in ("vm.ovf", "disk.vmdk")]
    assert first == {
        "file": str(right), "verdict": "right", "why": None, "hashed": hashed, "signedBy": None, "notes": []
    }  # fmt: skip
    assert (second["verdict"], second["hashed"]) == ("wrong", [])
    assert "the SHA256 digest of vm.ovf is wrong" in second["why"]
    assert third["notes"] == [{"kind": "not checked", "text": "no manifest: no digest was checked"}]
    assert third["why"] == "not right with --strict: no manifest: no digest was checked"


def test_the_default_option_is_changed_by_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        '<DeploymentOptionSection><Configuration ovf:id="s"/><Configuration ovf:id="b"/></DeploymentOptionSection>'
    )
    source = build.ova(tmp_path, build.descriptor(options=options).encode())

    assert main(["set", str(source), "--default-configuration", "b", "--in-place"]) == 0

    with read_package(source) as package:
        assert package.descriptor.content.default_configuration == "b"
    assert "the descriptor has: b, s" in refusal(capsys, "set", source, "--default-configuration", "x", "--in-place")


def test_the_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])

    assert ended.value.code == 0
    assert capsys.readouterr().out == f"ova {version('ova-tools')}\n"


@pytest.mark.parametrize("command", ["", "inspect", "set", "verify", "diff", "pack", "unpack", "completion"])
def test_every_help_has_examples_that_are_right_usage(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command.split(), "--help"])

    assert ended.value.code == 0
    examples = capsys.readouterr().out.partition("\nexamples:\n")[2].splitlines()
    assert examples
    for line in examples:
        words = line.partition("|")[0].partition(">")[0].split()
        assert words[0] == "ova"
        if "--help" not in words:
            options, further = make_parser().parse_known_args(words[1:])
            assert (options.command, [each for each in further if "=" not in each]) == (command or words[1], [])


@pytest.mark.parametrize("shell", SHELLS)
def test_a_completion_script_names_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", shell]) == 0

    script = capsys.readouterr().out
    assert all(each in script for each in ("inspect", "unpack", "default-configuration", "sha512"))


def test_bash_completes_commands_and_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bash = shutil.which("bash")
    assert bash is not None
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "ova.bash"
    script.write_text(capsys.readouterr().out)

    def completed(*words: str) -> set[str]:
        names = " ".join(f"'{word}'" for word in words)
        line = f"COMP_WORDS=({names}); COMP_CWORD={len(words) - 1}; _shtab_ova; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        done = subprocess.run([bash, "-c", f". {script}; {line}"], capture_output=True, text=True, check=True)
        return {each.strip() for each in done.stdout.splitlines()}

    assert completed("ova", "un") == {"unpack"}
    assert completed("ova", "set", "--dr") == {"--dry-run"}
