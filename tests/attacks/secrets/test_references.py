"""No user learns another user's secrets through references, sources and prototypes."""

from __future__ import annotations

import pytest
from irods.exception import iRODSException

from tests.acceptance.people import Person
from tests.attacks.leaks import leaks
from tests.attacks.secrets.conftest import PRIVATE, SECRET, URLS, VALUES, Cast
from tests.support.appliances import ova
from tests.support.clients import Refused
from tests.support.web_server import Server


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
