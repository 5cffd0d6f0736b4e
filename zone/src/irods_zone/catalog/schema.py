"""The tables of the catalog, named as iRODS names them, and the rows that a fresh 5.0.2 zone has.

Names and columns are those of the iRODS catalog (schema version 12), because GenQuery and specific queries speak of
them. Only text that is fixed when the zone is written stands here; nothing here may ever take part in a query.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, field

SCHEMA_VERSION = 12
FIRST_ID = 10000
NEVER = "9999-12-31-23.59.00"

# Access levels as iRODS 5 numbers them (R_TOKN_MAIN, namespace access_type).
ACCESS_LEVELS: dict[str, int] = {
    "null": 1000,
    "execute": 1010,
    "read_annotation": 1020,
    "read_system_metadata": 1030,
    "read_metadata": 1040,
    "read_object": 1050,
    "write_annotation": 1060,
    "create_metadata": 1070,
    "modify_metadata": 1080,
    "delete_metadata": 1090,
    "administer_object": 1100,
    "create_object": 1110,
    "modify_object": 1120,
    "delete_object": 1130,
    "create_token": 1140,
    "delete_token": 1150,
    "curate": 1160,
    "own": 1200,
}

# table -> columns; "i" after a name is an integer, everything else is text. A default follows "=".
_TABLES: dict[str, str] = {
    "R_ZONE_MAIN": "zone_id:i zone_name zone_type_name zone_conn_string r_comment create_ts modify_ts",
    "R_USER_MAIN": "user_id:i user_name user_type_name zone_name user_info r_comment create_ts modify_ts",
    "R_RESC_MAIN": (
        "resc_id:i resc_name zone_name resc_type_name resc_class_name resc_net resc_def_path free_space free_space_ts"
        " resc_info r_comment resc_status create_ts modify_ts resc_children resc_context resc_parent"
        " resc_objcount:i=0 resc_parent_context modify_ts_millis='000'"
        # Not iRODS's: root;…;this, which a real server works out from the parents each time.
        " hierarchy"
    ),
    "R_COLL_MAIN": (
        "coll_id:i parent_coll_name coll_name coll_owner_name coll_owner_zone coll_map_id:i=0 coll_inheritance"
        " coll_type='0' coll_info1='0' coll_info2='0' coll_expiry_ts r_comment create_ts modify_ts"
    ),
    "R_DATA_MAIN": (
        "data_id:i coll_id:i data_name data_repl_num:i data_version='0' data_type_name data_size:i resc_group_name"
        " resc_name data_path data_owner_name data_owner_zone data_is_dirty:i=0 data_status data_checksum"
        " data_expiry_ts data_map_id:i=0 data_mode r_comment create_ts modify_ts resc_hier resc_id:i access_ts='0'"
    ),
    "R_META_MAIN": (
        "meta_id:i meta_namespace meta_attr_name meta_attr_value meta_attr_unit r_comment create_ts modify_ts"
    ),
    "R_TOKN_MAIN": (
        "token_namespace token_id:i token_name token_value token_value2 token_value3 r_comment create_ts modify_ts"
    ),
    "R_RULE_MAIN": (
        "rule_id:i rule_version='0' rule_base_name rule_name rule_event rule_condition rule_body rule_recovery"
        " rule_status:i=1 rule_owner_name rule_owner_zone rule_descr_1 rule_descr_2 input_params output_params"
        " dollar_vars icat_elements sideeffects r_comment create_ts modify_ts"
    ),
    "R_RULE_BASE_MAP": (
        "map_version='0' map_base_name map_priority:i rule_id:i map_owner_name"
        " map_owner_zone r_comment create_ts modify_ts"
    ),
    "R_RULE_DVM": (
        "dvm_id:i dvm_version='0' dvm_base_name dvm_ext_var_name dvm_condition dvm_int_map_path dvm_status:i=1"
        " dvm_owner_name dvm_owner_zone r_comment create_ts modify_ts"
    ),
    "R_RULE_DVM_MAP": (
        "map_dvm_version='0' map_dvm_base_name dvm_id:i map_owner_name map_owner_zone r_comment create_ts modify_ts"
    ),
    "R_RULE_FNM": (
        "fnm_id:i fnm_version='0' fnm_base_name fnm_ext_func_name fnm_int_func_name fnm_status:i=1 fnm_owner_name"
        " fnm_owner_zone r_comment create_ts modify_ts"
    ),
    "R_RULE_FNM_MAP": (
        "map_fnm_version='0' map_fnm_base_name fnm_id:i map_owner_name map_owner_zone r_comment create_ts modify_ts"
    ),
    "R_MICROSRVC_MAIN": (
        "msrvc_id:i msrvc_name msrvc_module_name msrvc_signature msrvc_doxygen msrvc_variations msrvc_owner_name"
        " msrvc_owner_zone r_comment create_ts modify_ts"
    ),
    "R_MICROSRVC_VER": (
        "msrvc_id:i msrvc_version='0' msrvc_host='ALL' msrvc_location msrvc_language='C'"
        " msrvc_type_name='IRODS COMPILED' msrvc_status:i=1 msrvc_owner_name"
        " msrvc_owner_zone r_comment create_ts modify_ts"
    ),
    "R_RULE_EXEC": (
        "rule_exec_id:i rule_name rei_file_path user_name exe_address exe_time exe_frequency priority"
        " estimated_exe_time notification_addr last_exe_time exe_status create_ts modify_ts exe_context"
        " lock_host='' lock_host_pid='' lock_ts=''"
    ),
    "R_USER_GROUP": "group_user_id:i user_id:i create_ts modify_ts",
    "R_USER_SESSION_KEY": "user_id:i session_key session_info auth_scheme session_expiry_ts create_ts modify_ts",
    "R_USER_PASSWORD": "user_id:i rcat_password pass_expiry_ts create_ts modify_ts",
    "R_RESC_GROUP": "resc_group_id:i resc_group_name resc_id:i create_ts modify_ts",
    "R_OBJT_METAMAP": "object_id:i meta_id:i create_ts modify_ts",
    "R_OBJT_ACCESS": "object_id:i user_id:i access_type_id:i create_ts modify_ts",
    "R_OBJT_DENY_ACCESS": "object_id:i user_id:i access_type_id:i create_ts modify_ts",
    "R_OBJT_AUDIT": "object_id:i user_id:i action_id:i r_comment create_ts modify_ts",
    "R_SERVER_LOAD": (
        "host_name resc_name cpu_used:i mem_used:i swap_used:i runq_load:i disk_space:i"
        " net_input:i net_output:i create_ts"
    ),
    "R_SERVER_LOAD_DIGEST": "resc_name load_factor:i create_ts",
    "R_USER_AUTH": "user_id:i user_auth_name create_ts",
    "R_QUOTA_MAIN": "user_id:i resc_id:i quota_limit:i quota_over:i modify_ts",
    "R_QUOTA_USAGE": "user_id:i resc_id:i quota_usage:i modify_ts",
    "R_SPECIFIC_QUERY": "alias sqlStr create_ts",
    "R_TICKET_MAIN": (
        "ticket_id:i ticket_string ticket_type user_id:i object_id:i object_type uses_limit:i=0 uses_count:i=0"
        " write_file_limit:i=10 write_file_count:i=0 write_byte_limit:i=0 write_byte_count:i=0 ticket_expiry_ts"
        " restrictions create_ts modify_ts"
    ),
    "R_TICKET_ALLOWED_HOSTS": "ticket_id:i host",
    "R_TICKET_ALLOWED_USERS": "ticket_id:i user_name",
    "R_TICKET_ALLOWED_GROUPS": "ticket_id:i group_name",
    "R_GRID_CONFIGURATION": "namespace option_name option_value",
    # PostgreSQL has a sequence of this name; here it is a table of one row.
    "R_OBJECTID": "next_id:i",
}

# (unique, table, columns). The unique ones are what makes a second insert fail with -809000.
_INDEXES: tuple[tuple[bool, str, str], ...] = (
    (True, "R_ZONE_MAIN", "zone_id"),
    (True, "R_ZONE_MAIN", "zone_name"),
    (True, "R_USER_MAIN", "user_id"),
    (True, "R_USER_MAIN", "user_name, zone_name"),
    (True, "R_RESC_MAIN", "resc_id"),
    (True, "R_RESC_MAIN", "zone_name, resc_name"),
    (True, "R_COLL_MAIN", "coll_id"),
    (True, "R_COLL_MAIN", "coll_name"),
    (True, "R_COLL_MAIN", "parent_coll_name, coll_name"),
    (False, "R_DATA_MAIN", "data_id"),
    (True, "R_DATA_MAIN", "coll_id, data_name, data_repl_num, data_version"),
    (False, "R_DATA_MAIN", "data_name"),
    (False, "R_DATA_MAIN", "data_path"),
    (False, "R_DATA_MAIN", "resc_id"),
    (True, "R_META_MAIN", "meta_id"),
    (False, "R_META_MAIN", "meta_attr_name, meta_attr_value"),
    (False, "R_META_MAIN", "meta_attr_value"),
    (True, "R_RULE_EXEC", "rule_exec_id"),
    (True, "R_USER_GROUP", "group_user_id, user_id"),
    (False, "R_USER_GROUP", "user_id"),
    (False, "R_USER_PASSWORD", "user_id"),
    (True, "R_RESC_GROUP", "resc_group_name, resc_id"),
    (True, "R_OBJT_METAMAP", "object_id, meta_id"),
    (False, "R_OBJT_METAMAP", "meta_id"),
    (True, "R_OBJT_ACCESS", "object_id, user_id"),
    (False, "R_OBJT_ACCESS", "user_id"),
    (True, "R_OBJT_DENY_ACCESS", "object_id, user_id"),
    (False, "R_TOKN_MAIN", "token_id"),
    (False, "R_TOKN_MAIN", "token_namespace, token_name"),
    (False, "R_QUOTA_MAIN", "user_id"),
    (False, "R_SPECIFIC_QUERY", "alias"),
    (True, "R_TICKET_MAIN", "ticket_string"),
    (True, "R_TICKET_ALLOWED_HOSTS", "ticket_id, host"),
    (True, "R_TICKET_ALLOWED_USERS", "ticket_id, user_name"),
    (True, "R_TICKET_ALLOWED_GROUPS", "ticket_id, group_name"),
    (True, "R_GRID_CONFIGURATION", "namespace, option_name"),
)


def ddl() -> list[str]:
    """The statements that create every table and index."""
    statements = []
    for table in _TABLES:
        columns = []
        for spec in _specs(table):
            declared, _, default = spec.partition("=")
            name, _, kind = declared.partition(":")
            columns.append(f"{name} {'INTEGER' if kind else 'TEXT'}" + (f" DEFAULT {default}" if default else ""))
        statements.append(f"CREATE TABLE {table} ({', '.join(columns)})")
    for number, (unique, table, columns_text) in enumerate(_INDEXES):
        kind = "UNIQUE INDEX" if unique else "INDEX"
        statements.append(f"CREATE {kind} idx_{table[2:].lower()}_{number} ON {table} ({columns_text})")
    return statements


def _specs(table: str) -> list[str]:
    # A default may hold a space ('IRODS COMPILED'): join what a naive split tore apart.
    specs: list[str] = []
    for word in _TABLES[table].split():
        if specs and specs[-1].count("'") == 1:
            specs[-1] += " " + word
        else:
            specs.append(word)
    return specs


@dataclass(frozen=True)
class NewZone:
    """What `fill` needs to know of a zone that is being made."""

    zone: str
    admin: str
    password: str
    host: str
    resources: Sequence[tuple[str, str]]
    now: str
    other: dict[str, str] = field(default_factory=dict)


def fill(connection: sqlite3.Connection, new: NewZone) -> None:
    """Write the rows that the setup of a real server writes, in its order, so that ids agree."""
    from irods_zone.catalog.tokens import specific_query_rows, token_rows

    ids = iter(range(FIRST_ID, FIRST_ID + 1000))
    insert = connection.execute
    many = connection.executemany
    stamps = (new.now, new.now)

    many("INSERT INTO R_TOKN_MAIN VALUES (?,?,?,?,?,?,'',?,?)", token_rows())
    many("INSERT INTO R_SPECIFIC_QUERY VALUES (?,?,?)", specific_query_rows())
    many(
        "INSERT INTO R_GRID_CONFIGURATION VALUES (?,?,?)",
        [
            ("database", "schema_version", str(SCHEMA_VERSION)),
            ("delay_server", "leader", new.host),
            ("delay_server", "successor", ""),
            ("authentication", "password_extend_lifetime", "1"),
            ("authentication", "password_min_time", "121"),
            ("authentication", "password_max_time", "1209600"),
            ("access_time", "queue_name_prefix", "irods_access_time_queue_"),
            ("access_time", "queue_size", "20000"),
            ("access_time", "batch_size", "20000"),
            ("access_time", "resolution_in_seconds", "86400"),
        ],
    )
    insert("INSERT INTO R_ZONE_MAIN VALUES (?,?,'local','','',?,?)", (next(ids), new.zone, *stamps))
    public, admin = next(ids), next(ids)
    many(
        "INSERT INTO R_USER_MAIN VALUES (?,?,?,?,'','',?,?)",
        [(public, "public", "rodsgroup", new.zone, *stamps), (admin, new.admin, "rodsadmin", new.zone, *stamps)],
    )
    many(
        "INSERT INTO R_USER_GROUP VALUES (?,?,?,?)",
        [(admin, admin, *stamps), (public, admin, *stamps), (public, public, *stamps)],
    )
    insert("INSERT INTO R_USER_PASSWORD VALUES (?,?,?,?,?)", (admin, new.password, NEVER, *stamps))

    root = f"/{new.zone}"
    for path in ("/", root, f"{root}/home", f"{root}/trash", f"{root}/trash/home"):
        _collection(connection, next(ids), path, new, admin)
    for path in (f"{root}/home/public", f"{root}/trash/home/public"):
        _collection(connection, next(ids), path, new, public)
    for path in (f"{root}/home/{new.admin}", f"{root}/trash/home/{new.admin}"):
        _collection(connection, next(ids), path, new, admin)

    _resource(connection, next(ids), "bundleResc", "bundle", "localhost", "/bundle", new)
    for name, vault in new.resources:
        _resource(connection, next(ids), name, "cache", new.host, vault, new)
    insert("INSERT INTO R_OBJECTID VALUES (?)", (next(ids),))


def _collection(connection: sqlite3.Connection, number: int, path: str, new: NewZone, owner: int) -> None:
    parent = "/" + path[1:].rpartition("/")[0]
    connection.execute(
        "INSERT INTO R_COLL_MAIN VALUES (?,?,?,?,?,0,'','','','','','',?,?)",
        (number, parent, path, new.admin, new.zone, new.now, new.now),
    )
    connection.execute(
        "INSERT INTO R_OBJT_ACCESS VALUES (?,?,?,?,?)", (number, owner, ACCESS_LEVELS["own"], new.now, new.now)
    )


def _resource(
    connection: sqlite3.Connection, number: int, name: str, class_name: str, host: str, vault: str, new: NewZone
) -> None:
    connection.execute(
        "INSERT INTO R_RESC_MAIN (resc_id, resc_name, zone_name, resc_type_name, resc_class_name, resc_net,"
        " resc_def_path, free_space, free_space_ts, resc_info, r_comment, resc_status, create_ts, modify_ts, hierarchy)"
        " VALUES (?,?,?,'unixfilesystem',?,?,?,'','','','','',?,?,?)",
        (number, name, new.zone, class_name, host, vault, new.now, new.now, name),
    )
