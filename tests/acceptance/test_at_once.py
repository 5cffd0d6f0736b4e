"""Many at once: no change is lost, and no reader ever gets a torn or stale OVA."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from math import inf
from pathlib import Path

import pytest

from tests.acceptance.conftest import MakeClient, Site
from tests.support.appliances import descriptor_of, manifest_of, ova, read, tar_of
from tests.support.clients import COMMAND_LINES, Client, PythonClient, Refused, refusals
from tests.support.threads import together


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_different_clients_at_once_too(name: str, site: Site, component: str, make_client: MakeClient) -> None:
    other, mine = make_client(name), site.own_client()

    def set_many() -> None:
        for number in range(20):
            mine.set(component, "domainname", f"d{number}")

    together(lambda: other.set(component, "hostname", "by command"), set_many)
    values = mine.ready(component).values
    assert (values["host.hostname"], values["host.domainname"]) == ("by command", "d19")


def test_two_clients_that_set_different_avus_at_once_end_with_both(
    site: Site, component: str, client: PythonClient
) -> None:
    def set_many(own: PythonClient, attribute: str) -> None:
        for number in range(10):
            own.set(component, attribute, f"{attribute}{number}")

    together(*(partial(set_many, site.own_client(), attribute) for attribute in ("hostname", "domainname")))
    assert site.facts()["ova::status"] == "ready"
    found = client.ready(component)
    assert found.whole
    assert (found.values["host.hostname"], found.values["host.domainname"]) == ("hostname9", "domainname9")


def read_against_writer(
    site: Site, reader: Client, value: Callable[[int], str], *, writes: float = inf, reads: float = inf
) -> tuple[int, int]:
    """A writer sets numbered values, a reader reads all the while, until there were so many of the one or the other.

    How often was written after the first time, and how many reads were checked.
    """
    writer = site.own_client()
    writer.set(site.component, "hostname", value(0))
    promised = checked = 0
    done = threading.Event()

    def write() -> None:
        nonlocal promised
        try:
            while not done.is_set() and promised < writes:
                writer.set(site.component, "hostname", value(promised + 1))
                promised += 1
        finally:
            done.set()

    def check() -> None:
        nonlocal checked
        try:
            while not done.is_set() and checked < reads:
                at_least = promised
                found = reader.ready(site.component)
                assert found.whole, "torn"
                assert int(found.values["host.hostname"].partition("-")[0]) >= at_least, "stale"
                checked += 1
        finally:
            done.set()

    together(write, check)
    return promised, checked


def test_a_reader_in_a_loop_never_gets_a_torn_or_stale_ova(site: Site, component: str) -> None:
    _, checked = read_against_writer(site, site.own_client(), lambda n: f"{n}-", writes=39)
    assert checked > 0


@pytest.mark.parametrize("name", COMMAND_LINES)
def test_nor_does_a_command_line(name: str, site: Site, component: str, make_client: MakeClient) -> None:
    promised, checked = read_against_writer(site, make_client(name), lambda n: f"{n}-", reads=3)
    assert checked == 3
    assert promised > 3


def test_nor_while_the_size_changes_each_time(site: Site, component: str, client: PythonClient) -> None:
    for attribute, units in (("domainname", ""), ("dns", "net.0"), ("dns", "net.1"), ("ipaddr", "")):
        client.set(component, attribute, "&" * 1500, units)

    def value(number: int) -> str:
        return f"{number}-" + "&" * (2000 if number % 2 else 1)

    sizes = set()
    for number in (0, 1):
        client.set(component, "hostname", value(number))
        sizes.add(site.session.data_objects.get(site.ready).size)
    assert len(sizes) == 2
    _, checked = read_against_writer(site, site.own_client(), value, writes=19)
    assert checked > 0


def test_a_download_under_way_is_not_disturbed(site: Site, component: str, client: PythonClient) -> None:
    client.put(ova(bytes(range(256)) * 8192), site.source)
    client.set(component, "hostname", "before")
    whole = client.get(site.ready)
    with site.session.data_objects.open(site.ready, "r") as stream:
        first = stream.read(1024)
        site.own_client().set(component, "hostname", "after")
        site.own_client().set(component, "domainname", "&" * 2600)
        site.own_client().set(component, "ipaddr", "&" * 2600)
        rest = stream.read()
    assert first + rest == whole
    assert client.ready(component).values["host.hostname"] == "after"


def further_connection(site: Site, size: int) -> None:
    """Opens the ready OVA as the second connection of a parallel download does."""
    hierarchy = site.session.data_objects.get(site.ready).replicas[0].resc_hier
    keywords = {"resc_hier": hierarchy, "numThreads": "2", "dataSize": str(size)}
    with refusals():
        site.session.data_objects.open(site.ready, "r", **keywords).close()


def test_versions_are_not_mixed_by_a_parallel_download(site: Site, component: str, client: PythonClient) -> None:
    before = site.session.data_objects.get(site.ready).size
    further_connection(site, before)
    for attribute in ("hostname", "domainname", "ipaddr"):
        client.set(component, attribute, "&" * 2600)  # another size
    with pytest.raises(Refused, match="was rebuilt while this download ran"):
        further_connection(site, before)
    further_connection(site, site.session.data_objects.get(site.ready).size)


def test_large_packages_with_the_manifest_last_change_their_size_each_time(
    site: Site, component: str, client: PythonClient
) -> None:
    disk, text = b"0123456789abcdef" * (33 * 65536), descriptor_of()
    manifest = manifest_of({"vm.ovf": text, "disk1.vmdk": disk})
    client.put(tar_of({"vm.ovf": text, "disk1.vmdk": disk, "vm.mf": manifest}), site.source)
    sizes = []
    for number in range(3):
        client.set(component, "hostname", f"host{number}")
        sizes.append(site.session.data_objects.get(site.ready).size)
    assert sizes[0] != sizes[1] != sizes[2]
    assert client.ready(component).whole


def test_a_parallel_get_is_whole(site: Site, component: str, client: PythonClient, tmp_path: Path) -> None:
    disk = b"0123456789abcdef" * (40 * 65536)  # 40 MiB: more than one connection
    client.put(ova(disk), site.source)
    client.set(component, "hostname", "big")
    target = tmp_path / "got.ova"
    site.session.data_objects.get(site.ready, str(target))
    found = read(target.read_bytes())
    assert found.whole and found.values["host.hostname"] == "big" and found.members["disk1.vmdk"] == disk
