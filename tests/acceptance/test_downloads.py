"""Sources by URL: downloaded once, verified, shared, renewed on demand, and off unless an administrator allows them.

On a real zone they run if OVA_DOWNLOADS_PORT names a free port and the zone's `allowed_urls` has
http://127.0.0.1:PORT/public and 127.0.0.1/32; its server must reach this machine by that address.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import Site
from tests.acceptance.people import MakePerson
from tests.support.appliances import descriptor_of, ova
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until
from tests.support.web_server import Resource, Server, serving
from tests.support.zones import MakePlace


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


def until_ready(client: PythonClient, *components: str) -> None:
    """Waits for the jobs that download, and for the builds behind them."""
    for component in components:
        until_status(client, component, "ready")


def until_status(client: PythonClient, component: str, status: str) -> None:
    until(lambda: client.facts(component).get("ova::status") == status, f"{component} is {status}")


def downloaded(client: PythonClient, collection: str) -> list[str]:
    """The objects in a collection."""
    return [each.path for each in client.session.collections.get(collection).data_objects]


def test_a_url_becomes_an_image_beside_the_component(
    site: Site, client: PythonClient, server: Server, url: str
) -> None:
    client.component(site.component, url, hostname="sg12")
    until_ready(client, site.component)
    found = client.ready(site.component)
    assert found.whole and found.values["host.hostname"] == "sg12"
    images = f"{site.home}/grid01/images"
    [path] = downloaded(client, images)
    assert path.startswith(f"{images}/base-") and path.endswith(".ova")
    assert client.get(path) == ova()
    assert [avu.value for avu in client.metadata(images).get_all("ova_images")] == ["yes"]
    assert client.package(path) == "valid"
    assert [value for _, value, _ in client.object_avus(path, "ova::fetched_from")] == [url]
    assert ("ova::fetched_version", '"1"', "ETag") in client.object_avus(path)
    assert [value for _, value, _ in client.object_avus(path, "ova::used_by")] == [site.component]
    assert site.facts()["ova::source"] == path
    assert len(server.requests) == 1


def test_components_share_it(site: Site, client: PythonClient, server: Server, url: str) -> None:
    client.make(f"{site.home}/library")
    client.set(f"{site.home}/library", "ova_images", "yes")
    components = [client.component(f"{site.home}/grid0{number}/comp0{number}", url) for number in range(1, 4)]
    until_ready(client, *components)
    assert len(downloaded(client, f"{site.home}/library")) == 1
    assert len({site.facts(component)["ova::source"] for component in components}) == 1
    assert len(server.requests) == 1


def test_the_nearest_collection_of_images_is_used(site: Site, client: PythonClient, url: str) -> None:
    for collection in (f"{site.home}/images", f"{site.home}/grid01/zoo"):
        client.make(collection)
        client.set(collection, "ova_images", "yes")
    until_ready(client, client.component(site.component, url), client.component(f"{site.home}/grid02/comp01", url))
    assert len(downloaded(client, f"{site.home}/grid01/zoo")) == 1
    assert len(downloaded(client, f"{site.home}/images")) == 1


def test_several_jobs_at_once_download_once(site: Site, client: PythonClient, server: Server, url: str) -> None:
    resource = server.resources["/public/base.ova"]
    resource.data, resource.hold = ova(b"disk" * 100_000), threading.Event()
    components = [client.component(f"{site.home}/grid01/comp0{number}", url) for number in range(1, 4)]
    until(lambda: server.requests, "the server is asked")
    assert "building" in {site.facts(component)["ova::status"] for component in components}
    resource.hold.set()
    until_ready(client, *components)
    assert len(server.requests) == 1


def test_a_break_is_resumed(site: Site, client: PythonClient, server: Server, url: str) -> None:
    resource = server.resources["/public/base.ova"]
    resource.data, resource.breaks = ova(b"disk" * 100_000), [100_000]
    until_ready(client, client.component(site.component, url))
    assert server.header("range") == [None, "bytes=100000-"]
    assert client.ready(site.component).members["disk1.vmdk"] == b"disk" * 100_000


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


def test_what_is_wrong_is_said_and_never_becomes_an_object(site: Site, client: PythonClient, server: Server) -> None:
    server.resources["/private/base.ova"] = Resource(ova())
    for name, (resource, _) in WRONG.items():
        server.resources[path_of(name)] = resource
        client.component(f"{site.home}/{name}/comp", server.url(path_of(name)))
    for name, (_, reason) in WRONG.items():
        component = f"{site.home}/{name}/comp"
        until_status(client, component, "failed")
        message = client.facts(component)["ova::message"]
        assert reason in message and server.url(path_of(name)) in message and "\n" not in message, name
        assert "ova-downloads" not in message
        assert downloaded(client, f"{site.home}/{name}/images") == []
        with pytest.raises(Refused):
            client.ready(component)
        server.resources[path_of(name)] = Resource(ova())
        client.set(component, "ova_refresh", "yes")
    until_ready(client, *(f"{site.home}/{name}/comp" for name in WRONG))


def path_of(name: str) -> str:
    """Where on the server one that is wrong lies."""
    return f"/public/{name.replace(' ', '-')}/base.ova"


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
    client.component(site.component, url)
    assert site.facts()["ova::status"] == "failed"
    assert reason in site.facts()["ova::message"]
    assert not site.session.collections.exists(f"{site.home}/grid01/images")


def test_a_refresh_takes_what_changed_and_nothing_else(
    site: Site, client: PythonClient, server: Server, url: str
) -> None:
    components = [client.component(f"{site.home}/grid01/comp0{number}", url) for number in (1, 2)]
    until_ready(client, *components)
    path = site.facts()["ova::source"]
    before = site.session.data_objects.get(path).modify_time

    def refresh() -> None:
        server.requests.clear()
        client.set(site.component, "ova_refresh", "yes")
        until(lambda: not client.metadata(site.component).get_all("ova_refresh"), "the job has refreshed it")

    refresh()
    assert server.header("if-none-match") == ['"1"']
    assert site.session.data_objects.get(site.facts()["ova::source"]).modify_time == before
    server.resources["/public/base.ova"] = Resource(ova(b"next" * 9000), etag='"2"')
    refresh()
    until_ready(client, *components)
    for component in components:
        assert client.ready(component).members["disk1.vmdk"] == b"next" * 9000
    path = site.facts()["ova::source"]
    assert ("ova::fetched_version", '"2"', "ETag") in client.object_avus(path)
    assert client.package(path) == "valid"
    server.resources["/public/base.ova"] = Resource(b"broken" * 999, etag='"3"')
    refresh()
    assert site.facts()["ova::status"] == "ready"
    assert "not refreshed" in site.facts()["ova::message"]
    assert client.ready(site.component).members["disk1.vmdk"] == b"next" * 9000


def test_what_somebody_put_in_its_place_is_not_taken_for_it(make_person: MakePerson, url: str) -> None:
    """Mallory may write among Alice's images, and knows where the download will lie."""
    alice, mallory = make_person(), make_person()
    until_ready(alice.client, alice.client.component(f"{alice.home}/first/comp", url))
    [path] = downloaded(alice.client, f"{alice.home}/first/images")
    images = f"{alice.home}/second/images"
    alice.client.make(images)
    alice.client.set(images, "ova_images", "yes")
    alice.grants("write", images, mallory.name)
    alice.grants("read", f"{alice.home}/second", mallory.name)
    alice.grants("read", alice.home, mallory.name)
    trap = f"{images}/{path.rpartition('/')[2]}"
    mallory.client.put(ova(b"evil" * 5000), trap)
    mallory.grants("own", trap, alice.name)
    component = alice.client.component(f"{alice.home}/second/comp", url)
    until_status(alice.client, component, "failed")
    assert f"{trap} was not made by the server, so it stays as it is" in alice.facts(component)["ova::message"]
    assert mallory.client.get(trap) == ova(b"evil" * 5000)
    alice.client.session.data_objects.move(trap, f"{alice.home}/second/evil.ova")
    alice.client.set(component, "hostname", "again")
    until_ready(alice.client, component)
    assert alice.client.ready(component).members["disk1.vmdk"] == b"disk" * 5000


def test_another_ones_home_is_no_collection_of_images(make_person: MakePerson, url: str) -> None:
    alice, mallory = make_person(), make_person()
    mallory.client.set(mallory.home, "ova_images", "yes")
    mallory.grants("write", mallory.home, alice.name)
    component = alice.client.component(f"{alice.home}/comp", url)
    until_ready(alice.client, component)
    assert alice.facts(component)["ova::source"].startswith(f"{alice.home}/images/")


def test_a_download_runs_with_the_rights_of_the_user(make_person: MakePerson, url: str) -> None:
    alice, bob = make_person(), make_person()
    shared = f"{alice.home}/shared"
    alice.client.make(f"{shared}/comp")
    alice.grants("read", alice.home, bob.name)
    alice.grants("read", shared, bob.name)
    alice.grants("own", f"{shared}/comp", bob.name)
    bob.client.set(f"{shared}/comp", "ova_url", url)
    until_status(alice.client, f"{shared}/comp", "failed")
    assert f"{bob.name} may not make {shared}/images" in alice.facts(f"{shared}/comp")["ova::message"]


def test_an_image_from_a_url_is_kept_while_it_is_in_use(site: Site, client: PythonClient, url: str) -> None:
    until_ready(client, client.component(site.component, url))
    with pytest.raises(Refused, match="is the source of"):
        client.unlink(site.facts()["ova::source"])


def test_downloads_are_off_without_the_setting(make_place: MakePlace) -> None:
    place = make_place()
    component = place.client.component(f"{place.home}/comp", "https://example.org/base.ova")
    facts = place.client.facts(component)
    assert facts["ova::status"] == "failed"
    assert "downloads are off" in facts["ova::message"] and "allowed_urls" in facts["ova::message"]
