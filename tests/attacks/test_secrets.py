"""Nobody learns through a component what is another's: not by AVUs, messages, facts, requests, names or ready OVAs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from irods.exception import iRODSException
from irods.meta import AVUOperation, iRODSMeta
from irods.models import Collection, DataObject, User
from irods_zone.raw_client import RawClient

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson, Person
from tests.attacks.conftest import MakeRawClient
from tests.attacks.secrets import leaks, seen_by
from tests.support.appliances import SECTIONS, descriptor_of, ova
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until
from tests.support.web_server import Resource, Server, serving

SECRET = "S3CRET"
PRIVATE = "private-place"

_TYPES = """
<ovf:ProductSection ovf:class="typed"><ovf:Info/>
<ovf:Property ovf:key="number" ovf:type="uint8" ovf:userConfigurable="true" ovf:value="1"/>
<ovf:Property ovf:key="flag" ovf:type="boolean" ovf:userConfigurable="true" ovf:value="true"/>
<ovf:Property ovf:key="range" ovf:type="uint16" ovf:qualifiers="MinValue(5) MaxValue(9)"
 ovf:userConfigurable="true" ovf:value="6"/>
<ovf:Property ovf:key="short" ovf:type="string" ovf:qualifiers="MaxLen(2)" ovf:userConfigurable="true" ovf:value="a"/>
<ovf:Property ovf:key="colour" ovf:type="string" ovf:qualifiers="ValueMap{&quot;red&quot;, &quot;green&quot;}"
 ovf:userConfigurable="true" ovf:value="red"/>
<ovf:Property ovf:key="fixed" ovf:type="string" ovf:value="f"/>
</ovf:ProductSection>"""


def base() -> bytes:
    """An OVA with properties that take few values."""
    return ova(descriptor=descriptor_of(SECTIONS + _TYPES))


@pytest.fixture
def server() -> Iterator[Server]:
    """A web server of an attacker's choice, which the zone may reach."""
    with serving() as running:
        yield running


@pytest.fixture
def settings(server: Server) -> dict[str, object]:
    """Downloads from it are allowed."""
    return {"allowed_urls": [server.url("/public"), "127.0.0.1/32"]}


class Cast:
    """victor has secrets; mallory sets traps in which victor may do everything; what mallory must not learn."""

    def __init__(self, site: Site, victor: Person, mallory: Person) -> None:
        self.site, self.victor, self.mallory = site, victor, mallory
        self.secret = f"{victor.home}/{PRIVATE}"
        victor.client.put(base(), f"{victor.home}/base.ova")
        mallory.client.put(base(), f"{mallory.home}/base.ova")
        victor.client.make(f"{self.secret}/open")
        victor.client.put(base(), f"{self.secret}/{PRIVATE}.ova")
        victor.client.set(self.secret, "pw", SECRET)
        victor.client.set(f"{self.secret}/open", "level", "public")
        victor.client.set(f"{self.secret}/open", "next", f"${{{self.secret}:pw}}")
        victor.client.component(f"{self.secret}/comp", f"{self.secret}/{PRIVATE}.ova")
        victor.grants("read", f"{self.secret}/open", mallory.name)

    def trap(self, name: str) -> str:
        """A collection of mallory's in which victor may do everything, and what he makes there is mallory's to read."""
        path = f"{self.mallory.home}/traps/{name}"
        self.mallory.client.make(path)
        self.mallory.client.allow("inherit", path)
        for other in (self.victor.name, self.site.session.username):
            self.mallory.grants("own", path, other)
        return path

    def provoke(self, *traps: str) -> None:
        """All that makes the server look at the traps as victor, or as an administrator."""
        victor, admin = self.victor.client, PythonClient(self.site.session)
        victor.set(self.secret, "colour", "red")
        victor.set(f"{self.secret}/open", "colour", "red")
        victor.set(f"{self.secret}/comp", "hostname", "new")
        victor.put(base() + bytes(10240), f"{self.secret}/{PRIVATE}.ova")
        victor.put(base() + bytes(10240), f"{self.victor.home}/base.ova")
        victor.session.collections.move(f"{self.secret}/open", f"{self.secret}/moved")
        victor.session.collections.move(f"{self.secret}/moved", f"{self.secret}/open")
        for client in (victor, admin):
            for trap in traps:
                client.set(trap, "note", client.session.username)
                with contextlib.suppress(Refused, iRODSException):
                    client.get(f"{trap}/{trap.rpartition('/')[2]}.ova")
        until(lambda: not admin.jobs(), "the delay queue is empty")


@pytest.fixture
def cast(site: Site, make_person: MakePerson) -> Cast:
    made = Cast(site, make_person(), make_person())
    assert leaks(site, made.mallory, {"secret": SECRET}) == {}
    return made


# ---- references ------------------------------------------------------------------------------------------------------

# What mallory sets; %s is victor's private collection.
URLS = {
    "whole": "${%s:pw}",
    "within a path": "/tempZone/x-${%s:pw}-y.ova",
    "within a relative path": "../${%s:pw}/y.ova",
    "of a component": "${%s/comp:ova_url}",
    "inherited": "${%s/open:pw}",
    "over another": "${%s/open:next}",
}
VALUES = {
    "string": ("hostname", "${%s:pw}"),
    "part of a string": ("hostname", "a-${%s:pw}-b"),
    "number": ("number", "${%s:pw}"),
    "flag": ("flag", "${%s:pw}"),
    "range": ("range", "${%s:pw}"),
    "length": ("short", "${%s:pw}"),
    "value map": ("colour", "${%s:pw}"),
    "fixed": ("fixed", "${%s:pw}"),
    "inherited": ("number", "${%s/open:pw}"),
    "over another": ("number", "${%s/open:next}"),
    "source": ("hostname", "${%s/comp:ova_url}"),
    "no property": ("unknown", "${%s:pw}"),
    "no control": ("ova_unknown", "${%s:pw}"),
}


def test_no_reference_of_ones_own_brings_out_what_another_may_read(cast: Cast, server: Server) -> None:
    traps = []
    for name, url in URLS.items():
        traps.append(cast.trap(f"url {name}"))
        cast.mallory.client.set(traps[-1], "ova_url", url % cast.secret)
        hosts = (f"{server.url('/public')}/", f"{server.url('/public/x?')}")
        for number, host in enumerate(hosts if name in ("whole", "inherited") else ()):
            traps.append(cast.trap(f"fetch {name} {number}"))
            cast.mallory.client.set(traps[-1], "ova_url", f"{host}{url % cast.secret}.ova")
    for name, (attribute, value) in VALUES.items():
        traps.append(cast.trap(f"value {name}"))
        cast.mallory.client.set(traps[-1], "ova_url", f"{cast.mallory.home}/base.ova")
        cast.mallory.client.set(traps[-1], attribute, value % cast.secret)
    cast.mallory.grants("own", f"{cast.mallory.home}/traps", cast.victor.name, recursive=True)
    cast.mallory.grants("read", f"{cast.mallory.home}", cast.victor.name)
    cast.mallory.grants("read", f"{cast.mallory.home}/base.ova", cast.victor.name)

    cast.provoke(*traps)

    shown = {"the value": SECRET, "the source": f"{PRIVATE}.ova"}
    assert leaks(cast.site, cast.mallory, shown) == {}
    assert server.requests == []
    for trap in traps:
        harmless = trap.endswith(("no property", "no control"))
        assert cast.mallory.facts(trap)["ova::status"] in (("ready", "failed") if harmless else ("failed",)), trap
        assert SECRET not in words_of_a_read(cast.mallory, trap)


def words_of_a_read(person: Person, component: str) -> str:
    """What a person is told who reads the ready OVA; nothing if he gets it."""
    try:
        person.client.get(f"{component}/{component.rpartition('/')[2]}.ova")
    except (Refused, iRODSException) as error:
        return str(error)
    return ""


def test_no_reference_in_a_grid_of_ones_own_is_followed_as_another(cast: Cast) -> None:
    """The component below is victor's own; the grid, and what it says, mallory's."""
    grids = []
    for name, (attribute, value) in VALUES.items():
        grid = cast.trap(name)
        cast.mallory.client.set(grid, attribute, value % cast.secret)
        cast.victor.client.component(f"{grid}/comp", f"{cast.victor.home}/base.ova")
        grids.append(grid)
    cast.provoke(*(f"{grid}/comp" for grid in grids))
    assert leaks(cast.site, cast.mallory, {"the value": SECRET, "the source": f"{PRIVATE}.ova"}) == {}


def test_no_circle_names_the_places_that_it_goes_through(cast: Cast) -> None:
    """A circle of victor's, through collections that mallory does not know, to which a readable AVU leads."""
    hidden = f"{cast.secret}/hidden-name"
    cast.victor.client.make(hidden)
    cast.victor.client.set(hidden, "a", f"${{{cast.secret}/other:hidden-attribute}}")
    cast.victor.client.make(f"{cast.secret}/other")
    cast.victor.client.set(f"{cast.secret}/other", "hidden-attribute", f"${{{hidden}:a}}")
    cast.victor.client.set(f"{cast.secret}/open", "way", "${hidden-name:a}")
    for attribute in ("hostname", "number"):
        trap = cast.trap(attribute)
        cast.mallory.client.set(trap, "ova_url", f"{cast.mallory.home}/base.ova")
        cast.mallory.client.set(trap, attribute, f"${{{cast.secret}/open:way}}")
        cast.provoke(trap)
        assert cast.mallory.facts(trap)["ova::status"] == "failed"
    assert leaks(cast.site, cast.mallory, {"an attribute": "hidden-attribute", "a place": f"{PRIVATE}/other"}) == {}
    assert "hidden-attribute" not in words_of_a_read(cast.mallory, trap)


def test_no_message_of_a_private_component_is_passed_on(cast: Cast) -> None:
    """The source is the ready OVA of a component whose AVUs mallory may not read."""
    comp = f"{cast.secret}/comp"
    ready = f"{comp}/comp.ova"
    cast.victor.grants("read", ready, cast.mallory.name)
    trap = cast.trap("chained")
    cast.mallory.client.set(trap, "ova_url", ready)
    for attribute, value in (
        ("number", SECRET),
        ("number", "${hidden-name:a}"),
        ("ova_url", f"/tempZone/{SECRET}.ova"),
    ):
        cast.victor.client.set(comp, attribute, value)
        assert cast.victor.facts(comp)["ova::status"] == "failed"
        cast.provoke(trap)
        found = leaks(cast.site, cast.mallory, {"a value": SECRET, "its source": f"{PRIVATE}.ova", "a name": "hidden-"})
        assert found == {}
        assert SECRET not in words_of_a_read(cast.mallory, trap)


# ---- sources and prototypes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["collection", "collection and what is in it", "group"])
def test_a_source_is_out_of_reach_with_its_collection(how: str, cast: Cast) -> None:
    """Once it could be read; then its collection was closed, as a client then finds nothing there."""
    library, mallory, admin = f"{cast.victor.home}/library", cast.mallory, cast.site.session
    cast.victor.client.make(library)
    cast.victor.client.put(ova(b"old and open " * 3000), f"{library}/img.ova")
    name = mallory.name
    if how == "group":
        name = f"group{mallory.name}"
        admin.groups.create(name)
        admin.groups.addmember(name, mallory.name)
    cast.victor.grants("read", library, name, recursive=True)
    trap = cast.trap("trap")
    mallory.client.set(trap, "ova_url", f"{library}/img.ova")
    assert mallory.facts(trap)["ova::status"] == "ready"
    if how == "group":
        admin.groups.removemember(name, mallory.name)
    else:
        cast.victor.grants("null", library, name, recursive="in it" in how)

    cast.victor.client.put(ova(b"NEW-SECRET " * 3000), f"{library}/img.ova")
    assert "who may not read its source" in mallory.facts(trap)["ova::message"]
    cast.provoke(trap)

    assert leaks(cast.site, mallory, {"the new version": "NEW-SECRET"}) == {}
    assert mallory.facts(trap)["ova::status"] == "failed"
    if how == "group":
        admin.groups.remove(name)


def test_a_prototype_that_is_closed_tells_nothing_more(cast: Cast) -> None:
    """Neither of new components, nor of new values; over another collection that is alike neither."""
    grid, victor, mallory = f"{cast.victor.home}/grid", cast.victor.client, cast.mallory
    victor.component(f"{grid}/known", f"{cast.victor.home}/base.ova")
    cast.victor.grants("read", cast.victor.home, mallory.name)
    cast.victor.grants("read", grid, mallory.name, recursive=True)
    cast.victor.grants("read", f"{cast.victor.home}/base.ova", mallory.name)
    traps = [cast.trap("alike"), cast.trap("alike again")]
    mallory.client.set(traps[0], "ova_like", grid)
    mallory.client.set(traps[1], "ova_like", traps[0])
    assert mallory.facts(f"{traps[0]}/known")["ova::status"] == "ready"
    cast.victor.grants("null", grid, mallory.name, recursive=True)

    for name in ("secret-project", "deep/secret-project"):
        victor.component(f"{grid}/{name}", f"{cast.secret}/{PRIVATE}.ova")
    victor.make(f"{grid}/known/install-secret-project")
    victor.set(grid, "domainname", SECRET)
    victor.set(f"{grid}/known", "hostname", SECRET)
    for trap in traps:
        victor.set(trap, "colour", "red")
    cast.provoke(f"{traps[0]}/known")
    mallory.client.set(traps[1], "colour", "blue")

    shown = {"a name": "secret-project", "a source": f"{PRIVATE}.ova", "a value": SECRET}
    assert leaks(cast.site, mallory, shown) == {}


# ---- who set what ----------------------------------------------------------------------------------------------------


def _raw_avu(raw: RawClient, *arguments: str) -> None:
    answer = raw.call(706, {f"arg{number}": text for number, text in enumerate(arguments)})
    assert answer.status >= 0, (arguments, answer)


def _atomic(person: Person, path: str, operation: str, value: str) -> None:
    metadata = person.client.metadata(path)
    metadata.apply_atomic_operations(AVUOperation(operation, iRODSMeta("hostname", value)))


def _remove(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "rm", "-C", path, "hostname", value)


def _remove_by_number(person: Person, raw: RawClient, path: str, value: str) -> None:
    [avu] = person.client.metadata(path).get_all("hostname")
    _raw_avu(raw, "rmi", "-C", path, str(avu.avu_id))


def _remove_atomically(person: Person, raw: RawClient, path: str, value: str) -> None:
    _atomic(person, path, "remove", value)


def _modify(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "mod", "-C", path, "hostname", value, "v:harmless")
    _raw_avu(raw, "rm", "-C", path, "hostname", "harmless")


def _rename_the_attribute(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "mod", "-C", path, "hostname", value, "n:other")
    _raw_avu(raw, "rm", "-C", path, "other", value)


def _set_another(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "set", "-C", path, "hostname", "harmless")
    _raw_avu(raw, "rm", "-C", path, "hostname", "harmless")


REMOVALS: dict[str, Callable[[Person, RawClient, str, str], None]] = {
    "rm": _remove,
    "rmi": _remove_by_number,
    "atomic": _remove_atomically,
    "mod": _modify,
    "mod of the name": _rename_the_attribute,
    "set": _set_another,
}


def _copy_from(kind: Any, mallory: Person, path: str, value: str) -> None:
    """`imeta cp` from something of mallory's that has the AVU."""
    session = mallory.client.session
    if kind is Collection:
        place = f"{mallory.home}/carrier"
        mallory.client.make(place)
    else:
        place = f"{mallory.home}/carrier.txt"
        mallory.client.put(b"", place)
    session.metadata.set(kind, place, iRODSMeta("hostname", value))
    session.metadata.copy(kind, Collection, place, path)


def _copy_from_object(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _copy_from(DataObject, mallory, path, value)


def _copy_from_collection(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _copy_from(Collection, mallory, path, value)


def _add(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "add", "-C", path, "hostname", value)


def _add_atomically(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _atomic(mallory, path, "add", value)


def _modify_back(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "add", "-C", path, "domainname", value)
    _raw_avu(raw, "mod", "-C", path, "domainname", value, "n:hostname")


def _restore(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    """The state with the AVU, which is the last one but the present."""
    texts = [avu.value for avu in mallory.client.metadata(path).get_all("ova::history")]
    [fingerprint] = {text.split(" ")[1] for text in texts if "${" in text}
    _raw_avu(raw, "add", "-C", path, "ova_restore", fingerprint)


def _unseen(admin: Any, path: str, value: str) -> None:
    """By a rule of the site's own, say: no hook sees it."""
    from ova_admin.catalog.rule_text import run_python

    avu = {"operation": "add", "attribute": "hostname", "value": value, "units": ""}
    request = {"entity_name": path, "entity_type": "collection", "operations": [avu]}
    run_python(admin, f"callback.msi_atomic_apply_metadata_operations({json.dumps(request)!r}, '')")


RETURNS: dict[str, Callable[[Person, RawClient, str, str], None]] = {
    "cp from an object": _copy_from_object,
    "cp from a collection": _copy_from_collection,
    "add": _add,
    "atomic": _add_atomically,
    "mod": _modify_back,
    "ova_restore": _restore,
}

_UNSEEN = "unseen"
_COMBINATIONS = [
    *((removal, _UNSEEN, who) for removal in REMOVALS for who in ("victor", "mallory")),
    *(("rm", back, "victor") for back in RETURNS),
]


def test_a_note_of_who_set_an_avu_ends_with_the_avu(cast: Cast, make_raw_client: MakeRawClient) -> None:
    """victor has set a reference to what is his; it is removed, and mallory puts it back. He stands for it no more."""
    reference = f"${{{cast.secret}:pw}}"
    cast.victor.grants("read", f"{cast.victor.home}/base.ova", cast.mallory.name)
    cast.victor.grants("read", cast.victor.home, cast.mallory.name)
    raws = {person: make_raw_client(person) for person in (cast.victor, cast.mallory)}
    for removal, back, who in _COMBINATIONS:
        trap = cast.trap(f"{removal} {back} {who}")
        cast.mallory.client.set(trap, "ova_url", f"{cast.victor.home}/base.ova")
        cast.victor.client.set(trap, "hostname", reference)
        assert cast.victor.facts(trap)["ova::status"] == "ready", trap
        remover = cast.victor if who == "victor" else cast.mallory
        REMOVALS[removal](remover, raws[remover], trap, reference)
        cast.victor.client.set(trap, "domainname", "clean")
        assert cast.victor.facts(trap)["ova::status"] == "ready", trap
        if back == _UNSEEN:
            _unseen(cast.site.session, trap, reference)
        else:
            RETURNS[back](cast.mallory, raws[cast.mallory], trap, reference)
        metadata = cast.victor.client.metadata(trap)
        assert [avu.value for avu in metadata.get_all("hostname")] == [reference], trap

        cast.victor.client.set(trap, "domainname", "provoked")
        cast.victor.client.set(cast.secret, "colour", removal + back)

        facts = cast.victor.facts(trap)
        assert facts["ova::status"] == "failed", trap
        words = "it is not known who set it" if back == _UNSEEN else f"was set by {cast.mallory.name}"
        assert words in facts["ova::message"], trap
        assert leaks(cast.site, cast.mallory, {"the value": SECRET}) == {}, trap


def test_the_same_of_ova_url_and_ova_like(cast: Cast) -> None:
    victor, mallory = cast.victor, cast.mallory
    private, grid = f"{cast.secret}/{PRIVATE}.ova", f"{cast.secret}/grid"
    victor.client.component(f"{grid}/comp-of-victor", private)
    session = mallory.client.session
    for attribute, value in (("ova_url", private), ("ova_like", grid)):
        trap = cast.trap(attribute)
        victor.client.set(trap, attribute, value)
        victor.client.metadata(trap).remove(attribute, value)
        for item in victor.client.session.collections.get(trap).subcollections:
            item.remove(recurse=True, force=True)
        for thing in victor.client.session.collections.get(trap).data_objects:
            thing.unlink(force=True)
        victor.client.session.collections.get(trap)
        carrier = f"{mallory.home}/carrier.txt"
        mallory.client.put(b"", carrier)
        with contextlib.suppress(iRODSException):
            session.metadata.set(DataObject, carrier, iRODSMeta(attribute, value))
        session.metadata.copy(DataObject, Collection, carrier, trap)
        victor.client.set(f"{grid}", "colour", "red")
        victor.client.set(trap, "colour", "red")
        victor.client.put(base() + bytes(10240), private)
        victor.client.component(f"{grid}/another-of-victor", private)
        assert not session.collections.get(trap).data_objects
        assert not session.collections.get(trap).subcollections
        session.data_objects.unlink(carrier, force=True)


def test_what_users_carry_is_no_way_around(cast: Cast) -> None:
    """`imeta cp -u`: AVUs of a user, which only administrators set."""
    trap = cast.trap("trap")
    cast.mallory.client.set(trap, "ova_url", f"{cast.mallory.home}/base.ova")
    admin = cast.site.session
    avu = iRODSMeta("hostname", f"${{{cast.secret}:pw}}")
    admin.users.get(admin.username).metadata.add(avu)
    try:
        cast.site.allow("own", trap, admin.username)
        admin.metadata.copy(User, Collection, admin.username, trap)  # an administrator may read it: he vouches
    finally:
        admin.users.get(admin.username).metadata.remove(avu)
    cast.provoke(trap)
    cast.mallory.client.metadata(trap).remove("hostname", avu.value)
    cast.mallory.client.session.metadata.set(Collection, trap, avu)
    cast.provoke(trap)
    assert "failed" in cast.mallory.facts(trap)["ova::status"]


# ---- what a third person reads ---------------------------------------------------------------------------------------


@pytest.fixture
def carol(cast: Cast, make_person: MakePerson) -> Person:
    """She may read victor's component, but none of the places that it takes something from."""
    return make_person()


def shared(cast: Cast, carol: Person, name: str, url: str) -> str:
    """A component of victor's that carol may read, in a collection that she may not."""
    path = f"{cast.victor.home}/shared/{name}"
    cast.victor.client.make(path)
    cast.victor.grants("read", path, carol.name)
    cast.victor.grants("own", path, cast.site.session.username)
    cast.victor.client.allow("inherit", path)
    cast.victor.client.set(path, "ova_url", url)
    return path


def test_facts_show_no_place_that_their_readers_may_not_know(cast: Cast, carol: Person) -> None:
    victor, hidden = cast.victor.client, f"{cast.secret}/hidden-name"
    for name in ("box", "proto/comp/install", "hidden-proto/comp/config"):
        victor.make(f"{hidden}/{name}")
    victor.set(f"{hidden}/box", "ip", "10.0.0.7")
    victor.make(f"{cast.victor.home}/box")
    victor.set(f"{cast.victor.home}/box", "ip", f"${{{hidden}/box:ip}}")
    victor.set(f"{cast.victor.home}/box", "image", f"{cast.secret}/{PRIVATE}.ova")
    victor.make(f"{cast.victor.home}/proto/comp")
    victor.set(f"{hidden}/proto", "domainname", "example.org")
    victor.set(f"{cast.victor.home}/proto", "ova_like", f"{hidden}/proto")
    comps = [
        shared(cast, carol, "comp", f"{cast.victor.home}/base.ova"),
        shared(cast, carol, "by-reference", f"${{{cast.victor.home}/box:image}}"),
    ]
    for comp in comps:
        victor.set(comp, "hostname", f"${{{cast.victor.home}/box:ip}}")
    victor.set(f"{cast.victor.home}/shared", "ova_like", f"{cast.victor.home}/proto")
    for value in ("first", "second"):
        for comp in comps:
            victor.set(comp, "domainname", value)
            assert cast.victor.facts(comp)["ova::status"] == "ready"
        cast.provoke(*comps)
    assert victor.ready(comps[0]).values["host.hostname"] == "10.0.0.7"

    text = seen_by(carol)
    for comp in comps:
        assert f"{comp} ova::history" in text
    assert PRIVATE not in text
    assert "hidden-name" not in text


def test_messages_tell_no_value_that_their_readers_may_not_read(cast: Cast, carol: Person) -> None:
    """victor refers to what is his own; carol reads the message, or causes it."""
    victor = cast.victor.client
    comps = []
    for name, (attribute, value) in VALUES.items():
        comp = shared(cast, carol, name.replace(" ", "-"), f"{cast.victor.home}/base.ova")
        cast.victor.grants("own", comp, carol.name)
        victor.set(comp, attribute, (value % cast.secret).replace("public", SECRET))
        comps.append(comp)
    for name, url in URLS.items():
        comps.append(shared(cast, carol, f"u-{name.replace(' ', '-')}", url % cast.secret))
    victor.set(cast.secret, "colour", "blue")
    text = seen_by(carol)
    for comp in comps:
        carol.client.set(comp, "note", "by carol") if "/u-" not in comp else None
        with contextlib.suppress(Refused, iRODSException):
            carol.client.get(f"{comp}/{comp.rpartition('/')[2]}.ova")
    text += seen_by(carol)
    assert SECRET not in text
    assert f"{PRIVATE}.ova" not in text


@pytest.mark.parametrize("answer", [404, 200])
def test_what_a_url_stands_for_is_not_said_to_others(answer: int, cast: Cast, carol: Person, server: Server) -> None:
    """victor's own reference is in it: the request may hold it, what others read may not."""
    if answer == 200:
        for path in (f"/public/{SECRET}/base.ova", f"/public/{SECRET}.ova"):
            server.resources[path] = Resource(base(), etag='"1"')
    cast.victor.client.make(f"{cast.victor.home}/shared/images")
    cast.victor.client.set(f"{cast.victor.home}/shared/images", "ova_images", "yes")
    cast.victor.client.allow("inherit", f"{cast.victor.home}/shared/images")
    cast.victor.grants("read", f"{cast.victor.home}/shared/images", carol.name)
    urls = (f"${{{cast.secret}:pw}}/base.ova", f"${{{cast.secret}:pw}}.ova")
    comps = [shared(cast, carol, f"comp{n}", server.url(f"/public/{url}")) for n, url in enumerate(urls)]
    status = "ready" if answer == 200 else "failed"
    until(lambda: all(cast.victor.facts(comp)["ova::status"] == status for comp in comps), "all are downloaded")

    assert all(SECRET in path for path, _ in server.requests)
    assert [line for line in seen_by(carol).splitlines() if SECRET in line] == []


def test_an_image_does_not_tell_of_private_components_that_use_it(cast: Cast, carol: Person) -> None:
    public = f"{cast.victor.home}/public.ova"
    cast.victor.client.put(base(), public)
    cast.victor.grants("read", cast.victor.home, carol.name)
    cast.victor.grants("read", public, carol.name)
    cast.victor.client.component(f"{cast.secret}/secret-project", public)
    assert cast.victor.facts(f"{cast.secret}/secret-project")["ova::status"] == "ready"
    assert "secret-project" not in seen_by(carol)
    with pytest.raises(Refused, match=r"is the source of .*/secret-project"):
        cast.victor.client.unlink(public)
