"""`ova-admin reconcile`: an agent compares every fingerprint of the zone; then what is stale is built for its owner.

The server decides what is stale (ova_rules/build/staleness.py), never this module. The rule `core.ova_reconcile` writes
one line with a JSON object to stdout for each component: {"component": PATH, "owner": "name#zone", "reason": TEXT}.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ova_admin.errors import AdminError
from ova_admin.rebuild import Order
from ova_admin.rule_text import run_python
from ova_grid.connection import User
from ova_rules.errors import one_line

if TYPE_CHECKING:
    from irods.session import iRODSSession

_RULE_TEXT = "import core\ncore.ova_reconcile(callback, rei)"


def stale(session: iRODSSession) -> list[Order]:
    """The components that are out of date. Raises AdminError if the server does not answer, or has another version."""
    return [_order(line) for line in run_python(session, _RULE_TEXT).splitlines()]


def _order(line: str) -> Order:
    try:
        data = json.loads(line)
        return Order(str(data["component"]), User.of(str(data["owner"])), str(data["reason"]))
    except (ValueError, TypeError, KeyError) as error:
        raise AdminError(
            f"the server answered {one_line(line)[:200]!r}, which is not understood; are server and ova-admin of one "
            "version?"
        ) from error
