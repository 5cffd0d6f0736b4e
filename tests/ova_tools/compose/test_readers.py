"""Other readers take composed packages, and those that were edited: virt-v2v, and the extractor of Glance."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from ova_tools.cli import main
from tests.ova_tools.compose.domains import disk, domain, nic

_GLANCE = """
import sys
from glance.async_.flows.ovf_process import OVAImageExtractor
from oslo_config import cfg
cfg.CONF([], project="glance", default_config_files=[])
with open(sys.argv[1], "rb") as file, open(sys.argv[2], "wb") as out:
    disk, properties = OVAImageExtractor().extract(file)
    out.write(disk.read())
"""
_DEBIANS = "/usr/bin/python3"  # glance is a package of the system's Python
_HAS_GLANCE = (
    Path(_DEBIANS).exists()
    and subprocess.run([_DEBIANS, "-c", _GLANCE.partition("with")[0]], capture_output=True).returncode == 0
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("qemu-img") is None, reason="qemu-img is not installed here (qemu-utils)"),
]


@pytest.fixture(params=["composed", "edited"])
def package(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A composed package, or what an edit makes of it: as a ready OVA."""
    (tmp_path / "d.raw").write_bytes(b"begins" + bytes(4 << 20))
    os.truncate(tmp_path / "d.raw", 4 << 20)
    (tmp_path / "sg12.xml").write_bytes(domain(disk(format="raw", source=str(tmp_path / "d.raw")) + nic()))
    composed = tmp_path / "sg12.ova"
    assert main(["compose", "--domain", str(tmp_path / "sg12.xml"), "-o", str(composed)]) == 0
    if request.param == "composed":
        return composed
    assert main(["set", str(composed), "hostname=sg17", "-o", str(tmp_path / "sg17.ova")]) == 0
    return tmp_path / "sg17.ova"


@pytest.mark.skipif(shutil.which("virt-v2v") is None, reason="virt-v2v is not installed here")
def test_virt_v2v_reads_it(package: Path) -> None:
    command = ["virt-v2v", "-i", "ova", "--print-source", str(package)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    lines = [" ".join(line.split()) for line in said.splitlines()]
    assert "source name: sg12" in lines
    assert "memory: 2147483648 (bytes)" in lines
    assert "nr vCPUs: 2" in lines
    assert any("mac: 52:54:00:12:34:56" in line for line in lines)


@pytest.mark.skipif(not _HAS_GLANCE, reason="Glance is not installed here (glance-api)")
def test_glances_extractor_takes_its_disk(package: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.vmdk"
    subprocess.run([_DEBIANS, "-c", _GLANCE, str(package), str(out)], check=True, capture_output=True)
    compare = ["qemu-img", "compare", "-f", "vmdk", "-F", "raw", str(out), str(tmp_path / "d.raw")]
    assert subprocess.run(compare, capture_output=True, check=False).returncode == 0
