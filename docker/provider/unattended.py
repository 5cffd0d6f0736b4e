"""Writes the file with which setup_irods.py sets a catalog provider up without asking. Standard library only.

The server's own template gives the configuration; what is a choice comes from variables:

    IRODS_PASSWORD, DB_PASSWORD (needed); IRODS_HOST (this host), IRODS_ZONE, DB_HOST, DB_PORT, DB_NAME, DB_USER,
    ZONE_KEY and NEGOTIATION_KEY (made up if missing; all servers of a zone need the same)
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TEMPLATE = Path("/var/lib/irods/packaging/server_config.json.template")
RESOURCE, VAULT, ADMINISTRATOR, PORT = "demoResc", "/var/lib/irods/Vault", "rods", 1247


def answers(template: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    """The whole file. template: server_config.json as it is packaged. Raises KeyError for a missing password."""
    host, zone = variables.get("IRODS_HOST") or socket.gethostname(), variables.get("IRODS_ZONE", "tempZone")
    return {
        "admin_password": variables["IRODS_PASSWORD"],
        "default_resource_name": RESOURCE,
        "default_resource_directory": VAULT,
        "host_system_information": {"service_account_user_name": "irods", "service_account_group_name": "irods"},
        "service_account_environment": _environment(host, zone),
        "server_config": _server_config(template, variables, host, zone),
    }


def _server_config(template: Mapping[str, Any], variables: Mapping[str, str], host: str, zone: str) -> dict[str, Any]:
    advanced = {**template["advanced_settings"], "delay_server_sleep_time_in_seconds": 1}
    plugins = {**template["plugin_configuration"], "database": _database(variables)}
    return {
        **template,
        "advanced_settings": advanced,
        "plugin_configuration": plugins,
        "host": host,
        "zone_name": zone,
        "zone_port": PORT,
        "zone_user": ADMINISTRATOR,
        "zone_key": variables.get("ZONE_KEY") or secrets.token_hex(16),
        "negotiation_key": variables.get("NEGOTIATION_KEY") or secrets.token_hex(16),  # just 32 characters
        "catalog_service_role": "provider",
        "catalog_provider_hosts": [host],
        "server_port_range_start": 20000,
        "server_port_range_end": 20199,
        "default_resource_name": RESOURCE,
    }


def _database(variables: Mapping[str, str]) -> dict[str, Any]:
    return {
        "technology": "postgres",
        "host": variables.get("DB_HOST", "db"),
        "port": int(variables.get("DB_PORT", "5432")),
        "name": variables.get("DB_NAME", "ICAT"),
        "username": variables.get("DB_USER", "irods"),
        "password": variables["DB_PASSWORD"],
        "odbc_driver": variables.get("DB_DRIVER", "PostgreSQL Unicode"),
    }


def _environment(host: str, zone: str) -> dict[str, Any]:
    return {
        "schema_name": "service_account_environment",
        "schema_version": "v5",
        "irods_host": host,
        "irods_port": PORT,
        "irods_zone_name": zone,
        "irods_user_name": ADMINISTRATOR,
        "irods_home": f"/{zone}/home/{ADMINISTRATOR}",
        "irods_cwd": f"/{zone}/home/{ADMINISTRATOR}",
        "irods_default_resource": RESOURCE,
        "irods_client_server_policy": "CS_NEG_REFUSE",
        "irods_encryption_algorithm": "AES-256-CBC",
        "irods_encryption_key_size": 32,
        "irods_encryption_num_hash_rounds": 16,
        "irods_encryption_salt_size": 8,
        "irods_default_hash_scheme": "SHA256",
        "irods_match_hash_policy": "compatible",
        "irods_maximum_size_for_single_buffer_in_megabytes": 32,
        "irods_default_number_of_transfer_threads": 4,
        "irods_transfer_buffer_size_for_parallel_transfer_in_megabytes": 4,
        "irods_connection_pool_refresh_time_in_seconds": 300,
    }


def main() -> int:
    """Prints the file; it holds passwords."""
    template = Path(sys.argv[1]) if len(sys.argv) > 1 else TEMPLATE
    try:
        print(json.dumps(answers(json.loads(template.read_text()), os.environ), indent=4))
    except KeyError as error:
        print(f"unattended.py: the variable {error.args[0]} is missing", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
