"""For `ova-admin check`: do the servers of the zone answer each other, and are they alike."""

from __future__ import annotations

import json

from ova_rules.errors import ComponentError
from ova_rules.events.context import context
from ova_rules.events.requests import about
from ova_rules.servers.asking import ask
from ova_rules.servers.roles import is_here, provider

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def print_servers(callback: Any, rei: Any) -> None:
    """Writes a line of JSON to stdout for this server, then for each other one: its host, and `about` it or why not.

    Raises ComponentError if this server has not got the zone's key.
    """
    catalog, settings = context(callback, rei, "check")
    lines: list[dict[str, object]] = [{"host": "", **about(catalog, settings)}]
    others = dict.fromkeys([*([provider()] if provider() else []), *catalog.hosts()])
    for host in others:
        if is_here(host, settings.local_hosts):
            continue
        try:
            lines.append({"host": host, **ask(catalog, settings, host, "about", try_again=True)})
        except ComponentError as error:
            lines.append({"host": host, "why": str(error)})
    for line in lines:
        callback.writeLine("stdout", json.dumps(line))
