"""Which of the zone's servers this is: whether it has the catalog, where the one is that has it, and what is here.

iRODS carries AVU calls out on the catalog provider, whatever server a client is connected to, and opens a file on the
server of its vault. So the provider decides about components and writes all facts; a vault's server reads and writes
the files.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache

from ova_rules import agent
from ova_rules.settings import read_json

_SERVER_FILE = "server_config.json"  # iRODS's own, beside core.py
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


@lru_cache(maxsize=4)
def provider_named(directory: str) -> str:
    """As `provider`, of the server whose configuration is in this folder."""
    try:
        data = read_json(os.path.join(directory, _SERVER_FILE), ours=False)  # iRODS trusts it, whoever may write it
    except (OSError, ValueError, RecursionError):
        return ""
    hosts = data.get("catalog_provider_hosts")
    first = str(hosts[0]) if isinstance(hosts, list) and hosts else ""
    return first if data.get("catalog_service_role") == "consumer" else ""


def provider() -> str:
    """The host of the server that has the catalog, "" if this one has it. One that does not say its role has it."""
    return provider_named(agent.settings_directory)


def is_here(host: str, also: Sequence[str]) -> bool:
    """Whether a host is this server. A name without a domain matches that name in any domain.

    also: further names of this server (the setting local_hosts). On a server without the catalog `localhost` may be
    the one that has it, so only its own names count there.
    """
    here = os.uname().nodename
    if host in (here, *also) or (host in _LOOPBACK and not provider()):
        return True
    return ("." not in host or "." not in here) and host.partition(".")[0] == here.partition(".")[0]
