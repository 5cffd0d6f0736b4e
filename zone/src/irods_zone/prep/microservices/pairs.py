"""Microservices on KeyValPairs, and on AVUs given as pairs."""

from __future__ import annotations

from collections.abc import Sequence

from irods_zone.errors import UNMATCHED_KEY_OR_INDEX, USER_PARAM_TYPE_ERR, IrodsError
from irods_zone.operations import metadata
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.prep.types import KeyValPair
from irods_zone.session import Session


@microservice("msiString2KeyValPair", 2)
def parse(_session: Session, args: Sequence[Parameter]) -> None:
    """("a=1%b=2", out KeyValPair)."""
    pairs: dict[str, str] = {}
    for part in args[0].text().split("%"):
        key, equals, value = part.partition("=")
        if not equals:
            raise IrodsError(USER_PARAM_TYPE_ERR, f"{part!r} is not key=value")
        pairs[key] = value
    args[1].set(KeyValPair(pairs))


@microservice("msiAddKeyVal", 3)
def add(_session: Session, args: Sequence[Parameter]) -> None:
    """(in and out KeyValPair, key, value)."""
    known = args[0].value.as_dict() if isinstance(args[0].value, KeyValPair) else {}
    args[0].set(KeyValPair({**known, args[1].text(): args[2].text()}))


@microservice("msiGetValByKey", 3)
def get(_session: Session, args: Sequence[Parameter]) -> None:
    """(KeyValPair, key, out text)."""
    try:
        args[2].set(_pairs(args[0])[args[1].text()])
    except KeyError:
        raise IrodsError(UNMATCHED_KEY_OR_INDEX) from None


@microservice("msiAssociateKeyValuePairsToObj", 3)
def associate(session: Session, args: Sequence[Parameter]) -> None:
    """(KeyValPair, item name, item type): adds an AVU for each pair."""
    _modify(session, "add", args)


@microservice("msiSetKeyValuePairsToObj", 3)
def assign(session: Session, args: Sequence[Parameter]) -> None:
    """(KeyValPair, item name, item type): sets an AVU for each pair."""
    _modify(session, "set", args)


@microservice("msiRemoveKeyValuePairsFromObj", 3)
def remove(session: Session, args: Sequence[Parameter]) -> None:
    """(KeyValPair, item name, item type): removes the AVU of each pair."""
    _modify(session, "rm", args)


def _pairs(parameter: Parameter) -> dict[str, str]:
    if not isinstance(parameter.value, KeyValPair):
        raise IrodsError(USER_PARAM_TYPE_ERR)
    return parameter.value.as_dict()


def _modify(session: Session, operation: str, args: Sequence[Parameter]) -> None:
    for key, value in _pairs(args[0]).items():
        metadata.modify(session, [operation, args[2].text(), args[1].text(), key, value, ""])
