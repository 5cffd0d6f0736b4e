"""Values that iRODS cannot hold: the empty one (`${}`), and long ones in data objects (`${<config/NAME}`)."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused

LONG = "#cloud-config\n" + "".join(f"- line {number} with é\n" for number in range(9000))


@pytest.fixture
def text(site: Site, component: str, client: PythonClient) -> str:
    """A text of the component, and the AVU that takes it."""
    client.make(f"{component}/config")
    path = f"{component}/config/user-data"
    client.put(b"first", path)
    client.set(component, "hostname", "${<config/user-data}")
    return path


def test_the_empty_value(component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "${}")
    assert client.ready(component).values["host.hostname"] == ""
    client.set(component, "hostname", "a${}b")
    assert client.ready(component).values["host.hostname"] == "ab"


def test_a_text_arrives_and_its_change_is_an_event(site: Site, text: str, component: str, client: PythonClient) -> None:
    assert client.ready(component).values["host.hostname"] == "first"
    before = site.facts()["ova::fingerprint"]
    client.put(LONG.encode(), text)
    after = site.facts()
    assert after["ova::status"] == "ready"
    assert after["ova::fingerprint"] != before
    assert client.ready(component).values["host.hostname"] == LONG


def test_a_removed_text_is_said_and_comes_back(site: Site, text: str, component: str, client: PythonClient) -> None:
    client.unlink(text)
    assert f"{text} does not exist" in site.facts()["ova::message"]
    client.put(b"again", text)
    assert client.ready(component).values["host.hostname"] == "again"


def test_a_renamed_text_too(site: Site, text: str, component: str, client: PythonClient) -> None:
    site.session.data_objects.move(text, f"{text}.old")
    assert f"{text} does not exist" in site.facts()["ova::message"]
    site.session.data_objects.move(f"{text}.old", text)
    assert client.ready(component).values["host.hostname"] == "first"


def test_machines_take_the_text_of_the_grid_that_says_so(site: Site, component: str, client: PythonClient) -> None:
    grid = f"{site.home}/grid01"
    client.make(f"{grid}/config")
    client.put(b"for all", f"{grid}/config/motd")
    client.set(grid, "hostname", "${<config/motd}")
    other = client.component(f"{grid}/comp02", site.source)
    for each in (component, other):
        assert client.ready(each).values["host.hostname"] == "for all"
    client.put(b"for all of them", f"{grid}/config/motd")
    for each in (component, other):
        assert client.facts(each)["ova::status"] == "ready"
        assert client.ready(each).values["host.hostname"] == "for all of them"


def test_a_copy_of_a_grid_takes_the_texts_of_its_prototype(
    site: Site, text: str, component: str, client: PythonClient
) -> None:
    client.make(f"{site.home}/grid02")
    client.set(f"{site.home}/grid02", "ova_like", "../grid01")
    assert client.metadata(f"{site.home}/grid02").get_one("ova_like").value == f"{site.home}/grid01"
    client.put(b"second", text)
    assert client.ready(f"{site.home}/grid02/comp01").values["host.hostname"] == "second"


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${<user-data}", "texts lie in the collection config of"),
        ("${<../comp02/config/x}", "texts lie in the collection config of"),
        ("${</tempZone/home/other/config/x}", "texts lie in the collection config of"),
        ("${<config/}", "texts lie in the collection config of"),
        ("${<config/../../x}", "texts lie in the collection config of"),
        ("${<config/none}", "config/none does not exist, or"),
        ("${<config/binary}", "is no text in UTF-8 (byte 0)"),
        ("${<config/longer}", "has 262145 bytes; a value takes at most 262144"),
        ("${<config/control}", "U+0004"),
    ],
)
def test_what_is_no_text_of_the_component_is_said(
    value: str, message: str, site: Site, text: str, component: str, client: PythonClient
) -> None:
    for name, data in {"binary": b"\xff\xfe", "longer": b"x" * 262145, "control": b"a\x04"}.items():
        client.put(data, f"{component}/config/{name}")
    client.set(component, "hostname", value)
    assert message in site.facts()["ova::message"]
    with pytest.raises(Refused):
        client.ready(component)
    client.set(component, "hostname", "${<config/user-data}")
    assert client.ready(component).values["host.hostname"] == "first"


def test_nobody_takes_a_text_through_another_that_may_read_it(
    site: Site, make_person: MakePerson, client: PythonClient
) -> None:
    """The one may change the AVUs, and not read the text; the other's next change builds."""
    owner, other = make_person(), make_person()
    images, mine = f"{owner.home}/images", f"{owner.home}/grid/comp"
    owner.client.make(images)
    owner.client.put(ova(), f"{images}/base.ova")
    owner.client.component(mine, f"{images}/base.ova")
    owner.client.make(f"{mine}/config")
    owner.client.put(b"the secret", f"{mine}/config/secret")
    for path in (owner.home, f"{owner.home}/grid", images, f"{images}/base.ova"):
        owner.grants("read", path, other.name)
    owner.grants("write", mine, other.name)
    owner.grants("write", f"{mine}/comp.ova", other.name)
    other.client.set(mine, "hostname", "${<config/secret}")
    assert "the secret" not in str(owner.client.metadata(mine).items())
    owner.client.set(mine, "domainname", "example.org")
    facts = owner.facts(mine)
    assert facts["ova::status"] == "failed"
    assert f"was set by {other.name}#" in facts["ova::message"]
    owner.grants("read", f"{mine}/config", other.name)  # the collection alone is not enough
    owner.client.set(mine, "domainname", "example.com")
    assert f"was set by {other.name}#" in owner.facts(mine)["ova::message"]
    owner.client.set(mine, "hostname", "${<config/secret}x")  # now its owner says so
    assert owner.facts(mine)["ova::status"] == "ready"


def test_a_reader_who_may_not_read_the_text_is_refused(
    site: Site, text: str, component: str, client: PythonClient, person: Person
) -> None:
    for path in (component, site.ready):
        person.may("read", path)
    with pytest.raises(Refused):
        person.client.get(site.ready)
    person.may("read", component, recursive=True)
    assert person.client.ready(component).values["host.hostname"] == "first"
