"""What a third user reads: facts, messages and names show only what all their readers may know."""

from __future__ import annotations

import contextlib

import pytest
from irods.exception import iRODSException

from tests.acceptance.people import MakePerson, Person
from tests.attacks.leaks import seen_by
from tests.attacks.secrets.conftest import PRIVATE, SECRET, URLS, VALUES, Cast, base
from tests.support.clients import Refused
from tests.support.waiting import until
from tests.support.web_server import Resource, Server


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


def test_the_url_of_a_private_component_is_not_said_by_its_download(cast: Cast, carol: Person, server: Server) -> None:
    """Links that let their bearer in, which the owner alone may see in `ova_url`; anybody may read the images."""
    victor, paths = cast.victor.client, (f"/public/base.ova?key={SECRET}", f"/public/s/{SECRET}")
    images = f"{cast.victor.home}/shared/images"
    victor.make(images)
    victor.set(images, "ova_images", "yes")
    victor.allow("inherit", images)
    cast.victor.grants("read", images, carol.name)
    for number, path in enumerate(paths):
        server.resources[path] = Resource(base(), etag='"1"')
        private = f"{cast.victor.home}/shared/private{number}"
        victor.make(private)
        victor.set(private, "ova_url", server.url(path))
        until(lambda: cast.victor.facts(private)["ova::status"] == "ready", "it is downloaded")  # noqa: B023 - at once

    text = seen_by(carol)
    assert text.count("ova::fetched_from") == len(paths)
    assert SECRET not in text


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
