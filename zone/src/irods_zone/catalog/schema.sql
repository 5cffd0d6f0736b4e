-- The tables of the catalog and their indexes. Names and columns are those of the iRODS catalog, schema version 12.
-- The unique indexes are what makes a second insert fail with -809000.

CREATE TABLE R_ZONE_MAIN (
    zone_id INTEGER, zone_name TEXT, zone_type_name TEXT, zone_conn_string TEXT, r_comment TEXT, create_ts TEXT,
    modify_ts TEXT
);
CREATE TABLE R_USER_MAIN (
    user_id INTEGER, user_name TEXT, user_type_name TEXT, zone_name TEXT, user_info TEXT, r_comment TEXT,
    create_ts TEXT, modify_ts TEXT
);
-- hierarchy is not iRODS's: root;…;this, which a real server works out from the parents each time.
CREATE TABLE R_RESC_MAIN (
    resc_id INTEGER, resc_name TEXT, zone_name TEXT, resc_type_name TEXT, resc_class_name TEXT, resc_net TEXT,
    resc_def_path TEXT, free_space TEXT, free_space_ts TEXT, resc_info TEXT, r_comment TEXT, resc_status TEXT,
    create_ts TEXT, modify_ts TEXT, resc_children TEXT, resc_context TEXT, resc_parent TEXT,
    resc_objcount INTEGER DEFAULT 0, resc_parent_context TEXT, modify_ts_millis TEXT DEFAULT '000', hierarchy TEXT
);
CREATE TABLE R_COLL_MAIN (
    coll_id INTEGER, parent_coll_name TEXT, coll_name TEXT, coll_owner_name TEXT, coll_owner_zone TEXT,
    coll_map_id INTEGER DEFAULT 0, coll_inheritance TEXT, coll_type TEXT DEFAULT '0', coll_info1 TEXT DEFAULT '0',
    coll_info2 TEXT DEFAULT '0', coll_expiry_ts TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_DATA_MAIN (
    data_id INTEGER, coll_id INTEGER, data_name TEXT, data_repl_num INTEGER, data_version TEXT DEFAULT '0',
    data_type_name TEXT, data_size INTEGER, resc_group_name TEXT, resc_name TEXT, data_path TEXT, data_owner_name TEXT,
    data_owner_zone TEXT, data_is_dirty INTEGER DEFAULT 0, data_status TEXT, data_checksum TEXT, data_expiry_ts TEXT,
    data_map_id INTEGER DEFAULT 0, data_mode TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT, resc_hier TEXT,
    resc_id INTEGER, access_ts TEXT DEFAULT '0'
);
CREATE TABLE R_META_MAIN (
    meta_id INTEGER, meta_namespace TEXT, meta_attr_name TEXT, meta_attr_value TEXT, meta_attr_unit TEXT,
    r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_TOKN_MAIN (
    token_namespace TEXT, token_id INTEGER, token_name TEXT, token_value TEXT, token_value2 TEXT, token_value3 TEXT,
    r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_MAIN (
    rule_id INTEGER, rule_version TEXT DEFAULT '0', rule_base_name TEXT, rule_name TEXT, rule_event TEXT,
    rule_condition TEXT, rule_body TEXT, rule_recovery TEXT, rule_status INTEGER DEFAULT 1, rule_owner_name TEXT,
    rule_owner_zone TEXT, rule_descr_1 TEXT, rule_descr_2 TEXT, input_params TEXT, output_params TEXT, dollar_vars TEXT,
    icat_elements TEXT, sideeffects TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_BASE_MAP (
    map_version TEXT DEFAULT '0', map_base_name TEXT, map_priority INTEGER, rule_id INTEGER, map_owner_name TEXT,
    map_owner_zone TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_DVM (
    dvm_id INTEGER, dvm_version TEXT DEFAULT '0', dvm_base_name TEXT, dvm_ext_var_name TEXT, dvm_condition TEXT,
    dvm_int_map_path TEXT, dvm_status INTEGER DEFAULT 1, dvm_owner_name TEXT, dvm_owner_zone TEXT, r_comment TEXT,
    create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_DVM_MAP (
    map_dvm_version TEXT DEFAULT '0', map_dvm_base_name TEXT, dvm_id INTEGER, map_owner_name TEXT, map_owner_zone TEXT,
    r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_FNM (
    fnm_id INTEGER, fnm_version TEXT DEFAULT '0', fnm_base_name TEXT, fnm_ext_func_name TEXT, fnm_int_func_name TEXT,
    fnm_status INTEGER DEFAULT 1, fnm_owner_name TEXT, fnm_owner_zone TEXT, r_comment TEXT, create_ts TEXT,
    modify_ts TEXT
);
CREATE TABLE R_RULE_FNM_MAP (
    map_fnm_version TEXT DEFAULT '0', map_fnm_base_name TEXT, fnm_id INTEGER, map_owner_name TEXT, map_owner_zone TEXT,
    r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_MICROSRVC_MAIN (
    msrvc_id INTEGER, msrvc_name TEXT, msrvc_module_name TEXT, msrvc_signature TEXT, msrvc_doxygen TEXT,
    msrvc_variations TEXT, msrvc_owner_name TEXT, msrvc_owner_zone TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_MICROSRVC_VER (
    msrvc_id INTEGER, msrvc_version TEXT DEFAULT '0', msrvc_host TEXT DEFAULT 'ALL', msrvc_location TEXT,
    msrvc_language TEXT DEFAULT 'C', msrvc_type_name TEXT DEFAULT 'IRODS COMPILED', msrvc_status INTEGER DEFAULT 1,
    msrvc_owner_name TEXT, msrvc_owner_zone TEXT, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RULE_EXEC (
    rule_exec_id INTEGER, rule_name TEXT, rei_file_path TEXT, user_name TEXT, exe_address TEXT, exe_time TEXT,
    exe_frequency TEXT, priority TEXT, estimated_exe_time TEXT, notification_addr TEXT, last_exe_time TEXT,
    exe_status TEXT, create_ts TEXT, modify_ts TEXT, exe_context TEXT, lock_host TEXT DEFAULT '',
    lock_host_pid TEXT DEFAULT '', lock_ts TEXT DEFAULT ''
);
CREATE TABLE R_USER_GROUP (
    group_user_id INTEGER, user_id INTEGER, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_USER_SESSION_KEY (
    user_id INTEGER, session_key TEXT, session_info TEXT, auth_scheme TEXT, session_expiry_ts TEXT, create_ts TEXT,
    modify_ts TEXT
);
CREATE TABLE R_USER_PASSWORD (
    user_id INTEGER, rcat_password TEXT, pass_expiry_ts TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_RESC_GROUP (
    resc_group_id INTEGER, resc_group_name TEXT, resc_id INTEGER, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_OBJT_METAMAP (
    object_id INTEGER, meta_id INTEGER, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_OBJT_ACCESS (
    object_id INTEGER, user_id INTEGER, access_type_id INTEGER, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_OBJT_DENY_ACCESS (
    object_id INTEGER, user_id INTEGER, access_type_id INTEGER, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_OBJT_AUDIT (
    object_id INTEGER, user_id INTEGER, action_id INTEGER, r_comment TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_SERVER_LOAD (
    host_name TEXT, resc_name TEXT, cpu_used INTEGER, mem_used INTEGER, swap_used INTEGER, runq_load INTEGER,
    disk_space INTEGER, net_input INTEGER, net_output INTEGER, create_ts TEXT
);
CREATE TABLE R_SERVER_LOAD_DIGEST (
    resc_name TEXT, load_factor INTEGER, create_ts TEXT
);
CREATE TABLE R_USER_AUTH (
    user_id INTEGER, user_auth_name TEXT, create_ts TEXT
);
CREATE TABLE R_QUOTA_MAIN (
    user_id INTEGER, resc_id INTEGER, quota_limit INTEGER, quota_over INTEGER, modify_ts TEXT
);
CREATE TABLE R_QUOTA_USAGE (
    user_id INTEGER, resc_id INTEGER, quota_usage INTEGER, modify_ts TEXT
);
CREATE TABLE R_SPECIFIC_QUERY (
    alias TEXT, sqlStr TEXT, create_ts TEXT
);
CREATE TABLE R_TICKET_MAIN (
    ticket_id INTEGER, ticket_string TEXT, ticket_type TEXT, user_id INTEGER, object_id INTEGER, object_type TEXT,
    uses_limit INTEGER DEFAULT 0, uses_count INTEGER DEFAULT 0, write_file_limit INTEGER DEFAULT 10,
    write_file_count INTEGER DEFAULT 0, write_byte_limit INTEGER DEFAULT 0, write_byte_count INTEGER DEFAULT 0,
    ticket_expiry_ts TEXT, restrictions TEXT, create_ts TEXT, modify_ts TEXT
);
CREATE TABLE R_TICKET_ALLOWED_HOSTS (
    ticket_id INTEGER, host TEXT
);
CREATE TABLE R_TICKET_ALLOWED_USERS (
    ticket_id INTEGER, user_name TEXT
);
CREATE TABLE R_TICKET_ALLOWED_GROUPS (
    ticket_id INTEGER, group_name TEXT
);
CREATE TABLE R_GRID_CONFIGURATION (
    namespace TEXT, option_name TEXT, option_value TEXT
);
-- PostgreSQL has a sequence of this name; here it is a table of one row.
CREATE TABLE R_OBJECTID (
    next_id INTEGER
);

CREATE UNIQUE INDEX idx_zone_main_0 ON R_ZONE_MAIN (zone_id);
CREATE UNIQUE INDEX idx_zone_main_1 ON R_ZONE_MAIN (zone_name);
CREATE UNIQUE INDEX idx_user_main_2 ON R_USER_MAIN (user_id);
CREATE UNIQUE INDEX idx_user_main_3 ON R_USER_MAIN (user_name, zone_name);
CREATE UNIQUE INDEX idx_resc_main_4 ON R_RESC_MAIN (resc_id);
CREATE UNIQUE INDEX idx_resc_main_5 ON R_RESC_MAIN (zone_name, resc_name);
CREATE UNIQUE INDEX idx_coll_main_6 ON R_COLL_MAIN (coll_id);
CREATE UNIQUE INDEX idx_coll_main_7 ON R_COLL_MAIN (coll_name);
CREATE UNIQUE INDEX idx_coll_main_8 ON R_COLL_MAIN (parent_coll_name, coll_name);
CREATE INDEX idx_data_main_9 ON R_DATA_MAIN (data_id);
CREATE UNIQUE INDEX idx_data_main_10 ON R_DATA_MAIN (coll_id, data_name, data_repl_num, data_version);
CREATE INDEX idx_data_main_11 ON R_DATA_MAIN (data_name);
CREATE INDEX idx_data_main_12 ON R_DATA_MAIN (data_path);
CREATE INDEX idx_data_main_13 ON R_DATA_MAIN (resc_id);
CREATE UNIQUE INDEX idx_meta_main_14 ON R_META_MAIN (meta_id);
CREATE INDEX idx_meta_main_15 ON R_META_MAIN (meta_attr_name, meta_attr_value);
CREATE INDEX idx_meta_main_16 ON R_META_MAIN (meta_attr_value);
CREATE UNIQUE INDEX idx_rule_exec_17 ON R_RULE_EXEC (rule_exec_id);
CREATE UNIQUE INDEX idx_user_group_18 ON R_USER_GROUP (group_user_id, user_id);
CREATE INDEX idx_user_group_19 ON R_USER_GROUP (user_id);
CREATE INDEX idx_user_password_20 ON R_USER_PASSWORD (user_id);
CREATE UNIQUE INDEX idx_resc_group_21 ON R_RESC_GROUP (resc_group_name, resc_id);
CREATE UNIQUE INDEX idx_objt_metamap_22 ON R_OBJT_METAMAP (object_id, meta_id);
CREATE INDEX idx_objt_metamap_23 ON R_OBJT_METAMAP (meta_id);
CREATE UNIQUE INDEX idx_objt_access_24 ON R_OBJT_ACCESS (object_id, user_id);
CREATE INDEX idx_objt_access_25 ON R_OBJT_ACCESS (user_id);
CREATE UNIQUE INDEX idx_objt_deny_access_26 ON R_OBJT_DENY_ACCESS (object_id, user_id);
CREATE INDEX idx_tokn_main_27 ON R_TOKN_MAIN (token_id);
CREATE INDEX idx_tokn_main_28 ON R_TOKN_MAIN (token_namespace, token_name);
CREATE INDEX idx_quota_main_29 ON R_QUOTA_MAIN (user_id);
CREATE INDEX idx_specific_query_30 ON R_SPECIFIC_QUERY (alias);
CREATE UNIQUE INDEX idx_ticket_main_31 ON R_TICKET_MAIN (ticket_string);
CREATE UNIQUE INDEX idx_ticket_allowed_hosts_32 ON R_TICKET_ALLOWED_HOSTS (ticket_id, host);
CREATE UNIQUE INDEX idx_ticket_allowed_users_33 ON R_TICKET_ALLOWED_USERS (ticket_id, user_name);
CREATE UNIQUE INDEX idx_ticket_allowed_groups_34 ON R_TICKET_ALLOWED_GROUPS (ticket_id, group_name);
CREATE UNIQUE INDEX idx_grid_configuration_35 ON R_GRID_CONFIGURATION (namespace, option_name);
