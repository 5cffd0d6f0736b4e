"""Components that are renamed, moved, copied, put into the trash or deleted while they are built."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from irods.exception import CollectionDoesNotExist, iRODSException

from tests.support.appliances import ova, read
from tests.support.clients import PythonClient
from tests.support.waiting import until
from tests.support.zones import MakePlace, Place


class Scene:
    """grid01/comp01 of a source that takes a moment to copy, in a zone of its own."""

    def __init__(self, place: Place) -> None:
        self.zone, self.client, self.home, self.grid = place.zone, place.client, place.home, place.grid
        self.source = place.source
        self.component = place.component("grid01/comp01")
        self.collections = self.client.session.collections
        self.objects = self.client.session.data_objects

    @contextmanager
    def changes(self, *paths: str) -> Iterator[None]:
        """Meanwhile another client sets AVUs without pause, at whichever of these paths the component is.

        Fails if it is refused for another reason than that the component is elsewhere.
        """
        over = threading.Event()
        unexpected: list[BaseException] = []
        client = PythonClient(self.zone.session())

        def change() -> None:
            number = 0
            while not over.is_set():
                number += 1
                for path in paths:
                    try:
                        client.set(path, "hostname", f"host{number}" + "&" * (2000 * (number % 2)))
                    except CollectionDoesNotExist:
                        pass
                    except BaseException as error:
                        if "DOES_NOT_EXIST" not in repr(error) and "UNKNOWN_COLLECTION" not in repr(error):
                            unexpected.append(error)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert unexpected == []

    def settled(self, path: str) -> None:
        """One more change, and the component is right."""
        self.client.set(path, "hostname", "last")
        found = self.client.ready(path)
        assert found.whole
        assert found.values["host.hostname"] == "last"
        assert [line for line in self.zone.log_text().splitlines() if '"ova": "fault"' in line] == []


@pytest.fixture
def scene(make_place: MakePlace) -> Scene:
    return Scene(make_place(package=ova(bytes(range(256)) * 40_000)))


def test_renamed_again_and_again_while_it_is_built(scene: Scene) -> None:
    other = f"{scene.grid}/comp02"
    with scene.changes(scene.component, other):
        for _ in range(3):
            scene.collections.move(scene.component, other)
            scene.collections.move(other, scene.component)
    scene.settled(scene.component)


def test_its_grid_is_moved_while_it_is_built(scene: Scene) -> None:
    moved = f"{scene.home}/elsewhere"
    with scene.changes(scene.component, f"{moved}/comp01"):
        for _ in range(3):
            scene.collections.move(scene.grid, moved)
            scene.collections.move(moved, scene.grid)
    scene.settled(scene.component)


def test_put_into_the_trash_and_taken_back(scene: Scene) -> None:
    with scene.changes(scene.component):
        scene.collections.remove(scene.component, recurse=True)
    trash = scene.collections.get(scene.home.replace("/home/", "/trash/home/"))
    [path] = [each.path for each, _, _ in trash.walk() if each.name.startswith("comp01")]
    assert [each.name for each in scene.collections.get(path).data_objects] in ([], ["comp01.ova"])
    scene.collections.move(path, scene.component)
    scene.settled(scene.component)


def test_deleted_and_made_anew(scene: Scene) -> None:
    def is_removed() -> bool:
        """A build that runs may put the ready OVA back while the collection goes: then it is not empty, and stays."""
        try:
            scene.collections.remove(scene.component, recurse=True, force=True)
        except iRODSException:
            return False
        return True

    with scene.changes(scene.component):
        for _ in range(3):
            until(is_removed, "the component is removed", 30)
            scene.client.component(scene.component, scene.source)
    scene.settled(scene.component)


def test_a_copy_is_a_component_once_it_has_a_source(scene: Scene) -> None:
    scene.client.set(scene.component, "hostname", "original")
    copy = f"{scene.grid}/comp02"
    scene.client.make(copy)
    with scene.changes(scene.component):
        for number in range(4):
            scene.objects.copy(f"{scene.component}/comp01.ova", f"{copy}/{number}.ova")
            assert read(scene.client.get(f"{copy}/{number}.ova")).whole
    scene.client.set(copy, "ova_url", scene.source)
    scene.settled(copy)
    scene.settled(scene.component)


def test_its_source_is_renamed_while_it_is_built(scene: Scene) -> None:
    other = f"{scene.home}/other.ova"
    scene.objects.get(scene.source).metadata.add("ova_release", "yes")
    with scene.changes(scene.component):
        for _ in range(3):
            scene.objects.move(scene.source, other)
            scene.objects.move(other, scene.source)
    scene.settled(scene.component)
