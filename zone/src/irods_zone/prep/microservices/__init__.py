"""The microservices that rules can call, by name. Importing this package fills their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irods_zone.errors import ACTION_ARG_COUNT_MISMATCH, NO_MICROSERVICE_FOUND_ERR, IrodsError
from irods_zone.prep.microservices import collections, data_objects, metadata, pairs, queries, system
from irods_zone.prep.microservices.table import TABLE, Microservice, Parameter
from irods_zone.session import Session

__all__ = ["collections", "data_objects", "metadata", "pairs", "prepare", "queries", "system"]


def prepare(session: Session, name: str, values: Sequence[Any]) -> tuple[Microservice, list[Parameter]]:
    """The microservice of that name and its parameters.

    IrodsError: NO_MICROSERVICE_FOUND_ERR (with a line in the log), ACTION_ARG_COUNT_MISMATCH.
    """
    found = TABLE.get(name)
    if found is None:
        session.log.error("a rule calls %s, which this zone does not serve", name)
        raise IrodsError(NO_MICROSERVICE_FOUND_ERR, f"there is no rule and no microservice {name}")
    if len(values) != found.arity:
        raise IrodsError(ACTION_ARG_COUNT_MISMATCH, f"{name} takes {found.arity} arguments, not {len(values)}")
    return found, [Parameter(value) for value in values]
