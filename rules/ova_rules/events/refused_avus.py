"""Refuses AVUs before they are stored: facts, which only the server writes, and controls that cannot work.

An AVU that does not fit a property is refused only for strict components. Others report it in `ova::message`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ova_rules import names
from ova_rules.agent import CONTINUE, NOT_PERMITTED, SKIP
from ova_rules.catalog.types import UNITS_BYTES, VALUE_BYTES, Avu
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.component.inheritance import absolute
from ova_rules.errors import ComponentError, UnusableSettingsError, one_line
from ova_rules.events.avu_requests import OF_COLLECTION, OF_OBJECT, REMOVING, added_by, avus_in, dropped_by, request_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.settings import Settings


def before_change(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Refuses what clients may not set. rule_args: operation, -C, path, …; `cp` names two kinds and paths.

    Facts may be removed (then their subject is built again) and copied with all AVUs of a component (their signatures
    fit no other collection).
    """
    operation = rule_args[0]
    if operation in REMOVING:
        return CONTINUE
    if operation == "cp":
        path = rule_args[4].rstrip("/")
        return _keep_strict(rule_args[2], path, lambda catalog: added_by(catalog, path, rule_args), callback, rei)
    path = rule_args[2].rstrip("/")
    added = added_by(None, path, rule_args)
    answer = _judge(rule_args[1], added, callback, rei)
    if answer != CONTINUE:
        return answer
    return _keep_strict(rule_args[1], path, lambda _: added, callback, rei, dropped_by(path, rule_args))


def _keep_strict(
    kind: str,
    path: str,
    added: Callable[[Catalog], list[Avu]],
    callback: Any,
    rei: Any,
    dropped: Callable[[Avu], bool] = lambda avu: False,
) -> int:
    """Refuses AVUs with which a strict component could not be built. A fault of ours refuses nothing."""
    if kind not in OF_COLLECTION:
        return CONTINUE
    catalog = Catalog(callback, rei)
    try:
        from ova_rules.events.context import settings_for
        from ova_rules.servers.roles import provider

        settings = settings_for(catalog)
        if provider():
            reason = _asked_if_strict(catalog, settings, path, added(catalog), dropped)
        else:
            reason = reason_if_strict(catalog, settings, path, lambda: added(catalog), dropped)
    except Exception as error:
        if not isinstance(error, UnusableSettingsError):  # reported when it matters
            from ova_rules.faults import report

            report(catalog.log, path, error)
        return CONTINUE
    return CONTINUE if reason is None else refuse(callback, NOT_PERMITTED, reason)


def before_call(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Skips a fact that a client sets: the call succeeds and changes nothing.

    A client that restores saved AVUs one by one also sets facts, and then goes on with the next AVU. On a server
    without the catalog all that is refused is refused here: iRODS does not pass on the words of the other server.
    """
    arguments = [_argument(rule_args[2], number) for number in range(10)]
    if names.is_fact(arguments[3]) and arguments[0] in ("add", "adda", "set"):
        return SKIP if arguments[1] in (*OF_COLLECTION, *OF_OBJECT) else CONTINUE
    from ova_rules.servers.roles import provider

    return before_change(arguments, callback, rei) if provider() else CONTINUE


def _argument(request: Any, number: int) -> str:
    try:
        return str(request[f"arg{number}"])
    except KeyError:  # clients may leave out those that are empty
        return ""


def before_atomic(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The same for the atomic API. rule_args[2]: the request, JSON in a BytesBuf."""
    judged = _may_be_refused(bytes(rule_args[2].get_bytes()))
    try:
        request = request_in(rule_args[2])
        kind = {"collection": "-C", "data_object": "-d"}.get(str(request.get("entity_type")), "")
        added, removed = avus_in(request, "add"), set(avus_in(request, "remove"))
    except (AttributeError, TypeError, ValueError):
        if not judged:
            return CONTINUE  # the server reports what is wrong with it
        return refuse(callback, NOT_PERMITTED, "the request is no JSON object")
    answer = _judge(kind, added, callback, rei) if judged else CONTINUE
    if answer != CONTINUE:
        return answer
    path = str(request.get("entity_name", "")).rstrip("/")
    return _keep_strict(kind, path, lambda _: added, callback, rei, lambda avu: avu in removed)


def _asked_if_strict(
    catalog: Catalog, settings: Settings, path: str, added: Sequence[Avu], dropped: Callable[[Avu], bool]
) -> str | None:
    """What the server with the catalog will say: its refusal comes without words, and may end this server's agent."""
    from ova_rules.servers.asking import provider_against

    if not added:
        return None
    gone = [avu for avu in catalog.avus([path]) if dropped(avu)]
    new, old = ([[avu.attribute, avu.value, avu.units] for avu in avus] for avus in (added, gone))
    return provider_against(catalog, settings, "strict", path=path, added=new, removed=old)


def reason_if_strict(
    catalog: Catalog, settings: Settings, path: str, added: Callable[[], list[Avu]], dropped: Callable[[Avu], bool]
) -> str | None:
    """Why a strict component refuses this change of a collection's AVUs, in one line; None if there is no such.

    added: the new AVUs, to be asked for only where a strict component may be.
    """
    from ova_rules.component.strictness import may_matter

    if not may_matter(settings, path):
        return None
    from ova_rules.events.strict import misfit

    new = added()
    return misfit(catalog, settings, path, new, dropped) if new else None


def _may_be_refused(request: bytes) -> bool:
    """Whether a request may hold a fact, a control or a near miss of one, or what clients cannot read."""
    if b"\\u" in request or len(request) > 300 or not request.isascii():
        return True
    return any(start in request for start in (b"ova", b"oav", b"OVA", b"Ova"))


def _judge(kind: str, added: Sequence[Avu], callback: Any, rei: Any) -> int:
    """Refuses, in one line, AVUs that clients may not set on this kind of thing (`-C`, `-d` …)."""
    if kind not in (*OF_COLLECTION, *OF_OBJECT):
        return CONTINUE
    try:
        facts = [avu for avu in added if names.is_fact(avu.attribute)]
        if facts:
            _require_there(kind, facts, callback, rei)
        for avu in added:
            if avu in facts:
                continue
            if kind in OF_OBJECT:
                _require_allowed_on_object(avu, callback, rei)
            else:
                _require_allowed_on_collection(avu, callback, rei)
    except ComponentError as error:
        return refuse(callback, NOT_PERMITTED, str(error))
    return CONTINUE


def _require_there(kind: str, facts: Sequence[Avu], callback: Any, rei: Any) -> None:
    """A client that restores what it saved sets facts too: existing ones pass; only the server writes others."""
    catalog = Catalog(callback, rei)
    path = facts[0].collection
    there = [] if kind in OF_COLLECTION else catalog.object_avus(path, sorted({avu.attribute for avu in facts}))
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
            reason = (
                "it is too long: iRODS can read 2700 bytes of a value and 250 of units; put the text into the object "
                "config/NAME and set ${<config/NAME}"
            )
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
    """Refuses an attribute that looks like a control but is none, if it is clear which control was meant."""
    if avu.attribute == names.OPTIONS:
        from ova_rules.component.controls import require_options

        require_options(avu)
    elif avu.attribute == names.CAPTURE and avu.value not in ("yes", "no"):
        from ova_rules.component.matching import described

        raise ComponentError(f"{described(avu)}: yes or no is right")
    elif avu.attribute in (names.FORMS, names.NETWORKS):
        from ova_rules.component.controls import forms_of

        forms_of([avu])
    elif avu.attribute[:3].lower() in ("ova", "oav") and avu.attribute not in names.OF_COLLECTIONS:
        from ova_rules.component.near import near

        meant = near(avu.attribute, names.OF_COLLECTIONS)
        if meant is not None:
            raise ComponentError(f"{avu.attribute} of {avu.collection} is no control; did you mean {meant}?")
        if avu.attribute in names.OF_OBJECTS:
            raise ComponentError(f"{avu.attribute} belongs on a data object, not on a collection: imeta set -d IMAGE …")


def _no_client_reads(character: str) -> bool:
    """Whether XML, the format of server answers to clients, excludes this character (XML 1.0 2.2)."""
    code = ord(character)
    return (code < 0x20 and character not in "\t\n\r") or 0xD800 <= code < 0xDC80 or code in (0xFFFE, 0xFFFF)
