"""What must not work: reading forbidden data through a component, and deceiving the gate."""

from __future__ import annotations

from pathlib import Path

import pytest
from irods.exception import iRODSException
from irods.meta import iRODSMeta

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused


def secret_of(victor: Person, name: str = "secret") -> str:
    """A collection of victor's that only victor may read, with a value."""
    secret = f"{victor.home}/{name}"
    victor.client.make(secret)
    victor.client.set(f"{victor.home}/secret", "pw", "S3CRET")
    return secret


def test_a_private_source_is_not_fetched_through_its_owner(make_person: MakePerson) -> None:
    victor, mallory = make_person(), make_person()
    private = f"{victor.home}/private.ova"
    victor.client.put(ova(b"secret " * 3000), private)
    trap = f"{mallory.home}/trap/x"
    mallory.client.make(trap)
    mallory.client.allow("inherit", trap)
    mallory.grants("own", trap, victor.name)
    mallory.client.set(trap, "ova_url", private)
    victor.client.put(ova(b"secret2" * 3000), private)  # victor builds all components of his source, as far as he may
    assert mallory.facts(trap)["ova::status"] == "failed"
    assert not mallory.client.session.data_objects.exists(f"{trap}/x.ova")
    with pytest.raises(Refused):
        victor.client.get(f"{trap}/x.ova")  # nor does his reading it make it
    assert not mallory.client.session.data_objects.exists(f"{trap}/x.ova")


def test_a_private_value_is_not_fetched_through_its_owner(make_person: MakePerson) -> None:
    victor, mallory = make_person(), make_person()
    secret, trap = secret_of(victor), f"{mallory.home}/y"
    mallory.client.make(trap)
    mallory.client.put(ova(), f"{mallory.home}/base.ova")
    mallory.grants("read", f"{mallory.home}", victor.name, recursive=True)
    mallory.grants("own", trap, victor.name)
    mallory.client.set(trap, "ova_url", "../base.ova")
    mallory.grants("own", f"{trap}/y.ova", victor.name)
    mallory.client.set(trap, "domainname", f"${{{secret}:pw}}")
    victor.client.set(secret, "colour", "red")
    victor.client.set(trap, "hostname", "harmless")
    facts = mallory.facts(trap)
    assert facts["ova::status"] == "failed"
    assert "S3CRET" not in str(facts)
    mallory.client.metadata(trap).remove("ova_url", "../base.ova")
    assert b"S3CRET" not in mallory.client.get(f"{trap}/y.ova")


def test_nor_is_one_that_a_readable_collection_inherits(make_person: MakePerson) -> None:
    victor, mallory = make_person(), make_person()
    open_one, trap = secret_of(victor, "secret/open"), f"{mallory.home}/y"
    victor.grants("read", open_one, mallory.name)
    mallory.client.make(trap)
    mallory.client.put(ova(), f"{mallory.home}/base.ova")
    mallory.grants("own", mallory.home, victor.name, recursive=True)
    mallory.client.set(trap, "ova_url", "../base.ova")
    mallory.client.set(trap, "domainname", f"${{{open_one}:pw}}")
    mallory.grants("own", mallory.home, victor.name, recursive=True)
    victor.client.set(open_one, "colour", "red")
    victor.client.set(trap, "hostname", "harmless")
    facts = mallory.facts(trap)
    assert facts["ova::status"] == "failed"
    assert f"{mallory.name}#" in facts["ova::message"] or mallory.name in facts["ova::message"]
    mallory.client.metadata(trap).remove("ova_url", "../base.ova")
    assert b"S3CRET" not in mallory.client.get(f"{trap}/y.ova")


def trap_of(mallory: Person, victor: Person, name: str) -> str:
    """A component of mallory's in which victor may do everything, without a source yet."""
    trap = f"{mallory.home}/{name}"
    mallory.client.make(trap)
    mallory.grants("own", mallory.home, victor.name, recursive=True)
    return trap


@pytest.mark.parametrize("harmless", ["cp", "set", "atomic"])
def test_whoever_changes_another_avu_is_not_the_author_of_all(harmless: str, make_person: MakePerson) -> None:
    from irods.meta import AVUOperation
    from irods.models import Collection

    victor, mallory = make_person(), make_person()
    private = f"{victor.home}/private.ova"
    victor.client.put(ova(), private)
    trap = trap_of(mallory, victor, "t")
    mallory.client.set(trap, "colour", "red")
    mallory.client.set(trap, "ova_url", private)
    metadata = victor.client.metadata(trap)
    if harmless == "cp":
        victor.client.make(f"{victor.home}/plain")
        victor.client.set(f"{victor.home}/plain", "size", "big")
        victor.client.session.metadata.copy(Collection, Collection, f"{victor.home}/plain", trap)
    elif harmless == "atomic":
        metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("size", "big")))
    else:
        victor.client.set(trap, "size", "big")
    assert mallory.facts(trap)["ova::status"] == "failed"
    assert mallory.name in mallory.facts(trap)["ova::message"]
    assert not mallory.client.session.data_objects.exists(f"{trap}/t.ova")


def test_the_author_of_an_inherited_reference_must_be_able_to_read(make_person: MakePerson) -> None:
    victor, mallory = make_person(), make_person()
    secret = secret_of(victor)
    victor.client.put(ova(), f"{victor.home}/base.ova")
    grid = trap_of(mallory, victor, "grid")
    mallory.client.allow("inherit", grid)
    mallory.client.set(grid, "domainname", f"${{{secret}:pw}}")
    facts = victor.facts(victor.client.component(f"{grid}/comp", f"{victor.home}/base.ova"))
    assert facts["ova::status"] == "failed"
    assert f"was set by {mallory.name}" in facts["ova::message"]
    assert not victor.client.session.data_objects.exists(f"{grid}/comp/comp.ova")


def test_facts_that_are_copied_are_not_believed(site: Site, component: str, client: PythonClient) -> None:
    """The facts of another component, and such as come from where nobody refuses them."""
    from irods.models import Collection, User

    right = client.get(site.ready)
    client.component(f"{site.home}/grid01/comp02", site.source, hostname="other")
    facts = [a for a in client.metadata(component).items() if a.name == "ova::build"]
    client.metadata(component).remove(facts[0])
    forged = site.session.users.get(site.session.username).metadata
    fact = iRODSMeta("ova::build", facts[0].value.replace('"version":"', '"version":"9'), facts[0].units)
    forged.add(fact)
    try:
        site.session.metadata.copy(User, Collection, site.session.username, component)
    finally:
        forged.remove(fact)
    assert client.get(site.ready) == right
    assert site.facts()["ova::status"] == "ready"


def test_the_settings_of_a_component_can_be_copied(site: Site, component: str, client: PythonClient) -> None:
    from irods.models import Collection

    client.set(component, "hostname", "first")
    twin = f"{site.home}/grid01/twin"
    client.make(twin)
    site.session.metadata.copy(Collection, Collection, component, twin)
    assert site.facts(twin)["ova::status"] == "ready"
    assert client.ready(twin).values["host.hostname"] == "first"
    client.set(twin, "hostname", "second")
    assert client.ready(twin).values["host.hostname"] == "second"
    assert client.ready(component).values["host.hostname"] == "first"


def test_a_removed_fact_comes_back(site: Site, component: str, client: PythonClient) -> None:
    metadata = client.metadata(component)
    for avu in [avu for avu in metadata.items() if avu.name == "ova::build"]:
        metadata.remove(avu)
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).whole


def test_a_reader_of_the_object_alone_does_not_pass_the_gate(site: Site, component: str, person: Person) -> None:
    site.allow("read", site.ready, person.name)
    with pytest.raises(Refused, match=f"{person.name} may not read the AVUs of .*comp01"):
        person.client.get(site.ready)


def test_an_object_that_only_has_such_a_name_is_read(site: Site, person: Person, client: PythonClient) -> None:
    client.make(f"{site.home}/images")
    client.put(ova(), f"{site.home}/images/images.ova")
    site.allow("read", f"{site.home}/images", person.name, recursive=True)
    assert person.client.get(f"{site.home}/images/images.ova") == ova()


def test_another_ones_component_does_not_stop_the_rest(site: Site, component: str, person: Person) -> None:
    """One source, two components; its owner may not touch the first of them."""
    client = PythonClient(site.session)
    site.allow("read", f"{site.home}/images", person.name, recursive=True)
    foreign = person.client.component(f"{person.home}/a", site.source)
    client.allow("null", foreign, site.session.username, admin=True)
    client.put(ova(b"next" * 4000), site.source)
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).members["disk1.vmdk"] == b"next" * 4000
    assert person.client.ready(foreign).members["disk1.vmdk"] == b"next" * 4000


def test_a_mistaken_reference_is_set_right(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "hostname", "${typo:ip}")
    assert site.facts()["ova::status"] == "failed"
    client.set(component, "hostname", "right")
    assert site.facts()["ova::status"] == "ready"
    client.set(component, "hostname", "${/:x}")
    assert site.facts()["ova::status"] == "failed"
    client.set(component, "hostname", "again")
    assert client.ready(component).values["host.hostname"] == "again"


def test_a_reference_to_what_comes_later_heals(site: Site, component: str, client: PythonClient) -> None:
    other = f"{site.home}/grid01/comp02"
    client.make(other)
    client.set(component, "hostname", "${comp02:ip}")
    assert site.facts()["ova::status"] == "failed"
    client.set(other, "ip", "10.0.0.2")
    assert site.facts()["ova::status"] == "ready"
    assert client.ready(component).values["host.hostname"] == "10.0.0.2"


def test_a_grid_that_is_renamed_goes_on(site: Site, component: str, client: PythonClient) -> None:
    client.set(f"{site.home}/grid01", "domainname", "inherited")
    site.session.collections.move(f"{site.home}/grid01", f"{site.home}/grid02")
    moved = f"{site.home}/grid02/comp01"
    assert site.facts(moved)["ova::status"] == "ready"
    client.set(moved, "hostname", "moved")
    values = client.ready(moved).values
    assert (values["host.hostname"], values["host.domainname"]) == ("moved", "inherited")


def test_touching_or_checksumming_the_source_changes_nothing(site: Site, component: str, client: PythonClient) -> None:
    built = site.facts()["ova::fingerprint"]
    site.session.data_objects.chksum(site.source)
    site.session.data_objects.touch(site.source)
    client.set(component, "colour", "red")
    client.get(site.ready)
    client.metadata(component).remove("colour", "red")
    assert site.facts()["ova::fingerprint"] == built


def test_a_removed_ready_ova_is_said_and_made_again(site: Site, component: str, client: PythonClient) -> None:
    site.session.data_objects.unlink(site.ready, force=True)
    assert "was removed" in site.facts()["ova::message"]
    client.set(component, "hostname", "anew")
    assert client.ready(component).values["host.hostname"] == "anew"


def test_a_component_is_removed_with_all_that_is_in_it(site: Site, component: str) -> None:
    site.session.collections.remove(component, recurse=True, force=True)
    assert not site.session.collections.exists(component)


def test_a_slash_at_the_end_does_not_help(site: Site, component: str, client: PythonClient) -> None:
    client.set(component, "mtu", "12")
    with pytest.raises((Refused, iRODSException)):
        client.get(f"{site.ready}/")


# ---- one grid in the place of another --------------------------------------------------------------------------------


def _private_grid(victor: Person, mallory: Person) -> str:
    """A grid of victor's whose AVUs mallory may read, but neither its sources nor its ready OVAs."""
    grid = f"{victor.home}/grid"
    victor.client.make(grid)
    victor.client.put(ova(b"secret " * 3000), f"{victor.home}/private.ova")
    victor.grants("read", grid, mallory.name)
    return grid


def test_whoever_takes_a_grid_as_prototype_gets_no_private_source_by_it(make_person: MakePerson) -> None:
    victor, mallory = make_person(), make_person()
    grid = _private_grid(victor, mallory)
    trap = trap_of(mallory, victor, "trap")
    mallory.client.allow("inherit", trap)
    mallory.client.set(trap, "ova_like", grid)
    victor.client.make(f"{grid}/comp")
    victor.grants("read", f"{grid}/comp", mallory.name)
    victor.client.set(f"{grid}/comp", "ova_url", f"{victor.home}/private.ova")  # makes trap/comp, as victor
    victor.client.set(grid, "domainname", "example.org")
    assert victor.facts(f"{grid}/comp")["ova::status"] == "ready"
    assert not mallory.client.session.data_objects.exists(f"{trap}/comp/comp.ova")
    assert mallory.name in victor.facts(f"{trap}/comp")["ova::message"]


def test_who_inherits_a_reference_must_be_able_to_read_what_it_names(make_person: MakePerson) -> None:
    """Below a grid, and by a grid that is like it: the builder is the one who set the reference."""
    victor, mallory = make_person(), make_person()
    secret, grid = secret_of(victor), _private_grid(victor, mallory)
    mallory.client.put(ova(), f"{mallory.home}/base.ova")
    mallory.grants("read", mallory.home, victor.name, recursive=True)
    victor.grants("own", grid, mallory.name)
    below, trap = f"{grid}/below", trap_of(mallory, victor, "trap")
    mallory.client.make(below)
    mallory.client.make(f"{trap}/comp")
    mallory.client.set(trap, "ova_like", grid)
    for component in (below, f"{trap}/comp"):
        mallory.grants("own", component, victor.name)
        mallory.client.allow("inherit", component)
        mallory.client.set(component, "ova_url", f"{mallory.home}/base.ova")
    victor.client.set(grid, "domainname", f"${{{secret}:pw}}")  # builds both, as victor
    for component in (below, f"{trap}/comp"):
        assert victor.facts(component)["ova::status"] == "failed", component
        for item in mallory.client.session.collections.get(component).data_objects:
            assert all(b"S3CRET" not in Path(replica.path).read_bytes() for replica in item.replicas)


def test_a_forged_history_makes_nobody_an_author(site: Site, component: str, client: PythonClient) -> None:
    from irods.models import Collection, User

    text = '2030-01-01T00:00:00.000Z 0123456789abcdef0123456789abcdef [["hostname","${/x:pw}",""]] /x.ova'
    me = site.session.users.get(site.session.username).metadata
    me.add(iRODSMeta("ova::history", text))
    try:
        site.session.metadata.copy(User, Collection, site.session.username, component)
    finally:
        me.remove(iRODSMeta("ova::history", text))
    with pytest.raises(Refused, match="no entry 0123456789abcdef"):
        client.set(component, "ova_restore", "0123456789abcdef0123456789abcdef")
