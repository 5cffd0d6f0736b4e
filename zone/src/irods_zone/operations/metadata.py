"""AVUs: the commands of imeta and the atomic API, with the policy points around them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from irods_zone.catalog import metadata as catalog
from irods_zone.errors import ClientMessageError
from irods_zone.operations import provider
from irods_zone.operations.failures import DetailedError
from irods_zone.session import Session

AtomicOperation = Callable[[Session, dict[str, Any]], dict[str, Any]]


def modify(session: Session, args: Sequence[str | None], keywords: Mapping[str, str] | None = None) -> None:
    """One imeta command: args are arg0 … arg9 of the API call (None or '' where there is none).

    The change is committed before the points after it run, so that rules and other clients see it.
    """
    if not session.config.is_provider:
        provider.modify_avu(session, args, keywords or {})
        return
    padded = [*args, *[None] * (10 - len(args))]
    command = padded[0] or ""
    arguments = _static_arguments(command, [text or "" for text in padded])
    session.policy.static("acPreProcForModifyAVUMetadata", arguments)
    keywords = dict(keywords or {})
    try:
        calls = catalog.modify(session.db, session.client, padded, keywords)
    except ClientMessageError as error:
        session.error_stack.append((0, error.message))
        raise
    for call in calls:
        session.policy.database(call.name, "post", *call.args, keywords)
    session.policy.static("acPostProcForModifyAVUMetadata", arguments)


def _static_arguments(command: str, args: list[str]) -> list[str]:
    """The arguments of the static points: for mod, the old AVU and its new parts, each in its place."""
    if command == "cp":
        return args[:5]
    if command != "mod":
        return args[:6]
    rest = args[5:]
    units = "" if rest[0][1:2] == ":" else rest.pop(0)
    new = {text[0]: text for text in reversed(rest) if text[1:2] == ":"}
    return [*args[:5], units, *(new.get(letter, "") for letter in "nvu")]


def atomic(session: Session, request: dict[str, Any]) -> dict[str, Any]:
    """Many changes of one entity, all or none; DetailedError says which one was refused.

    It has no static or database points; the dispatcher passes the points of the API.
    """
    if not session.config.is_provider:
        return provider.atomic_avus(session, request)
    result = catalog.atomic(session.db, session.client, request)
    if result.code < 0:
        raise DetailedError(result.code, result.output, str(result.output.get("error_message", "")))
    return result.output


def add_triples(session: Session, path: str, text: str) -> None:
    """Adds AVUs to a data object in the form of iput --metadata: attribute;value;units;…"""
    parts = text.split(";")
    operations = [
        {"operation": "add", "attribute": attribute, "value": value, "units": units}
        for attribute, value, units in zip(parts[0::3], parts[1::3], [*parts[2::3], ""])
        if attribute
    ]
    atomic(session, {"entity_name": path, "entity_type": "data_object", "operations": operations})
