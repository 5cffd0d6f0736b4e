"""The hooks that iRODS calls, the smallest set that sees everything.

For each: whether an event may be ours, and which module then handles it.

Imported in every agent, that is on every client connection, often without cached bytecode: so it is short, imports
nothing but `agent` and `names`, and decides by string comparison. A hook never raises and never fails a command that is
not about a ready OVA. An error in our code, in a hook or a job, becomes one line in the server log.

Hook names and their arguments are iRODS's (docs/irods-facts.md). Each returns CONTINUE, or a negative code, which
denies.
"""

from ova_rules import agent, names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rule = Callable[[list[Any], Any, Any], int]

_COLLECTION = ("-C", "-c")
_OBJECT = ("-d", "-D")
_FIRST = ("o", "O")  # of what may be meant to be a control


def _avu_that_counts(rule_args: "list[Any]", rei: "Any") -> bool:
    # operation, -C, path, …; `cp` has the kinds of both ends: cp, -C, -C, from, to
    kind = rule_args[2 if rule_args[0] == "cp" else 1]
    if kind in _OBJECT:  # ova_release, or one of a ready OVA
        return any(names.RELEASE in argument for argument in rule_args[3:]) or _of_made(rule_args)
    return kind in _COLLECTION


def _of_made(rule_args: "list[Any]") -> bool:
    return names.component_of(str(rule_args[4 if rule_args[0] == "cp" else 2])) is not None


def _avu_that_may_be_refused(rule_args: "list[Any]", rei: "Any") -> bool:
    # Of a collection: a strict component may refuse it. Of a data object: a fact, a control or a near miss, longer than
    # a server can read, or with characters that clients cannot read
    kind = rule_args[2 if rule_args[0] == "cp" else 1]
    return kind in _COLLECTION or any(
        "ova" in argument or argument[:1] in _FIRST or len(argument) > 60 or not argument.isprintable()
        for argument in map(str, rule_args[3:])
    )


def _avu_call_that_may_be_refused(rule_args: "list[Any]", rei: "Any") -> bool:
    # What the static hook refuses, and facts, which are passed over
    request = rule_args[2]
    kind = str(request["arg2" if str(request["arg0"]) == "cp" else "arg1"])
    return kind in _COLLECTION or names.is_fact(str(request["arg3"]))


def _any(rule_args: "list[Any]", rei: "Any") -> bool:
    return True


def _may_be_taken(path: str) -> bool:
    return names.looks_like_package(path) or names.may_be_taken(path)


def _written(rule_args: "list[Any]", rei: "Any") -> bool:
    path = str(rule_args[1].map()["logical_path"])
    return _may_be_taken(path) or names.may_be_captured(path)


def _registered(rule_args: "list[Any]", rei: "Any") -> bool:
    # For one that is being created (status 2), the hook at its close follows.
    if rei.doi is None or int(rei.doi.replStatus) != 1:
        return False
    return _removed(rule_args, rei) or names.may_be_captured(str(rei.doi.objPath))


def _removed(rule_args: "list[Any]", rei: "Any") -> bool:
    path = "" if rei.doi is None else str(rei.doi.objPath)
    return _may_be_taken(path) or names.component_of(path) is not None


def _may_be_made(rule_args: "list[Any]", rei: "Any") -> bool:
    return names.component_of(str(rule_args[2].objPath)) is not None


def _copy_of_made(rule_args: "list[Any]", rei: "Any") -> bool:
    ends = (rule_args[2].srcDataObjInp, rule_args[2].destDataObjInp)
    return any(names.component_of(str(end.objPath)) is not None for end in ends)


def _opens_made(rule_args: "list[Any]", rei: "Any") -> bool:
    # Every file that any call opens passes here; context values are text, or None
    context = rule_args[1].map()
    path = str(context.get("logical_path"))
    return names.component_of(path) is not None and _is_read(context.get("flags_kw"))


def _is_read(flags: "Any") -> bool:
    return not int(flags or 0) & 3  # O_ACCMODE


def _unlinks_package(rule_args: "list[Any]", rei: "Any") -> bool:
    path = str(rule_args[2].objPath)
    return names.looks_like_package(path) or names.component_of(path) is not None


def _not_from_a_server(rule_args: "list[Any]", rei: "Any") -> bool:
    # Servers sign in as an administrator. The user they act for is in another field, or only in the request.
    return int(rei.uoip.authInfo.authFlag) < agent.ADMINISTRATOR


def _avus() -> "Any":
    from ova_rules.events import avus

    return avus


def _refused_avus() -> "Any":
    from ova_rules.events import refused_avus

    return refused_avus


def _reads() -> "Any":
    from ova_rules.events import reads

    return reads


def _removals() -> "Any":
    from ova_rules.events import removals

    return removals


def _renames() -> "Any":
    from ova_rules.events import renames

    return renames


def _rule_text() -> "Any":
    from ova_rules.events import rule_text

    return rule_text


def _sources() -> "Any":
    from ova_rules.events import sources

    return sources


# name of the hook: (may the event be ours, the module of events and its function, the answer after a fault of ours)
_TABLE = {
    "acPreProcForModifyAVUMetadata": (_avu_that_may_be_refused, _refused_avus, "before_change", agent.NOT_PERMITTED),
    "pep_api_mod_avu_metadata_pre": (_avu_call_that_may_be_refused, _refused_avus, "before_call", agent.CONTINUE),
    "acPostProcForModifyAVUMetadata": (_avu_that_counts, _avus, "after_change", agent.CONTINUE),
    "pep_api_atomic_apply_metadata_operations_pre": (_any, _refused_avus, "before_atomic", agent.NOT_PERMITTED),
    "pep_api_atomic_apply_metadata_operations_post": (_any, _avus, "after_atomic", agent.CONTINUE),
    "pep_resource_modified_post": (_written, _sources, "after_write", agent.CONTINUE),
    "acPostProcForFilePathReg": (_registered, _sources, "after_registration", agent.CONTINUE),
    "acPostProcForDelete": (_removed, _removals, "after_removal", agent.CONTINUE),
    "acPostProcForObjRename": (_any, _renames, "after_rename", agent.CONTINUE),
    "pep_api_data_obj_get_pre": (_may_be_made, _reads, "before_get", agent.CONTINUE),
    "pep_api_data_obj_open_pre": (_may_be_made, _reads, "before_open", agent.CONTINUE),
    "pep_api_replica_open_pre": (_may_be_made, _reads, "before_open", agent.CONTINUE),
    "pep_api_data_obj_open_and_stat_pre": (_may_be_made, _reads, "before_open", agent.CONTINUE),
    "pep_api_data_obj_rsync_pre": (_may_be_made, _reads, "before_get", agent.CONTINUE),
    "pep_api_data_obj_repl_pre": (_may_be_made, _reads, "before_get", agent.CONTINUE),
    "pep_api_data_obj_phymv_pre": (_may_be_made, _reads, "before_get", agent.CONTINUE),
    "pep_resource_open_pre": (_opens_made, _reads, "before_resource_open", agent.NOT_PERMITTED),
    "pep_resource_open_post": (_opens_made, _reads, "after_resource_open", agent.NOT_PERMITTED),
    "pep_api_struct_file_bundle_pre": (_any, _reads, "before_bundle", agent.NOT_PERMITTED),
    "pep_api_phy_bundle_coll_pre": (_any, _reads, "before_bundle", agent.NOT_PERMITTED),
    "pep_api_data_obj_rename_pre": (_any, _renames, "before_rename", agent.CONTINUE),
    "pep_api_sub_struct_file_get_pre": (_not_from_a_server, _rule_text, "before_file_by_place", agent.NOT_PRIVILEGED),
    "pep_api_sub_struct_file_put_pre": (_not_from_a_server, _rule_text, "before_file_by_place", agent.NOT_PRIVILEGED),
    "pep_api_struct_file_sync_pre": (_not_from_a_server, _rule_text, "before_file_by_place", agent.NOT_PRIVILEGED),
    "pep_api_struct_file_extract_pre": (_not_from_a_server, _rule_text, "before_file_by_place", agent.NOT_PRIVILEGED),
    "pep_api_data_obj_put_pre": (_may_be_made, _reads, "before_put", agent.CONTINUE),
    "pep_api_data_obj_copy_pre": (_copy_of_made, _reads, "before_copy", agent.CONTINUE),
    "pep_api_data_obj_unlink_pre": (_unlinks_package, _removals, "before_unlink", agent.CONTINUE),
    "pep_api_rm_coll_pre": (_any, _removals, "before_collection_removal", agent.CONTINUE),
    "pep_api_rm_coll_post": (_any, _removals, "after_collection_removal", agent.CONTINUE),
    "pep_api_exec_my_rule_pre": (_any, _rule_text, "before_rule_text", agent.NOT_PRIVILEGED),
    "pep_api_exec_rule_expression_pre": (
        _not_from_a_server, _rule_text, "before_rule_expression", agent.NOT_PRIVILEGED,
    ),
}  # fmt: skip


def _rule(name: str) -> "Rule":
    may_be_ours, module, function, on_fault = _TABLE[name]

    def rule(rule_args: "list[Any]", callback: "Any", rei: "Any") -> int:
        try:
            if agent.own_change or not may_be_ours(rule_args, rei):
                return agent.CONTINUE
            answer: int = getattr(module(), function)(rule_args, callback, rei)
            return answer
        except Exception as error:
            from ova_rules.faults import report

            report(lambda text: callback.writeLine("serverLog", text), name, error)
            return on_fault

    return rule


RULES = {name: _rule(name) for name in _TABLE}


def ova_job(kind: str, encoded_path: str, callback: "Any", rei: "Any") -> None:
    """What a delayed rule runs, as the user who queued it (see `jobs`). Raises, so that iRODS tries again."""

    def run() -> None:
        from ova_rules.events import queued

        queued.run(kind, encoded_path, callback, rei)

    _run_job(f"job {kind}", run, callback)


def ova_request(rule_args: "list[Any]", callback: "Any", rei: "Any") -> None:
    """What another server of the zone runs here (see `servers`). The last argument becomes the answer."""
    from ova_rules.events import requests

    rule_args[-1] = requests.answer(rule_args[:-1], callback, rei)


def ova_servers(callback: "Any", rei: "Any") -> None:
    """For an administrator's rule text: one line of JSON on stdout for each server of the zone."""

    def run() -> None:
        from ova_rules.events import zone_servers

        zone_servers.print_servers(callback, rei)

    _run_job("servers", run, callback)


def ova_reconcile(callback: "Any", rei: "Any") -> None:
    """For an administrator's rule text: one line of JSON on stdout for each component that has to be built."""

    def run() -> None:
        from ova_rules.events import reconcile

        reconcile.print_stale(callback, rei)

    _run_job("reconcile", run, callback)


def ova_reconcile_job(callback: "Any") -> None:
    """What the recurring delayed rule of `ova-admin reconcile --every` runs. Raises what goes wrong."""

    def run() -> None:
        from ova_rules.events import reconcile

        reconcile.run_admin_command(callback)

    _run_job("recurring reconcile", run, callback)


def ova_reconcile_obstacle(callback: "Any") -> None:
    """For an administrator's rule text: one line on stdout why the recurring job cannot run; none if it can."""

    def run() -> None:
        from ova_rules.events import reconcile

        reconcile.print_obstacle(callback)

    _run_job("recurring reconcile", run, callback)


def _run_job(name: str, run: "Callable[[], None]", callback: "Any") -> None:
    # iRODS shows what a job raises as a traceback of PREP, without our message: so it is logged here, too
    try:
        run()
    except Exception as error:
        from ova_rules.faults import report

        report(lambda text: callback.writeLine("serverLog", text), name, error)
        raise


# What core.py offers to delayed rules and rule text, beside the hooks.
JOBS = {
    "ova_job": ova_job,
    "ova_request": ova_request,
    "ova_servers": ova_servers,
    "ova_reconcile": ova_reconcile,
    "ova_reconcile_job": ova_reconcile_job,
    "ova_reconcile_obstacle": ova_reconcile_obstacle,
}
