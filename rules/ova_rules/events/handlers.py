"""What the hooks hand over: an event that may be ours, with iRODS's arguments; here they become plain parameters.

Imported only then. Each returns CONTINUE or a negative code that denies; what it raises is logged by `ova_rules.hooks`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from ova_rules import hooks, names
from ova_rules.catalog.writes import Avu, Catalog, refuse
from ova_rules.errors import ComponentError, one_line
from ova_rules.faults import report

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.settings import Settings

CONTINUE = hooks.CONTINUE
NOT_PERMITTED = hooks.NOT_PERMITTED

_REMOVING = ("rm", "rmw", "rmi")
_O_ACCMODE = 3


def _tools(callback: Any, rei: Any, cause: str = "") -> tuple[Catalog, Settings]:
    catalog = Catalog(callback, rei, cause)
    return catalog, _settings(catalog)


def _settings(catalog: Catalog) -> Settings:
    from ova_rules.settings import load

    return load(hooks.settings_directory, catalog.log)


# ---- AVUs ------------------------------------------------------------------------------------------------------------


def before_avu(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Refuses what only the server may write, and controls that cannot be meant. rule_args: operation, -C, path, …

    Facts may be removed (what they vouched for is then built anew) and copied with all AVUs of a component (their
    seals fit no other collection).
    """
    operation = rule_args[0]
    if operation in (*_REMOVING, "cp"):
        return CONTINUE
    path = rule_args[2].rstrip("/")
    avu = _modified(path, rule_args[3:]) if operation == "mod" else Avu(path, *rule_args[3:6])
    return _judge(rule_args[1], [avu], callback, rei)


def _judge(entity: str, added: Sequence[Avu], callback: Any, rei: Any) -> int:
    """Refuses in one line AVUs that clients may not set on this kind of thing (`-C`, `-d` …)."""
    if entity.lower() not in ("-c", "-d"):
        return CONTINUE
    if any(names.is_fact(avu.attribute) for avu in added):
        return refuse(callback, NOT_PERMITTED, "attributes that begin with ova:: are facts that the server writes")
    if entity.lower() == "-d" and any(avu.attribute == names.RELEASE for avu in added):
        return _refuse_release(callback, rei)
    for avu in added if entity.lower() == "-c" else ():
        too_long = any(len(part.encode()) > most for part, most in _sizes(avu))
        if too_long or avu.attribute in (names.RESTORE, names.LIKE):
            from ova_rules.events.events import objection

            reason = objection(*_tools(callback, rei), avu, too_long=too_long)
            if reason is not None:
                return refuse(callback, NOT_PERMITTED, one_line(reason))
    return CONTINUE


def _sizes(avu: Avu) -> tuple[tuple[str, int], ...]:
    """The parts of an AVU, and how many bytes a server can read of each; it stores more, and then reads nothing."""
    return (avu.attribute, 2700), (avu.value, 2700), (avu.units, 250)


def after_avu(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Builds what an AVU of a collection changes. `cp` names two paths, the second is the one that changed."""
    operation = rule_args[0]
    if rule_args[2 if operation == "cp" else 1] in hooks.OBJECT:  # ova_release; what is copied has no seal
        if operation != "cp":
            _release_changed(rule_args[2], operation not in _REMOVING, callback, rei)
        return CONTINUE
    catalog = Catalog(callback, rei, f"AVU {operation} {rule_args[3]}")
    path = (rule_args[4] if operation == "cp" else rule_args[2]).rstrip("/")
    added: list[Avu] = []
    if operation in ("add", "adda", "set"):
        added = [Avu(path, *rule_args[3:6])]
    elif operation == "mod":
        added = [_modified(path, rule_args[3:])]
    elif operation == "cp" and rule_args[1] in ("-C", "-c"):
        source = rule_args[3].rstrip("/")
        added = [Avu(path, avu.attribute, avu.value, avu.units) for avu in catalog.avus([source])]
    gone = operation in ("mod", "rmw", "rmi") or (operation == "rm" and rule_args[3] == names.URL)
    return _avus_changed(catalog, path, added, url_may_be_gone=gone)


def _avus_changed(catalog: Catalog, path: str, added: Sequence[Avu], *, url_may_be_gone: bool) -> int:
    """Most collections have to do with no component: then no more is imported than it takes to find that out."""
    from ova_rules.component import dependents as reach

    affected = reach.of_avus(catalog, path)
    if affected or url_may_be_gone or any("ova_" in avu.attribute or "${" in avu.value for avu in added):
        from ova_rules.events.events import avus_changed

        avus_changed(catalog, _settings(catalog), path, added, affected, url_may_be_gone=url_may_be_gone)
    return CONTINUE


def _refuse_release(callback: Any, rei: Any) -> int:
    if Catalog(callback, rei).is_administrator:
        return CONTINUE
    text = f"{names.RELEASE} on a data object is for administrators: it lets an image that is in use be removed"
    return refuse(callback, NOT_PERMITTED, text)


def _release_changed(path: str, added: bool, callback: Any, rei: Any) -> None:
    from ova_rules.images.in_use import release_changed

    release_changed(*_tools(callback, rei), path, added=added)


def _modified(path: str, arguments: list[str]) -> Avu:
    """What `mod` makes of an AVU: attribute, value, perhaps units, then n:NAME, v:VALUE, u:UNITS in any order."""
    prefixes = ("n:", "v:", "u:")
    units = arguments[2] if len(arguments) > 2 and not arguments[2].startswith(prefixes) else ""
    new = {argument[:2]: argument[2:] for argument in arguments[2:] if argument.startswith(prefixes)}
    return Avu(path, new.get("n:", arguments[0]), new.get("v:", arguments[1]), new.get("u:", units))


def before_atomic_avus(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The same for the atomic API. rule_args[2]: the request, JSON in a BytesBuf."""
    try:
        request = _request(rule_args[2])
    except ValueError:  # it speaks of us, and the server may read it where we cannot
        return refuse(callback, NOT_PERMITTED, "the request is no JSON object")
    kind = {"collection": "-C", "data_object": "-d"}.get(str(request.get("entity_type")), "")
    return _judge(kind, _added(request), callback, rei)


def after_atomic_avus(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Builds what AVUs set through the atomic API change."""
    request = _request(rule_args[2])
    operations = request.get("operations", ())
    if request.get("entity_type") == "data_object" and any(o.get("attribute") == names.RELEASE for o in operations):
        added = any(avu.attribute == names.RELEASE for avu in _added(request))
        _release_changed(str(request["entity_name"]), added, callback, rei)
    if request.get("entity_type") != "collection":
        return CONTINUE
    path = str(request["entity_name"]).rstrip("/")
    gone = any(operation.get("attribute") == names.URL for operation in operations)
    return _avus_changed(Catalog(callback, rei, "atomic AVUs"), path, _added(request), url_may_be_gone=gone)


def _added(request: dict[str, Any]) -> list[Avu]:
    path = str(request.get("entity_name", "")).rstrip("/")
    return [
        Avu(path, *(str(operation.get(key, "")) for key in ("attribute", "value", "units")))
        for operation in request.get("operations", ())
        if operation.get("operation") == "add"
    ]


def _request(buffer: Any) -> dict[str, Any]:
    """The JSON of a BytesBuf, up to the first NUL as the server reads it. Raises ValueError if it is no JSON object."""
    request = json.loads(bytes(buffer.get_bytes()).partition(b"\0")[0])
    if not isinstance(request, dict):
        raise ValueError("the request is no JSON object")
    return request


# ---- sources ---------------------------------------------------------------------------------------------------------


def after_write(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was written, by any client: components that have it as source are built anew."""
    return _source_event(str(rule_args[1].map()["logical_path"]), callback, rei)


def after_registration(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A file was registered as a data object: components that have it as source are built."""
    return _source_event(str(rei.doi.objPath), callback, rei)


def after_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was removed: the component whose ready OVA or source it was says so."""
    from ova_rules.events.events import removed

    removed(*_tools(callback, rei, "removed"), str(rei.doi.objPath))
    return CONTINUE


def _source_event(path: str, callback: Any, rei: Any) -> int:
    from ova_rules.events.events import source_changed
    from ova_rules.images.check import on_written

    tools = _tools(callback, rei, f"written {path}")
    source_changed(*tools, path)
    on_written(*tools, path)
    return CONTINUE


def after_rename(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """An object or a collection was renamed (the trash too): rule_args are the old and the new path."""
    old, new = str(rule_args[0]).rstrip("/"), str(rule_args[1]).rstrip("/")
    catalog = Catalog(callback, rei, "renamed")
    if not (names.looks_like_package(old) or names.looks_like_package(new) or catalog.visible([new])):
        return CONTINUE  # an object that is no package
    from ova_rules.events.events import renamed
    from ova_rules.images import check
    from ova_rules.images import in_use as use

    tools = catalog, _settings(catalog)
    use.renamed(*tools, old, new)
    renamed(*tools, old, new)
    if names.looks_like_package(new):
        check.on_written(*tools, new)
    return CONTINUE


# ---- images in use ---------------------------------------------------------------------------------------------------


def before_unlink(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """An image that is in use is not removed by accident, nor unregistered."""
    return _refuse_removal(str(rule_args[2].objPath), callback, rei)


def before_collection_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Nor with a collection, unless that holds all who use it, too."""
    return _refuse_removal(str(rule_args[2].collName), callback, rei)


def after_collection_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Components that went with a collection use no image any more."""
    from ova_rules.images.in_use import removed

    removed(*_tools(callback, rei, "removed"), str(rule_args[2].collName).rstrip("/"))
    return CONTINUE


def _refuse_removal(path: str, callback: Any, rei: Any) -> int:
    from ova_rules.images.in_use import refusal

    catalog, settings = _tools(callback, rei, "removal")
    reason = refusal(catalog, settings, path)
    if reason is None:
        return CONTINUE
    catalog.journal("image", path=path.rstrip("/"), done=f"removal refused: {reason}")
    return refuse(callback, NOT_PERMITTED, reason)


# ---- ready OVAs ------------------------------------------------------------------------------------------------------


def before_read(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a get."""
    return _gate(rule_args[2], callback, rei)


def before_open(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before an open: for reading it checks, for writing it refuses."""
    request = rule_args[2]
    if int(request.openFlags) & _O_ACCMODE:
        return _refuse_writing(str(request.objPath), callback, rei)
    return _gate(request, callback, rei)


def before_put(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A ready OVA is never put by hand."""
    return _refuse_writing(str(rule_args[2].objPath), callback, rei)


def before_copy(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a copy, which reads and writes."""
    refused = _refuse_writing(str(rule_args[2].destDataObjInp.objPath), callback, rei)
    return refused if refused != CONTINUE else _gate(rule_args[2].srcDataObjInp, callback, rei)


def _gate(request: Any, callback: Any, rei: Any) -> int:
    path = str(request.objPath)
    if names.component_of(path) is None:
        return CONTINUE
    from ova_rules.events.reads import reason_against_reading

    keywords = {str(request.condInput.key[i]): str(request.condInput.value[i]) for i in range(request.condInput.len)}
    catalog, settings = _tools(callback, rei, "read")
    try:
        reason = reason_against_reading(catalog, settings, path, keywords)
    except Exception as error:
        reason = _unjudged(catalog, settings, path, error)
    if reason:
        catalog.journal("gate", component=names.component_of(path), done=f"refused: {reason}")
        return refuse(callback, NOT_PERMITTED, reason)
    return CONTINUE


def _unjudged(catalog: Catalog, settings: Settings, path: str, error: Exception) -> str | None:
    """Why an object must not be read that could not be judged; None if it is no ready OVA.

    Neither AVUs that no server can read nor a fault of ours may hand out what may be stale, nor keep anybody from an
    object that is no ready OVA. Where even that cannot be told, it stays where it is.
    """
    if isinstance(error, ComponentError):  # the catalog answers; whether it has ova_url can be asked
        words, is_ours = one_line(f"{path}: {error}"), _is_or_hides_component
    else:
        report(catalog.log, "gate", error)
        words, is_ours = f"{path} could not be checked against its metadata; the server log says why", _is_ready_ova
    try:
        return words if is_ours(catalog, settings, path) else None
    except Exception as again:
        report(catalog.log, "gate", again)
        return words


def _is_or_hides_component(catalog: Catalog, settings: Settings, path: str) -> bool:
    """Whether a client sees `ova_url`, or sees nothing at all of where a ready OVA was made."""
    collection = str(names.component_of(path))
    return catalog.is_component(collection) or (_is_marked(settings, path) and not catalog.visible([collection]))


def _is_ready_ova(catalog: Catalog, settings: Settings, path: str) -> bool:
    """As far as can be told when asking the catalog may be what failed (under a ticket it does)."""
    return _is_marked(settings, path) or catalog.is_component(str(names.component_of(path)))


def _is_marked(settings: Settings, path: str) -> bool:
    from ova_rules.state import is_marked

    try:
        return is_marked(settings.state_directory, path)
    except OSError:  # the folder may be what is wrong
        return False


def _refuse_writing(path: str, callback: Any, rei: Any) -> int:
    collection = names.component_of(path)
    if collection is None or not Catalog(callback, rei).is_component(collection):
        return CONTINUE
    text = f"{path} is made by the server; put your OVA elsewhere and name it in ova_url"
    return refuse(callback, NOT_PERMITTED, text)


# ---- rule text, jobs -------------------------------------------------------------------------------------------------


def before_rule_text(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Without this gate any user could queue Python text that runs as the service account."""
    catalog = Catalog(callback, rei)
    if catalog.is_administrator:
        return CONTINUE
    from ova_rules.events.rule_text import may_run

    if may_run(str(rule_args[2]["myRule"]), _settings(catalog).rules_for_users):
        return CONTINUE
    text = "only administrators may run rule text here (setting rules_for_users)"
    return refuse(callback, hooks.NOT_PRIVILEGED, text)


def before_rule_expression(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """API 1206 runs any text as any user that the request names; the server lets every user call it.

    It is how the delay server runs jobs. No setting lifts this.
    """
    return refuse(callback, hooks.NOT_PRIVILEGED, "only the delay server may run rule expressions")


def run_job(kind: str, mark: str, callback: Any, rei: Any) -> None:
    """Runs a job (see ova_rules/jobs.py). Raises what goes wrong, so that iRODS tries again."""
    from ova_rules import jobs

    catalog, settings = _tools(callback, rei, f"job {kind}")
    path = jobs.path_of(mark)
    try:
        _work(kind)(catalog, settings, path)
    except ComponentError as error:  # somebody else is at it, or a web server is away: no fault
        catalog.journal("job", job=kind, path=path, done=f"put off: {error}")
        raise
    except Exception as error:
        report(catalog.log, f"job {kind} {path}", error)
        raise


def _work(kind: str) -> Callable[[Catalog, Settings, str], None]:
    from ova_rules import jobs
    from ova_rules.events import events

    if kind == jobs.CHECK:
        from ova_rules.images.check import run_check

        return run_check
    if kind == jobs.FETCH:
        from ova_rules.downloads.fetch import run_fetch

        return run_fetch
    return {jobs.BUILD: events.run_build, jobs.CHANGE: events.run_change, jobs.LIKE: events.run_like}[kind]


def reconcile(callback: Any, rei: Any) -> None:
    """Writes what has to be built to the stdout of an administrator's rule text, one JSON object a line."""
    from ova_rules.events.reconcile import findings
    from ova_tools.records import asdict

    for found in findings(*_tools(callback, rei, "reconcile")):
        callback.writeLine("stdout", json.dumps(asdict(found)))
