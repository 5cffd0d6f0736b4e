"""Components that are renamed, moved, copied, put into the trash or deleted while they are built."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from irods.exception import CollectionDoesNotExist, iRODSException

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import rule_folder
from tests.appliances import ova, read

Factory = Callable[..., Any]


class Scene:
    """grid01/comp01 of a source that takes a moment to copy, in a zone of its own."""

    def __init__(self, make: Factory, folder: Path) -> None:
        self.zone = make(rule_folder(folder / "etc"))
        self.client = PythonClient(self.zone.session())
        self.grid = f"{self.zone.home}/grid01"
        self.component = f"{self.grid}/comp01"
        self.client.put(ova(bytes(range(256)) * 40_000), f"{self.zone.home}/base.ova")
        self.client.make(self.component)
        self.client.set(self.component, "ova_url", f"{self.zone.home}/base.ova")

    @contextmanager
    def changes(self, *paths: str) -> Iterator[list[BaseException]]:
        """Meanwhile another client sets AVUs without pause, at whichever of these paths the component is."""
        over = threading.Event()
        unexpected: list[BaseException] = []
        session = self.zone.session()

        def change() -> None:
            number = 0
            while not over.is_set():
                number += 1
                for path in paths:
                    try:
                        PythonClient(session).set(path, "hostname", f"host{number}" + "&" * (2000 * (number % 2)))
                    except CollectionDoesNotExist:
                        pass
                    except BaseException as error:
                        if "DOES_NOT_EXIST" not in repr(error) and "UNKNOWN_COLLECTION" not in repr(error):
                            unexpected.append(error)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            yield unexpected
        finally:
            over.set()
            thread.join()

    def settled(self, path: str) -> None:
        """One more change, and the component is right."""
        self.client.set(path, "hostname", "last")
        found = read(self.client.get(f"{path}/{path.rpartition('/')[2]}.ova"))
        assert found.whole
        assert found.values["host.hostname"] == "last"
        assert [line for line in self.zone.log_text().splitlines() if '"ova": "fault"' in line] == []


@pytest.fixture
def scene(irods_zone_factory: Factory, tmp_path: Path) -> Scene:
    return Scene(irods_zone_factory, tmp_path)


def test_renamed_again_and_again_while_it_is_built(scene: Scene) -> None:
    other = f"{scene.grid}/comp02"
    with scene.changes(scene.component, other) as unexpected:
        for _ in range(3):
            scene.client.session.collections.move(scene.component, other)
            scene.client.session.collections.move(other, scene.component)
    assert unexpected == []
    scene.settled(scene.component)


def test_its_grid_is_moved_while_it_is_built(scene: Scene) -> None:
    moved = f"{scene.zone.home}/elsewhere"
    with scene.changes(scene.component, f"{moved}/comp01") as unexpected:
        for _ in range(3):
            scene.client.session.collections.move(scene.grid, moved)
            scene.client.session.collections.move(moved, scene.grid)
    assert unexpected == []
    scene.settled(scene.component)


def test_put_into_the_trash_and_taken_back(scene: Scene) -> None:
    with scene.changes(scene.component) as unexpected:
        scene.client.session.collections.remove(scene.component, recurse=True)
    assert unexpected == []
    trash = f"/{scene.zone.session().zone}/trash/home/rods"
    for collection in scene.client.session.collections.get(trash).walk():
        path = collection[0].path
        if path.rpartition("/")[2].startswith("comp01"):
            assert [o.name for o in scene.client.session.collections.get(path).data_objects] in ([], ["comp01.ova"])
            scene.client.session.collections.move(path, scene.component)
            break
    else:
        raise AssertionError("it is not in the trash")
    scene.settled(scene.component)


def remove(scene: Scene) -> None:
    """A build that runs may put the ready OVA back while the collection goes: then it is not empty, and goes later."""
    deadline = time.monotonic() + 30
    while True:
        try:
            scene.client.session.collections.remove(scene.component, recurse=True, force=True)
            return
        except iRODSException:
            if time.monotonic() > deadline:
                raise


def test_deleted_and_made_anew(scene: Scene) -> None:
    with scene.changes(scene.component) as unexpected:
        for _ in range(3):
            remove(scene)
            scene.client.make(scene.component)
            scene.client.set(scene.component, "ova_url", f"{scene.zone.home}/base.ova")
    assert unexpected == []
    scene.settled(scene.component)


def test_a_copy_is_a_component_once_it_has_a_source(scene: Scene) -> None:
    scene.client.set(scene.component, "hostname", "original")
    copy = f"{scene.grid}/comp02"
    scene.client.make(copy)
    with scene.changes(scene.component) as unexpected:
        for number in range(4):
            scene.client.session.data_objects.copy(f"{scene.component}/comp01.ova", f"{copy}/{number}.ova")
            assert read(scene.client.get(f"{copy}/{number}.ova")).whole
    assert unexpected == []
    scene.client.set(copy, "ova_url", f"{scene.zone.home}/base.ova")
    scene.settled(copy)
    scene.settled(scene.component)


def test_its_source_is_renamed_while_it_is_built(scene: Scene) -> None:
    with scene.changes(scene.component) as unexpected:
        for _ in range(3):
            scene.client.session.data_objects.move(f"{scene.zone.home}/base.ova", f"{scene.zone.home}/other.ova")
            scene.client.session.data_objects.move(f"{scene.zone.home}/other.ova", f"{scene.zone.home}/base.ova")
    assert unexpected == []
    scene.settled(scene.component)
