"""A server without the catalog: it writes no facts and builds nothing, and no client's own command fails there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused
from tests.support.waiting import until
from tests.support.zones import Place, embedded_zone, rule_folder


def test_builds_are_left_to_the_server_with_the_catalog(tmp_path: Path) -> None:
    role = tmp_path / "etc/server_config.json"
    with embedded_zone(tmp_path / "zone", rule_folder(tmp_path / "etc")) as zone:
        place = Place(zone, ova(), 1)
        component = place.components[0]
        role.write_text(json.dumps({"catalog_service_role": "consumer"}))
        client = PythonClient(zone.session())
        before = client.metadata(component).items()
        client.put(ova(b"other" * 5000), place.source)  # a source in use
        client.set(component, "hostname", "sg17")
        client.session.collections.get(component).metadata.apply_atomic_operations()
        values = {(avu.name, avu.value, avu.units) for avu in before}
        now = {(avu.name, avu.value, avu.units) for avu in client.metadata(component).items()}
        assert now - values == {("hostname", "sg17", None)}
        assert client.jobs()
        with pytest.raises(Refused):
            client.ready(component)
        role.write_text(json.dumps({"catalog_service_role": "provider"}))  # where iRODS runs the jobs
        until(lambda: PythonClient(zone.session()).facts(component)["ova::status"] == "ready", "no job built it")
        later = PythonClient(zone.session())
        until(lambda: later.ready(component).values["host.hostname"] == "sg17", "it is out of date")
        assert later.ready(component).members["disk1.vmdk"] == b"other" * 5000


def test_a_role_that_cannot_be_read_is_that_of_a_provider(tmp_path: Path) -> None:
    rules = rule_folder(tmp_path / "etc")
    (tmp_path / "etc/server_config.json").write_text("no JSON")
    with embedded_zone(tmp_path / "zone", rules) as zone:
        place = Place(zone, ova(), 1)
        assert place.status(place.components[0]) == "ready"
