"""The microservices that rules can call, by name. Importing this package fills their table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from irods_zone.errors import ACTION_ARG_COUNT_MISMATCH, NO_MICROSERVICE_FOUND_ERR, IrodsError
from irods_zone.prep.microservices import collections, data_objects, metadata, pairs, queries, system
from irods_zone.prep.microservices.table import TABLE, Microservice, Parameter
from irods_zone.session import Session

_INT_MIN, _INT_MAX = -(2**31), 2**31 - 1

__all__ = ["collections", "data_objects", "metadata", "pairs", "prepare", "queries", "system"]


def prepare(session: Session, name: str, values: Sequence[Any]) -> tuple[Microservice, list[Parameter]]:
    """The microservice of that name and its parameters.

    IrodsError: NO_MICROSERVICE_FOUND_ERR (with a line in the log), ACTION_ARG_COUNT_MISMATCH. OverflowError for an
    integer that a C int cannot hold: PREP makes no other of it, so rules pass larger numbers as text.
    """
    found = TABLE.get(name)
    if found is None:
        session.log.error("a rule calls %s, which this zone does not serve", name)
        raise IrodsError(NO_MICROSERVICE_FOUND_ERR, f"there is no rule and no microservice {name}")
    if len(values) != found.arity:
        raise IrodsError(ACTION_ARG_COUNT_MISMATCH, f"{name} takes {found.arity} arguments, not {len(values)}")
    if any(isinstance(value, int) and not _INT_MIN <= value <= _INT_MAX for value in values):
        raise OverflowError("bad numeric conversion: overflow")
    return found, [Parameter(value) for value in values]
