"""API calls on rules: run one now, queue, remove or change a delayed one."""

from __future__ import annotations

from irods_zone.api.registry import Call, Reply, Result, serve
from irods_zone.operations import rules
from irods_zone.prep import execution
from irods_zone.session import Session


@serve(625, "exec_my_rule", "ExecMyRuleInp_PI", "MsParamArray_PI")
def _execute(session: Session, call: Call) -> Result:
    return Reply(0, execution.execute(session, call.record))


@serve(623, "rule_exec_submit", "RULE_EXEC_SUBMIT_INP_PI")
def _submit(session: Session, call: Call) -> Result:
    rules.submit(session, call.record)
    return None


@serve(624, "rule_exec_del", "RULE_EXEC_DEL_INP_PI")
def _delete(session: Session, call: Call) -> Result:
    rules.delete(session, call.record["ruleExecId"])
    return None


@serve(708, "rule_exec_mod", "RULE_EXEC_MOD_INP_PI")
def _modify(session: Session, call: Call) -> Result:
    rules.modify(session, call.record["ruleId"], call.record["KeyValPair_PI"])
    return None
