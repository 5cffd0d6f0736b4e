"""`ova seed` as people meet it."""

from __future__ import annotations

import io
from pathlib import Path

import pycdlib
import pytest

from ova_tools.cli import main
from tests.ova_tools import build
from tests.support import REPOSITORY

SAMPLE = str(REPOSITORY / "demo/sample.ova")


def files(path: Path) -> dict[str, bytes]:
    iso = pycdlib.PyCdlib()
    iso.open(str(path))
    found = {}
    for folder, _, names in iso.walk(rr_path="/"):
        for name in names:
            out = io.BytesIO()
            iso.get_file_from_iso_fp(out, rr_path=f"{folder.rstrip('/')}/{name}")
            found[f"{folder.rstrip('/')}/{name}"[1:]] = out.getvalue()
    iso.close()
    return found


def refusal(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["seed", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    return err


def test_properties_and_other_values_are_on_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "sg12.iso"
    assert main(["seed", SAMPLE, "hostname=sg12", "ipaddr=10.0.0.7/24", "dns=10.0.0.53", "-o", str(out)]) == 0
    text = files(out)["ovf-env.xml"].decode()
    assert 'oe:key="com.ibm.vsae.2_1.system-host.hostname" oe:value="sg12"' in text
    assert 'oe:key="dns" oe:value="10.0.0.53"' in text
    assert 'oe:key="instance-id" oe:value="ova-sg12"' in text
    assert capsys.readouterr().out.startswith("interface 0: MAC ")


def test_the_same_request_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        main(["seed", SAMPLE, "hostname=sg12", "-o", str(tmp_path / name / "sg12.iso")])
    assert (tmp_path / "a/sg12.iso").read_bytes() == (tmp_path / "b/sg12.iso").read_bytes()


def test_tasks_come_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "bundle/install/files").mkdir(parents=True)
    (tmp_path / "bundle/install/10.sh").write_text("#!/bin/sh\n")
    (tmp_path / "bundle/install/files/data").write_text("x")
    out = tmp_path / "s.iso"
    assert main(["seed", SAMPLE, "--tasks", str(tmp_path / "bundle"), "--kind", "nocloud", "-o", str(out)]) == 0
    found = files(out)
    assert {"tasks/run", "tasks/install/00/10.sh", "tasks/install/00/files/data", "meta-data", "user-data"} <= set(
        found
    )


def test_a_package_of_several_systems_asks_which_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = build.descriptor().replace("<VirtualSystem ", '<VirtualSystemCollection ovf:id="all"><Info/><VirtualSystem ')
    end = "</VirtualSystem>"
    second = f'{end}<VirtualSystem ovf:id="second"><Info/>{end}</VirtualSystemCollection>'
    descriptor = tmp_path / "two.ovf"
    descriptor.write_text(second.join(text.rsplit(end, 1)))
    out = tmp_path / "s.iso"
    assert "--system says which one: vm, second" in refusal(capsys, str(descriptor), "-o", str(out))
    assert "no virtual system third" in refusal(capsys, str(descriptor), "--system", "third", "-o", str(out))
    assert main(["seed", str(descriptor), "--system", "second", "-o", str(out)]) == 0
    assert b'oe:id="second"' in files(out)["ovf-env.xml"]
    assert b'<oe:Entity oe:id="vm">' in files(out)["ovf-env.xml"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["ipaddr=nowhere"], "is no IP address"),
        (["mtu=jumbo"], "'jumbo' does not fit"),
        (["--tasks", "none"], "has none of the folders install, config, reset"),
    ],
)
def test_what_cannot_be_is_one_line_and_writes_nothing(
    arguments: list[str], why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert why in refusal(capsys, SAMPLE, *arguments, "-o", str(tmp_path / "s.iso"))
    assert list(tmp_path.iterdir()) == []


def test_a_link_among_the_tasks_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bundle/config").mkdir(parents=True)
    (tmp_path / "bundle/config/x").symlink_to("/etc/shadow")
    assert "is a link" in refusal(capsys, SAMPLE, "--tasks", str(tmp_path / "bundle"), "-o", str(tmp_path / "s.iso"))
