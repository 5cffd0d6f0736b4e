"""Switching the source, the history of a component, and the way back."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.support.appliances import ova, read
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
