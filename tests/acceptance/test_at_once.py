"""Many at once: no change is lost, and no reader ever gets a torn or stale OVA."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.clients import COMMAND_CLIENTS, Client, PythonClient, Refused, told
from tests.acceptance.conftest import Site
from tests.appliances import descriptor_of, manifest_of, ova, read, tar_of


def together(*actions: Callable[[], None]) -> None:
    """Runs actions in threads of their own; raises the first exception of any."""
    failures: list[BaseException] = []

    def guarded(action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(action,)) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]


def own_client(site: Site) -> PythonClient:
    """A client with connections of its own."""
    return PythonClient(site.new_session(site.session.username, site.password))


def test_different_clients_at_once_too(site: Site, component: str, make_client: Callable[..., Client]) -> None:
    other, mine = make_client("ibridges"), own_client(site)

    def set_many() -> None:
        for number in range(20):
            mine.set(component, "domainname", f"d{number}")

    together(lambda: other.set(component, "hostname", "by ibridges"), set_many)
    values = read(mine.get(site.ready)).values
    assert (values["host.hostname"], values["host.domainname"]) == ("by ibridges", "d19")


def test_two_clients_that_set_different_avus_at_once_end_with_both(site: Site, component: str) -> None:
    def setter(attribute: str) -> Callable[[], None]:
        client = own_client(site)

        def run() -> None:
            for number in range(10):
                client.set(component, attribute, f"{attribute}{number}")

        return run

    together(setter("hostname"), setter("domainname"))
    assert site.facts()["ova::status"] == "ready"
    found = read(PythonClient(site.session).get(site.ready))
    assert found.whole
    assert (found.values["host.hostname"], found.values["host.domainname"]) == ("hostname9", "domainname9")


def loop_reader_against_writer(site: Site, component: str, rounds: int, value: Callable[[int], str]) -> int:
    """A writer sets numbered values, a reader reads all the while; how many reads were checked."""
    writer, reader = own_client(site), own_client(site)
    writer.set(component, "hostname", value(0))
    promised = 0
    done = threading.Event()
    reads = 0

    def write() -> None:
        nonlocal promised
        try:
            for number in range(1, rounds):
                writer.set(component, "hostname", value(number))
                promised = number
        finally:
            done.set()

    def check() -> None:
        nonlocal reads
        while not done.is_set():
            at_least = promised
            found = read(reader.get(site.ready))
            assert found.whole, "torn"
            assert int(found.values["host.hostname"].partition("-")[0]) >= at_least, "stale"
            reads += 1

    together(write, check)
    return reads


def test_a_reader_in_a_loop_never_gets_a_torn_or_stale_ova(site: Site, component: str) -> None:
    assert loop_reader_against_writer(site, component, 40, lambda n: f"{n}-") > 0


@pytest.mark.parametrize("name", COMMAND_CLIENTS)
def test_nor_does_a_command_line(name: str, site: Site, component: str, make_client: Callable[..., Client]) -> None:
    reader, writer = make_client(name), own_client(site)
    writer.set(component, "hostname", "0-")
    promised = 0
    done = threading.Event()

    def write() -> None:
        nonlocal promised
        while not done.is_set():
            writer.set(component, "hostname", f"{promised + 1}-")
            promised += 1

    def check() -> None:
        try:
            for _ in range(3):
                at_least = promised
                found = read(reader.get(site.ready))
                assert found.whole, "torn"
                assert int(found.values["host.hostname"].partition("-")[0]) >= at_least, "stale"
        finally:
            done.set()

    together(write, check)
    assert promised > 3


def test_nor_while_the_size_changes_each_time(site: Site, component: str) -> None:
    for attribute, units in (("domainname", ""), ("dns", "net.0"), ("dns", "net.1"), ("ipaddr", "")):
        PythonClient(site.session).set(component, attribute, "&" * 1500, units)

    def value(number: int) -> str:
        return f"{number}-" + "&" * (2000 if number % 2 else 1)

    sizes = set()
    for number in (0, 1):
        PythonClient(site.session).set(component, "hostname", value(number))
        sizes.add(site.session.data_objects.get(site.ready).size)
    assert len(sizes) == 2
    assert loop_reader_against_writer(site, component, 20, value) > 0


def test_a_download_under_way_is_not_disturbed(site: Site, component: str) -> None:
    client = PythonClient(site.session)
    client.put(ova(bytes(range(256)) * 8192), site.source)
    client.set(component, "hostname", "before")
    whole = client.get(site.ready)
    with site.session.data_objects.open(site.ready, "r") as stream:
        first = stream.read(1024)
        own_client(site).set(component, "hostname", "after")
        own_client(site).set(component, "domainname", "&" * 2600)
        own_client(site).set(component, "ipaddr", "&" * 2600)
        rest = stream.read()
    assert first + rest == whole
    assert read(client.get(site.ready)).values["host.hostname"] == "after"


def further_connection(site: Site, size: int) -> None:
    """Opens the ready OVA as the second connection of a parallel download does."""
    hierarchy = site.session.data_objects.get(site.ready).replicas[0].resc_hier
    keywords = {"resc_hier": hierarchy, "numThreads": "2", "dataSize": str(size)}
    with told():
        site.session.data_objects.open(site.ready, "r", **keywords).close()


def test_versions_are_not_mixed_by_a_parallel_download(site: Site, component: str) -> None:
    client = PythonClient(site.session)
    before = site.session.data_objects.get(site.ready).size
    further_connection(site, before)
    for attribute in ("hostname", "domainname", "ipaddr"):
        client.set(component, attribute, "&" * 2600)  # another size
    with pytest.raises(Refused, match="was rebuilt while this download ran"):
        further_connection(site, before)
    further_connection(site, site.session.data_objects.get(site.ready).size)


def test_large_packages_with_the_manifest_last_change_their_size_each_time(site: Site, component: str) -> None:
    client = PythonClient(site.session)
    disk, text = b"0123456789abcdef" * (33 * 65536), descriptor_of()
    manifest = manifest_of({"vm.ovf": text, "disk1.vmdk": disk})
    client.put(tar_of({"vm.ovf": text, "disk1.vmdk": disk, "vm.mf": manifest}), site.source)
    sizes = []
    for number in range(3):
        client.set(component, "hostname", f"host{number}")
        sizes.append(site.session.data_objects.get(site.ready).size)
    assert sizes[0] != sizes[1] != sizes[2]
    assert read(client.get(site.ready)).whole


def test_a_parallel_get_is_whole(site: Site, component: str, tmp_path: Any) -> None:
    client = PythonClient(site.session)
    disk = b"0123456789abcdef" * (40 * 65536)  # 40 MiB: more than one connection
    client.put(ova(disk), site.source)
    client.set(component, "hostname", "big")
    target = tmp_path / "got.ova"
    site.session.data_objects.get(site.ready, str(target))
    found = read(target.read_bytes())
    assert found.whole and found.values["host.hostname"] == "big" and found.members["disk1.vmdk"] == disk
