"""The columns that GenQuery knows, the tables they are in, and how the tables hang together.

Facts of the iRODS catalog, as data: numbers (what clients send), names (what iquest and rules write), tables, links.
The order of tables and links matters: `joins` walks them in this order. Nothing here builds SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

# A line at the margin is a table (or alias = table), the indented ones are its columns: number, name, column.
# A "cycler" is a table behind which no others are looked for. 408 and 422 are columns of the resource here: a real
# server works them out from the resource's id.
_TABLES = """\
R_TOKN_MAIN
  1100 TOKEN_NAMESPACE token_namespace
  1101 TOKEN_ID token_id
  1102 TOKEN_NAME token_name
  1103 TOKEN_VALUE token_value
  1104 TOKEN_VALUE2 token_value2
  1105 TOKEN_VALUE3 token_value3
  1106 TOKEN_COMMENT r_comment
  1107 TOKEN_CREATE_TIME create_ts
  1108 TOKEN_MODIFY_TIME modify_ts
R_RESC_GROUP
R_ZONE_MAIN
  101 ZONE_ID zone_id
  102 ZONE_NAME zone_name
  103 ZONE_TYPE zone_type_name
  104 ZONE_CONNECTION zone_conn_string
  105 ZONE_COMMENT r_comment
  106 ZONE_CREATE_TIME create_ts
  107 ZONE_MODIFY_TIME modify_ts
R_RESC_MAIN
  301 RESC_ID resc_id
  302 RESC_NAME resc_name
  303 RESC_ZONE_NAME zone_name
  304 RESC_TYPE_NAME resc_type_name
  305 RESC_CLASS_NAME resc_class_name
  306 RESC_LOC resc_net
  307 RESC_VAULT_PATH resc_def_path
  308 RESC_FREE_SPACE free_space
  309 RESC_INFO resc_info
  310 RESC_COMMENT r_comment
  311 RESC_CREATE_TIME create_ts
  312 RESC_MODIFY_TIME modify_ts
  313 RESC_STATUS resc_status
  314 RESC_FREE_SPACE_TIME free_space_ts
  315 RESC_CHILDREN resc_children
  316 RESC_CONTEXT resc_context
  317 RESC_PARENT resc_parent
  318 RESC_PARENT_CONTEXT resc_parent_context
  319 RESC_MODIFY_TIME_MILLIS modify_ts_millis
  408 DATA_RESC_GROUP_NAME resc_name
  409 DATA_RESC_NAME resc_name
  422 DATA_RESC_HIER hierarchy
R_COLL_MAIN
  500 COLL_ID coll_id
  501 COLL_NAME coll_name
  502 COLL_PARENT_NAME parent_coll_name
  503 COLL_OWNER_NAME coll_owner_name
  504 COLL_OWNER_ZONE coll_owner_zone
  505 COLL_MAP_ID coll_map_id
  506 COLL_INHERITANCE coll_inheritance
  507 COLL_COMMENTS r_comment
  508 COLL_CREATE_TIME create_ts
  509 COLL_MODIFY_TIME modify_ts
  510 COLL_TYPE coll_type
  511 COLL_INFO_1 coll_info1
  512 COLL_INFO_2 coll_info2
R_DATA_MAIN
  401 DATA_ID data_id
  402 DATA_COLL_ID coll_id
  403 DATA_NAME data_name
  404 DATA_REPL_NUM data_repl_num
  405 DATA_VERSION data_version
  406 DATA_TYPE_NAME data_type_name
  407 DATA_SIZE data_size
  410 DATA_PATH data_path
  411 DATA_OWNER_NAME data_owner_name
  412 DATA_OWNER_ZONE data_owner_zone
  413 DATA_REPL_STATUS data_is_dirty
  414 DATA_STATUS data_status
  415 DATA_CHECKSUM data_checksum
  416 DATA_EXPIRY data_expiry_ts
  417 DATA_MAP_ID data_map_id
  418 DATA_COMMENTS r_comment
  419 DATA_CREATE_TIME create_ts
  420 DATA_MODIFY_TIME modify_ts
  421 DATA_MODE data_mode
  423 DATA_RESC_ID resc_id
  424 DATA_ACCESS_TIME access_ts
  2226 TICKET_DATA_NAME data_name
R_RULE_MAIN
  1700 RULE_ID rule_id
  1701 RULE_VERSION rule_version
  1702 RULE_BASE_NAME rule_base_name
  1703 RULE_NAME rule_name
  1704 RULE_EVENT rule_event
  1705 RULE_CONDITION rule_condition
  1706 RULE_BODY rule_body
  1707 RULE_RECOVERY rule_recovery
  1708 RULE_STATUS rule_status
  1709 RULE_OWNER_NAME rule_owner_name
  1710 RULE_OWNER_ZONE rule_owner_zone
  1711 RULE_DESCR_1 rule_descr_1
  1712 RULE_DESCR_2 rule_descr_2
  1713 RULE_INPUT_PARAMS input_params
  1714 RULE_OUTPUT_PARAMS output_params
  1715 RULE_DOLLAR_VARS dollar_vars
  1716 RULE_ICAT_ELEMENTS icat_elements
  1717 RULE_SIDEEFFECTS sideeffects
  1718 RULE_COMMENT r_comment
  1719 RULE_CREATE_TIME create_ts
  1720 RULE_MODIFY_TIME modify_ts
R_USER_MAIN
  201 USER_ID user_id
  202 USER_NAME user_name
  203 USER_TYPE user_type_name
  204 USER_ZONE zone_name
  205 - r_comment
  206 USER_INFO user_info
  207 USER_COMMENT r_comment
  208 USER_CREATE_TIME create_ts
  209 USER_MODIFY_TIME modify_ts
r_resc_access = R_OBJT_ACCESS
  720 RESC_ACCESS_TYPE access_type_id
  723 RESC_ACCESS_USER_ID user_id
  724 RESC_ACCESS_RESC_ID object_id
r_coll_access = R_OBJT_ACCESS
  710 COLL_ACCESS_TYPE access_type_id
  713 COLL_ACCESS_USER_ID user_id
  714 COLL_ACCESS_COLL_ID object_id
r_data_access = R_OBJT_ACCESS
  700 DATA_ACCESS_TYPE access_type_id
  703 DATA_ACCESS_USER_ID user_id
  704 DATA_ACCESS_DATA_ID object_id
r_rule_access = R_OBJT_ACCESS
  740 RULE_ACCESS_TYPE access_type_id
  743 RULE_ACCESS_USER_ID user_id
  744 RULE_ACCESS_RULE_ID object_id
r_msrvc_access = R_OBJT_ACCESS
  750 MSRVC_ACCESS_TYPE access_type_id
  753 MSRVC_ACCESS_USER_ID user_id
  754 MSRVC_ACCESS_MSRVC_ID object_id
r_resc_metamap = R_OBJT_METAMAP
r_resc_grp_metamap = R_OBJT_METAMAP
r_coll_metamap = R_OBJT_METAMAP
r_data_metamap = R_OBJT_METAMAP
r_rule_metamap = R_OBJT_METAMAP
r_msrvc_metamap = R_OBJT_METAMAP
r_user_metamap = R_OBJT_METAMAP
r_resc_user_group = R_USER_GROUP
r_coll_user_group = R_USER_GROUP
r_data_user_group = R_USER_GROUP
r_resc_user_main = R_USER_MAIN
  1320 - user_name
  1321 - zone_name
r_coll_user_main = R_USER_MAIN
  1300 COLL_USER_NAME user_name
  1301 COLL_ZONE_NAME zone_name
r_data_user_main = R_USER_MAIN
  1310 DATA_USER_NAME user_name
  1311 DATA_ZONE_NAME zone_name
r_quota_user_main = R_USER_MAIN cycler
  2021 QUOTA_USER_NAME user_name
  2022 QUOTA_USER_ZONE zone_name
r_quota_user_group = R_USER_MAIN cycler
  2023 QUOTA_USER_TYPE user_type_name
r_quota_resc_main = R_RESC_MAIN cycler
  2020 QUOTA_RESC_NAME resc_name
r_resc_tokn_accs = R_TOKN_MAIN
  721 RESC_ACCESS_NAME token_name
  722 RESC_TOKEN_NAMESPACE token_namespace
r_coll_tokn_accs = R_TOKN_MAIN
  711 COLL_ACCESS_NAME token_name
  712 COLL_TOKEN_NAMESPACE token_namespace
r_data_tokn_accs = R_TOKN_MAIN
  701 DATA_ACCESS_NAME token_name
  702 DATA_TOKEN_NAMESPACE token_namespace
r_rule_tokn_accs = R_TOKN_MAIN
  741 RULE_ACCESS_NAME token_name
  742 RULE_TOKEN_NAMESPACE token_namespace
r_resc_meta_main = R_META_MAIN
  622 META_NAMESPACE_RESC meta_namespace
  630 META_RESC_ATTR_NAME meta_attr_name
  631 META_RESC_ATTR_VALUE meta_attr_value
  632 META_RESC_ATTR_UNITS meta_attr_unit
  633 META_RESC_ATTR_ID meta_id
  634 META_RESC_CREATE_TIME create_ts
  635 META_RESC_MODIFY_TIME modify_ts
r_resc_grp_meta_main = R_META_MAIN
  624 META_NAMESPACE_RESC_GROUP meta_namespace
  650 META_RESC_GROUP_ATTR_NAME meta_attr_name
  651 META_RESC_GROUP_ATTR_VALUE meta_attr_value
  652 META_RESC_GROUP_ATTR_UNITS meta_attr_unit
  653 META_RESC_GROUP_ATTR_ID meta_id
  654 META_RESC_GROUP_CREATE_TIME create_ts
  655 META_RESC_GROUP_MODIFY_TIME modify_ts
r_coll_meta_main = R_META_MAIN
  610 META_COLL_ATTR_NAME meta_attr_name
  611 META_COLL_ATTR_VALUE meta_attr_value
  612 META_COLL_ATTR_UNITS meta_attr_unit
  613 META_COLL_ATTR_ID meta_id
  614 META_COLL_CREATE_TIME create_ts
  615 META_COLL_MODIFY_TIME modify_ts
  620 META_NAMESPACE_COLL meta_namespace
r_data_meta_main = R_META_MAIN
  600 META_DATA_ATTR_NAME meta_attr_name
  601 META_DATA_ATTR_VALUE meta_attr_value
  602 META_DATA_ATTR_UNITS meta_attr_unit
  603 META_DATA_ATTR_ID meta_id
  604 META_DATA_CREATE_TIME create_ts
  605 META_DATA_MODIFY_TIME modify_ts
  621 META_NAMESPACE_DATA meta_namespace
r_rule_meta_main = R_META_MAIN
  625 META_NAMESPACE_RULE meta_namespace
  660 META_RULE_ATTR_NAME meta_attr_name
  661 META_RULE_ATTR_VALUE meta_attr_value
  662 META_RULE_ATTR_UNITS meta_attr_unit
  663 META_RULE_ATTR_ID meta_id
  664 META_RULE_CREATE_TIME create_ts
  665 META_RULE_MODIFY_TIME modify_ts
r_user_meta_main = R_META_MAIN
  623 META_NAMESPACE_USER meta_namespace
  640 META_USER_ATTR_NAME meta_attr_name
  641 META_USER_ATTR_VALUE meta_attr_value
  642 META_USER_ATTR_UNITS meta_attr_unit
  643 META_USER_ATTR_ID meta_id
  644 META_USER_CREATE_TIME create_ts
  645 META_USER_MODIFY_TIME modify_ts
r_met2_meta_main = R_META_MAIN
  627 META_NAMESPACE_MET2 meta_namespace
  680 META_MET2_ATTR_NAME meta_attr_name
  681 META_MET2_ATTR_VALUE meta_attr_value
  682 META_MET2_ATTR_UNITS meta_attr_unit
  683 META_MET2_ATTR_ID meta_id
  684 META_MET2_CREATE_TIME create_ts
  685 META_MET2_MODIFY_TIME modify_ts
R_USER_GROUP
  900 USER_GROUP_ID group_user_id
r_group_main = R_USER_MAIN
  901 USER_GROUP_NAME user_name
R_RULE_EXEC
  1000 RULE_EXEC_ID rule_exec_id
  1001 RULE_EXEC_NAME rule_name
  1002 RULE_EXEC_REI_FILE_PATH rei_file_path
  1003 RULE_EXEC_USER_NAME user_name
  1004 RULE_EXEC_ADDRESS exe_address
  1005 RULE_EXEC_TIME exe_time
  1006 RULE_EXEC_FREQUENCY exe_frequency
  1007 RULE_EXEC_PRIORITY priority
  1008 RULE_EXEC_ESTIMATED_EXE_TIME estimated_exe_time
  1009 RULE_EXEC_NOTIFICATION_ADDR notification_addr
  1010 RULE_EXEC_LAST_EXE_TIME last_exe_time
  1011 RULE_EXEC_STATUS exe_status
  1012 RULE_EXEC_CONTEXT exe_context
  1013 RULE_EXEC_LOCK_HOST lock_host
  1014 RULE_EXEC_LOCK_HOST_PID lock_host_pid
  1015 RULE_EXEC_LOCK_TIME lock_ts
R_OBJT_AUDIT
  1200 AUDIT_OBJ_ID object_id
  1201 AUDIT_USER_ID user_id
  1202 AUDIT_ACTION_ID action_id
  1203 AUDIT_COMMENT r_comment
  1204 AUDIT_CREATE_TIME create_ts
  1205 AUDIT_MODIFY_TIME modify_ts
R_SERVER_LOAD
  1400 SL_HOST_NAME host_name
  1401 SL_RESC_NAME resc_name
  1402 SL_CPU_USED cpu_used
  1403 SL_MEM_USED mem_used
  1404 SL_SWAP_USED swap_used
  1405 SL_RUNQ_LOAD runq_load
  1406 SL_DISK_SPACE disk_space
  1407 SL_NET_INPUT net_input
  1408 SL_NET_OUTPUT net_output
  1409 SL_CREATE_TIME create_ts
R_SERVER_LOAD_DIGEST
  1500 SLD_RESC_NAME resc_name
  1501 SLD_LOAD_FACTOR load_factor
  1502 SLD_CREATE_TIME create_ts
R_USER_AUTH
  1600 - user_id
  1601 USER_DN user_auth_name
R_RULE_BASE_MAP
  1721 RULE_BASE_MAP_VERSION map_version
  1722 RULE_BASE_MAP_BASE_NAME map_base_name
  1723 RULE_BASE_MAP_OWNER_NAME map_owner_name
  1724 RULE_BASE_MAP_OWNER_ZONE map_owner_zone
  1725 RULE_BASE_MAP_COMMENT r_comment
  1726 RULE_BASE_MAP_CREATE_TIME create_ts
  1727 RULE_BASE_MAP_MODIFY_TIME modify_ts
  1728 RULE_BASE_MAP_PRIORITY map_priority
R_RULE_DVM_MAP
  1812 DVM_BASE_MAP_VERSION map_dvm_version
  1813 DVM_BASE_MAP_BASE_NAME map_dvm_base_name
  1814 DVM_BASE_MAP_OWNER_NAME map_owner_name
  1815 DVM_BASE_MAP_OWNER_ZONE map_owner_zone
  1816 DVM_BASE_MAP_COMMENT r_comment
  1817 DVM_BASE_MAP_CREATE_TIME create_ts
  1818 DVM_BASE_MAP_MODIFY_TIME modify_ts
R_RULE_FNM_MAP
  1911 FNM_BASE_MAP_VERSION map_fnm_version
  1912 FNM_BASE_MAP_BASE_NAME map_fnm_base_name
  1913 FNM_BASE_MAP_OWNER_NAME map_owner_name
  1914 FNM_BASE_MAP_OWNER_ZONE map_owner_zone
  1915 FNM_BASE_MAP_COMMENT r_comment
  1916 FNM_BASE_MAP_CREATE_TIME create_ts
  1917 FNM_BASE_MAP_MODIFY_TIME modify_ts
R_RULE_DVM
  1800 DVM_ID dvm_id
  1801 DVM_VERSION dvm_version
  1802 DVM_BASE_NAME dvm_base_name
  1803 DVM_EXT_VAR_NAME dvm_ext_var_name
  1804 DVM_CONDITION dvm_condition
  1805 DVM_INT_MAP_PATH dvm_int_map_path
  1806 DVM_STATUS dvm_status
  1807 DVM_OWNER_NAME dvm_owner_name
  1808 DVM_OWNER_ZONE dvm_owner_zone
  1809 DVM_COMMENT r_comment
  1810 DVM_CREATE_TIME create_ts
  1811 DVM_MODIFY_TIME modify_ts
R_RULE_FNM
  1900 FNM_ID fnm_id
  1901 FNM_VERSION fnm_version
  1902 FNM_BASE_NAME fnm_base_name
  1903 FNM_EXT_FUNC_NAME fnm_ext_func_name
  1904 FNM_INT_FUNC_NAME fnm_int_func_name
  1905 FNM_STATUS fnm_status
  1906 FNM_OWNER_NAME fnm_owner_name
  1907 FNM_OWNER_ZONE fnm_owner_zone
  1908 FNM_COMMENT r_comment
  1909 FNM_CREATE_TIME create_ts
  1910 FNM_MODIFY_TIME modify_ts
R_QUOTA_MAIN
  2000 QUOTA_USER_ID user_id
  2001 QUOTA_RESC_ID resc_id
  2002 QUOTA_LIMIT quota_limit
  2003 QUOTA_OVER quota_over
  2004 QUOTA_MODIFY_TIME modify_ts
R_QUOTA_USAGE
  2010 QUOTA_USAGE_USER_ID user_id
  2011 QUOTA_USAGE_RESC_ID resc_id
  2012 QUOTA_USAGE quota_usage
  2013 QUOTA_USAGE_MODIFY_TIME modify_ts
R_MICROSRVC_MAIN
  2100 MSRVC_ID msrvc_id
  2101 MSRVC_NAME msrvc_name
  2102 MSRVC_SIGNATURE msrvc_signature
  2103 MSRVC_DOXYGEN msrvc_doxygen
  2104 MSRVC_VARIATIONS msrvc_variations
  2106 MSRVC_OWNER_NAME msrvc_owner_name
  2107 MSRVC_OWNER_ZONE msrvc_owner_zone
  2108 MSRVC_COMMENT r_comment
  2109 MSRVC_CREATE_TIME create_ts
  2110 MSRVC_MODIFY_TIME modify_ts
  2116 MSRVC_MODULE_NAME msrvc_module_name
R_MICROSRVC_VER
  2105 MSRVC_STATUS msrvc_status
  2111 MSRVC_VERSION msrvc_version
  2112 MSRVC_HOST msrvc_host
  2113 MSRVC_LOCATION msrvc_location
  2114 MSRVC_LANGUAGE msrvc_language
  2115 MSRVC_TYPE_NAME msrvc_type_name
  2150 MSRVC_VER_OWNER_NAME msrvc_owner_name
  2151 MSRVC_VER_OWNER_ZONE msrvc_owner_zone
  2152 MSRVC_VER_COMMENT r_comment
  2153 MSRVC_VER_CREATE_TIME create_ts
  2154 MSRVC_VER_MODIFY_TIME modify_ts
r_msrvc_meta_main = R_META_MAIN
  626 META_NAMESPACE_MSRVC meta_namespace
  670 META_MSRVC_ATTR_NAME meta_attr_name
  671 META_MSRVC_ATTR_VALUE meta_attr_value
  672 META_MSRVC_ATTR_UNITS meta_attr_unit
  673 META_MSRVC_ATTR_ID meta_id
  674 META_MSRVC_CREATE_TIME create_ts
  675 META_MSRVC_MODIFY_TIME modify_ts
r_msrvc_tokn_accs = R_TOKN_MAIN
  751 MSRVC_ACCESS_NAME token_name
  752 MSRVC_TOKEN_NAMESPACE token_namespace
R_TICKET_MAIN
  2200 TICKET_ID ticket_id
  2201 TICKET_STRING ticket_string
  2202 TICKET_TYPE ticket_type
  2203 TICKET_USER_ID user_id
  2204 TICKET_OBJECT_ID object_id
  2205 TICKET_OBJECT_TYPE object_type
  2206 TICKET_USES_LIMIT uses_limit
  2207 TICKET_USES_COUNT uses_count
  2208 TICKET_EXPIRY ticket_expiry_ts
  2209 TICKET_CREATE_TIME create_ts
  2210 TICKET_MODIFY_TIME modify_ts
  2211 TICKET_WRITE_FILE_COUNT write_file_count
  2212 TICKET_WRITE_FILE_LIMIT write_file_limit
  2213 TICKET_WRITE_BYTE_COUNT write_byte_count
  2214 TICKET_WRITE_BYTE_LIMIT write_byte_limit
R_TICKET_ALLOWED_HOSTS
  2220 TICKET_ALLOWED_HOST_TICKET_ID ticket_id
  2221 TICKET_ALLOWED_HOST host
R_TICKET_ALLOWED_USERS
  2222 TICKET_ALLOWED_USER_TICKET_ID ticket_id
  2223 TICKET_ALLOWED_USER_NAME user_name
R_TICKET_ALLOWED_GROUPS
  2224 TICKET_ALLOWED_GROUP_TICKET_ID ticket_id
  2225 TICKET_ALLOWED_GROUP_NAME group_name
r_ticket_coll_main = R_COLL_MAIN cycler
  2228 TICKET_COLL_NAME coll_name
r_ticket_user_main = R_USER_MAIN cycler
  2229 TICKET_OWNER_NAME user_name
  2230 TICKET_OWNER_ZONE zone_name
r_ticket_data_coll_main = R_COLL_MAIN cycler
  2227 TICKET_DATA_COLL_NAME coll_name
"""

# table, table, condition
_LINKS = """\
R_COLL_MAIN R_DATA_MAIN R_COLL_MAIN.coll_id = R_DATA_MAIN.coll_id
R_RESC_GROUP R_RESC_MAIN R_RESC_GROUP.resc_id = R_RESC_MAIN.resc_id
R_RESC_MAIN r_resc_metamap R_RESC_MAIN.resc_id = r_resc_metamap.object_id
R_RESC_MAIN R_DATA_MAIN R_RESC_MAIN.resc_id = R_DATA_MAIN.resc_id
R_RESC_GROUP r_resc_grp_metamap R_RESC_GROUP.resc_group_id = r_resc_grp_metamap.object_id
R_COLL_MAIN r_coll_metamap R_COLL_MAIN.coll_id = r_coll_metamap.object_id
R_DATA_MAIN r_data_metamap R_DATA_MAIN.data_id = r_data_metamap.object_id
R_RULE_MAIN r_rule_metamap R_RULE_MAIN.rule_id = r_rule_metamap.object_id
R_USER_MAIN r_user_metamap R_USER_MAIN.user_id = r_user_metamap.object_id
R_RESC_MAIN r_resc_access R_RESC_MAIN.resc_id = r_resc_access.object_id
R_COLL_MAIN r_coll_access R_COLL_MAIN.coll_id = r_coll_access.object_id
R_DATA_MAIN r_data_access R_DATA_MAIN.data_id = r_data_access.object_id
R_RULE_MAIN r_rule_access R_RULE_MAIN.rule_id = r_rule_access.object_id
r_resc_metamap r_resc_meta_main r_resc_metamap.meta_id = r_resc_meta_main.meta_id
r_resc_grp_metamap r_resc_grp_meta_main r_resc_grp_metamap.meta_id = r_resc_grp_meta_main.meta_id
r_coll_metamap r_coll_meta_main r_coll_metamap.meta_id = r_coll_meta_main.meta_id
r_data_metamap r_data_meta_main r_data_metamap.meta_id = r_data_meta_main.meta_id
r_rule_metamap r_rule_meta_main r_rule_metamap.meta_id = r_rule_meta_main.meta_id
r_user_metamap r_user_meta_main r_user_metamap.meta_id = r_user_meta_main.meta_id
r_resc_access r_resc_tokn_accs r_resc_access.access_type_id = r_resc_tokn_accs.token_id
r_resc_access r_resc_user_group r_resc_access.user_id = r_resc_user_group.group_user_id
r_coll_access r_coll_tokn_accs r_coll_access.access_type_id = r_coll_tokn_accs.token_id
r_coll_access r_coll_user_group r_coll_access.user_id = r_coll_user_group.group_user_id
r_data_access r_data_tokn_accs r_data_access.access_type_id = r_data_tokn_accs.token_id
r_data_access r_data_user_group r_data_access.user_id = r_data_user_group.group_user_id
r_rule_access r_rule_tokn_accs r_rule_access.access_type_id = r_rule_tokn_accs.token_id
r_resc_user_group r_resc_user_main r_resc_user_group.user_id = r_resc_user_main.user_id
r_coll_user_group r_coll_user_main r_coll_user_group.user_id = r_coll_user_main.user_id
r_data_user_group r_data_user_main r_data_user_group.user_id = r_data_user_main.user_id
R_USER_MAIN R_USER_AUTH R_USER_MAIN.user_id = R_USER_AUTH.user_id
R_USER_MAIN r_data_access R_USER_MAIN.user_id = r_data_access.user_id
R_USER_MAIN R_USER_GROUP R_USER_MAIN.user_id = R_USER_GROUP.user_id
R_USER_GROUP r_group_main R_USER_GROUP.group_user_id = r_group_main.user_id
R_USER_MAIN R_OBJT_AUDIT R_USER_MAIN.user_id = R_OBJT_AUDIT.user_id
R_QUOTA_MAIN r_quota_user_main R_QUOTA_MAIN.user_id = r_quota_user_main.user_id
R_QUOTA_MAIN r_quota_resc_main R_QUOTA_MAIN.resc_id = r_quota_resc_main.resc_id
R_QUOTA_MAIN r_quota_user_group R_QUOTA_MAIN.user_id = r_quota_user_group.user_id
R_QUOTA_USAGE r_quota_user_main R_QUOTA_USAGE.user_id = r_quota_user_main.user_id
R_QUOTA_USAGE r_quota_resc_main R_QUOTA_USAGE.resc_id = r_quota_resc_main.resc_id
R_QUOTA_USAGE r_quota_user_group R_QUOTA_USAGE.user_id = r_quota_user_group.user_id
R_RULE_BASE_MAP R_RULE_MAIN R_RULE_BASE_MAP.rule_id = R_RULE_MAIN.rule_id
R_RULE_DVM_MAP R_RULE_DVM R_RULE_DVM_MAP.dvm_id = R_RULE_DVM.dvm_id
R_RULE_FNM_MAP R_RULE_FNM R_RULE_FNM_MAP.fnm_id = R_RULE_FNM.fnm_id
R_MICROSRVC_MAIN R_MICROSRVC_VER R_MICROSRVC_MAIN.msrvc_id = R_MICROSRVC_VER.msrvc_id
R_MICROSRVC_MAIN r_msrvc_metamap R_MICROSRVC_MAIN.msrvc_id = r_msrvc_metamap.object_id
r_msrvc_metamap r_msrvc_meta_main r_msrvc_metamap.meta_id = r_msrvc_meta_main.meta_id
R_MICROSRVC_MAIN r_msrvc_access R_MICROSRVC_MAIN.msrvc_id = r_msrvc_access.object_id
r_msrvc_access r_msrvc_tokn_accs r_msrvc_access.access_type_id = r_msrvc_tokn_accs.token_id
R_TICKET_MAIN R_TICKET_ALLOWED_HOSTS R_TICKET_MAIN.ticket_id = R_TICKET_ALLOWED_HOSTS.ticket_id
R_TICKET_MAIN R_TICKET_ALLOWED_USERS R_TICKET_MAIN.ticket_id = R_TICKET_ALLOWED_USERS.ticket_id
R_TICKET_MAIN R_TICKET_ALLOWED_GROUPS R_TICKET_MAIN.ticket_id = R_TICKET_ALLOWED_GROUPS.ticket_id
R_TICKET_MAIN R_DATA_MAIN R_TICKET_MAIN.object_id = R_DATA_MAIN.data_id
R_TICKET_MAIN r_ticket_coll_main R_TICKET_MAIN.object_id = r_ticket_coll_main.coll_id
R_TICKET_MAIN r_ticket_data_coll_main R_TICKET_MAIN.object_id = R_DATA_MAIN.data_id\
 AND R_DATA_MAIN.coll_id = r_ticket_data_coll_main.coll_id
R_TICKET_MAIN r_ticket_user_main R_TICKET_MAIN.user_id = r_ticket_user_main.user_id
"""


@dataclass(frozen=True)
class Column:
    """A column of GenQuery."""

    number: int
    name: str
    table: str
    column: str

    @property
    def sql(self) -> str:
        """As it is written in SQL."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True)
class Table:
    """A table of the catalog under the name that a query uses for it."""

    alias: str
    table: str
    cycler: bool

    @property
    def sql(self) -> str:
        """As it is written after FROM."""
        return self.table if self.alias == self.table else f"{self.table} {self.alias}"


@dataclass(frozen=True)
class Link:
    """Two tables and the condition that joins them."""

    left: str
    right: str
    condition: str


def _parse_tables() -> tuple[dict[str, Table], dict[int, Column]]:
    tables: dict[str, Table] = {}
    columns: dict[int, Column] = {}
    alias = ""
    for line in _TABLES.splitlines():
        words = line.split()
        if line.startswith(" "):
            number, name, column = words
            columns[int(number)] = Column(int(number), "" if name == "-" else name, alias, column)
        else:
            alias = words[0]
            tables[alias] = Table(alias, words[2] if "=" in words else alias, words[-1] == "cycler")
    return tables, columns


TABLES, COLUMNS = _parse_tables()
LINKS: tuple[Link, ...] = tuple(Link(*line.split(" ", 2)) for line in _LINKS.splitlines())
BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS.values() if column.name}
