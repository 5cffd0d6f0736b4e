"""API calls about the server itself: its version, its features, its storage."""

from __future__ import annotations

import json

from irods_zone import errors
from irods_zone.api.registry import Call, Reply, Result, serve
from irods_zone.catalog import settings
from irods_zone.errors import IrodsError
from irods_zone.operations import resources
from irods_zone.session import Session

RELEASE = "rods5.0.2"
API_VERSION = "d"
_PROVIDER = 1

# The features in `rcGetLibraryFeatures` of a 5.0.2 server that this zone serves.
FEATURES = {
    "IRODS_HAS_LIBRARY_TICKET_ADMINISTRATION": 20220923,
    "IRODS_HAS_API_ENDPOINT_SWITCH_USER": 20230225,
    "IRODS_HAS_FEATURE_KEYWORD_REGISTER_AS_INTERMEDIATE": 20200423,
}


@serve(700, "get_misc_svr_info", None, "MiscSvrInfo_PI")
def _server_info(session: Session, call: Call) -> Result:
    record = {
        "serverType": _PROVIDER,
        # 5.0.2 always sends this, whenever it was started.
        "serverBootTime": 0,
        "relVersion": RELEASE,
        "apiVersion": API_VERSION,
        "rodsZone": session.config.zone_name,
        "BinBytesBuf_PI": {"buf": b'{"ssl_enabled":false}'},
    }
    return Reply(0, record)


@serve(801, "get_library_features", None, "STR_PI")
def _features(session: Session, call: Call) -> Result:
    return Reply(0, {"myStr": json.dumps(FEATURES, separators=(",", ":"), sort_keys=True)})


@serve(1203, "get_hierarchy_for_resc", "getHierarchyForRescInp_PI", "getHierarchyForRescOut_PI")
def _hierarchy(session: Session, call: Call) -> Result:
    return Reply(0, {"resc_hier_": resources.by_name(session, call.record["resc_name_"]).hierarchy})


@serve(1204, "get_hierarchy_from_leaf_id", "GetHierInp_PI", "GetHierOut_PI")
def _hierarchy_of_leaf(session: Session, call: Call) -> Result:
    return Reply(0, {"hier_": resources.by_id(session, call.record["resc_id_"]).hierarchy})


@serve(10220, "get_resource_info_for_operation", "DataObjInp_PI", "STR_PI")
def _resource_for_operation(session: Session, call: Call) -> Result:
    chosen = resources.for_operation(session, call.record["objPath"], call.record["KeyValPair_PI"])
    return Reply(0, {"myStr": json.dumps({"host": chosen.host, "resource_hierarchy": chosen.hierarchy})})


@serve(718, "end_transaction", "endTransactionInp_PI")
def _end_transaction(session: Session, call: Call) -> Result:
    if not session.client.is_admin:
        raise IrodsError(errors.CAT_INSUFFICIENT_PRIVILEGE_LEVEL)
    return None


@serve(20009, "get_grid_configuration_value", "GridConfigurationInp_PI", "GridConfigurationOut_PI", admins_only=True)
def _grid_configuration(session: Session, call: Call) -> Result:
    value = settings.grid_value(session.db, call.record["name_space"] or "", call.record["option_name"] or "")
    return Reply(0, {"option_value": value})
