"""What the administrator's settings change, and the delay queue, in an embedded zone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clients import PythonClient, Refused
from tests.acceptance.conftest import rule_folder
from tests.appliances import ova, read

Factory = Callable[..., Any]


class Place:
    """A zone with settings, its client, and some components of one source."""

    def __init__(self, make: Factory, folder: Path, components: int = 1, **settings: object) -> None:
        self.zone = make(rule_folder(folder / "etc", **settings))
        self.client = PythonClient(self.zone.session())
        self.grid = f"{self.zone.home}/grid01"
        self.components = [f"{self.grid}/comp{number:02}" for number in range(components)]
        self.client.put(ova(), f"{self.zone.home}/base.ova")
        for component in self.components:
            self.client.make(component)
            self.client.set(component, "ova_url", "../../base.ova")

    def fact(self, component: str, name: str) -> str | None:
        """One fact."""
        items = self.client.session.collections.get(component).metadata.items()
        return next((avu.value for avu in items if avu.name == name), None)

    def ready(self, component: str) -> bytes:
        """A read of the ready OVA."""
        return self.client.get(f"{component}/{component.rpartition('/')[2]}.ova")


def changed_rules(folder: Path, text: str) -> Path:
    """The rule file, with Python text that runs after it."""
    core = rule_folder(folder)
    ours = core.read_text().replace("os.path.realpath(__file__)", repr(str(core.resolve())))
    core.unlink()
    core.write_text(ours + text)
    return core


def test_a_dear_build_is_queued_and_the_reader_waits_for_it(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, inline_limit=1000)
    component = place.components[0]
    place.client.set(component, "hostname", "queued")
    assert read(place.ready(component)).values["host.hostname"] == "queued"
    assert place.fact(component, "ova::status") == "ready"


def test_a_reader_who_will_not_wait_is_told_what_is_missing(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, inline_limit=1000, gate_wait=0)
    with pytest.raises(Refused, match="waits in the delay queue"):
        place.ready(place.components[0])


def test_an_avu_of_a_grid_reaches_all_components(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, components=4, inline_components=2)
    place.client.set(place.grid, "domainname", "example.org")
    assert [place.fact(component, "ova::status") for component in place.components[:2]] == ["ready", "ready"]
    for component in place.components:
        assert read(place.ready(component)).values["host.domainname"] == "example.org"


@pytest.mark.parametrize("most", [1, 2000])
def test_a_grid_that_is_too_large_to_list_is_reached_all_the_same(
    most: int, irods_zone_factory: Factory, tmp_path: Path
) -> None:
    core = changed_rules(tmp_path / "etc", f"\nfrom ova_rules.component import tree\ntree._MOST = {most}\n")
    zone = irods_zone_factory(core)
    client = PythonClient(zone.session())
    grid = f"{zone.home}/it's a grid"
    client.put(ova(), f"{zone.home}/base.ova")
    for name in (f"{grid}/comp01", f"{grid}/comp02/inner", f"{grid}2/comp01", f"{zone.home}/other/comp01"):
        client.make(name)
        client.set(name, "ova_url", f"{zone.home}/base.ova")
    client.make(f"{zone.home}/like")
    client.set(f"{zone.home}/like", "ova_like", grid)
    client.set(f"{zone.home}/other/comp01", "hostname", f"${{{grid}/comp01:domainname}}")
    before = zone.log_text()

    client.set(grid, "domainname", "example.org")

    built = [line for line in zone.log_text().removeprefix(before).splitlines() if '"done": "built' in line]
    paths = [json.loads(line.partition("writeLine: ")[2])["component"].removeprefix(f"{zone.home}/") for line in built]
    assert sorted(paths) == [
        "it's a grid/comp01",
        "it's a grid/comp02/inner",
        "like/comp01",
        "like/comp02/inner",
        "other/comp01",
    ]


def test_fixed_properties_may_be_allowed(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, fixed_properties="allow")
    place.client.set(place.components[0], "serial", "mine")
    assert read(place.ready(place.components[0])).values["host.serial"] == "mine"


def test_an_alias_of_the_administrator(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, aliases={"name": "hostname"})
    place.client.set(place.components[0], "name", "aliased")
    assert read(place.ready(place.components[0])).values["host.hostname"] == "aliased"


def test_a_wrong_setting_is_said_in_the_log_and_harms_nothing(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, gate_wait="long")
    assert read(place.ready(place.components[0])).whole
    assert "gate_wait: 'long' is not a number of seconds; the default is used" in place.zone.log_text()


def test_a_file_changed_by_hand_is_never_handed_out(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path)
    component = place.components[0]
    right = place.ready(component)
    file = next(place.zone.vault.rglob("comp00.ova"))
    file.write_bytes(b"tampered" + right[8:])
    assert place.ready(component) == right


def test_a_replicated_ready_ova_stays_current_on_all_good_replicas(irods_zone_factory: Factory, tmp_path: Path) -> None:
    from irods.exception import iRODSException

    resources = {name: tmp_path / name for name in ("first", "second")}
    zone = irods_zone_factory(rule_folder(tmp_path / "etc"), resources)
    client = PythonClient(zone.session())
    component, ready = f"{zone.home}/c", f"{zone.home}/c/c.ova"
    client.make(component)
    client.put(ova(), f"{zone.home}/base.ova")
    client.set(component, "ova_url", "../base.ova")
    for number in range(3):
        client.session.data_objects.replicate(ready, resource="second")
        client.set(component, "hostname", f"h{number}")
        assert read(client.get(ready)).values["host.hostname"] == f"h{number}"
        for replica in client.session.data_objects.get(ready).replicas:
            if replica.status == "1":
                values = read(Path(replica.path).read_bytes()).values
                assert values["host.hostname"] == f"h{number}"
            else:
                with pytest.raises(iRODSException):
                    client.session.data_objects.open(ready, "r", replNum=str(replica.number)).close()


def test_a_checksum_registered_while_the_ova_is_replaced_does_not_stay(
    irods_zone_factory: Factory, tmp_path: Path
) -> None:
    core = changed_rules(
        tmp_path / "etc",
        f"""
from ova_rules.catalog import writes as catalog

touch = catalog.Catalog.touch

def checksum_and_touch(self, path):
    catalog.Catalog.touch = touch
    with catalog._own_change():  # another client's, as far as the gate is concerned
        answer = self._callback.msiDataObjChksum(path, "", "")
    open({str(tmp_path / "registered")!r}, "w").write(answer["arguments"][2])
    touch(self, path)

catalog.Catalog.touch = checksum_and_touch
""",
    )
    zone = irods_zone_factory(core)
    client = PythonClient(zone.session())
    component, ready = f"{zone.home}/c", f"{zone.home}/c/c.ova"
    client.make(component)
    client.put(ova(), f"{zone.home}/base.ova")
    client.set(component, "ova_url", "../base.ova")
    client.set(component, "hostname", "new")
    data = client.get(ready)
    assert read(data).values["host.hostname"] == "new"
    right = f"sha2:{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
    assert (tmp_path / "registered").read_text().startswith("sha2:")
    assert client.session.data_objects.get(ready).checksum in (None, right)


def test_components_whose_names_begin_alike_are_queued_each(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, components=0, inline_components=0)
    place.client.make(place.grid)
    names = [f"{place.grid}/comp{number}" for number in (10, 11, 12, 1)]
    for name in names:
        place.client.make(name)
        place.client.set(name, "ova_url", "../../base.ova")
    for name in names:
        assert read(place.ready(name)).whole


def test_a_component_of_an_odd_name(irods_zone_factory: Factory, tmp_path: Path) -> None:
    place = Place(irods_zone_factory, tmp_path, components=0)
    component = f"{place.zone.home}/it's 100%_of \u2603 & more"
    place.client.make(component)
    place.client.set(component, "ova_url", "../base.ova")
    place.client.set(component, "hostname", "odd")
    assert read(place.ready(component)).values["host.hostname"] == "odd"
    place.client.put(ova(b"x" * 9999), f"{place.zone.home}/base.ova")
    assert read(place.ready(component)).members["disk1.vmdk"] == b"x" * 9999
