"""The effects of the administrator's settings, and what clients cannot cause, in an embedded zone."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.appliances import ova, read
from tests.support.clients import Refused, ready_path
from tests.support.zones import MakePlace, Place, rule_folder


def test_an_expensive_build_is_queued_and_the_reader_waits_for_it(make_place: MakePlace) -> None:
    place = make_place(components=1, inline_limit=1000)
    [component] = place.components
    place.client.set(component, "hostname", "queued")
    assert place.client.ready(component).values["host.hostname"] == "queued"
    assert place.status(component) == "ready"


def test_a_reader_who_will_not_wait_is_told_what_is_missing(make_place: MakePlace) -> None:
    place = make_place(components=1, inline_limit=1000, gate_wait=0)
    with pytest.raises(Refused, match="waits in the delay queue"):
        place.client.ready(place.components[0])


def test_an_avu_of_a_grid_reaches_all_components(make_place: MakePlace) -> None:
    place = make_place(components=4, inline_components=2)
    place.client.set(place.grid, "domainname", "example.org")
    assert [place.status(component) for component in place.components[:2]] == ["ready", "ready"]
    for component in place.components:
        assert place.client.ready(component).values["host.domainname"] == "example.org"


@pytest.mark.parametrize("most", [1, 2000])
def test_a_grid_that_is_too_large_to_list_is_reached_all_the_same(most: int, make_place: MakePlace) -> None:
    place = make_place(f"from ova_rules.component import tree\ntree._MOST = {most}\n")
    grid = f"{place.home}/it's a grid"
    for name in ("it's a grid/comp01", "it's a grid/comp02/inner", "it's a grid2/comp01", "other/comp01"):
        place.component(name)
    place.client.make(f"{place.home}/like")
    place.client.set(f"{place.home}/like", "ova_like", grid)
    place.client.set(f"{place.home}/other/comp01", "hostname", f"${{{grid}/comp01:domainname}}")
    before = place.zone.log_text()

    place.client.set(grid, "domainname", "example.org")

    lines = place.zone.log_text().removeprefix(before).splitlines()
    built = [json.loads(line.partition("writeLine: ")[2]) for line in lines if '"done": "built' in line]
    assert sorted(entry["component"].removeprefix(f"{place.home}/") for entry in built) == [
        "it's a grid/comp01",
        "it's a grid/comp02/inner",
        "like/comp01",
        "like/comp02/inner",
        "other/comp01",
    ]


def test_fixed_properties_may_be_allowed(make_place: MakePlace) -> None:
    place = make_place(fixed_properties="allow")
    component = place.component("comp01", serial="mine")
    assert place.client.ready(component).values["host.serial"] == "mine"


def test_an_alias_of_the_administrator(make_place: MakePlace) -> None:
    place = make_place(aliases={"name": "hostname"})
    component = place.component("comp01")
    place.client.set(component, "name", "aliased")
    assert place.client.ready(component).values["host.hostname"] == "aliased"


def test_a_wrong_setting_is_said_in_the_log_and_harms_nothing(make_place: MakePlace) -> None:
    place = make_place(components=1, gate_wait="long")
    assert place.client.ready(place.components[0]).whole
    assert "gate_wait: 'long' is not a number of seconds; the default is used" in place.zone.log_text()


def test_a_file_changed_by_hand_is_never_handed_out(make_place: MakePlace) -> None:
    place = make_place()
    ready = ready_path(place.component("comp00"))
    right = place.client.get(ready)
    file = next(place.zone.vault.rglob("comp00.ova"))
    file.write_bytes(b"tampered" + right[8:])
    assert place.client.get(ready) == right


def test_a_replicated_ready_ova_stays_current_on_all_good_replicas(make_place: MakePlace, tmp_path: Path) -> None:
    from irods.exception import iRODSException

    place = make_place(resources={name: tmp_path / name for name in ("first", "second")})
    component, objects = place.component("c"), place.client.session.data_objects
    ready = ready_path(component)
    for number in range(3):
        objects.replicate(ready, resource="second")
        place.client.set(component, "hostname", f"h{number}")
        assert place.client.ready(component).values["host.hostname"] == f"h{number}"
        for replica in objects.get(ready).replicas:
            if replica.status == "1":
                assert read(Path(replica.path).read_bytes()).values["host.hostname"] == f"h{number}"
            else:
                with pytest.raises(iRODSException):
                    objects.open(ready, "r", replNum=str(replica.number)).close()


def test_a_checksum_registered_while_the_ova_is_replaced_does_not_stay(make_place: MakePlace, tmp_path: Path) -> None:
    registered = tmp_path / "registered"
    place = make_place(f"""
from ova_rules.catalog.writes import Catalog, _own_change

touch = Catalog.touch

def checksum_and_touch(self, path):
    Catalog.touch = touch
    with _own_change():  # another client's, as far as the gate is concerned
        answer = self._callback.msiDataObjChksum(path, "", "")
    open({str(registered)!r}, "w").write(answer["arguments"][2])
    touch(self, path)

Catalog.touch = checksum_and_touch
""")
    ready = ready_path(place.component("c", hostname="new"))
    data = place.client.get(ready)
    assert read(data).values["host.hostname"] == "new"
    right = f"sha2:{base64.b64encode(hashlib.sha256(data).digest()).decode()}"
    assert registered.read_text().startswith("sha2:")
    assert place.client.session.data_objects.get(ready).checksum in (None, right)


def test_components_whose_names_begin_alike_are_queued_each(make_place: MakePlace) -> None:
    place = make_place(inline_components=0)
    for component in [place.component(f"grid01/comp{number}") for number in (10, 11, 12, 1)]:
        assert place.client.ready(component).whole


def test_a_component_of_an_odd_name(make_place: MakePlace) -> None:
    place = make_place()
    component = f"{place.home}/it's 100%_of \u2603 & more"
    place.client.component(component, "../base.ova", hostname="odd")
    assert place.client.ready(component).values["host.hostname"] == "odd"
    place.client.put(ova(b"x" * 9999), place.source)
    assert place.client.ready(component).members["disk1.vmdk"] == b"x" * 9999


def test_zones_that_had_one_state_folder_are_told_apart(irods_zone_factory: Callable[..., Any], tmp_path: Path) -> None:
    rules = rule_folder(tmp_path / "etc")
    first, second = (Place(irods_zone_factory(rules), components=1) for _ in range(2))
    assert [place.status(place.components[0]) for place in (first, second)] == ["ready", "ready"]
    assert second.client.ready(second.components[0]).whole
