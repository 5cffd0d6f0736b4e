"""The hooks that iRODS calls, the smallest set that sees everything: for each, whether an event may be ours, and who
handles it then.

Imported in every agent, that is on every client connection, often without cached bytecode: so it is short, imports
nothing but `ova_rules.names`, and decides by string comparison. A hook never raises and never fails a command that is not
about a ready OVA: what goes wrong in our code goes to the server log.

Hook names and their arguments are iRODS's (docs/irods-facts.md). Each returns CONTINUE, so that rules of the same
name in the site's other rule engines run too, or a negative code, which denies.
"""

from ova_rules import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rule = Callable[[list[Any], Any, Any], int]

CONTINUE = 5000000
NOT_PERMITTED = -818000  # CAT_NO_ACCESS_PERMISSION
NOT_PRIVILEGED = -830000  # CAT_INSUFFICIENT_PRIVILEGE_LEVEL
_ADMINISTRATOR = 5  # authFlag of a local rodsadmin
_COLLECTION = ("-C", "-c")
OBJECT = ("-d", "-D")

# Where core.py lies, for the settings file beside it; core.py sets it.
settings_directory = "/etc/irods"


# Whether what happens now is our own doing.
paused = False


def _avu_that_counts(rule_args: "list[Any]", rei: "Any") -> bool:
    # operation, -C, path, …; `cp` has the kinds of both ends: cp, -C, -C, from, to
    kind = rule_args[2 if rule_args[0] == "cp" else 1]
    return kind in _COLLECTION or (kind in OBJECT and any(names.RELEASE in argument for argument in rule_args[3:]))


def _to_be_judged(rule_args: "list[Any]", rei: "Any") -> bool:
    # A fact, a control, or longer than a server can read
    return any("ova" in argument or len(argument) > 60 for argument in map(str, rule_args[3:]))


def _atomic_facts(rule_args: "list[Any]", rei: "Any") -> bool:
    request = bytes(rule_args[2].get_bytes())
    return b"ova" in request or b"\\u" in request or len(request) > 300


def _any(rule_args: "list[Any]", rei: "Any") -> bool:
    return True


def _package_written(rule_args: "list[Any]", rei: "Any") -> bool:
    return names.looks_like_package(str(rule_args[1].map()["logical_path"]))


def _package_registered(rule_args: "list[Any]", rei: "Any") -> bool:
    # One that is being created (status 2) is heard of when it is closed.
    return rei.doi is not None and int(rei.doi.replStatus) == 1 and _about_package(rule_args, rei)


def _about_package(rule_args: "list[Any]", rei: "Any") -> bool:
    return rei.doi is not None and names.looks_like_package(str(rei.doi.objPath))


def _may_be_ready_ova(rule_args: "list[Any]", rei: "Any") -> bool:
    return names.component_of(str(rule_args[2].objPath)) is not None


def _copy_of_ready_ova(rule_args: "list[Any]", rei: "Any") -> bool:
    ends = (rule_args[2].srcDataObjInp, rule_args[2].destDataObjInp)
    return any(names.component_of(str(end.objPath)) is not None for end in ends)


def _unlinks_package(rule_args: "list[Any]", rei: "Any") -> bool:
    return names.looks_like_package(str(rule_args[2].objPath))


def _not_from_the_delay_server(rule_args: "list[Any]", rei: "Any") -> bool:
    # It signs in as an administrator; the user of a job stands in the request only.
    return int(rei.uoip.authInfo.authFlag) < _ADMINISTRATOR


# name of the hook: (may the event be ours, the function in ova_rules.events.handlers, what a fault of ours answers)
_TABLE = {
    "acPreProcForModifyAVUMetadata": (_to_be_judged, "before_avu", NOT_PERMITTED),
    "acPostProcForModifyAVUMetadata": (_avu_that_counts, "after_avu", CONTINUE),
    "pep_api_atomic_apply_metadata_operations_pre": (_atomic_facts, "before_atomic_avus", NOT_PERMITTED),
    "pep_api_atomic_apply_metadata_operations_post": (_any, "after_atomic_avus", CONTINUE),
    "pep_resource_modified_post": (_package_written, "after_write", CONTINUE),
    "acPostProcForFilePathReg": (_package_registered, "after_registration", CONTINUE),
    "acPostProcForDelete": (_about_package, "after_removal", CONTINUE),
    "acPostProcForObjRename": (_any, "after_rename", CONTINUE),
    "pep_api_data_obj_get_pre": (_may_be_ready_ova, "before_read", CONTINUE),
    "pep_api_data_obj_open_pre": (_may_be_ready_ova, "before_open", CONTINUE),
    "pep_api_replica_open_pre": (_may_be_ready_ova, "before_open", CONTINUE),
    "pep_api_data_obj_put_pre": (_may_be_ready_ova, "before_put", CONTINUE),
    "pep_api_data_obj_copy_pre": (_copy_of_ready_ova, "before_copy", CONTINUE),
    "pep_api_data_obj_unlink_pre": (_unlinks_package, "before_unlink", CONTINUE),
    "pep_api_rm_coll_pre": (_any, "before_collection_removal", CONTINUE),
    "pep_api_rm_coll_post": (_any, "after_collection_removal", CONTINUE),
    "pep_api_exec_my_rule_pre": (_any, "before_rule_text", NOT_PRIVILEGED),
    "pep_api_exec_rule_expression_pre": (_not_from_the_delay_server, "before_rule_expression", NOT_PRIVILEGED),
}


def _rule(name: str) -> "Rule":
    ours, handler, on_fault = _TABLE[name]

    def rule(rule_args: "list[Any]", callback: "Any", rei: "Any") -> int:
        try:
            if paused or not ours(rule_args, rei):
                return CONTINUE
            from ova_rules.events import handlers

            answer: int = getattr(handlers, handler)(rule_args, callback, rei)
            return answer
        except Exception as error:
            from ova_rules.faults import report

            report(lambda text: callback.writeLine("serverLog", text), name, error)
            return on_fault

    return rule


RULES = {name: _rule(name) for name in _TABLE}


def ova_job(kind: str, mark: str, callback: "Any", rei: "Any") -> None:
    """What a delayed rule runs, as the user who queued it (see ova_rules/jobs.py). Raises, so that iRODS tries again."""
    from ova_rules.events import handlers

    handlers.run_job(kind, mark, callback, rei)


def ova_reconcile(callback: "Any", rei: "Any") -> None:
    """For an administrator's rule text: one line of JSON on stdout for each component that has to be built."""
    from ova_rules.events import handlers

    handlers.reconcile(callback, rei)


def ova_reconcile_job(callback: "Any") -> None:
    """What the recurring delayed rule of `ova-admin reconcile --every` runs. Raises what goes wrong."""
    from ova_rules.events import reconcile_job

    reconcile_job.run(callback)


# What core.py offers to delayed rules and rule text, beside the hooks.
JOBS = {"ova_job": ova_job, "ova_reconcile": ova_reconcile, "ova_reconcile_job": ova_reconcile_job}
