"""A download in parts has one version, whatever changes between its connections, or it is refused.

The client is hand-made: each further connection names what the first one found, as clients do.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.appliances import ova, read
from tests.support.clients import PythonClient, Refused, ready_path, refusals
from tests.support.zones import MakePlace, Place

LARGE = 33 * 1024 * 1024  # clients download it over several connections
AT_ONCE = "from ova_rules.build import versions\nversions._PATIENCE_SECONDS = 0.0\n"
ALL_LARGE = f"{AT_ONCE}versions.PARALLEL_FROM = 1\n"


class Downloads:
    """A component with two sources of one size, and downloads of its ready OVA over several connections."""

    def __init__(self, place: Place, disks: Sequence[bytes]) -> None:
        self.place, self.client = place, place.client
        self.sources = [f"{place.home}/{number}.ova" for number in range(len(disks))]
        for path, disk in zip(self.sources, disks):
            self.client.put(ova(disk), path)
        self.component = self.client.component(f"{place.home}/comp", self.sources[0])
        self.ready = ready_path(self.component)
        self.reader = PythonClient(place.zone.session())
        self._count = 0

    def change(self, what: str) -> None:
        """One of: nothing, a new value, a value set back, the other source, the same source written anew."""
        self._count += 1
        url = self.sources.index(self.value("ova_url"))
        if what == "value":
            self.client.set(self.component, "hostname", f"host{self._count:04}")
        elif what == "back":
            self.client.set(self.component, "hostname", "host")
        elif what == "url":
            self.client.set(self.component, "ova_url", self.sources[1 - url])
        elif what == "source":
            self.client.put(ova(b"%04d" % self._count * 5000), self.sources[url])

    def value(self, attribute: str) -> str:
        """The value of an AVU."""
        [avu] = self.client.metadata(self.component).get_all(attribute)
        return str(avu.value)

    @property
    def size(self) -> int:
        """What the catalog says."""
        return int(self.client.session.data_objects.get(self.ready).size)

    def file(self) -> bytes:
        """The version that is there."""
        return Path(self.client.session.data_objects.get(self.ready).replicas[0].path).read_bytes()

    def part(self, start: int, length: int, size: int | None = None) -> bytes:
        """A part, through a connection of its own; size: as a further connection says it. Raises Refused."""
        keywords = {}
        if size is not None:
            hierarchy = self.client.session.data_objects.get(self.ready).replicas[0].resc_hier
            keywords = {"resc_hier": hierarchy, "numThreads": "3", "dataSize": str(size)}
        with refusals(), self.reader.session.data_objects.open(self.ready, "r", **keywords) as stream:
            stream.seek(start)
            return bytes(stream.read(length))

    def in_parts(self, *changes: str) -> bytes | None:
        """The parts of one download, with a change before each but the first; None if one was refused."""
        size = self.size
        length = size // (1 + len(changes)) + 1
        parts = [self.part(0, length)]
        for number, change in enumerate(changes, start=1):
            self.change(change)
            try:
                parts.append(self.part(number * length, length, size))
            except Refused as error:
                assert "was rebuilt while this download ran; get it again" in str(error)
                return None
        return b"".join(parts)


@pytest.mark.parametrize("rules", ["", ALL_LARGE], ids=["small", "large"])
def test_a_download_in_parts_is_one_version_or_is_refused(rules: str, make_place: MakePlace) -> None:
    downloads = Downloads(make_place(rules), (b"AAAA" * 5000, b"BBBB" * 5000))
    assert downloads.in_parts("nothing", "nothing") == downloads.file()

    whole = 0
    for changes in itertools.product(("nothing", "value", "back", "url", "source"), repeat=2):
        versions = [downloads.file()]
        found = downloads.in_parts(*changes)
        versions.append(downloads.file())
        assert found is None or found in versions, changes
        whole += found is not None
        assert found is not None or set(changes) != {"nothing"} or not rules
    assert whole > 0 or not rules


def test_versions_that_are_downloaded_in_parts_differ_in_size(make_place: MakePlace) -> None:
    downloads = Downloads(make_place(AT_ONCE), (b"A" * LARGE, b"B" * LARGE))
    first = downloads.part(0, 512)
    sizes = [downloads.size]
    for change in ("url", "url", "value", "back"):
        downloads.change(change)
        sizes.append(downloads.size)
        with pytest.raises(Refused, match="get it again"):
            downloads.part(512, 512, sizes[-2])
    assert len(set(sizes)) == len(sizes)
    assert first == downloads.part(0, 512)
    assert downloads.part(512, LARGE, sizes[-1]) == downloads.file()[512 : 512 + LARGE]
    assert read(downloads.file()).whole


def test_a_small_one_is_read_in_parts_until_there_were_two_of_its_size(make_place: MakePlace) -> None:
    downloads = Downloads(make_place(), (b"AAAA" * 5000, b"BBBB" * 5000))
    size = downloads.size
    assert downloads.part(0, 99, size) == downloads.file()[:99]
    downloads.change("url")
    assert downloads.size == size
    for _ in range(2):
        with pytest.raises(Refused, match="get it again"):
            downloads.part(0, 99, size)
        downloads.change("url")  # and back
    assert downloads.part(0, size) == downloads.file()  # in one go it is had at any time


def test_a_download_goes_on_with_what_it_began_with(make_place: MakePlace, tmp_path: Path) -> None:
    """It is out of date by now, and cannot be built."""
    stuck = tmp_path / "stuck"
    failing = f"""
import os
from ova_rules.build import build
from ova_rules.errors import ComponentError

def never(*_, **__):
    raise ComponentError("not now", lasting=False)

if os.path.exists({str(stuck)!r}):
    build.make = never
"""
    place = make_place(ALL_LARGE + failing)
    downloads = Downloads(place, (b"AAAA" * 5000,))
    before, size = downloads.file(), downloads.size
    begun = downloads.part(0, 1000)
    stuck.touch()
    PythonClient(place.zone.session()).set(downloads.component, "hostname", "later")
    downloads.reader = PythonClient(place.zone.session())  # a connection of its own, as all are

    assert begun + downloads.part(1000, size, size) == before
    with pytest.raises(Refused, match="not now"):
        downloads.part(0, 1000)


def test_nobody_goes_on_with_what_another_one_began(make_place: MakePlace) -> None:
    """It is out of date, and who has begun before may have it to its end; who has not, may not."""
    place = make_place(ALL_LARGE)
    downloads = Downloads(place, (b"AAAA" * 5000,))
    session = place.client.session
    readers = {}
    for name in ("alice", "bob", "carol"):
        session.users.create(name, "rodsuser")
        session.users.modify(name, "password", "secret")
        level = "modify_metadata" if name == "carol" else "read"
        place.client.allow(level, downloads.component, name, recursive=name != "carol")
        readers[name] = PythonClient(place.zone.session(name, "secret"))
    size = downloads.size
    downloads.reader = readers["alice"]
    begun = downloads.part(0, 1000)
    readers["carol"].set(downloads.component, "hostname", "another")  # and may not build

    assert begun + downloads.part(1000, size, size) == downloads.file()
    downloads.reader = readers["bob"]
    with pytest.raises(Refused, match="get it again"):
        downloads.part(1000, size, size)
    with pytest.raises(Refused, match="is out of date"):
        downloads.part(0, size)
