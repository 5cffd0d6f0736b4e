"""API calls of administrators and about users: general admin, user admin, passwords."""

from __future__ import annotations

from irods_zone.api.registry import Call, Record, Reply, Result, serve
from irods_zone.operations import administration
from irods_zone.session import Session


def _arguments(record: Record) -> list[str]:
    return [record[f"arg{index}"] or "" for index in range(10)]


@serve(701, "general_admin", "generalAdminInp_PI", admins_only=True)
def _general_admin(session: Session, call: Call) -> Result:
    administration.general(session, _arguments(call.record))
    return None


@serve(714, "user_admin", "userAdminInp_PI")
def _user_admin(session: Session, call: Call) -> Result:
    administration.user(session, _arguments(call.record))
    return None


@serve(709, "get_temp_password", None, "getTempPasswordOut_PI")
def _temporary_password(session: Session, call: Call) -> Result:
    return Reply(0, {"stringToHashWith": administration.temporary_password(session)})


@serve(724, "get_temp_password_for_other", "getTempPasswordForOtherInp_PI", "getTempPasswordForOtherOut_PI")
def _temporary_password_for_other(session: Session, call: Call) -> Result:
    return Reply(0, {"stringToHashWith": administration.temporary_password(session, call.record["targetUser"] or "")})
