"""The rows of R_TOKN_MAIN and R_SPECIFIC_QUERY in a fresh zone: words and stored queries, as data.

Values are those of a fresh 5.0.2 zone (some access levels got underscores on the way to 5.x,
kept their blanks). The stored queries answer what the real ones answer, in SQL that SQLite runs. No function here
touches a database.
"""

from __future__ import annotations

from collections.abc import Iterator

_STAMP = "1170000000"

# (namespace, first id, names in order)
_PLAIN: tuple[tuple[str, int, tuple[str, ...]], ...] = (
    (
        "token_namespace",
        0,
        (
            "zone_type",
            "user_type",
            "data_type",
            "resc_type",
            "action_type",
            "rulexec_type",
            "access_type",
            "object_type",
            "resc_class",
            "coll_map",
            "auth_scheme_type",
        ),
    ),
    ("object_type", 300, ("data", "resource", "user", "rule", "metadata", "zone", "collection", "token")),
    (
        "resc_type",
        400,
        (
            "unixfilesystem",
            "hpss file system",
            "windows file system",
            "s3",
            "MSS universal driver",
            "database",
            "mso",
        ),
    ),
    ("rulexec_type", 600, ("immediate", "delayed", "queued", "before", "after", "concurrent")),
    ("coll_map", 1400, ("generic", "direct", "hard link", "soft link")),
    ("auth_scheme_type", 1500, ("SPASSWORD", "GSI")),
    ("action_type", 1800, ("generic",)),
)

_WITH_VALUES: tuple[tuple[str, int, str, str, str], ...] = (
    ("zone_type", 100, "local", "", "native zone of this iCAT"),
    ("zone_type", 101, "remote", "", "foreign zone"),
    ("user_type", 200, "rodsgroup", "", "rods group users"),
    ("user_type", 201, "rodsadmin", "", "rods administrators"),
    ("user_type", 202, "rodsuser", "", "normal rods user"),
    ("user_type", 204, "groupadmin", "", "user group administrators"),
)

# As the catalog spells them: these names reach clients (ils -A, GenQuery).
_ACCESS_NAMES: tuple[tuple[int, str], ...] = (
    (1000, "null"),
    (1010, "execute"),
    (1020, "read annotation"),
    (1030, "read system metadata"),
    (1040, "read_metadata"),
    (1050, "read_object"),
    (1060, "write annotation"),
    (1070, "create_metadata"),
    (1080, "modify_metadata"),
    (1090, "delete_metadata"),
    (1100, "administer object"),
    (1110, "create_object"),
    (1120, "modify_object"),
    (1130, "delete_object"),
    (1140, "create token"),
    (1150, "delete token"),
    (1160, "curate"),
    (1200, "own"),
)

# id;name;value;value2 (MIME type and file extensions, as far as iRODS gives them)
_DATA_TYPES = """\
1600;generic;;
1601;text;text/text;|.txt|
1602;ascii text;text/text;|.txt|
1603;ascii compressed Lempel-Ziv;;|.z|.zip|.gz|
1604;ascii compressed Huffman;;|.z|.zip|.gz|
1605;ebcdic text;text/text;|.txt|
1606;ebcdic compressed Lempel-Ziv;;|.z|.zip|.gz|
1607;ebcdic compressed Huffman;;|.z|.zip|.gz|
1608;image;;
1609;tiff image;image/tiff;|.tif|.tiff|
1610;uuencoded tiff;text/text;|.uu|
1611;gif image;image/gif;|.gif|
1612;jpeg image;image/jpeg;|.jpeg|.jpg|
1613;pbm image;image/pbm;|.pbm|
1614;fig image;image/fig;|.fig|
1615;FITS image;application/x-fits;|.fits|.fit|
1616;DICOM image;application/dicom;|.IMA|.ima|
1617;print-format;;
1618;LaTeX format;text/text;|.tex|
1619;Troff format;text/text;|.trf|.trof|
1620;Postscript format;application/postscript;|.ps|
1621;DVI format;application/dvi;|.dvi|
1622;Word format;application/msword;|.doc|.rtf|
1623;program code;text/text;
1624;SQL script;text/text;|.sql|
1625;C code;text/text;|.c|
1626;C include file;text/text;|.c|
1627;fortran code;text/text;|.f|
1628;object code;;|.o|
1629;library code;;|.a|
1630;data file;;|.dat|
1631;html;text/html;|.htm|.html|
1632;SGML File;text/sgml;|.sgm|.sgml|
1633;Wave Audio;audio/x-wav;|.wav|
1634;tar file;text/text;|.tar|
1635;compressed tar file;|.tz|.tgz|.zip|;
1636;java code;text/text;|.jav|.java|
1637;perl script;text/text;|.pl|
1638;tcl script;text/text;|.tcl|
1639;link code;;|.o|
1640;shadow object;;
1641;database shadow object;;
1642;directory shadow object;;
1643;database;;
1644;streams;;
1645;audio streams;;
1646;realAudio;audio/x-pn-realaudio;|.ra|
1647;video streams;;
1648;realVideo;audio/x-pn-realaudio;|.rv|
1649;MPEG;video/mpeg;|.mpeg|.mpg|
1650;AVI;video/msvideo;|.avi|
1651;PNG-Portable Network Graphics;image/png;|.png|
1652;MP3 - MPEG Audio;audio/x-mpeg;|.mp3|.mpa|
1653;WMV-Windows Media Video;video/x-wmv;|.wmv|
1654;BMP -Bit Map;image/bmp;|.bmp|
1655;CSS-Cascading Style Sheet;;
1656;xml;text/xml;|.xml|
1657;Slide;;
1658;Power Point Slide;application/vnd.ms-powerpoint;|.ppt|
1659;Spread Sheet;;
1660;Excel Spread Sheet;application/x-msexcel;|.xls|
1661;Document;;
1622;MSWord Document;application/msword;|.doc|.rtf|
1663;PDF Document;application/pdf;|.pdf|
1664;Executable;;
1665;NT Executable;;
1666;Solaris Executable;;
1667;AIX Executable;;
1668;Mac Executable;;
1669;Mac OSX Executable;;
1670;Cray Executable;;
1671;SGI Executable;;
1672;DLL;;
1673;NT DLL;;
1674;Solaris DLL;;
1675;AIX DLL;;
1676;Mac DLL;;
1677;Cray DLL;;
1678;SGI DLL;;
1679;Movie;;
1680;MPEG Movie;video/mpeg;|.mpeg|.mpg|
1681;MPEG 3 Movie;video/mpeg;|.mpeg|.mpg|
1682;Quicktime Movie;video/quicktime;|.mov|
1683;compressed file;;
1684;compressed mmCIF file;;|.cif|.mmcif|
1685;compressed PDB file;;|.pdb|
1686;binary file;;
1687;URL;text/html;|.htm|.html|
1688;NSF Award Abstracts;text/text;
1689;email;text/text;
1690;orb data;;
1691;datascope data;;
1692;DICOM header;;
1693;XML Schema;text/xml;|.xsd|
1694;tar bundle;;
1695;database object;text;
1696;mso;;
1697;gzipTar;;|.tar.gz|
1698;bzip2Tar;;|.tar.bz2|
1699;gzipFile;;|.gz|
1700;bzip2File;;|.bz2|
1701;zipFile;;|.zip|
1702;gzipTar bundle;;
1703;bzip2Tar bundle;;
1704;zipFile bundle;;
1705;msso file;;
"""

_SPECIFIC_QUERIES: tuple[tuple[str, str, str], ...] = (
    ("ls", "select alias, sqlStr from R_SPECIFIC_QUERY", "01292940000"),
    ("lsl", "select alias, sqlStr from R_SPECIFIC_QUERY where sqlStr like ?", "01292940000"),
    (
        "ShowCollAcls",
        "select distinct u.user_name, u.zone_name, t.token_name, u.user_type_name from R_COLL_MAIN c"
        " join R_OBJT_ACCESS a on a.object_id = c.coll_id join R_USER_MAIN u on u.user_id = a.user_id"
        " join R_TOKN_MAIN t on t.token_id = a.access_type_id and t.token_namespace = 'access_type'"
        " where c.coll_name = ? order by 1, 2, 3, 4",
        "01342019000",
    ),
    ("listQueryByAliasLike", "SELECT alias, sqlStr FROM R_SPECIFIC_QUERY WHERE alias LIKE ?", "1388534400"),
    ("findQueryByAlias", "SELECT alias, sqlStr FROM R_SPECIFIC_QUERY WHERE alias = ?", "1388534400"),
    (
        "ilsLACollections",
        "SELECT c.parent_coll_name, c.coll_name, c.create_ts, c.modify_ts, c.coll_id, c.coll_owner_name,"
        " c.coll_owner_zone, c.coll_type, u.user_name, u.zone_name, a.access_type_id, u.user_id FROM R_COLL_MAIN c"
        " JOIN R_OBJT_ACCESS a ON c.coll_id = a.object_id JOIN R_USER_MAIN u ON a.user_id = u.user_id"
        " WHERE c.parent_coll_name = ? ORDER BY c.coll_name, u.user_name, a.access_type_id DESC LIMIT ? OFFSET ?",
        "1388534400",
    ),
    (
        "ilsLADataObjects",
        "SELECT c.coll_name, d.data_name, d.create_ts, d.modify_ts, d.data_id, d.data_size, d.data_repl_num,"
        " d.data_owner_name, d.data_owner_zone, u.user_name, u.user_id, a.access_type_id, u.user_type_name,"
        " u.zone_name FROM R_COLL_MAIN c JOIN R_DATA_MAIN d ON c.coll_id = d.coll_id"
        " JOIN R_OBJT_ACCESS a ON d.data_id = a.object_id JOIN R_USER_MAIN u ON a.user_id = u.user_id"
        " WHERE c.coll_name = ? ORDER BY c.coll_name, d.data_name, u.user_name, a.access_type_id DESC"
        " LIMIT ? OFFSET ?",
        "1388534400",
    ),
    (
        "listSharedCollectionsOwnedByUser",
        "SELECT DISTINCT c.coll_id, c.parent_coll_name, c.coll_name, c.coll_owner_name, c.coll_owner_zone,"
        " m.meta_attr_name, m.meta_attr_value, m.meta_attr_unit FROM R_COLL_MAIN c"
        " JOIN R_OBJT_METAMAP o ON c.coll_id = o.object_id JOIN R_META_MAIN m ON o.meta_id = m.meta_id"
        " WHERE m.meta_attr_unit = 'iRODSUserTagging:Share' AND c.coll_owner_name = ? AND c.coll_owner_zone = ?"
        " ORDER BY c.parent_coll_name, c.coll_name",
        "1388534400",
    ),
    (
        "listSharedCollectionsSharedWithUser",
        "SELECT DISTINCT c.coll_id, c.parent_coll_name, c.coll_name, c.coll_owner_name, c.coll_owner_zone,"
        " m.meta_attr_name, m.meta_attr_value, m.meta_attr_unit, u.user_name, u.zone_name, a.access_type_id"
        " FROM R_COLL_MAIN c JOIN R_OBJT_METAMAP o ON c.coll_id = o.object_id"
        " JOIN R_META_MAIN m ON o.meta_id = m.meta_id JOIN R_OBJT_ACCESS a ON c.coll_id = a.object_id"
        " JOIN R_USER_MAIN u ON a.user_id = u.user_id WHERE m.meta_attr_unit = 'iRODSUserTagging:Share'"
        " AND u.user_name = ? AND u.zone_name = ? AND c.coll_owner_name <> ?"
        " ORDER BY c.parent_coll_name, c.coll_name",
        "1388534400",
    ),
    (
        "listUserACLForDataObjViaGroup",
        "SELECT u.user_name, u.user_id, a.access_type_id, u.user_type_name, u.zone_name, c.coll_name, d.data_name,"
        " g.user_name, d.data_name, c.coll_name FROM R_USER_GROUP ug JOIN R_USER_MAIN u ON ug.user_id = u.user_id"
        " JOIN R_USER_MAIN g ON g.user_id = ug.group_user_id JOIN R_OBJT_ACCESS a ON ug.group_user_id = a.user_id"
        " JOIN R_DATA_MAIN d ON a.object_id = d.data_id JOIN R_COLL_MAIN c ON d.coll_id = c.coll_id"
        " WHERE c.coll_name = ? AND d.data_name = ? AND u.user_name = ?"
        " ORDER BY c.coll_name, d.data_name, u.user_name, a.access_type_id DESC",
        "1388534400",
    ),
    (
        "listUserACLForCollectionViaGroup",
        "SELECT u.user_name, u.user_id, a.access_type_id, u.user_type_name, u.zone_name, c.coll_name, g.user_name,"
        " c.coll_name FROM R_USER_GROUP ug JOIN R_USER_MAIN u ON ug.user_id = u.user_id"
        " JOIN R_USER_MAIN g ON g.user_id = ug.group_user_id JOIN R_OBJT_ACCESS a ON ug.group_user_id = a.user_id"
        " JOIN R_COLL_MAIN c ON a.object_id = c.coll_id WHERE c.coll_name = ? AND u.user_name = ?"
        " ORDER BY c.coll_name, u.user_name, a.access_type_id DESC",
        "1388534400",
    ),
    (
        "DataObjInCollReCur",
        "SELECT DISTINCT d.data_id, c.coll_name, d.data_name, d.data_repl_num, d.resc_name, d.data_path, d.resc_id"
        " FROM R_DATA_MAIN d JOIN R_COLL_MAIN c ON c.coll_id = d.coll_id WHERE c.coll_name = ? OR c.coll_name LIKE ?"
        " ORDER BY c.coll_name, d.data_name, d.data_repl_num",
        "1388534400",
    ),
    (
        "listGroupsForUser",
        "select ug.group_user_id, g.user_name from R_USER_GROUP ug join R_USER_MAIN g on ug.group_user_id = g.user_id"
        " where g.user_type_name = 'rodsgroup' and ug.user_id ="
        " (select user_id from R_USER_MAIN where user_name = ? and user_type_name != 'rodsgroup')",
        "1580297960",
    ),
)


def token_rows() -> Iterator[tuple[str, int, str, str, str, str, str, str]]:
    """(namespace, id, name, value, value2, value3, created, modified) of every token."""
    for namespace, first, names in _PLAIN:
        for number, name in enumerate(names, first):
            yield namespace, number, name, "", "", "", _STAMP, _STAMP
    for namespace, number, name, value, value2 in _WITH_VALUES:
        yield namespace, number, name, value, value2, "", _STAMP, _STAMP
    for number, name in _ACCESS_NAMES:
        yield "access_type", number, name, "", "", "", _STAMP, _STAMP
    for line in _DATA_TYPES.splitlines():
        number_text, name, value, value2 = line.split(";")
        yield "data_type", int(number_text), name, value, value2, "", _STAMP, _STAMP


def specific_query_rows() -> tuple[tuple[str, str, str], ...]:
    """(alias, SQL, created) of every stored query of a fresh zone."""
    return _SPECIFIC_QUERIES
