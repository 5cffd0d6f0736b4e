"""The server never overwrites, moves, renames or deletes what it did not make, whoever requests it and however."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.support.appliances import ova, read
from tests.support.clients import Refused, ready_path, refusals
from tests.support.waiting import until
from tests.support.web_server import Resource, serving
from tests.support.zones import MakePlace

MINE = ova(b"the only copy " * 2000)


def content(site: Site, path: str) -> bytes:
    """What an object holds, past the gate: its vault file."""
    [replica] = site.session.data_objects.get(path).replicas
    data = Path(replica.path).read_bytes()
    assert replica.size == len(data)
    return data


def number(site: Site, path: str) -> int:
    """The number of an object: another one means that it was removed and made anew."""
    return int(site.session.data_objects.get(path).id)


def rm(person: Person, collection: str, attribute: str, value: str) -> None:
    """`imeta rm -C`"""
    person.client.metadata(collection).remove(attribute, value)


@pytest.fixture
def owner(person: Person) -> Person:
    """Somebody with a source."""
    person.client.put(ova(), f"{person.home}/base.ova")
    return person


def source(owner: Person) -> str:
    """His source."""
    return f"{owner.home}/base.ova"


def _set_url(owner: Person, vm: str) -> None:
    owner.client.make(vm)
    owner.client.put(MINE, f"{vm}/vm.ova")
    owner.client.set(vm, "ova_url", source(owner))


def _like(owner: Person, vm: str) -> None:
    owner.client.make(vm)
    owner.client.put(MINE, f"{vm}/vm.ova")
    owner.client.component(f"{owner.home}/prototype/vm", source(owner))
    owner.client.set(vm.rpartition("/")[0], "ova_like", f"{owner.home}/prototype")


def _rename_component(owner: Person, vm: str) -> None:
    """The component is of another name before; by its new one the user's object is in the ready OVA's place."""
    before = f"{owner.home}/before"
    owner.client.component(before, source(owner))
    owner.client.put(MINE, f"{before}/vm.ova")
    owner.client.session.collections.move(before, vm)


def _rename_new_component(owner: Person, vm: str) -> None:
    """One that was never built."""
    before = f"{owner.home}/before"
    owner.client.component(before, f"{owner.home}/later.ova")
    owner.client.put(MINE, f"{before}/vm.ova")
    owner.client.session.collections.move(before, vm)
    owner.client.set(vm, "ova_url", source(owner))


def _rename_grid(owner: Person, vm: str) -> None:
    """With the grid a component comes to where it finds its source."""
    grid = f"{owner.home}/elsewhere"
    owner.client.make(f"{grid}/vm")
    owner.client.put(MINE, f"{grid}/vm/vm.ova")
    owner.client.set(f"{grid}/vm", "ova_url", f"{vm.rpartition('/')[0]}/images/base.ova")
    owner.client.make(f"{grid}/images")
    owner.client.put(ova(), f"{grid}/images/base.ova")
    owner.client.session.collections.move(grid, vm.rpartition("/")[0])


def _rename_object(owner: Person, vm: str) -> None:
    """The ready OVA was removed; an object is moved to its place."""
    owner.client.component(vm, source(owner))
    owner.client.unlink(f"{vm}/vm.ova")
    owner.client.put(MINE, f"{owner.home}/mine.ova")
    owner.client.session.data_objects.move(f"{owner.home}/mine.ova", f"{vm}/vm.ova")


def _while_no_component(owner: Person, vm: str, meddle: Callable[[], None] = lambda: None) -> None:
    """It is no component for a while, so its owner may write what the server made; then it becomes one again."""
    owner.client.component(vm, source(owner))
    rm(owner, vm, "ova_url", source(owner))
    meddle()
    owner.client.put(MINE, f"{vm}/vm.ova")
    owner.client.set(vm, "ova_url", source(owner))


def _written_after_url_was_removed(owner: Person, vm: str) -> None:
    _while_no_component(owner, vm)


def _written_after_facts_were_removed(owner: Person, vm: str) -> None:
    def remove_facts() -> None:
        metadata = owner.client.metadata(vm)
        for avu in metadata.items():
            metadata.remove(avu)

    _while_no_component(owner, vm, remove_facts)


def _made_after_the_ready_ova_was_removed(owner: Person, vm: str) -> None:
    """Of the same path and perhaps of the same size, but another object."""
    _while_no_component(owner, vm, lambda: owner.client.unlink(f"{vm}/vm.ova"))


def _by_restore(owner: Person, vm: str) -> None:
    """`ova_restore` brings `ova_url` back."""
    owner.client.component(vm, source(owner))
    metadata = owner.client.metadata(vm)
    [fingerprint] = [avu.value for avu in metadata.get_all("ova::fingerprint")]
    rm(owner, vm, "ova_url", source(owner))
    owner.client.put(MINE, f"{vm}/vm.ova")
    owner.client.set(vm, "ova_restore", fingerprint)


WAYS: dict[str, Callable[[Person, str], None]] = {
    "ova_url": _set_url,
    "ova_like": _like,
    "rename of a component": _rename_component,
    "rename of a new component": _rename_new_component,
    "rename of a grid": _rename_grid,
    "rename of an object": _rename_object,
    "written while no component": _written_after_url_was_removed,
    "facts removed, too": _written_after_facts_were_removed,
    "made anew while no component": _made_after_the_ready_ova_was_removed,
    "ova_restore": _by_restore,
}
# A place that never had a ready OVA with which this could be confused.
NEVER_MADE = ("ova_url", "ova_like", "rename of a new component", "rename of a grid")


@pytest.mark.parametrize("way", WAYS)
def test_an_object_in_the_place_of_the_ready_ova_stays_what_it_is(way: str, site: Site, owner: Person) -> None:
    vm = f"{owner.home}/grid/vm"
    owner.client.make(owner.home)
    if "grid" not in way:
        owner.client.make(f"{owner.home}/grid")
    WAYS[way](owner, vm)
    mine = f"{vm}/vm.ova"
    there = number(site, mine)

    for change in (("hostname", "first"), ("domainname", "second"), ("ova_url", source(owner))):
        owner.client.set(vm, *change)
    owner.client.put(ova(b"next" * 5000), source(owner))
    facts = owner.facts(vm)
    assert facts["ova::status"] == "failed"
    assert f"{mine} was not made by the server, so it stays as it is; move it elsewhere" in facts["ova::message"]

    assert content(site, mine) == MINE
    assert number(site, mine) == there
    if way in NEVER_MADE:
        assert owner.client.get(mine) == MINE  # it is its owner's to read, as ever
    else:
        with pytest.raises(Refused, match="was not made by the server"):
            owner.client.get(mine)

    owner.client.session.data_objects.move(mine, f"{owner.home}/kept.ova")
    owner.client.set(vm, "hostname", "last")
    assert owner.facts(vm)["ova::status"] == "ready"
    found = read(owner.client.get(mine))
    assert found.values["host.hostname"] == "last" and found.members["disk1.vmdk"] == b"next" * 5000
    assert content(site, f"{owner.home}/kept.ova") == MINE


@pytest.mark.parametrize("level", ["own", "write"])
def test_another_ones_object_stays_whoever_reads_or_builds(level: str, site: Site, make_person: MakePerson) -> None:
    """The owner of the collection has no right on the object; its owner's own read and AVU build as its owner."""
    alice, bob = make_person(), make_person()
    vm = f"{alice.home}/vm"
    alice.client.make(vm)
    alice.grants(level, vm, bob.name)
    alice.client.put(MINE, f"{vm}/vm.ova")
    bob.client.put(ova(), f"{bob.home}/base.ova")
    bob.grants("read", bob.home, alice.name, recursive=True)
    there = number(site, f"{vm}/vm.ova")

    bob.client.set(vm, "ova_url", f"{bob.home}/base.ova")
    assert alice.client.get(f"{vm}/vm.ova") == MINE
    assert f"{vm}/vm.ova is there, and" in alice.facts(vm)["ova::message"]
    alice.client.set(vm, "note", "x")
    assert "was not made by the server" in alice.facts(vm)["ova::message"]
    bob.client.set(vm, "hostname", "x")
    bob.client.put(ova(b"next" * 5000), f"{bob.home}/base.ova")
    assert alice.client.get(f"{vm}/vm.ova") == MINE

    assert content(site, f"{vm}/vm.ova") == MINE
    assert number(site, f"{vm}/vm.ova") == there


def test_what_is_put_there_between_removal_and_the_next_build_stays(site: Site, owner: Person) -> None:
    """The component is one all the while; who made it may remove its ready OVA and copy something there."""
    vm = f"{owner.home}/vm"
    owner.client.component(vm, source(owner))
    owner.client.unlink(f"{vm}/vm.ova")
    owner.client.put(MINE, f"{owner.home}/mine.ova")
    with pytest.raises(Refused, match="is made by the server"), refusals():
        owner.client.session.data_objects.copy(f"{owner.home}/mine.ova", f"{vm}/vm.ova")
    owner.client.session.data_objects.move(f"{owner.home}/mine.ova", f"{vm}/vm.ova")
    with pytest.raises(Refused, match="was not made by the server"):
        owner.client.get(f"{vm}/vm.ova")
    assert content(site, f"{vm}/vm.ova") == MINE


def test_the_server_replaces_its_own_after_ova_url_was_away(site: Site, owner: Person) -> None:
    vm = f"{owner.home}/vm"
    owner.client.component(vm, source(owner))
    there = number(site, f"{vm}/vm.ova")
    for value in ("first", "second"):
        rm(owner, vm, "ova_url", source(owner))
        owner.client.set(vm, "ova_url", source(owner))
        owner.client.set(vm, "hostname", value)
        assert owner.facts(vm)["ova::status"] == "ready"
        assert read(owner.client.get(f"{vm}/vm.ova")).values["host.hostname"] == value
    assert number(site, f"{vm}/vm.ova") == there


def test_the_server_replaces_its_own_after_a_rename_of_grid_and_component(site: Site, owner: Person) -> None:
    vm = f"{owner.home}/grid/vm"
    owner.client.component(vm, source(owner))
    there = number(site, f"{vm}/vm.ova")
    owner.client.session.collections.move(f"{owner.home}/grid", f"{owner.home}/moved")
    owner.client.session.collections.move(f"{owner.home}/moved/vm", f"{owner.home}/moved/web")
    vm = f"{owner.home}/moved/web"
    owner.client.set(vm, "hostname", "moved")
    assert read(owner.client.get(f"{vm}/web.ova")).values["host.hostname"] == "moved"
    assert number(site, f"{vm}/web.ova") == there


@pytest.mark.parametrize(
    "name",
    [
        ".c1.ova.notes-of-bob.part", ".c1.ova.0123456789ab.part", ".c1.ova.part", "c1.ova.part", ".c1.ova",
        "c1.ova.unfinished-10001", ".#c1.ova", "c1.ova~", ".c1.ova.tmp", "c1.OVA", "c1.iso",
    ],
)  # fmt: skip
def test_objects_beside_it_stay_whatever_their_names(name: str, site: Site, owner: Person) -> None:
    comp = f"{owner.home}/c1"
    owner.client.make(comp)
    owner.client.put(b"precious", f"{comp}/{name}")
    there = number(site, f"{comp}/{name}")
    owner.client.set(comp, "ova_url", source(owner))
    for value in ("x", "y" * 2000):
        owner.client.set(comp, "hostname", value)
    owner.client.put(ova(b"next" * 9000), source(owner))
    assert read(owner.client.get(f"{comp}/c1.ova")).members["disk1.vmdk"] == b"next" * 9000

    assert owner.client.get(f"{comp}/{name}") == content(site, f"{comp}/{name}") == b"precious"
    assert number(site, f"{comp}/{name}") == there
    assert len(site.session.collections.get(comp).data_objects) == 2


def test_no_file_of_a_build_stays_in_the_vault(site: Site, owner: Person) -> None:
    comp = f"{owner.home}/c1"
    owner.client.component(comp, source(owner))
    owner.client.set(comp, "mtu", "12")  # fails
    owner.client.set(comp, "mtu", "1400")
    folder = Path(site.session.data_objects.get(f"{comp}/c1.ova").replicas[0].path).parent
    assert [file.name for file in folder.iterdir()] == ["c1.ova"]


def test_removing_a_component_removes_no_more_than_that(site: Site, owner: Person) -> None:
    """A recursive removal by its owner, while another component is made of the same source."""
    for name in ("a", "b"):
        owner.client.make(f"{owner.home}/{name}")
        owner.client.put(b"notes", f"{owner.home}/{name}/notes.txt")
        owner.client.set(f"{owner.home}/{name}", "ova_url", source(owner))
    owner.client.remove(f"{owner.home}/a")
    assert owner.client.get(f"{owner.home}/b/notes.txt") == b"notes"
    assert owner.client.get(source(owner)) == ova()
    assert read(owner.client.get(f"{owner.home}/b/b.ova")).whole


def test_an_object_in_the_place_of_a_download_stays(make_place: MakePlace) -> None:
    """Before the first download, and again after what was downloaded has been replaced by hand."""
    with serving() as server:
        server.resources["/public/base.ova"] = Resource(ova(b"from afar" * 3000), etag='"1"')
        place = make_place(allowed_urls=[server.url("/public"), "127.0.0.1/32"])
        client, url = place.client, server.url("/public/base.ova")
        comp = client.component(f"{place.home}/one/comp", url)
        until(lambda: place.status(comp) == "ready", "it is downloaded")
        [downloaded] = client.session.collections.get(f"{place.home}/one/images").data_objects
        taken = f"{place.home}/two/images/{downloaded.name}"
        client.make(f"{place.home}/two/images")
        client.put(MINE, taken)

        other = client.component(f"{place.home}/two/comp", url)
        until(lambda: place.status(other) == "failed", "it cannot be downloaded")
        assert f"{taken} was not made by the server" in client.facts(other)["ova::message"]
        assert client.get(taken) == MINE

        client.unlink(ready_path(comp))
        client.metadata(comp).remove("ova_url", url)
        client.unlink(downloaded.path)
        client.put(MINE, downloaded.path)
        server.resources["/public/base.ova"] = Resource(ova(b"another" * 3000), etag='"2"')
        client.set(comp, "ova_url", url)
        until(lambda: place.status(comp) == "failed", "it cannot be downloaded again")
        assert "was not made by the server" in client.facts(comp)["ova::message"]
        assert client.get(downloaded.path) == MINE
