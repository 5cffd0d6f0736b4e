"""Writes ~/.irods/irods_environment.json for i-commands from the container's variables. Standard library only.

IRODS_HOST, IRODS_PORT (1247), IRODS_ZONE (tempZone), IRODS_USER (rods)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def environment(variables: Mapping[str, str]) -> dict[str, object]:
    """The content of the file. Raises KeyError if IRODS_HOST is missing."""
    zone, user = variables.get("IRODS_ZONE", "tempZone"), variables.get("IRODS_USER", "rods")
    return {
        "irods_host": variables["IRODS_HOST"],
        "irods_port": int(variables.get("IRODS_PORT", "1247")),
        "irods_zone_name": zone,
        "irods_user_name": user,
        "irods_home": f"/{zone}/home/{user}",
        "irods_cwd": f"/{zone}/home/{user}",
        "irods_client_server_policy": "CS_NEG_REFUSE",
    }


def main() -> int:
    """Writes the file."""
    folder = Path.home() / ".irods"
    folder.mkdir(mode=0o700, exist_ok=True)
    (folder / "irods_environment.json").write_text(json.dumps(environment(os.environ), indent=4) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
