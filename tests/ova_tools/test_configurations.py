"""Values of deployment options: set, added, and kept apart from the default."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from ova_tools.cli import main
from ova_tools.package import read_package

from . import build
from .test_cli import SECRET, refusal


def test_a_configurations_value_is_set_and_added(tmp_path: Path) -> None:
    options = '<Configuration ovf:id="small"/><Configuration ovf:id="big"/>'
    text = build.descriptor(
        '<Property ovf:key="n" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="1">'
        '<Label>N</Label><Value ovf:value="2" ovf:configuration="small"/></Property>'
        '<Property ovf:key="m" ovf:type="uint8" ovf:userConfigurable="true"/>',
        options=f"<DeploymentOptionSection>{options}</DeploymentOptionSection>",
    ).encode()
    source = build.ova(tmp_path, text)

    assert main(["set", str(source), "n=3", "--configuration", "small", "--in-place"]) == 0
    assert main(["set", str(source), "n=9", "m=8", "--configuration", "big", "--in-place"]) == 0

    with tarfile.open(source) as archive:
        new = archive.extractfile("vm.ovf").read().decode().rstrip()  # type: ignore[union-attr]
    assert new == (
        text.decode()
        .replace('ovf:value="2"', 'ovf:value="3"')
        .replace('"small"/></Property>', '"small"/><Value ovf:value="9" ovf:configuration="big"/></Property>')
        .replace('true"/>', 'true"><Value ovf:value="8" ovf:configuration="big"/></Property>')
        .rstrip()
    )


def test_setting_a_default_says_that_configurations_keep_theirs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = build.ova(tmp_path, SECRET)

    assert main(["set", str(source), "pass=new", "--in-place"]) == 0

    assert capsys.readouterr().err == (
        f"ova: {source}: note: property pass keeps its own values in configurations: big\n"
    )


def test_a_value_for_all_configurations_follows_the_default(tmp_path: Path) -> None:
    text = build.one_property('ovf:key="ip" ovf:value="" ovf:userConfigurable="true"', '<Value ovf:value="10.0.0.1"/>')
    source = build.ova(tmp_path, text)

    assert main(["set", str(source), "ip=10.0.0.2", "--in-place"]) == 0

    with read_package(source) as package:
        assert package.descriptor.data.count(b'"10.0.0.2"') == 2


def test_a_configuration_that_is_not_declared_is_refused_with_those_that_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = build.ova(tmp_path, SECRET)

    line = refusal(capsys, "set", source, "pass=1", "--configuration", "huge", "--in-place")

    assert line.endswith("no configuration 'huge'; the descriptor has: big")


def test_two_values_for_one_configuration_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    twice = '<Value ovf:value="1" ovf:configuration="big"/>' * 2
    source = build.ova(tmp_path, build.one_property('ovf:key="k" ovf:userConfigurable="true"', twice))

    line = refusal(capsys, "set", source, "k=2", "--configuration", "big", "--in-place")

    assert line.endswith("property k has 2 values for configuration big, one is right")


def test_a_value_element_in_its_own_prefix_and_style_is_added_so(tmp_path: Path) -> None:
    text = build.descriptor(
        '<ovf:Property key="n" type="uint8" userConfigurable="true"><ovf:Label>N</ovf:Label></ovf:Property>\n',
        options='<DeploymentOptionSection><Configuration ovf:id="a&amp;b"/></DeploymentOptionSection>',
    ).encode()
    source = build.ova(tmp_path, text)

    assert main(["set", str(source), "n=3", "--configuration", "a&b", "--in-place"]) == 0

    with read_package(source) as package:
        assert b'</ovf:Label><ovf:Value value="3" configuration="a&amp;b"/></ovf:Property>' in package.descriptor.data
        assert dict(package.properties[0].configurations) == {"a&b": "3"}
