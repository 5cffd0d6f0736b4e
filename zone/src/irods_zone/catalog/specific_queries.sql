-- The stored queries of a fresh zone. They answer what the real ones answer, in SQL that SQLite runs.
-- A line "-- ALIAS CREATED" begins each; its lines are joined by blanks.

-- ls 01292940000
select alias, sqlStr from R_SPECIFIC_QUERY

-- lsl 01292940000
select alias, sqlStr from R_SPECIFIC_QUERY where sqlStr like ?

-- ShowCollAcls 01342019000
select distinct u.user_name, u.zone_name, t.token_name, u.user_type_name from R_COLL_MAIN c join R_OBJT_ACCESS a on
a.object_id = c.coll_id join R_USER_MAIN u on u.user_id = a.user_id join R_TOKN_MAIN t on t.token_id = a.access_type_id
and t.token_namespace = 'access_type' where c.coll_name = ? order by 1, 2, 3, 4

-- listQueryByAliasLike 1388534400
SELECT alias, sqlStr FROM R_SPECIFIC_QUERY WHERE alias LIKE ?

-- findQueryByAlias 1388534400
SELECT alias, sqlStr FROM R_SPECIFIC_QUERY WHERE alias = ?

-- ilsLACollections 1388534400
SELECT c.parent_coll_name, c.coll_name, c.create_ts, c.modify_ts, c.coll_id, c.coll_owner_name, c.coll_owner_zone,
c.coll_type, u.user_name, u.zone_name, a.access_type_id, u.user_id FROM R_COLL_MAIN c JOIN R_OBJT_ACCESS a ON c.coll_id
= a.object_id JOIN R_USER_MAIN u ON a.user_id = u.user_id WHERE c.parent_coll_name = ? ORDER BY c.coll_name,
u.user_name, a.access_type_id DESC LIMIT ? OFFSET ?

-- ilsLADataObjects 1388534400
SELECT c.coll_name, d.data_name, d.create_ts, d.modify_ts, d.data_id, d.data_size, d.data_repl_num, d.data_owner_name,
d.data_owner_zone, u.user_name, u.user_id, a.access_type_id, u.user_type_name, u.zone_name FROM R_COLL_MAIN c JOIN
R_DATA_MAIN d ON c.coll_id = d.coll_id JOIN R_OBJT_ACCESS a ON d.data_id = a.object_id JOIN R_USER_MAIN u ON a.user_id =
u.user_id WHERE c.coll_name = ? ORDER BY c.coll_name, d.data_name, u.user_name, a.access_type_id DESC LIMIT ? OFFSET ?

-- listSharedCollectionsOwnedByUser 1388534400
SELECT DISTINCT c.coll_id, c.parent_coll_name, c.coll_name, c.coll_owner_name, c.coll_owner_zone, m.meta_attr_name,
m.meta_attr_value, m.meta_attr_unit FROM R_COLL_MAIN c JOIN R_OBJT_METAMAP o ON c.coll_id = o.object_id JOIN R_META_MAIN
m ON o.meta_id = m.meta_id WHERE m.meta_attr_unit = 'iRODSUserTagging:Share' AND c.coll_owner_name = ? AND
c.coll_owner_zone = ? ORDER BY c.parent_coll_name, c.coll_name

-- listSharedCollectionsSharedWithUser 1388534400
SELECT DISTINCT c.coll_id, c.parent_coll_name, c.coll_name, c.coll_owner_name, c.coll_owner_zone, m.meta_attr_name,
m.meta_attr_value, m.meta_attr_unit, u.user_name, u.zone_name, a.access_type_id FROM R_COLL_MAIN c JOIN R_OBJT_METAMAP o
ON c.coll_id = o.object_id JOIN R_META_MAIN m ON o.meta_id = m.meta_id JOIN R_OBJT_ACCESS a ON c.coll_id = a.object_id
JOIN R_USER_MAIN u ON a.user_id = u.user_id WHERE m.meta_attr_unit = 'iRODSUserTagging:Share' AND u.user_name = ? AND
u.zone_name = ? AND c.coll_owner_name <> ? ORDER BY c.parent_coll_name, c.coll_name

-- listUserACLForDataObjViaGroup 1388534400
SELECT u.user_name, u.user_id, a.access_type_id, u.user_type_name, u.zone_name, c.coll_name, d.data_name, g.user_name,
d.data_name, c.coll_name FROM R_USER_GROUP ug JOIN R_USER_MAIN u ON ug.user_id = u.user_id JOIN R_USER_MAIN g ON
g.user_id = ug.group_user_id JOIN R_OBJT_ACCESS a ON ug.group_user_id = a.user_id JOIN R_DATA_MAIN d ON a.object_id =
d.data_id JOIN R_COLL_MAIN c ON d.coll_id = c.coll_id WHERE c.coll_name = ? AND d.data_name = ? AND u.user_name = ?
ORDER BY c.coll_name, d.data_name, u.user_name, a.access_type_id DESC

-- listUserACLForCollectionViaGroup 1388534400
SELECT u.user_name, u.user_id, a.access_type_id, u.user_type_name, u.zone_name, c.coll_name, g.user_name, c.coll_name
FROM R_USER_GROUP ug JOIN R_USER_MAIN u ON ug.user_id = u.user_id JOIN R_USER_MAIN g ON g.user_id = ug.group_user_id
JOIN R_OBJT_ACCESS a ON ug.group_user_id = a.user_id JOIN R_COLL_MAIN c ON a.object_id = c.coll_id WHERE c.coll_name = ?
AND u.user_name = ? ORDER BY c.coll_name, u.user_name, a.access_type_id DESC

-- DataObjInCollReCur 1388534400
SELECT DISTINCT d.data_id, c.coll_name, d.data_name, d.data_repl_num, d.resc_name, d.data_path, d.resc_id FROM
R_DATA_MAIN d JOIN R_COLL_MAIN c ON c.coll_id = d.coll_id WHERE c.coll_name = ? OR c.coll_name LIKE ? ORDER BY
c.coll_name, d.data_name, d.data_repl_num

-- listGroupsForUser 1580297960
select ug.group_user_id, g.user_name from R_USER_GROUP ug join R_USER_MAIN g on ug.group_user_id = g.user_id where
g.user_type_name = 'rodsgroup' and ug.user_id = (select user_id from R_USER_MAIN where user_name = ? and user_type_name
!= 'rodsgroup')
