"""What is said of systems whose hardware hands no property to the guest."""

from __future__ import annotations

from pathlib import Path

import pytest

from ova_tools.additions import systems_of
from ova_tools.cli import main
from ova_tools.descriptor import parse
from ova_tools.transport import transport_notes

from . import build

COLLECTION = f"""\
<ovf:Envelope xmlns:ovf="{build.OVF1}">
  <ovf:VirtualSystemCollection ovf:id="all">
    <ovf:Info>Three</ovf:Info>
    <ovf:VirtualSystem ovf:id="a"><ovf:Info/><ovf:VirtualHardwareSection ovf:transport="iso"/></ovf:VirtualSystem>
    <ovf:VirtualSystem ovf:id="b/c"><ovf:Info/><ovf:VirtualHardwareSection/></ovf:VirtualSystem>
    <ovf:VirtualSystem ovf:id="d"><ovf:Info/></ovf:VirtualSystem>
  </ovf:VirtualSystemCollection>
</ovf:Envelope>
""".encode()
SAYS = (
    "no guest will see properties: the virtual hardware of b/c declares no ovf:transport (DSP0243 8.1); "
    "a seed hands them over"
)


@pytest.mark.parametrize(
    ("name", "says"), [("a/k", []), ("b/c/k", [SAYS]), ("k", [SAYS]), ("d/k", [])], ids=["a", "b/c", "all", "d"]
)
def test_of_systems_that_get_no_environment_a_note_says_so(name: str, says: list[str]) -> None:
    content = parse(COLLECTION)
    assert [each.text for each in transport_notes(content, systems_of(content, [name]))] == says


def with_hardware(transport: str) -> bytes:
    hardware = f"<VirtualHardwareSection {transport}><Info/></VirtualHardwareSection>"
    return build.descriptor().replace("    <ProductSection", f"    {hardware}\n    <ProductSection", 1).encode()


@pytest.mark.parametrize(("transport", "count"), [("", 1), ('ovf:transport="iso"', 0)])
def test_inspect_and_set_say_it_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transport: str, count: int
) -> None:
    package = str(build.ova(tmp_path, with_hardware(transport)))
    assert main(["inspect", package]) == 0
    assert capsys.readouterr().out.count("a seed hands them over") == count
    assert main(["set", package, "hostname=sg12", "-o", str(tmp_path / "new.ova")]) == 0
    assert capsys.readouterr().err.count("a seed hands them over") == count
    assert main(["set", package, "hostname=sg12", "--seed", "--dry-run"]) in (0, 1)
    assert "a seed hands them over" not in capsys.readouterr().err
