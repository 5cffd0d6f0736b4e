"""The zone is killed at random points of a rebuild and started again: no OVA breaks, no promise is lost."""

from __future__ import annotations

import itertools
import random
import threading

import pytest
from irods.exception import NetworkException

from tests.support.appliances import ova
from tests.support.clients import PythonClient
from tests.support.zones import MakePlace

# The errors of python-irodsclient if the server is gone; a refusal would be another exception.
LOST = (NetworkException, OSError)
PACKAGE = ova(bytes(range(256)) * 4096)


@pytest.mark.parametrize("seed", range(3))
def test_killed_during_rebuilds(seed: int, make_place: MakePlace) -> None:
    chance = random.Random(seed)
    place = make_place(package=PACKAGE)
    zone, component = place.zone, place.component("comp01", hostname="0-")
    promised = 0
    for _ in range(6):
        client = PythonClient(zone.session())
        client.ready(component)  # signed in and warm
        killer = threading.Timer(chance.uniform(0.0, 0.12), zone.kill)
        begun = promised
        try:
            for number in itertools.count(begun + 1):
                # every third one has another size, which takes the longer path
                client.set(component, "hostname", f"{number}-" + "&" * (2600 if number % 3 == 0 else 1))
                client.set(component, "domainname", "&" * (2600 if number % 3 == 0 else 1))
                promised = number
                if number == begun + 1:  # on any machine something is promised before it is killed
                    killer.start()
        except LOST:
            pass
        killer.join()
        assert promised > begun
        zone.start()
        client = PythonClient(zone.session())
        found = client.ready(component)
        assert found.whole
        assert int(found.values["host.hostname"].partition("-")[0]) >= promised
    leftovers = [path.name for path in zone.vault.rglob(".*")]
    client.set(component, "hostname", "last")
    assert client.ready(component).values["host.hostname"] == "last"
    assert [path.name for path in zone.vault.rglob(".*")] == [], leftovers


def test_killed_during_a_first_build(make_place: MakePlace) -> None:
    chance = random.Random(7)
    place = make_place(package=PACKAGE)
    zone = place.zone
    for number in range(6):
        component = f"{place.home}/comp{number}"
        client = PythonClient(zone.session())
        client.make(component)
        killer = threading.Timer(chance.uniform(0.0, 0.06), zone.kill)
        killer.start()
        answered = False
        try:
            client.set(component, "ova_url", "../base.ova")
            answered = True
        except LOST:
            pass
        killer.join()
        zone.start()
        client = PythonClient(zone.session())
        if not answered:  # the user was told that it failed, and tries again
            client.set(component, "ova_url", "../base.ova")
        client.set(component, "hostname", "healed")
        found = client.ready(component)
        assert found.whole and found.values["host.hostname"] == "healed"
