"""With any call that reads a file, no user gets a ready OVA that is out of date or that the user cannot judge."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from irods_zone.raw_client import Answer, RawClient

from tests.acceptance.conftest import Site, Zone
from tests.acceptance.people import MakePerson, Person
from tests.attacks.conftest import MakeRawClient
from tests.support.appliances import ova
from tests.support.clients import PythonClient, Refused, refusals
from tests.support.zones import MakePlace

SECRET = "S3CRET-of-the-grid"

_OPEN, _GET, _RSYNC, _OPEN_AND_STAT, _CHECKSUM, _COPY = 602, 608, 628, 669, 629, 696
_REPLICATE, _MOVE, _REPLICA_OPEN, _READ, _STAT = 695, 697, 20003, 675, 633
_COMPARED = 99999991  # what `irsync` is told: fetch it


@pytest.fixture
def zone(make_place: MakePlace, request: pytest.FixtureRequest, tmp_path: Path) -> Zone:
    """A zone with several resources."""
    place = make_place(resources={name: tmp_path / name for name in ("first", "second", "third")})
    made = Zone.of(place.zone.environment)
    request.addfinalizer(made.administrator.cleanup)
    return made


# ---- the calls -------------------------------------------------------------------------------------------------------


def _request(path: str, **keywords: str) -> dict[str, Any]:
    return {"objPath": path, "openFlags": os.O_RDONLY, "dataSize": -1, "KeyValPair_PI": keywords}


def _opened(number: int, **keywords: str) -> Callable[[RawClient, str, str], Answer]:
    def call(raw: RawClient, path: str, home: str) -> Answer:
        answer = raw.call(number, _request(path, **keywords))
        if answer.status < 0:
            return answer
        return raw.call(_READ, {"l1descInx": answer.status, "len": 1 << 24, "KeyValPair_PI": {}})

    return call


def _get(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_GET, _request(path))


def _get_of_a_replica(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_GET, _request(path, replNum="0"))


def _one_more_connection(raw: RawClient, path: str, home: str) -> Answer:
    """As the second one of a parallel download, which tells what the first one has found."""
    size = raw.call(_STAT, _request(path)).output["objSize"]
    return _opened(_OPEN, resc_hier="first", numThreads="2", dataSize=str(size))(raw, path, home)


def _copy(raw: RawClient, path: str, home: str) -> Answer:
    target = {"objPath": f"{home}/copy.ova", "KeyValPair_PI": {}}
    answer = raw.call(_COPY, {"DataObjInp_PI": _request(path), "DataObjInp_PI_2": target})
    return answer if answer.status < 0 else _get(raw, f"{home}/copy.ova", home)


def _sync_inside(raw: RawClient, path: str, home: str) -> Answer:
    target = f"{home}/synced.ova"
    answer = raw.call(_RSYNC, _request(path, rsyncMode="IRODS_TO_IRODS", rsyncDestPath=target))
    return answer if answer.status < 0 else _get(raw, target, home)


def _compare(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_RSYNC, _request(path, rsyncMode="LOCAL_TO_IRODS", rsyncChksum="sha2:guess"))


def _checksum(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_CHECKSUM, _request(path, forceChksum=""))


def _replicate(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_REPLICATE, _request(path, destRescName="second"))


def _move(raw: RawClient, path: str, home: str) -> Answer:
    return raw.call(_MOVE, _request(path, rescName="first", destRescName="third"))


BYTES: dict[str, Callable[[RawClient, str, str], Answer]] = {
    "get": _get,
    "get of a replica": _get_of_a_replica,
    "open": _opened(_OPEN),
    "open and stat": _opened(_OPEN_AND_STAT),
    "replica open": _opened(_REPLICA_OPEN),
    "copy": _copy,
    "rsync in the zone": _sync_inside,
    "one more connection": _one_more_connection,
}
CALLS = {
    **BYTES,
    "rsync's comparison": _compare,
    "checksum": _checksum,
    "replicate": _replicate,
    "move": _move,
}


def files_with(site: Site, text: str) -> list[str]:
    """The vault files that hold a text."""
    from irods.models import DataObject

    paths = [str(row[DataObject.path]) for row in site.session.query(DataObject.path)]
    return sorted({path for path in paths if text.encode() in Path(path).read_bytes()})


def _words(name: str, words: str) -> str:
    """What a refusal says; one more connection is told that there is no download to go on with."""
    return "get it again" if name == "one more connection" else words


# ---- tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".ova", ".iso"])
def test_no_call_hands_out_what_a_private_grid_sets(
    ending: str, site: Site, person: Person, client: PythonClient, make_raw_client: MakeRawClient
) -> None:
    """He owns the object, a ready OVA or a seed, and may read the component's AVUs, but not those of the grid."""
    grid, made = f"{site.home}/grid01", site.ready[: -len(".ova")] + ending
    client.make(grid)
    client.set(grid, "ova_forms", "seed")
    client.set(grid, "domainname", SECRET)
    client.put(ova(), f"{site.home}/base.ova")
    client.component(site.component, f"{site.home}/base.ova")  # in one version: a further connection may read it
    person.may("read", site.component)
    person.may("own", made)
    before = files_with(site, SECRET)

    for name, call in CALLS.items():
        answer = call(make_raw_client(person), made, person.home)
        assert answer.status < 0 and answer.data == b"", name
        assert _words(name, "may not read the AVUs of") in str(answer.errors), name
        assert files_with(site, SECRET) == before, name
    assert not site.session.collections.get(person.home).data_objects

    person.may("read", grid)
    for name, call in CALLS.items():
        client.get(made)  # a replica more is judged, too
        answer = call(make_raw_client(person), made, person.home)
        assert answer.status >= 0, (name, answer)
        assert name not in BYTES or SECRET.encode() in answer.data, name


@pytest.mark.parametrize("ending", [".ova", ".iso"])
def test_no_call_hands_out_what_is_out_of_date(
    ending: str,
    site: Site,
    component: str,
    client: PythonClient,
    make_person: MakePerson,
    make_raw_client: MakeRawClient,
) -> None:
    """An AVU is changed by somebody who may not build; the reader may not, either."""
    made = site.ready[: -len(".ova")] + ending
    client.set(component, "ova_forms", "seed")
    setter, reader = make_person(), make_person()
    setter.may("modify_metadata", component)
    reader.may("read", component)
    reader.may("own", made)
    old = Path(site.session.data_objects.get(made).replicas[0].path).read_bytes()
    setter.client.set(component, "hostname", "another")

    for name, call in CALLS.items():
        answer = call(make_raw_client(reader), made, reader.home)
        assert answer.status < 0 and answer.data == b"", name
        assert _words(name, f"{made} is out of date") in str(answer.errors), name
    item = site.session.data_objects.get(made)
    assert [(each.resource_name, Path(each.path).read_bytes()) for each in item.replicas] == [("first", old)]
    assert not item.checksum
    assert not site.session.collections.get(reader.home).data_objects


@pytest.mark.parametrize("ending", [".ova", ".iso"])
def test_every_call_reads_an_object_that_only_has_such_a_name(
    ending: str, site: Site, person: Person, make_raw_client: MakeRawClient
) -> None:
    path = f"{person.home}/images/images{ending}"
    person.client.make(f"{person.home}/images")
    person.client.put(ova(), path)

    for name, call in CALLS.items():
        answer = call(make_raw_client(person), path, person.home)
        assert answer.status >= 0, (name, answer)
        assert name not in BYTES or answer.data == ova(), name
        assert name != "rsync's comparison" or answer.status == _COMPARED


@pytest.mark.parametrize("name", [*BYTES, "checksum"])
def test_a_call_that_was_judged_vouches_for_no_other(
    name: str, site: Site, component: str, person: Person, client: PythonClient, make_raw_client: MakeRawClient
) -> None:
    """Within one connection: what was allowed a moment ago is judged again, by the same call and by others."""
    person.may("read", f"{site.home}/grid01")
    person.may("read", component)
    person.may("own", site.ready)
    raw = make_raw_client(person)
    assert CALLS[name](raw, site.ready, person.home).status >= 0
    person.may("null", f"{site.home}/grid01")
    client.set(f"{site.home}/grid01", "domainname", SECRET)

    for again in (name, *BYTES):
        answer = CALLS[again](raw, site.ready, f"{person.home}/none")
        assert _words(again, "may not read the AVUs of") in str(answer.errors), again
        assert answer.status < 0 and answer.data == b""


def test_no_bundle_takes_along_what_its_maker_may_not_read(make_place: MakePlace) -> None:
    """The zone makes no bundles: its hook is asked before a collection `bundle` is made in the one to be bundled."""
    place = make_place("""
from ova_rules import hooks

def pep_api_coll_create_pre(rule_args, callback, rei):
    collection, _, name = str(rule_args[2].collName).rpartition("/")
    if name != "bundle":
        return 5000000
    request = [*rule_args[:2], {"collection": collection}]
    return hooks.RULES["pep_api_struct_file_bundle_pre"](request, callback, rei)
""")
    home, admin = place.home, place.client
    admin.session.users.create("bob", "rodsuser")
    admin.session.users.modify("bob", "password", "secret")
    for name in ("private", "open"):
        place.component(f"{name}/part/comp")
    admin.set(f"{home}/private", "domainname", SECRET)
    admin.make(f"{home}/images")
    admin.put(ova(), f"{home}/images/images.ova")
    for path in ("open", "private/part", "images"):
        admin.allow("own", f"{home}/{path}", "bob", recursive=True)
    bob = PythonClient(place.zone.session("bob", "secret"))

    with pytest.raises(Refused, match=f"may not read the AVUs of .*{home}/private"), refusals():
        bob.session.collections.create(f"{home}/private/part/bundle", recurse=False)
    bob.session.collections.create(f"{home}/open/bundle", recurse=False)
    bob.session.collections.create(f"{home}/images/bundle", recurse=False)
