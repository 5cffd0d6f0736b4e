"""Values of deployment options: set, added, and kept apart from the default."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from lxml import etree

from ova_tools.cli import main
from ova_tools.descriptor import parse
from ova_tools.edit import Change, edit
from ova_tools.errors import DescriptorError, PropertyError
from ova_tools.notes import NoteKind
from ova_tools.package import read_package

from . import build
from .test_cli import SECRET, refusal

OWN = [
    '<Value ovf:value="s" ovf:configuration="small"/>',
    '<Value ovf:configuration="small"/>',
    '<Value ovf:value="a"/><Value ovf:value="s" ovf:configuration="small"/>',
    '<Value ovf:value="s" ovf:configuration="small"/><Value ovf:value="b" ovf:configuration="big"/>',
]


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


OPTIONS = (
    "<DeploymentOptionSection><Info/>"
    '<Configuration ovf:id="small"/><Configuration ovf:id="big"/><Configuration ovf:id="huge"/>'
    "</DeploymentOptionSection>"
)


def optioned(options: str = OPTIONS, inner: str = "") -> bytes:
    return build.descriptor(
        f'<Property ovf:key="k" ovf:userConfigurable="true" ovf:value="d">{inner}</Property>\n', options=options
    ).encode()


def values_of(data: bytes) -> dict[str | None, str | None]:
    """The values of the property as lxml reads them: its attribute, and those of its Value elements."""
    ovf = f"{{{build.OVF1}}}"
    (prop,) = etree.fromstring(data).iter(f"{ovf}Property")
    own = {each.get(f"{ovf}configuration"): each.get(f"{ovf}value") for each in prop.iter(f"{ovf}Value")}
    return {"default": prop.get(f"{ovf}value"), **own}


@pytest.mark.parametrize("inner", ["", *OWN])
def test_a_value_without_a_configuration_reaches_every_deployment(tmp_path: Path, inner: str) -> None:
    with read_package(build.ova(tmp_path, optioned(inner=inner))) as package:
        result = edit(package, [Change(package.properties[0], "new")])
        again = edit(package, [Change(package.properties[0], "new")])

    assert set(values_of(result.descriptor).values()) == {"new"}
    assert len(values_of(result.descriptor)) == 1 + inner.count("<Value")
    assert NoteKind.CONFIGURATION not in {each.kind for each in result.notes}
    assert again.descriptor == result.descriptor


def test_a_named_configuration_is_stronger_in_any_order(tmp_path: Path) -> None:
    with read_package(build.ova(tmp_path, optioned(inner=OWN[-1]))) as package:
        prop = package.properties[0]
        changes = [Change(prop, "all"), Change(prop, "large", "big"), Change(prop, "giant", "huge")]
        found = {edit(package, order).descriptor for order in (changes, changes[::-1])}

    results = [values_of(each) for each in found]
    assert results == [{"default": "all", "small": "all", "big": "large", "huge": "giant"}] * len(results)


@pytest.mark.parametrize(("configuration", "said"), [(None, ""), ("big", " for configuration big")])
def test_two_values_of_one_property_for_one_configuration_are_refused(
    tmp_path: Path, configuration: str | None, said: str
) -> None:
    with read_package(build.ova(tmp_path, optioned())) as package:
        change = Change(package.properties[0], "1", configuration)
        with pytest.raises(PropertyError, match=f"property k is given two values{said}, one is right"):
            edit(package, [change, change])


def notes_of(path: Path, *configurations: str | None, default: str | None = None) -> list[str]:
    with read_package(path) as package:
        changes = [Change(package.properties[0], "new", each) for each in configurations]
        result = edit(package, changes, default_configuration=default)
    return [each.text for each in result.notes if each.kind is NoteKind.CONFIGURATION]


def test_a_value_that_only_a_choice_gives_is_said(tmp_path: Path) -> None:
    source = build.ova(tmp_path, optioned())

    said = "property k has its new value only in configuration {}; small is taken if nobody chooses"
    assert notes_of(source, "big") == [said.format("big")]
    assert notes_of(source, "huge", "big") == [said.format("big, huge")]
    assert notes_of(source, "small") == notes_of(source, None, "big") == notes_of(source, "big", default="big") == []


def test_a_value_for_an_option_that_is_not_declared_is_said(tmp_path: Path) -> None:
    source = build.ova(tmp_path, optioned(options="", inner=OWN[0]))

    said = "property k has its new value only in configuration small; no deployment option is declared"
    assert notes_of(source, "small") == [said]


@pytest.mark.parametrize(
    ("options", "name", "expected"),
    [
        (OPTIONS, "big", OPTIONS.replace('"big"', '"big" ovf:default="true"')),
        (OPTIONS, "small", OPTIONS),  # the first is the default one if none is marked
        (
            OPTIONS.replace('"small"', "\"small\" ovf:default = 'true'"),
            "big",
            OPTIONS.replace('"small"', "\"small\" ovf:default = 'false'").replace('"big"', '"big" ovf:default="true"'),
        ),
        (
            OPTIONS.replace('"small"', '"small" ovf:default="1"').replace('"big"', '"big" ovf:default="true"'),
            "big",
            OPTIONS.replace('"small"', '"small" ovf:default="false"').replace('"big"', '"big" ovf:default="true"'),
        ),
        (
            OPTIONS.replace("ovf:id", "id"),
            "huge",
            OPTIONS.replace("ovf:id", "id").replace('"huge"', '"huge" default="true"'),
        ),
    ],
)
def test_another_deployment_option_becomes_the_default_one(
    tmp_path: Path, options: str, name: str, expected: str
) -> None:
    with read_package(build.ova(tmp_path, optioned(options))) as package:
        result = edit(package, [], default_configuration=name, spare=0)

    assert result.descriptor == optioned(expected)
    assert parse(result.descriptor).default_configuration == name


@pytest.mark.parametrize("name", ["medium", ""])
def test_a_default_option_that_is_not_declared_is_refused(tmp_path: Path, name: str) -> None:
    source = build.ova(tmp_path, optioned(inner='<Value ovf:value="1" ovf:configuration="medium"/>'))

    with read_package(source) as package, pytest.raises(DescriptorError) as refused:
        edit(package, [], default_configuration=name)

    assert str(refused.value) == f"no configuration {name!r}; the descriptor has: big, huge, small"


def test_a_default_option_that_is_declared_twice_is_refused(tmp_path: Path) -> None:
    source = build.ova(tmp_path, optioned(OPTIONS.replace("huge", "big")))
    twice = pytest.raises(DescriptorError, match="configuration big is declared 2 times, once is right")

    with read_package(source) as package, twice:
        edit(package, [], default_configuration="big")
