"""The gate: no client gets a ready OVA that does not match its metadata, and no client writes a ready OVA itself.

Before a read of `…/NAME/NAME.ova` its fingerprint is computed again. A stale OVA is built if that is cheap and allowed;
else the reader waits for the queued job; else the read is refused in one line.

Every read of a file, by any call, passes `pep_resource_open` (docs/security.md has the table); only the members of a
bundle do not. The hooks of the usual client calls run before it, because they see the client's request: which replica,
or one more part of a download. What a call's own hook has judged is not judged again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from ova_rules import names
from ova_rules.agent import CONTINUE, NOT_PERMITTED
from ova_rules.build.versions import PARALLEL_FROM
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.component.fingerprint import file_identity
from ova_rules.errors import UnusableSettingsError
from ova_rules.events.context import context
from ova_rules.events.gate import (
    Reading,
    changed_meanwhile,
    not_by_users,
    reason_against_reading,
    reason_against_writing,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_O_ACCMODE = 3
_MOST_BUNDLED = 1000  # ready OVAs in one bundle

_reading: Reading | None = None


def before_get(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a get, a comparison, and before replicas are made or moved."""
    return _gate(rule_args, rule_args[2], callback, rei)


def before_open(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before an open: for reading it checks, for writing it refuses."""
    request = rule_args[2]
    if int(request.openFlags) & _O_ACCMODE:
        return _refuse_writing(str(request.objPath), callback, rei)
    return _gate(rule_args, request, callback, rei)


def before_put(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Refuses to put a ready OVA: only the server writes it."""
    return _refuse_writing(str(rule_args[2].objPath), callback, rei)


def before_copy(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a copy, which reads and writes."""
    refused = _refuse_writing(str(rule_args[2].destDataObjInp.objPath), callback, rei)
    return refused if refused != CONTINUE else _gate(rule_args, rule_args[2].srcDataObjInp, callback, rei)


def before_resource_open(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a file is opened for reading, if no hook of the call has judged it already."""
    global _reading
    context_ = rule_args[1].map()
    path, api = str(context_["logical_path"]), str(context_.get("api_index"))
    known = _reading if _reading is not None and _reading.path == path and _reading.api in (api, "") else None
    if known is not None and known.judged_once:
        return CONTINUE
    _reading = None  # without a hook of its own nothing shows where one call ends and the next begins
    answer = _judge(path, {}, callback, rei)
    if answer == CONTINUE:
        _reading = known or Reading(path, api, judged_once=False)
    return answer


def after_resource_open(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The server opens a large file once for each of its threads: all must open one version."""
    global _reading
    context_ = rule_args[1].map()
    path, handle = str(context_["logical_path"]), int(context_.get("file_descriptor") or -1)
    if _reading is None or _reading.path != path or handle < 1:
        return CONTINUE
    try:
        state = os.fstat(handle)
    except OSError:  # not a file of this server
        return CONTINUE
    if state.st_size < PARALLEL_FROM:  # opened once, and the next open is another call's
        _reading = None
        return CONTINUE
    file = file_identity(state)
    _reading.file = _reading.file or file
    if _reading.file == file:
        _reading.opens -= 1
        _reading = _reading if _reading.api or _reading.opens > 0 else None
        return CONTINUE
    _reading = None
    return refuse(callback, NOT_PERMITTED, changed_meanwhile(path))


def next_call(path: str, file: str, opens: int) -> None:
    """Another server, which has judged it, begins a call that reads `path`.

    file: the version that it must be, if it is known: then as many opens as are allowed are not judged here. "" if what
    is opened may be new.
    """
    global _reading
    _reading = Reading(path, "", file, opens=opens) if file else None


def before_bundle(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """The gate before a collection is bundled: the server reads the members' files without calling a hook."""
    request = rule_args[2]
    collection = str(request.collection if hasattr(request, "collection") else request["collection"]).rstrip("/")
    catalog = Catalog(callback, rei, "bundle")
    if catalog.is_special(collection):
        return refuse(callback, NOT_PERMITTED, f"{collection} is mounted or linked; bundle the collection itself")
    members = catalog.made_below(collection)
    if len(members) > _MOST_BUNDLED:
        text = f"{collection} holds more than {_MOST_BUNDLED} ready OVAs and seeds; bundle its parts"
        return refuse(callback, NOT_PERMITTED, text)
    for path in members:
        answer = _judge(path, {}, callback, rei)
        if answer != CONTINUE:
            return answer
    return CONTINUE


def _refuse_writing(path: str, callback: Any, rei: Any) -> int:
    collection = names.component_of(path)
    if collection is None or not Catalog(callback, rei).is_component(collection):
        return CONTINUE
    reason = reason_against_writing(*context(callback, rei), path) if names.is_form(path) else not_by_users(path)
    return refuse(callback, NOT_PERMITTED, reason) if reason else CONTINUE


def _gate(rule_args: list[Any], request: Any, callback: Any, rei: Any) -> int:
    global _reading
    _reading = None
    path = str(request.objPath)
    if names.component_of(path) is None:
        return CONTINUE
    keywords = {str(request.condInput.key[i]): str(request.condInput.value[i]) for i in range(request.condInput.len)}
    reading = Reading(path, str(rule_args[1].map().get("api_index")))
    answer = _judge(path, keywords, callback, rei, reading)
    if answer == CONTINUE:
        _reading = reading
    return answer


def _judge(path: str, keywords: Mapping[str, str], callback: Any, rei: Any, reading: Reading | None = None) -> int:
    try:
        catalog, settings = context(callback, rei, "read")
    except UnusableSettingsError:
        return _refuse_unjudged(path, callback, rei)
    reason = reason_against_reading(catalog, settings, path, keywords, reading)
    return refuse(callback, NOT_PERMITTED, reason) if reason else CONTINUE


def _refuse_unjudged(path: str, callback: Any, rei: Any) -> int:
    """Without settings no ready OVA is handed out. An object may be one even where the client sees no AVUs."""
    catalog = Catalog(callback, rei)
    collection = str(names.component_of(path))
    if not catalog.is_component(collection) and catalog.visible([collection]):
        return CONTINUE
    reason = f"{path} could not be checked against its metadata; an administrator has to put the settings right"
    return refuse(callback, NOT_PERMITTED, reason)
