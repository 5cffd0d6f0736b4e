"""Promise 7: a rebuild runs with the permissions of the user who caused it, and never needs more."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.acceptance.people import Person
from tests.support.appliances import ova
from tests.support.clients import CLIENTS, PythonClient, Refused


@pytest.mark.parametrize("name", CLIENTS)
def test_an_ordinary_user_needs_no_administrator(name: str, person: Person, make_client: MakeClient) -> None:
    client = make_client(name, person.name, "secret")
    images, mine = f"{person.home}/images", f"{person.home}/grid01/comp01"
    client.make(images)
    client.put(ova(), f"{images}/base.ova")
    client.component(mine, f"{images}/base.ova", hostname="sg12")
    assert client.ready(mine).values["host.hostname"] == "sg12"
    owner = person.client.session.data_objects.get(f"{mine}/comp01.ova").owner_name
    assert owner == person.name


def test_a_source_that_may_not_be_read_is_not_read(site: Site, component: str, person: Person) -> None:
    mine = person.client.component(f"{person.home}/grid01/comp01", site.source)
    facts = person.facts(mine)
    assert facts["ova::status"] == "failed"
    assert f"{site.source}: does not exist, or {person.name} may not read it" in facts["ova::message"]
    assert not person.client.session.data_objects.exists(f"{mine}/comp01.ova")


def test_a_permission_that_is_given_heals(site: Site, component: str, person: Person) -> None:
    mine = person.client.component(f"{person.home}/grid01/comp01", site.source)
    person.may("read", f"{site.home}/images", recursive=True)
    person.client.set(mine, "hostname", "sg12")
    assert person.client.ready(mine).values["host.hostname"] == "sg12"


def test_a_reader_of_the_component_reads_a_current_ova(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    """Neither the source nor the collections above are the reader's."""
    person.may("read", component, recursive=True)
    client.set(component, "hostname", "shared")
    assert person.client.ready(component).values["host.hostname"] == "shared"


def test_a_reader_is_refused_what_failed(site: Site, component: str, client: PythonClient, person: Person) -> None:
    person.may("read", component, recursive=True)
    client.set(component, "mtu", "12")
    with pytest.raises(Refused, match="AVU mtu"):
        person.client.get(site.ready)


def test_a_reader_who_may_not_see_what_it_is_made_from_is_told_so(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    person.may("read", component, recursive=True)
    client.set(f"{site.home}/grid01", "hostname", "inherited")
    with pytest.raises(Refused, match=f"{person.name} may not read the AVUs of .*/grid01"):
        person.client.get(site.ready)
    person.may("read", f"{site.home}/grid01")
    assert person.client.ready(component).values["host.hostname"] == "inherited"


def test_who_may_not_replace_the_ready_ova_fails_in_one_line(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    person.may("write", component)
    person.may("read", f"{site.home}/images", recursive=True)
    person.client.set(component, "hostname", "mine")
    assert site.facts()["ova::status"] == "failed"
    message = site.facts()["ova::message"]  # a zone may not even show the object to this user
    assert f"{person.name} may not" in message and site.ready in message
    assert client.ready(component).values["host.hostname"] == "mine"


def test_an_uploader_who_may_not_write_the_component_leaves_it_to_the_gate(
    site: Site, component: str, client: PythonClient, person: Person
) -> None:
    client.set(component, "hostname", "kept")
    person.may("write", f"{site.home}/images", recursive=True)
    person.client.put(ova(b"by another" * 3000), site.source)
    found = client.ready(component)
    assert found.whole and found.members["disk1.vmdk"] == b"by another" * 3000


def test_ordinary_users_cannot_run_python_as_the_service_account(site: Site, person: Person, tmp_path: Any) -> None:
    from irods.exception import iRODSException
    from irods.rule import Rule

    target = tmp_path / "pwned"
    text = (
        f'delayExec("<INST_NAME>irods_rule_engine_plugin-python-instance</INST_NAME>", "open({str(target)!r},1)", "")'
    )
    rule = Rule(
        person.client.session,
        body=f"test {{ {text} }}",
        instance_name="irods_rule_engine_plugin-irods_rule_language-instance",
    )
    with pytest.raises(iRODSException):
        rule.execute()
    assert not target.exists()
