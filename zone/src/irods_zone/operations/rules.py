"""The delay queue as clients see it. irods_zone.prep.execution runs rule text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irods_zone import errors
from irods_zone.catalog import delay_queue
from irods_zone.errors import IrodsError
from irods_zone.session import Session


def submit(session: Session, record: Mapping[str, Any]) -> None:
    """Clients do not queue rules with API 623 (irule's delay does, inside a rule)."""
    raise IrodsError(errors.SYS_NOT_SUPPORTED, "rules are queued with delay or delayExec")


def delete(session: Session, rule_id: str) -> None:
    """Takes a rule off the queue: users their own, administrators any."""
    delay_queue.remove(session.db, session.client, _number(rule_id))


def modify(session: Session, rule_id: str, keywords: Mapping[str, str]) -> None:
    """Changes a queued rule."""
    raise IrodsError(errors.SYS_NOT_SUPPORTED, "queued rules are not changed here: remove and queue again")


def _number(rule_id: str) -> int:
    if not rule_id.isdigit():
        raise IrodsError(errors.CAT_SQL_ERR, f"{rule_id!r} is no rule id")
    return int(rule_id)
