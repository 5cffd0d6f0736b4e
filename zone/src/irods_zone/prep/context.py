"""The connection and the current object, as rules see them: `rei`, and the connection's part of a context."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from irods_zone.catalog.users import User
from irods_zone.prep.types import AuthInfo, DataObjInfo, RsComm, RuleExecInfo, UserInfo
from irods_zone.session import Session

# LOCAL_PRIV_USER_AUTH and LOCAL_USER_AUTH.
ADMIN_FLAG = 5
USER_FLAG = 3


def auth_flag(user: User) -> int:
    """The level of trust of a user, as a number."""
    return ADMIN_FLAG if user.is_admin else USER_FLAG


def connection_entries(session: Session) -> dict[str, str]:
    """The connection's entries in PluginContext.map()."""
    entries = {
        "client_addr": session.client_address,
        "auth_scheme": "native",
        "socket": "0",
        "connect_count": "0",
        "status": "0",
        "api_index": str(session.api_number),
        "option": session.option,
    }
    for prefix, auth, user in (
        ("proxy_", "proxy_auth_info_", session.proxy),
        ("user_", "user_auth_info_", session.client),
    ):
        entries[f"{prefix}user_name"] = user.name
        entries[f"{prefix}rods_zone"] = user.zone
        entries[f"{prefix}user_type"] = ""  # a real server does not fill it in
        entries[f"{prefix}sys_uid"] = "0"
        entries[f"{auth}auth_scheme"] = ""
        entries[f"{auth}auth_flag"] = str(auth_flag(user))
        entries[f"{auth}flag"] = "0"
        entries[f"{auth}ppid"] = "0"
        entries[f"{auth}host"] = ""
        entries[f"{auth}auth_str"] = ""
    for prefix in ("proxy_user_other_info_", "user_user_other_info_"):
        for name in ("user_info", "user_comments", "user_create", "user_modify"):
            entries[prefix + name] = ""
    return entries


def user_info(user: User) -> UserInfo:
    """A user as rules see one."""
    return UserInfo(userName=user.name, rodsZone=user.zone, userType="", authInfo=AuthInfo(authFlag=auth_flag(user)))


# Points whose rules a real server runs without the client's identity.
_ANONYMOUS = (
    "acPostProcForDataCopyReceived",
    "acPostProcForParallelTransferReceived",
    "acPreProcForServerPortal",
    "acPostProcForServerPortal",
)


def rule_exec_info(session: Session, rule: str, doi: Mapping[str, Any] | None) -> RuleExecInfo:
    """`rei` for one run of a rule; `doi` describes the current replica, by the members of DataObjInfo."""
    client, proxy = user_info(session.client), user_info(session.proxy)
    comm = RsComm(
        clientAddr=session.client_address,
        clientUser=client,
        proxyUser=proxy,
        option=session.option,
        apiInx=session.api_number,
    )
    return RuleExecInfo(
        ruleName=rule,
        rsComm=comm,
        uoic=None if rule in _ANONYMOUS else client,
        uoip=None if rule in _ANONYMOUS else proxy,
        doi=None if doi is None else DataObjInfo(**{k: v for k, v in doi.items() if k in DataObjInfo._MEMBERS}),
    )
