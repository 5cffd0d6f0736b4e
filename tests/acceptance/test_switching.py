"""Switching the source, the history of a component, and the way back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from irods.meta import AVUOperation, iRODSMeta

from tests.acceptance.conftest import MakeClient, Site
from tests.acceptance.people import Person
from tests.support.appliances import descriptor_of, ova, read
from tests.support.clients import CLIENTS, PythonClient, Refused


def _history(site: Site) -> list[tuple[str, str, str]]:
    """(time, fingerprint, the rest), the latest last."""
    items = PythonClient(site.session).metadata(site.component).get_all("ova::history")
    return sorted(tuple(avu.value.split(" ", 2)) for avu in items)


@pytest.mark.parametrize("name", CLIENTS)
def test_a_state_of_the_history_is_brought_back(name: str, site: Site, component: str, make_client: MakeClient) -> None:
    client = make_client(name)
    client.set(component, "hostname", "first")
    before, old = client.get(site.ready), site.facts()["ova::fingerprint"]
    other = f"{site.home}/images/other.ova"
    client.put(ova(b"another disk" * 3000), other)
    client.set(component, "ova_url", other)
    client.set(component, "hostname", "second")
    client.set(component, "mtu", "9000")
    assert client.ready(component).members["disk1.vmdk"] == b"another disk" * 3000

    client.set(component, "ova_restore", old)

    facts = site.facts()
    assert (facts["ova::status"], facts["ova::fingerprint"], facts["ova::source"]) == ("ready", old, site.source)
    found = client.ready(component)
    assert found.values == read(before).values
    assert found.members["disk1.vmdk"] == read(before).members["disk1.vmdk"]
    names = [avu.name for avu in PythonClient(site.session).metadata(component).items()]
    assert "ova_restore" not in names and "mtu" not in names


def test_the_history_keeps_the_last_ten(site: Site, component: str, client: PythonClient) -> None:
    for number in range(12):
        client.set(component, "hostname", f"host{number}")
    entries = _history(site)
    assert len(entries) == 10
    kept = "".join(rest for _, _, rest in entries)
    assert "host11" in kept and "host2" in kept and '"host1"' not in kept
    assert all(json.loads(rest.rpartition(" ")[0])["user"].startswith(site.session.username) for _, _, rest in entries)
    assert all(rest.endswith(site.source) for _, _, rest in entries)


def test_a_state_with_long_values_is_brought_back(site: Site, component: str, client: PythonClient) -> None:
    long = {name: f"{name} " + "é" * 1200 for name in ("hostname", "domainname", "note")}
    for attribute, value in long.items():
        client.set(component, attribute, value)
    old = site.facts()["ova::fingerprint"]
    for attribute in long:
        client.set(component, attribute, "short")
    client.set(component, "ova_restore", old[:12])
    assert site.facts()["ova::fingerprint"] == old
    assert client.ready(component).values["host.domainname"] == long["domainname"]


@pytest.mark.parametrize("wanted", ["00000000", "", "latest"])
def test_what_is_not_in_the_history_is_refused_with_the_choices(
    wanted: str, site: Site, component: str, client: PythonClient
) -> None:
    known = site.facts()["ova::fingerprint"]
    with pytest.raises(Refused, match=known):
        client.set(component, "ova_restore", wanted or known[:7])
    assert site.facts()["ova::status"] == "ready"


PASSWORD = (
    '<ovf:ProductSection ovf:class="host"><ovf:Info/>'
    '<ovf:Property ovf:key="admin" ovf:type="string" ovf:password="true" ovf:userConfigurable="true" ovf:value=""/>'
    '<ovf:Property ovf:key="hostname" ovf:type="string" ovf:userConfigurable="true" ovf:value="myhost"/>'
    "</ovf:ProductSection>"
)


def _states(client: PythonClient, component: str) -> list[dict[str, Any]]:
    """What the entries of the history say, the first one first."""
    found = [
        (int(avu.units.partition(" ")[0]), json.loads(avu.value.split(" ", 2)[2].rpartition(" ")[0]))
        for avu in client.metadata(component).get_all("ova::history")
    ]
    return [state for _, state in sorted(found)]


@pytest.mark.parametrize("where", ["own", "grid", "with units"])
def test_no_history_holds_a_password(where: str, site: Site, client: PythonClient) -> None:
    client.make(f"{site.home}/images")
    client.put(ova(), site.source)
    client.component(site.component, site.source, hostname="one")
    place = f"{site.home}/grid01" if where == "grid" else site.component
    client.set(place, "admin", "hunter2", "host" if where == "with units" else "")  # no property takes it yet
    client.put(ova(descriptor=descriptor_of(PASSWORD)), site.source)
    assert client.ready(site.component).values["host.admin"] == "hunter2"
    client.set(place, "admin", "hunter3", "host" if where == "with units" else "")
    everything = str([avu.value for avu in client.metadata(site.component).items() if avu.name.startswith("ova::")])
    assert "hunter" not in everything
    assert '["admin",null' in everything


def test_what_is_not_brought_back_is_said(site: Site, client: PythonClient) -> None:
    client.make(f"{site.home}/images")
    client.put(ova(descriptor=descriptor_of(PASSWORD)), site.source)
    client.set(client.component(site.component, site.source), "admin", "hunter2")
    client.set(f"{site.home}/grid01", "hostname", "of-the-grid")
    old = site.facts()["ova::fingerprint"]
    assert client.ready(site.component).values == {"host.admin": "hunter2", "host.hostname": "of-the-grid"}
    client.set(site.component, "admin", "hunter3")
    client.set(f"{site.home}/grid01", "hostname", "another")
    client.set(site.component, "ova_restore", old)
    notes = site.facts()["ova::note"]
    assert "without admin: no value of it is kept" in notes
    assert f"what other collections set stays as it is: hostname of {site.home}/grid01" in notes
    assert client.ready(site.component).values == {"host.admin": "hunter3", "host.hostname": "another"}
    client.set(site.component, "hostname", "own")
    assert "ova::note" not in site.facts()


def test_the_history_shows_what_the_grid_changed_and_who(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    person.may("read", f"{site.home}/images", recursive=True)
    person.may("read", site.home)
    person.may("write", f"{site.home}/grid01", recursive=True)
    person.client.set(f"{site.home}/grid01", "domainname", "example.org")
    state = _states(client, component)[-1]
    assert state["user"] == f"{person.name}#{site.session.zone}"
    assert state["inherited"] == [["domainname", "example.org", "", f"{site.home}/grid01"]]


def test_a_value_that_readers_may_not_see_is_not_in_the_history(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    person.may("read", component)
    client.set(f"{site.home}/grid01", "domainname", "secret.example.org")
    assert "secret.example.org" not in str(_states(client, component))
    client.set(component, "hostname", "sg12")
    assert _states(client, component)[-1]["inherited"] == [["domainname", None, "", f"{site.home}/grid01"]]


def test_a_grid_is_restored_as_a_whole(site: Site, component: str, client: PythonClient) -> None:
    grid, second = f"{site.home}/grid01", f"{site.home}/grid01/comp02"
    client.component(second, site.source, hostname="two", mtu="9000")
    client.set(component, "hostname", "one")
    client.set(grid, "domainname", "example.org")
    moment = max(entry[0] for entry in _history(site))
    before = {path: client.ready(path).values for path in (component, second)}
    client.metadata(second).remove("mtu", "9000")
    client.metadata(component).apply_atomic_operations(
        AVUOperation("remove", iRODSMeta("hostname", "one")), AVUOperation("add", iRODSMeta("hostname", "changed"))
    )
    client.set(grid, "domainname", "changed.example.org")
    third = client.component(f"{site.home}/grid01/comp03", site.source, hostname="three")
    moment = max(moment, *(time for time, _, _ in _history(site) if "changed" not in _))
    client.set(grid, "ova_restore", moment)
    for path, values in before.items():
        assert client.ready(path).values == values
    assert client.ready(third).values["host.hostname"] == "three"
    assert not client.metadata(grid).get_all("ova_restore")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("latest", "is brought back to a time, such as"),
        ("1999-12-31T23:59:59Z", "no component below has a state of 1999-12-31T23:59:59Z"),
    ],
)
def test_a_grid_is_not_restored_to_what_nobody_knows(
    value: str, message: str, site: Site, component: str, client: PythonClient
) -> None:
    with pytest.raises(Refused, match=message):
        client.set(f"{site.home}/grid01", "ova_restore", value)


def test_a_component_too_may_be_restored_to_a_time(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "first")
    moment = _history(site)[-1][0]
    client.set(component, "hostname", "second")
    client.set(component, "ova_restore", moment)
    assert client.ready(component).values["host.hostname"] == "first"
