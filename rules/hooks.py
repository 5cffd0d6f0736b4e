"""The hooks that iRODS calls, the smallest set that sees everything. Each decides by string comparison first.

This module is imported in every agent, that is on every client connection: nothing but `rules.names` may be imported
at the top, and nothing may be done. A hook never raises and never fails a command that is not about a ready OVA: what
goes wrong in our code goes to the server log.

Hook names and their arguments are iRODS's (docs/irods-facts.md); each returns CONTINUE, so that rules of the same name
in the site's other rule engines run too, or a negative code, which denies.
"""

from __future__ import annotations

from rules import names

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Rule = Callable[[list[Any], Any, Any], int]
    from rules.catalog import Catalog
    from rules.settings import Settings

CONTINUE = 5000000
NOT_PERMITTED = -818000  # CAT_NO_ACCESS_PERMISSION
NOT_PRIVILEGED = -830000  # CAT_INSUFFICIENT_PRIVILEGE_LEVEL
_O_ACCMODE = 3

# Where core.py lies, for the settings file beside it; core.py sets it.
settings_directory = "/etc/irods"


def hook(function: Rule, on_fault: int = CONTINUE) -> Rule:
    """Makes `function` a hook that keeps its faults to itself: they are logged and the client's command goes on."""

    def guarded(rule_args: list[Any], callback: Any, rei: Any) -> int:
        try:
            return function(rule_args, callback, rei) or CONTINUE
        except Exception as error:
            _report(callback, function.__name__, error)
            return on_fault

    guarded.__name__ = function.__name__
    guarded.__doc__ = function.__doc__
    return guarded


def _report(callback: Any, name: str, error: BaseException) -> None:
    import traceback

    where = traceback.extract_tb(error.__traceback__)[-1]
    line = " ".join(f"ova: {name}: {type(error).__name__}: {error} ({where.filename}:{where.lineno})".split())
    try:
        callback.writeLine("serverLog", line)
    except Exception:
        import sys

        sys.stderr.write(line + "\n")


def _tools(callback: Any, rei: Any) -> tuple[Catalog, Settings]:
    """The catalog and the settings; from here on an event costs milliseconds."""
    from rules.catalog import Catalog
    from rules.settings import load

    catalog = Catalog(callback, rei)
    return catalog, load(settings_directory, catalog.log)


# ---- AVUs ------------------------------------------------------------------------------------------------------------

_COLLECTION = ("-C", "-c")
_ADDING = ("add", "adda", "addw", "set", "mod")


@hook
def ac_pre_proc_for_modify_avu_metadata(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Refuses a client's attempt to write an `ova::…` attribute. rule_args: operation, -C, path, attribute …"""
    operation, attributes = rule_args[0], [rule_args[3]] if len(rule_args) > 3 else []
    attributes += [argument[2:] for argument in rule_args[4:] if operation == "mod" and argument[:2] == "n:"]
    if operation in _ADDING and rule_args[1] in _COLLECTION and any(map(names.is_fact, attributes)):
        return _refuse_fact(callback)
    return CONTINUE


@hook
def ac_post_proc_for_modify_avu_metadata(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Builds what an AVU of a collection changes. `cp` names two paths, the second is the one that changed."""
    operation = rule_args[0]
    if operation == "cp":
        kind, path = rule_args[2], rule_args[4]
    else:
        kind, path = rule_args[1], rule_args[2]
    if kind not in _COLLECTION:
        return CONTINUE
    from rules.events import avus_changed

    avus_changed(*_tools(callback, rei), path, removed=operation not in ("add", "set"))
    return CONTINUE


@hook
def pep_api_atomic_apply_metadata_operations_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Refuses `ova::…` attributes in the atomic API. rule_args[2]: the request, JSON in a BytesBuf."""
    text = _text(rule_args[2])
    if names.FACT_PREFIX not in text and "\\u" not in text:
        return CONTINUE
    import json

    request = json.loads(text)
    if request.get("entity_type") == "collection" and any(
        names.is_fact(str(operation.get("attribute", ""))) and operation.get("operation") == "add"
        for operation in request.get("operations", ())
    ):
        return _refuse_fact(callback)
    return CONTINUE


@hook
def pep_api_atomic_apply_metadata_operations_post(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Builds what AVUs set through the atomic API change."""
    import json

    request = json.loads(_text(rule_args[2]))
    if request.get("entity_type") != "collection":
        return CONTINUE
    from rules.events import avus_changed

    avus_changed(*_tools(callback, rei), request["entity_name"].rstrip("/"), removed=True)
    return CONTINUE


def _refuse_fact(callback: Any) -> int:
    from rules.catalog import refuse

    return refuse(callback, NOT_PERMITTED, "attributes that begin with ova:: are facts that the server writes")


def _text(buffer: Any) -> str:
    """The text of a BytesBuf, which may end in NUL."""
    return bytes(buffer.get_bytes()).rstrip(b"\0").decode("utf-8")


# ---- sources ---------------------------------------------------------------------------------------------------------


@hook
def pep_resource_modified_post(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was written, by any client: components that have it as source are built anew."""
    path = str(rule_args[1].map()["logical_path"])
    return _source_event(path, callback, rei)


@hook
def ac_post_proc_for_file_path_reg(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A file was registered as a data object; one that is being created (status 2) is heard of when it is closed."""
    if rei.doi is None or int(rei.doi.replStatus) != 1:
        return CONTINUE
    return _source_event(str(rei.doi.objPath), callback, rei)


@hook
def ac_post_proc_for_delete(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was removed: components that had it as source say so."""
    return _source_event(str(rei.doi.objPath), callback, rei) if rei.doi is not None else CONTINUE


@hook
def ac_post_proc_for_obj_rename(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """An object or a collection was renamed (the trash too): rule_args are the old and the new path."""
    from rules.events import renamed

    renamed(*_tools(callback, rei), str(rule_args[0]), str(rule_args[1]))
    return CONTINUE


def _source_event(path: str, callback: Any, rei: Any) -> int:
    if not names.looks_like_package(path):
        return CONTINUE
    from rules.events import source_changed

    source_changed(*_tools(callback, rei), path)
    return CONTINUE


# ---- ready OVAs ------------------------------------------------------------------------------------------------------


@hook
def pep_api_data_obj_get_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a get."""
    return _gate(str(rule_args[2].objPath), callback, rei)


@hook
def pep_api_data_obj_open_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before an open: for reading it checks, for writing it refuses."""
    return _open_gate(rule_args[2], callback, rei)


@hook
def pep_api_replica_open_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before an open by istream and its like."""
    return _open_gate(rule_args[2], callback, rei)


@hook
def pep_api_data_obj_copy_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a copy, which reads and writes."""
    target = str(rule_args[2].destDataObjInp.objPath)
    return _refuse_writing(target, callback, rei) or _gate(str(rule_args[2].srcDataObjInp.objPath), callback, rei)


@hook
def pep_api_data_obj_put_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A ready OVA is never put by hand."""
    return _refuse_writing(str(rule_args[2].objPath), callback, rei)


def _open_gate(request: Any, callback: Any, rei: Any) -> int:
    path = str(request.objPath)
    if int(request.openFlags) & _O_ACCMODE:
        return _refuse_writing(path, callback, rei)
    return _gate(path, callback, rei, request)


def _gate(path: str, callback: Any, rei: Any, request: Any = None) -> int:
    if names.component_of(path) is None:
        return CONTINUE
    from rules.gate import reason_against_reading

    catalog, settings = _tools(callback, rei)
    try:
        reason = reason_against_reading(catalog, settings, path, _size_of_download(request))
    except Exception as error:
        _report(callback, "gate", error)
        # Our fault must not hand out what may be stale, nor keep anybody from an object that is no ready OVA.
        reason = f"{path} could not be checked against its metadata; the server log says why"
        reason = reason if catalog.is_component(path.rpartition("/")[0]) else None
    return catalog.refuse(NOT_PERMITTED, reason) if reason else CONTINUE


def _size_of_download(request: Any) -> int | None:
    """The size that the further connections of a parallel download expect; None for a first connection."""
    if request is None:
        return None
    keywords = {str(request.condInput.key[i]): str(request.condInput.value[i]) for i in range(request.condInput.len)}
    return int(keywords["dataSize"]) if keywords.get("resc_hier") and "dataSize" in keywords else None


def _refuse_writing(path: str, callback: Any, rei: Any) -> int:
    """A code that denies, or 0."""
    collection = names.component_of(path)
    if collection is None:
        return 0
    catalog, _ = _tools(callback, rei)
    if not catalog.is_component(collection):
        return 0
    text = f"{path} is made by the server; put your OVA elsewhere and name it in ova_url"
    return catalog.refuse(NOT_PERMITTED, text)


# ---- who may run rule text -------------------------------------------------------------------------------------------


def pep_api_exec_my_rule_pre(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Without this gate any user could queue Python text that runs as the service account."""
    catalog, settings = _tools(callback, rei)
    if catalog.is_administrator:
        return CONTINUE
    from rules.rule_gate import may_run

    if may_run(str(rule_args[2]["myRule"]), settings.rules_for_users):
        return CONTINUE
    return catalog.refuse(NOT_PRIVILEGED, "only administrators may run rule text here (setting rules_for_users)")


# ---- jobs ------------------------------------------------------------------------------------------------------------


def ova_build_job(mark: str, callback: Any, rei: Any) -> None:
    """What a delayed rule runs: builds one component as the user who queued it. Raises, so that iRODS tries again."""
    from rules.build import build
    from rules.jobs import path_of

    catalog, settings = _tools(callback, rei)
    build(catalog, settings, path_of(mark), may_queue=False)


RULES: dict[str, Rule] = {
    "acPreProcForModifyAVUMetadata": ac_pre_proc_for_modify_avu_metadata,
    "acPostProcForModifyAVUMetadata": ac_post_proc_for_modify_avu_metadata,
    "acPostProcForFilePathReg": ac_post_proc_for_file_path_reg,
    "acPostProcForDelete": ac_post_proc_for_delete,
    "acPostProcForObjRename": ac_post_proc_for_obj_rename,
    "pep_api_atomic_apply_metadata_operations_pre": pep_api_atomic_apply_metadata_operations_pre,
    "pep_api_atomic_apply_metadata_operations_post": pep_api_atomic_apply_metadata_operations_post,
    "pep_resource_modified_post": pep_resource_modified_post,
    "pep_api_data_obj_get_pre": pep_api_data_obj_get_pre,
    "pep_api_data_obj_open_pre": pep_api_data_obj_open_pre,
    "pep_api_replica_open_pre": pep_api_replica_open_pre,
    "pep_api_data_obj_copy_pre": pep_api_data_obj_copy_pre,
    "pep_api_data_obj_put_pre": pep_api_data_obj_put_pre,
    "pep_api_exec_my_rule_pre": hook(pep_api_exec_my_rule_pre, on_fault=NOT_PRIVILEGED),
}
