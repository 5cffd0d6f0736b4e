"""A note of who set an AVU ends with the AVU, and gives no other AVU an author."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from irods.exception import iRODSException
from irods.meta import AVUOperation, iRODSMeta
from irods.models import Collection, DataObject, User
from irods_zone.raw_client import RawClient

from tests.acceptance.people import Person
from tests.attacks.conftest import MakeRawClient
from tests.attacks.leaks import leaks
from tests.attacks.secrets.conftest import PRIVATE, SECRET, Cast, base


def _raw_avu(raw: RawClient, *arguments: str) -> None:
    answer = raw.call(706, {f"arg{number}": text for number, text in enumerate(arguments)})
    assert answer.status >= 0, (arguments, answer)


def _atomic(person: Person, path: str, operation: str, value: str) -> None:
    metadata = person.client.metadata(path)
    metadata.apply_atomic_operations(AVUOperation(operation, iRODSMeta("hostname", value)))


def _remove(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "rm", "-C", path, "hostname", value)


def _remove_by_number(person: Person, raw: RawClient, path: str, value: str) -> None:
    [avu] = person.client.metadata(path).get_all("hostname")
    _raw_avu(raw, "rmi", "-C", path, str(avu.avu_id))


def _remove_atomically(person: Person, raw: RawClient, path: str, value: str) -> None:
    _atomic(person, path, "remove", value)


def _modify(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "mod", "-C", path, "hostname", value, "v:harmless")
    _raw_avu(raw, "rm", "-C", path, "hostname", "harmless")


def _rename_the_attribute(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "mod", "-C", path, "hostname", value, "n:other")
    _raw_avu(raw, "rm", "-C", path, "other", value)


def _set_another(person: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "set", "-C", path, "hostname", "harmless")
    _raw_avu(raw, "rm", "-C", path, "hostname", "harmless")


REMOVALS: dict[str, Callable[[Person, RawClient, str, str], None]] = {
    "rm": _remove,
    "rmi": _remove_by_number,
    "atomic": _remove_atomically,
    "mod": _modify,
    "mod of the name": _rename_the_attribute,
    "set": _set_another,
}


def _copy_from(kind: Any, mallory: Person, path: str, value: str) -> None:
    """`imeta cp` from something of mallory's that has the AVU."""
    session = mallory.client.session
    if kind is Collection:
        place = f"{mallory.home}/carrier"
        mallory.client.make(place)
    else:
        place = f"{mallory.home}/carrier.txt"
        mallory.client.put(b"", place)
    session.metadata.set(kind, place, iRODSMeta("hostname", value))
    session.metadata.copy(kind, Collection, place, path)


def _copy_from_object(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _copy_from(DataObject, mallory, path, value)


def _copy_from_collection(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _copy_from(Collection, mallory, path, value)


def _add(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "add", "-C", path, "hostname", value)


def _add_atomically(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _atomic(mallory, path, "add", value)


def _modify_back(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    _raw_avu(raw, "add", "-C", path, "domainname", value)
    _raw_avu(raw, "mod", "-C", path, "domainname", value, "n:hostname")


def _restore(mallory: Person, raw: RawClient, path: str, value: str) -> None:
    """The state with the AVU, which is the last one but the present."""
    texts = [avu.value for avu in mallory.client.metadata(path).get_all("ova::history")]
    [fingerprint] = {text.split(" ")[1] for text in texts if "${" in text}
    _raw_avu(raw, "add", "-C", path, "ova_restore", fingerprint)


def _unseen(admin: Any, path: str, value: str) -> None:
    """By a rule of the site's own, say: no hook sees it."""
    from ova_admin.rule_text import run_python

    avu = {"operation": "add", "attribute": "hostname", "value": value, "units": ""}
    request = {"entity_name": path, "entity_type": "collection", "operations": [avu]}
    run_python(admin, f"callback.msi_atomic_apply_metadata_operations({json.dumps(request)!r}, '')")


RETURNS: dict[str, Callable[[Person, RawClient, str, str], None]] = {
    "cp from an object": _copy_from_object,
    "cp from a collection": _copy_from_collection,
    "add": _add,
    "atomic": _add_atomically,
    "mod": _modify_back,
    "ova_restore": _restore,
}

_UNSEEN = "unseen"
_COMBINATIONS = [
    *((removal, _UNSEEN, who) for removal in REMOVALS for who in ("victor", "mallory")),
    *(("rm", back, "victor") for back in RETURNS),
]


def test_a_note_of_who_set_an_avu_ends_with_the_avu(cast: Cast, make_raw_client: MakeRawClient) -> None:
    """victor has set a reference to what is his; it is removed, and mallory puts it back. He stands for it no more."""
    reference = f"${{{cast.secret}:pw}}"
    cast.victor.grants("read", f"{cast.victor.home}/base.ova", cast.mallory.name)
    cast.victor.grants("read", cast.victor.home, cast.mallory.name)
    raws = {person: make_raw_client(person) for person in (cast.victor, cast.mallory)}
    for removal, back, who in _COMBINATIONS:
        trap = cast.trap(f"{removal} {back} {who}")
        cast.mallory.client.set(trap, "ova_url", f"{cast.victor.home}/base.ova")
        cast.victor.client.set(trap, "hostname", reference)
        assert cast.victor.facts(trap)["ova::status"] == "ready", trap
        remover = cast.victor if who == "victor" else cast.mallory
        REMOVALS[removal](remover, raws[remover], trap, reference)
        cast.victor.client.set(trap, "domainname", "clean")
        assert cast.victor.facts(trap)["ova::status"] == "ready", trap
        if back == _UNSEEN:
            _unseen(cast.site.session, trap, reference)
        else:
            RETURNS[back](cast.mallory, raws[cast.mallory], trap, reference)
        metadata = cast.victor.client.metadata(trap)
        assert [avu.value for avu in metadata.get_all("hostname")] == [reference], trap

        cast.victor.client.set(trap, "domainname", "provoked")
        cast.victor.client.set(cast.secret, "colour", removal + back)

        facts = cast.victor.facts(trap)
        assert facts["ova::status"] == "failed", trap
        words = "it is not known who set it" if back == _UNSEEN else f"was set by {cast.mallory.name}"
        assert words in facts["ova::message"], trap
        assert leaks(cast.site, cast.mallory, {"the value": SECRET}) == {}, trap


def test_the_same_of_ova_url_and_ova_like(cast: Cast) -> None:
    victor, mallory = cast.victor, cast.mallory
    private, grid = f"{cast.secret}/{PRIVATE}.ova", f"{cast.secret}/grid"
    victor.client.component(f"{grid}/comp-of-victor", private)
    session = mallory.client.session
    for attribute, value in (("ova_url", private), ("ova_like", grid)):
        trap = cast.trap(attribute)
        victor.client.set(trap, attribute, value)
        victor.client.metadata(trap).remove(attribute, value)
        for item in victor.client.session.collections.get(trap).subcollections:
            item.remove(recurse=True, force=True)
        for thing in victor.client.session.collections.get(trap).data_objects:
            thing.unlink(force=True)
        victor.client.session.collections.get(trap)
        carrier = f"{mallory.home}/carrier.txt"
        mallory.client.put(b"", carrier)
        with contextlib.suppress(iRODSException):
            session.metadata.set(DataObject, carrier, iRODSMeta(attribute, value))
        with contextlib.suppress(iRODSException):  # the object may have no AVU: the control is refused there
            session.metadata.copy(DataObject, Collection, carrier, trap)
        with contextlib.suppress(iRODSException):
            session.metadata.set(Collection, f"{mallory.home}", iRODSMeta(attribute, value))
        with contextlib.suppress(iRODSException):
            session.metadata.copy(Collection, Collection, mallory.home, trap)
        with contextlib.suppress(iRODSException):
            session.metadata.remove(Collection, mallory.home, iRODSMeta(attribute, value))
        victor.client.set(f"{grid}", "colour", "red")
        victor.client.set(trap, "colour", "red")
        victor.client.put(base() + bytes(10240), private)
        victor.client.component(f"{grid}/another-of-victor", private)
        assert not session.collections.get(trap).data_objects
        assert not session.collections.get(trap).subcollections
        session.data_objects.unlink(carrier, force=True)


def test_what_users_carry_is_no_way_around(cast: Cast) -> None:
    """`imeta cp -u`: AVUs of a user, which only administrators set."""
    trap = cast.trap("trap")
    cast.mallory.client.set(trap, "ova_url", f"{cast.mallory.home}/base.ova")
    admin = cast.site.session
    avu = iRODSMeta("hostname", f"${{{cast.secret}:pw}}")
    admin.users.get(admin.username).metadata.add(avu)
    try:
        cast.site.allow("own", trap, admin.username)
        admin.metadata.copy(User, Collection, admin.username, trap)  # an administrator may read it: he vouches
    finally:
        admin.users.get(admin.username).metadata.remove(avu)
    cast.provoke(trap)
    cast.mallory.client.metadata(trap).remove("hostname", avu.value)
    cast.mallory.client.session.metadata.set(Collection, trap, avu)
    cast.provoke(trap)
    assert "failed" in cast.mallory.facts(trap)["ova::status"]
