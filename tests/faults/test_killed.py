"""The zone is killed at random points of a rebuild and started again: never a broken OVA, nothing promised is lost."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from irods.exception import NetworkException

from tests.acceptance.clients import PythonClient
from tests.acceptance.conftest import rule_folder
from tests.appliances import ova, read

Factory = Callable[..., Any]

# How python-irodsclient says that the server is gone; a refusal would be another exception.
LOST = (NetworkException, OSError)


@pytest.mark.parametrize("seed", range(3))
def test_killed_during_rebuilds(seed: int, irods_zone_factory: Factory, tmp_path: Path) -> None:
    chance = random.Random(seed)
    zone = irods_zone_factory(rule_folder(tmp_path / "etc"))
    component = f"{zone.home}/comp01"
    client = PythonClient(zone.session())
    client.make(component)
    client.put(ova(bytes(range(256)) * 4096), f"{zone.home}/base.ova")
    client.set(component, "ova_url", "../base.ova")
    client.set(component, "hostname", "0-")
    promised = 0
    for _ in range(6):
        client = PythonClient(zone.session())
        client.get(f"{component}/comp01.ova")  # signed in and warm
        killer = threading.Timer(chance.uniform(0.0, 0.12), zone.kill)
        killer.start()
        try:
            for number in range(promised + 1, promised + 100):
                # every third one has another size, which takes the longer way
                client.set(component, "hostname", f"{number}-" + "&" * (2600 if number % 3 == 0 else 1))
                client.set(component, "domainname", "&" * (2600 if number % 3 == 0 else 1))
                promised = number
        except LOST:
            pass
        killer.join()
        zone.start()
        client = PythonClient(zone.session())
        found = read(client.get(f"{component}/comp01.ova"))
        assert found.whole
        assert int(found.values["host.hostname"].partition("-")[0]) >= promised
    assert promised > 0
    leftovers = [path.name for path in zone.vault.rglob(".*")]
    client.set(component, "hostname", "last")
    assert read(client.get(f"{component}/comp01.ova")).values["host.hostname"] == "last"
    assert [path.name for path in zone.vault.rglob(".*")] == [], leftovers


def test_killed_during_a_first_build(irods_zone_factory: Factory, tmp_path: Path) -> None:
    chance = random.Random(7)
    zone = irods_zone_factory(rule_folder(tmp_path / "etc"))
    client = PythonClient(zone.session())
    client.put(ova(bytes(range(256)) * 4096), f"{zone.home}/base.ova")
    for number in range(6):
        component = f"{zone.home}/comp{number}"
        client = PythonClient(zone.session())
        client.make(component)
        killer = threading.Timer(chance.uniform(0.0, 0.06), zone.kill)
        killer.start()
        told = False
        try:
            client.set(component, "ova_url", "../base.ova")
            told = True
        except LOST:
            pass
        killer.join()
        zone.start()
        client = PythonClient(zone.session())
        if not told:  # the user was told that it failed, and tries again
            client.set(component, "ova_url", "../base.ova")
        client.set(component, "hostname", "healed")
        found = read(client.get(f"{component}/comp{number}.ova"))
        assert found.whole and found.values["host.hostname"] == "healed"
