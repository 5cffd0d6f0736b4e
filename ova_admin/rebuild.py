"""Builds components on behalf of their owners: a connection that acts for the owner opens each one for reading.

The gate in the server then works as for any reader: it builds what is out of date, with the rights of that user only.
So ova-admin needs no rights of its own on components, and gives none away (decision 11).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_grid.connection import Environment, User, connected, message
from ova_grid.errors import GridError
from ova_rules import names

if TYPE_CHECKING:
    from irods.session import iRODSSession


@dataclass(frozen=True)
class Order:
    """A component to build and for whom. reason: why it is out of date; None: build it even if it is not."""

    path: str
    owner: User
    reason: str | None = None


@dataclass(frozen=True)
class Result:
    """The result of an order. error: '' if its OVA is ready, else the reason in one line."""

    path: str
    error: str


def rebuild(environment: Environment, orders: Sequence[Order], report: Callable[[Result], None]) -> int:
    """Carries out the orders, one connection for each owner. Reports each result at once; returns how many failed."""
    failed = 0
    for owner in dict.fromkeys(order.owner for order in orders):
        for result in _for_owner(environment, owner, [order for order in orders if order.owner == owner]):
            failed += bool(result.error)
            report(result)
    return failed


def _for_owner(environment: Environment, owner: User, orders: Sequence[Order]) -> Iterable[Result]:
    with contextlib.ExitStack() as stack:
        try:
            session = stack.enter_context(connected(environment, owner))
        except GridError as error:  # a user who was removed, or of another zone
            for order in orders:
                yield Result(order.path, str(error))
            return
        for order in orders:
            yield Result(order.path, _build(session, order))


def _build(session: iRODSSession, order: Order) -> str:
    """Why the ready OVA cannot be read now; '' if it can."""
    try:
        if order.reason is None:
            _forget_the_last_build(session, order.path)
        with session.data_objects.open(names.ready_path(order.path), "r") as stream:
            stream.read(1)
    except Exception as error:
        return message(error)
    return ""


def _forget_the_last_build(session: iRODSSession, path: str) -> None:
    """Removes the fact that proves the ready OVA, so that it is built (clients may remove facts, not write them)."""
    metadata = session.collections.get(path).metadata
    for avu in metadata.get_all(names.BUILD):
        metadata.remove(avu)
