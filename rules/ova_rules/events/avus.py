"""AVUs that clients set or remove: what they cause, and which of them are refused before they are stored.

Refused are facts, which only the server writes, and controls that would lead nowhere; an AVU that does not fit a
property is not: `ova::message` tells of it. What most AVUs need, to find out that they have to do with no component, is
imported here; all else where it is needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from ova_rules import jobs, names
from ova_rules.agent import CONTINUE, NOT_PERMITTED, SKIP
from ova_rules.catalog.types import UNITS_BYTES, VALUE_BYTES, Avu
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.component.inheritance import absolute
from ova_rules.errors import ComponentError, one_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.settings import Settings

_REMOVING = ("rm", "rmw", "rmi")
_COLLECTION = ("-C", "-c")
_OBJECT = ("-d", "-D")


# ---- before ----------------------------------------------------------------------------------------------------------


def before_change(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Refuses what clients may not set. rule_args: operation, -C, path, …

    Facts may be removed (what they were about is then built anew) and copied with all AVUs of a component (their
    signatures fit no other collection).
    """
    operation = rule_args[0]
    if operation in (*_REMOVING, "cp"):
        return CONTINUE
    path = rule_args[2].rstrip("/")
    avu = _modified(path, rule_args[3:]) if operation == "mod" else Avu(path, *rule_args[3:6])
    return _judge(rule_args[1], [avu], callback, rei)


def before_fact(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Passes over a fact that a client sets: it succeeds and changes nothing.

    Who brings back all AVUs that were saved one by one brings facts, too, and goes on with the next one.
    """
    return SKIP if str(rule_args[2]["arg1"]) in (*_COLLECTION, *_OBJECT) else CONTINUE


def before_atomic(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The same for the atomic API. rule_args[2]: the request, JSON in a BytesBuf."""
    try:
        request = _request(rule_args[2])
    except ValueError:  # it speaks of us, and the server may read it where we cannot
        return refuse(callback, NOT_PERMITTED, "the request is no JSON object")
    kind = {"collection": "-C", "data_object": "-d"}.get(str(request.get("entity_type")), "")
    return _judge(kind, _avus_in(request, "add"), callback, rei)


def _judge(kind: str, added: Sequence[Avu], callback: Any, rei: Any) -> int:
    """Refuses in one line AVUs that clients may not set on this kind of thing (`-C`, `-d` …)."""
    if kind not in (*_COLLECTION, *_OBJECT):
        return CONTINUE
    try:
        facts = [avu for avu in added if names.is_fact(avu.attribute)]
        if facts:
            _require_there(kind, facts, callback, rei)
        for avu in added:
            if avu in facts:
                continue
            if kind in _OBJECT:
                _require_allowed_on_object(avu, callback, rei)
            else:
                _require_allowed_on_collection(avu, callback, rei)
    except ComponentError as error:
        return refuse(callback, NOT_PERMITTED, str(error))
    return CONTINUE


def _require_there(kind: str, facts: Sequence[Avu], callback: Any, rei: Any) -> None:
    """A client that restores what it saved sets facts too: those that are there stay, others only the server writes."""
    catalog = Catalog(callback, rei)
    path = facts[0].collection
    there = [] if kind in _COLLECTION else catalog.object_avus(path, sorted({avu.attribute for avu in facts}))
    present = {(avu.attribute, avu.value, avu.units) for avu in there or catalog.avus([path])}
    for avu in facts:
        if (avu.attribute, avu.value, avu.units) not in present:
            raise ComponentError(
                f"{avu.attribute}: attributes that begin with ova:: are facts that the server writes; leave them out"
            )


def _require_allowed_on_object(avu: Avu, callback: Any, rei: Any) -> None:
    if avu.attribute == names.RELEASE and not Catalog(callback, rei).is_administrator:
        text = f"{names.RELEASE} on a data object is for administrators: it lets an image that is in use be removed"
        raise ComponentError(text)
    if not avu.attribute.startswith(names.CONTROL_PREFIX) or avu.attribute in names.OF_OBJECTS:
        return
    from ova_rules.component.near import near

    control = avu.attribute if avu.attribute in names.OF_COLLECTIONS else near(avu.attribute, names.OF_COLLECTIONS)
    collection = avu.collection.rpartition("/")[0]
    if control is not None:
        raise ComponentError(f"{control} belongs on a collection, not on a data object: imeta set -C {collection} …")


def _require_allowed_on_collection(avu: Avu, callback: Any, rei: Any) -> None:
    _require_control(avu)
    parts = (avu.attribute, VALUE_BYTES), (avu.value, VALUE_BYTES), (avu.units, UNITS_BYTES)
    too_long = any(len(part.encode("utf-8", "surrogateescape")) > most for part, most in parts)
    unreadable = next((c for part, _ in parts for c in part if not part.isprintable() and _no_client_reads(c)), "")
    if not too_long and not unreadable and avu.attribute not in (names.RESTORE, names.LIKE):
        return
    from ova_rules.events.context import context

    catalog, settings = context(callback, rei)
    if too_long or unreadable:
        from ova_rules.component import dependents

        if avu.attribute in (names.URL, names.LIKE) or dependents.of_avus(catalog, avu.collection):
            reason = "iRODS reads 2700 bytes of a value and 250 of units, and with a longer one nothing of a component"
            if not too_long:
                reason = f"it has the character U+{ord(unreadable):04X}, and clients cannot read AVUs with it"
            raise ComponentError(f"AVU {one_line(avu.attribute, 60)} of {avu.collection}: {reason}")
    elif avu.attribute == names.LIKE:
        from ova_rules.component.prototype import require_possible

        require_possible(catalog, avu.collection, absolute(avu))
    else:
        from ova_rules.events import restore

        restore.require_possible(catalog, settings, avu.collection, avu.value)


def _require_control(avu: Avu) -> None:
    """Refuses what looks like a control and is none, where it is clear which one was meant."""
    if avu.attribute == names.OPTIONS:
        from ova_rules.component.controls import require_options

        require_options(avu)
    elif avu.attribute[:3].lower() in ("ova", "oav") and avu.attribute not in names.OF_COLLECTIONS:
        from ova_rules.component.near import near

        meant = near(avu.attribute, names.OF_COLLECTIONS)
        if meant is not None:
            raise ComponentError(f"{avu.attribute} of {avu.collection} is no control; did you mean {meant}?")
        if avu.attribute in names.OF_OBJECTS:
            raise ComponentError(f"{avu.attribute} belongs on a data object, not on a collection: imeta set -d IMAGE …")


def _no_client_reads(character: str) -> bool:
    """Whether XML, in which clients read what servers answer, has no such character (XML 1.0 2.2)."""
    code = ord(character)
    return (code < 0x20 and character not in "\t\n\r") or 0xD800 <= code < 0xDC80 or code in (0xFFFE, 0xFFFF)


# ---- after -----------------------------------------------------------------------------------------------------------


def after_change(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Builds what an AVU of a collection changes. `cp` names two paths, the second is the one that changed."""
    operation = rule_args[0]
    if rule_args[2 if operation == "cp" else 1] in _OBJECT:  # ova_release; what is copied has no signature
        if operation != "cp":
            _release_changed(rule_args[2], operation not in _REMOVING, callback, rei)
        return CONTINUE
    catalog = Catalog(callback, rei, f"AVU {operation} {rule_args[3]}")
    path = (rule_args[4] if operation == "cp" else rule_args[2]).rstrip("/")
    added: list[Avu] = []
    if operation in ("add", "adda", "set"):
        added = [Avu(path, *rule_args[3:6])]
    elif operation == "mod":
        added = [_modified(path, rule_args[3:])]
    elif operation == "cp":
        added = _copied(catalog, path, rule_args[1], rule_args[3])
    removed = Avu(path, *rule_args[3:6]) if operation == "rm" else None
    gone = operation in ("mod", "rmw", "rmi") or (removed is not None and _matters_when_gone(removed))
    _changed(catalog, path, added, may_be_gone=gone)
    return CONTINUE


def _copied(catalog: Catalog, path: str, kind: str, source: str) -> list[Avu]:
    """The AVUs that a collection was given by `cp` from something of this kind."""
    if kind in _COLLECTION:
        return [Avu(path, avu.attribute, avu.value, avu.units) for avu in catalog.avus([source.rstrip("/")])]
    kind = "-d" if kind in _OBJECT else kind
    return [Avu(path, avu.attribute, avu.value, avu.units) for avu in catalog.avus_of(kind, source)]


def _matters_when_gone(avu: Avu) -> bool:
    """Whether the removal of an AVU means more than a value less."""
    return avu.attribute in (names.URL, names.LIKE) or "${" in avu.value


def after_atomic(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Builds what AVUs set through the atomic API change."""
    request = _request(rule_args[2])
    operations = request.get("operations", ())
    if request.get("entity_type") == "data_object" and any(o.get("attribute") == names.RELEASE for o in operations):
        added = any(avu.attribute == names.RELEASE for avu in _avus_in(request, "add"))
        _release_changed(str(request["entity_name"]), added, callback, rei)
    if request.get("entity_type") != "collection":
        return CONTINUE
    path = str(request["entity_name"]).rstrip("/")
    gone = any(_matters_when_gone(avu) for avu in _avus_in(request, "remove"))
    _changed(Catalog(callback, rei, "atomic AVUs"), path, _avus_in(request, "add"), may_be_gone=gone)
    return CONTINUE


def _changed(catalog: Catalog, path: str, added: Sequence[Avu], *, may_be_gone: bool) -> None:
    """Does what added controls ask for, then builds the collection and all that takes values from it.

    added: the AVUs that the client is known to have set. may_be_gone: whether `ova_url`, or an AVU that refers to other
    things, may have been removed. Most collections have to do with no component: then no more is imported than it takes
    to find that out.
    """
    if any("ova_" in avu.attribute or "${" in avu.value for avu in added):
        _obey(catalog, path, added)
    from ova_rules.component import dependents

    affected = dependents.of_avus(catalog, path)
    if may_be_gone or affected:
        from ova_rules.build.batch import others_go_on
    if may_be_gone:
        with others_go_on(catalog, path):
            _forget(catalog, path)
    if affected:
        from ova_rules.build.batch import build_all
        from ova_rules.events.context import settings_for

        done = build_all(catalog, settings_for(catalog), affected, path)
        if path not in affected:
            from ova_rules.events.misspelt import note_unmatched

            with others_go_on(catalog, path):
                note_unmatched(catalog, path, added, [each.takings for each in done if each.takings is not None])


def _obey(catalog: Catalog, path: str, added: Sequence[Avu]) -> None:
    """What controls ask for beside a build; and who set AVUs that refer to other things is noted."""
    from ova_rules.build.batch import others_go_on
    from ova_rules.build.completion import complete_all
    from ova_rules.component import dependents
    from ova_rules.events.context import settings_for

    settings = settings_for(catalog)
    attributes = {avu.attribute for avu in added}
    with others_go_on(catalog, path):
        _note_authors(catalog, settings, path, _spelled_out(catalog, path, added))
    if names.RESTORE in attributes:
        with others_go_on(catalog, path):
            from ova_rules.events.restore import restore

            restore(catalog, settings, path)
    if names.IMAGES in attributes:
        jobs.queue(catalog, settings, jobs.CHECK, path, running=True)
    if names.REFRESH in attributes:
        jobs.queue(catalog, settings, jobs.FETCH, path, running=True)
    if attributes & {names.URL, names.LIKE}:  # elsewhere, or here, a component may be missing now
        own = [path] if names.LIKE in attributes else []
        complete_all(catalog, settings, [*own, *dependents.derived(catalog, path)])


def _spelled_out(catalog: Catalog, path: str, added: Sequence[Avu]) -> list[Avu]:
    """The same AVUs, where an `ova_like` with a relative path is stored as the absolute one, by which it is found."""
    found = []
    for avu in added:
        right = Avu(path, avu.attribute, absolute(avu), avu.units) if avu.attribute == names.LIKE else avu
        if right != avu and catalog.may_annotate(path):
            catalog.remove_avus(path, [avu])
            catalog.change_facts(path, [], [right])
        found.append(right)
    return found


def _note_authors(catalog: Catalog, settings: Settings, path: str, added: Sequence[Avu]) -> None:
    """Notes the client as the author of AVUs that refer to other things; most AVUs do not and cost nothing."""
    from ova_rules.component.model import read_any
    from ova_rules.record import authorship

    referring = {avu for avu in added if authorship.refers(avu)}
    if not referring:
        return
    component = read_any(catalog, path)  # values with references may be there before ova_url is
    if component is not None and catalog.may_annotate(path):
        authorship.note_author(catalog, settings, component, lambda avu: avu in referring)


def _forget(catalog: Catalog, path: str) -> None:
    """What is gone is forgotten: who set it; and what the server wrote about a component that is none any more.

    The last ready OVA of such a component stays as it is.
    """
    from ova_rules.component.model import read_any
    from ova_rules.events.context import settings_for
    from ova_rules.images.in_use import changed
    from ova_rules.record.authorship import forget_authors
    from ova_rules.record.last_build import last_build
    from ova_rules.record.signing import signer_of
    from ova_rules.state import made_at, note_made

    component = read_any(catalog, path)
    if component is None or not component.facts:
        return
    settings = settings_for(catalog)
    forget_authors(catalog, settings, component)
    kept = (names.SET_BY, names.HISTORY, names.HISTORY_VALUES)
    was_one = any(avu.attribute in (names.STATUS, names.BUILD) for avu in component.facts)
    facts = [avu for avu in component.facts if was_one and avu.attribute not in kept]
    if component.urls or not facts:
        return
    last = last_build(component, signer_of(settings))
    if last is not None:  # who may write the ready OVA may do so from now on
        ready = names.ready_path(path)
        made = made_at(settings.state_directory, ready)
        note_made(settings.state_directory, ready, last.data_id, last.version, made[2] if made else ())
    if catalog.may_annotate(path):
        catalog.change_facts(path, facts, [])
    changed(catalog, settings, path, None, None)


def _release_changed(path: str, added: bool, callback: Any, rei: Any) -> None:
    from ova_rules.events.context import context
    from ova_rules.images.in_use import release_changed

    release_changed(*context(callback, rei), path, added=added)


# ---- decoding --------------------------------------------------------------------------------------------------------


def _modified(path: str, arguments: list[str]) -> Avu:
    """What `mod` makes of an AVU: attribute, value, perhaps units, then n:NAME, v:VALUE, u:UNITS in any order."""
    prefixes = ("n:", "v:", "u:")
    units = arguments[2] if len(arguments) > 2 and not arguments[2].startswith(prefixes) else ""
    new = {argument[:2]: argument[2:] for argument in arguments[2:] if argument.startswith(prefixes)}
    return Avu(path, new.get("n:", arguments[0]), new.get("v:", arguments[1]), new.get("u:", units))


def _avus_in(request: dict[str, Any], operation: str) -> list[Avu]:
    """The AVUs that an atomic request adds or removes."""
    path = str(request.get("entity_name", "")).rstrip("/")
    return [
        Avu(path, *(str(each.get(key, "")) for key in ("attribute", "value", "units")))
        for each in request.get("operations", ())
        if each.get("operation") == operation
    ]


def _request(buffer: Any) -> dict[str, Any]:
    """The JSON of a BytesBuf, up to the first NUL as the server reads it. Raises ValueError if it is no JSON object."""
    request = json.loads(bytes(buffer.get_bytes()).partition(b"\0")[0])
    if not isinstance(request, dict):
        raise ValueError("the request is no JSON object")
    return request
