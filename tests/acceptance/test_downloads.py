"""Sources by URL: downloaded once, verified, shared, renewed on demand, and off unless an administrator allows them.

On a real zone they run if OVA_DOWNLOADS_PORT names a free port and the zone's `allowed_urls` has
http://127.0.0.1:PORT/public and 127.0.0.1/32; its server must reach this machine by that address.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator

import pytest
from irods.exception import iRODSException

from tests.acceptance.clients import PythonClient, Refused
from tests.acceptance.conftest import Site
from tests.acceptance.people import Person
from tests.acceptance.test_images import avus, package, until
from tests.appliances import descriptor_of, ova, read
from tests.ova_rules.downloads.server import Resource, Server, serving

MakePerson = Callable[[], Person]


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A web server that the zone may reach."""
    port = int(os.environ.get("OVA_DOWNLOADS_PORT", "0"))
    if request.config.getoption("--irods-environment") and not port:
        pytest.skip("needs OVA_DOWNLOADS_PORT, and the zone's setting allowed_urls")
    with serving(port=port) as running:
        yield running


@pytest.fixture
def settings(server: Server) -> dict[str, object]:
    """The administrator allows one prefix of it."""
    return {"allowed_urls": [server.url("/public"), "127.0.0.1/32"]}


@pytest.fixture
def url(server: Server) -> str:
    """The URL of an OVA."""
    server.resources["/public/base.ova"] = Resource(ova(), etag='"1"', modified="Sun, 22 Nov 2026 10:00:00 GMT")
    return server.url("/public/base.ova")


def fact(site: Site, component: str, name: str) -> str:
    """A fact of a component, '' if there is none."""
    return site.facts(component).get(f"ova::{name}", "")


def make(client: PythonClient, component: str, url: str) -> None:
    """A component of a URL."""
    client.make(component)
    client.set(component, "ova_url", url)


def ready(site: Site, component: str) -> None:
    """Waits until a component is ready."""
    until(lambda: fact(site, component, "status") == "ready")


def downloaded(site: Site, collection: str) -> list[str]:
    """The objects in a collection."""
    return [thing.path for thing in site.session.collections.get(collection).data_objects]


def test_a_url_becomes_an_image_beside_the_component(
    site: Site, client: PythonClient, server: Server, url: str
) -> None:
    make(client, site.component, url)
    client.set(site.component, "hostname", "sg12")
    ready(site, site.component)
    found = read(client.get(site.ready))
    assert found.whole and found.values["host.hostname"] == "sg12"
    images = f"{site.home}/grid01/images"
    [path] = downloaded(site, images)
    assert path.startswith(f"{images}/base-") and path.endswith(".ova")
    assert client.get(path) == ova()
    assert [avu.value for avu in site.session.collections.get(images).metadata.get_all("ova_images")] == ["yes"]
    assert package(site.session, path) == "valid"
    assert [value for _, value, _ in avus(site.session, path, "ova::fetched_from")] == [url]
    assert ("ova::fetched_version", '"1"', "ETag") in avus(site.session, path)
    assert [value for _, value, _ in avus(site.session, path, "ova::used_by")] == [site.component]
    assert fact(site, site.component, "source") == path
    assert len(server.requests) == 1


def test_components_share_it(site: Site, client: PythonClient, server: Server, url: str) -> None:
    client.make(f"{site.home}/library")
    client.set(f"{site.home}/library", "ova_images", "yes")
    others = [f"{site.home}/grid0{number}/comp0{number}" for number in range(1, 4)]
    for other in others:
        make(client, other, url)
    for other in others:
        ready(site, other)
    assert len(downloaded(site, f"{site.home}/library")) == 1
    assert len({fact(site, other, "source") for other in others}) == 1
    assert len(server.requests) == 1


def test_the_nearest_collection_of_images_is_used(site: Site, client: PythonClient, url: str) -> None:
    for collection in (f"{site.home}/images", f"{site.home}/grid01/zoo"):
        client.make(collection)
        client.set(collection, "ova_images", "yes")
    make(client, site.component, url)
    make(client, f"{site.home}/grid02/comp01", url)
    for component in (site.component, f"{site.home}/grid02/comp01"):
        ready(site, component)
    assert len(downloaded(site, f"{site.home}/grid01/zoo")) == 1
    assert len(downloaded(site, f"{site.home}/images")) == 1


def test_several_jobs_at_once_download_once(site: Site, client: PythonClient, server: Server, url: str) -> None:
    resource = server.resources["/public/base.ova"]
    resource.data, resource.hold = ova(b"disk" * 100_000), threading.Event()
    others = [f"{site.home}/grid01/comp0{number}" for number in range(1, 4)]
    for other in others:
        make(client, other, url)
    until(lambda: server.requests)
    assert "building" in {fact(site, other, "status") for other in others}
    resource.hold.set()
    for other in others:
        ready(site, other)
    assert len(server.requests) == 1


def test_a_break_is_resumed(site: Site, client: PythonClient, server: Server, url: str) -> None:
    resource = server.resources["/public/base.ova"]
    resource.data, resource.breaks = ova(b"disk" * 100_000), [100_000]
    make(client, site.component, url)
    ready(site, site.component)
    assert server.header("range") == [None, "bytes=100000-"]
    assert read(client.get(site.ready)).members["disk1.vmdk"] == b"disk" * 100_000


WRONG = {
    "a page": (Resource(b"<html>not found</html>" * 99), "the root element html"),
    "no archive": (Resource(b"no archive " * 99), "neither a tar archive"),
    "a descriptor": (Resource(descriptor_of()), "is an OVF descriptor without its files"),
    "wrong digest": (Resource(ova(manifest=b"SHA256(disk1.vmdk)= " + b"0" * 64 + b"\n")), "disk1.vmdk"),
    "cut short": (Resource(ova()[:9000]), "truncated"),
    "not there": (Resource(status=404), "the server answers 404"),
    "forbidden redirect": (Resource(redirect="/private/base.ova"), "allowed_urls"),
    "redirect elsewhere": (Resource(redirect="http://169.254.169.254/latest/meta-data"), "allowed_urls"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said_and_never_becomes_an_object(
    name: str, site: Site, client: PythonClient, server: Server, url: str
) -> None:
    server.resources["/private/base.ova"] = Resource(ova())
    server.resources["/public/base.ova"], reason = WRONG[name]
    make(client, site.component, url)
    until(lambda: fact(site, site.component, "status") == "failed")
    message = fact(site, site.component, "message")
    assert reason in message and url in message and "\n" not in message
    assert "ova-downloads" not in message
    assert downloaded(site, f"{site.home}/grid01/images") == []
    with pytest.raises(Refused):
        client.get(site.ready)
    server.resources["/public/base.ova"] = Resource(ova())
    client.set(site.component, "ova_refresh", "yes")
    ready(site, site.component)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://example.org/base.ova", "not allowed by the setting allowed_urls"),
        ("ftp://example.org/base.ova", "the scheme ftp is not served"),
        ("file:///etc/passwd", "the scheme file is not served"),
        ("http://user:pw@127.0.0.1/public/base.ova", "user name"),
    ],
)
def test_what_is_not_allowed_is_said_at_once(site: Site, client: PythonClient, url: str, reason: str) -> None:
    make(client, site.component, url)
    assert fact(site, site.component, "status") == "failed"
    assert reason in fact(site, site.component, "message")
    assert not site.session.collections.exists(f"{site.home}/grid01/images")


def test_a_refresh_takes_what_changed_and_nothing_else(
    site: Site, client: PythonClient, server: Server, url: str
) -> None:
    make(client, site.component, url)
    second = f"{site.home}/grid01/comp02"
    make(client, second, url)
    for component in (site.component, second):
        ready(site, component)
    before = site.session.data_objects.get(fact(site, site.component, "source")).modify_time

    def refresh() -> None:
        server.requests.clear()
        client.set(site.component, "ova_refresh", "yes")
        until(lambda: not site.session.collections.get(site.component).metadata.get_all("ova_refresh"))

    refresh()
    assert server.header("if-none-match") == ['"1"']
    assert site.session.data_objects.get(fact(site, site.component, "source")).modify_time == before
    server.resources["/public/base.ova"] = Resource(ova(b"next" * 9000), etag='"2"')
    refresh()
    for component in (site.component, second):
        ready(site, component)
        name = component.rpartition("/")[2]
        assert read(client.get(f"{component}/{name}.ova")).members["disk1.vmdk"] == b"next" * 9000
    path = fact(site, site.component, "source")
    assert ("ova::fetched_version", '"2"', "ETag") in avus(site.session, path)
    assert package(site.session, path) == "valid"
    server.resources["/public/base.ova"] = Resource(b"broken" * 999, etag='"3"')
    refresh()
    assert fact(site, site.component, "status") == "ready"
    assert "not refreshed" in fact(site, site.component, "message")
    assert read(client.get(site.ready)).members["disk1.vmdk"] == b"next" * 9000


def test_what_somebody_put_in_its_place_is_not_taken_for_it(
    site: Site, make_person: MakePerson, server: Server, url: str
) -> None:
    """Mallory may write among Alice's images, and knows where the download will lie."""
    alice, mallory = make_person(), make_person()
    make(alice.client, f"{alice.home}/first/comp", url)
    until(lambda: alice.facts(f"{alice.home}/first/comp").get("ova::status") == "ready")
    [thing] = alice.client.session.collections.get(f"{alice.home}/first/images").data_objects
    images = f"{alice.home}/second/images"
    alice.client.make(images)
    alice.client.set(images, "ova_images", "yes")
    alice.grants("write", images, mallory.name)
    alice.grants("read", f"{alice.home}/second", mallory.name)
    alice.grants("read", alice.home, mallory.name)
    trap = f"{images}/{thing.name}"
    mallory.client.put(ova(b"evil" * 5000), trap)
    mallory.grants("own", trap, alice.name)
    component = f"{alice.home}/second/comp"
    make(alice.client, component, url)
    until(lambda: alice.facts(component).get("ova::status") == "failed")
    assert f"{trap} was not made by the server, so it stays as it is" in alice.facts(component)["ova::message"]
    assert mallory.client.get(trap) == ova(b"evil" * 5000)
    alice.client.session.data_objects.move(trap, f"{alice.home}/second/evil.ova")
    alice.client.set(component, "hostname", "again")
    until(lambda: alice.facts(component).get("ova::status") == "ready")
    assert read(alice.client.get(f"{component}/comp.ova")).members["disk1.vmdk"] == b"disk" * 5000


def test_a_strangers_home_is_no_collection_of_images_for_others(make_person: MakePerson, url: str) -> None:
    alice, mallory = make_person(), make_person()
    mallory.client.set(mallory.home, "ova_images", "yes")
    mallory.grants("write", mallory.home, alice.name)
    make(alice.client, f"{alice.home}/comp", url)
    until(lambda: alice.facts(f"{alice.home}/comp").get("ova::status") == "ready")
    assert alice.facts(f"{alice.home}/comp")["ova::source"].startswith(f"{alice.home}/images/")


def test_a_download_runs_with_the_rights_of_the_user(site: Site, make_person: MakePerson, url: str) -> None:
    alice, bob = make_person(), make_person()
    alice.client.make(f"{alice.home}/shared/comp")
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", f"{alice.home}/shared", bob.name)
    alice.grants("own", f"{alice.home}/shared/comp", bob.name)
    bob.client.set(f"{alice.home}/shared/comp", "ova_url", url)
    until(lambda: alice.facts(f"{alice.home}/shared/comp").get("ova::status") == "failed")
    assert (
        f"{bob.name} may not make {alice.home}/shared/images"
        in alice.facts(f"{alice.home}/shared/comp")["ova::message"]
    )


def test_an_image_from_a_url_is_kept_while_it_is_in_use(site: Site, client: PythonClient, url: str) -> None:
    make(client, site.component, url)
    ready(site, site.component)
    with pytest.raises(iRODSException, match="is the source of"):
        site.session.data_objects.unlink(fact(site, site.component, "source"), force=True)


def test_downloads_are_off_without_the_setting(
    irods_zone_factory: Callable[..., object], tmp_path_factory: pytest.TempPathFactory
) -> None:
    from tests.acceptance.conftest import rule_folder

    zone = irods_zone_factory(rule_folder(tmp_path_factory.mktemp("rules") / "etc"))
    client = PythonClient(zone.session())  # type: ignore[attr-defined]
    component = f"{zone.home}/comp"  # type: ignore[attr-defined]
    make(client, component, "https://example.org/base.ova")
    facts = {avu.name: avu.value for avu in client.session.collections.get(component).metadata.items()}
    assert facts["ova::status"] == "failed"
    assert "downloads are off" in facts["ova::message"] and "allowed_urls" in facts["ova::message"]
