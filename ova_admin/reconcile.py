"""`ova-admin reconcile`: an agent compares every fingerprint of the zone, then what is stale is built for its owner.

The interface: the rule `core.ova_reconcile(callback, rei)` writes on stdout one JSON object a line for each stale
component, {"component": PATH, "owner": "name#zone", "reason": TEXT}. Nothing is decided here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ova_admin.errors import AdminError, one_line
from ova_admin.rebuild import Order
from ova_admin.zone.connection import User
from ova_admin.zone.rule_text import run_python

if TYPE_CHECKING:
    from irods.session import iRODSSession

_TEXT = "import core\ncore.ova_reconcile(callback, rei)"


@dataclass(frozen=True)
class Stale:
    """A component that is not what it should be."""

    path: str
    owner: User
    reason: str

    @property
    def order(self) -> Order:
        """What to do about it."""
        return Order(self.path, self.owner)


def stale(session: iRODSSession) -> list[Stale]:
    """What the server finds out of date. Raises AdminError if it cannot be asked."""
    return parse(run_python(session, _TEXT))


def parse(text: str) -> list[Stale]:
    """Reads the answer. Raises AdminError if a line is not as agreed: client and server are of different versions."""
    found = []
    for line in text.splitlines():
        try:
            data = json.loads(line)
            found.append(Stale(str(data["component"]), User.of(str(data["owner"])), one_line(str(data["reason"]))))
        except (ValueError, TypeError, KeyError) as error:
            raise AdminError(
                f"the server answered {one_line(line)[:200]!r}, which is not understood; are server and ova-admin of "
                "one version?"
            ) from error
    return found
