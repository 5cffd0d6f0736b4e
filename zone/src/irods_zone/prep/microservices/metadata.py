"""Microservices on AVUs."""

from __future__ import annotations

import json
from collections.abc import Sequence

from irods_zone.errors import INPUT_ARG_NOT_WELL_FORMED_ERR, SYS_INVALID_INPUT_PARAM, IrodsError
from irods_zone.operations import metadata, touching
from irods_zone.operations.failures import displayed
from irods_zone.prep.microservices.table import Parameter, microservice
from irods_zone.session import Session


@microservice("msiModAVUMetadata", 6)
def modify(session: Session, args: Sequence[Parameter]) -> None:
    """(item type, item name, operation, attribute, value, units): the hooks of `imeta` run again."""
    kind, item, operation, attribute, value, units = (arg.text() for arg in args)
    metadata.modify(session, [operation, kind, item, attribute, value, units])


@microservice("msi_atomic_apply_metadata_operations", 2)
def atomic(session: Session, args: Sequence[Parameter]) -> None:
    """(JSON request, out JSON reply): many AVUs of one entity at once, without any hook."""
    answer = metadata.atomic(session, _json(args[0].text()))
    args[1].set(json.dumps(answer, separators=(",", ":")))


@microservice("msi_touch", 1)
def touch(session: Session, args: Sequence[Parameter]) -> None:
    """(JSON request)."""
    with displayed(session):
        request = _json(args[0].text())
    touching.touch(session, request)


def _json(text: str) -> dict[str, object]:
    try:
        request = json.loads(text)
    except ValueError as error:
        raise IrodsError(INPUT_ARG_NOT_WELL_FORMED_ERR, "Could not parse string into JSON.") from error
    if not isinstance(request, dict):
        raise IrodsError(SYS_INVALID_INPUT_PARAM)
    return request
