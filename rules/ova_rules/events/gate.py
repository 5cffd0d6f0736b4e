"""Decides whether a ready OVA, or a form, may be read or written now; `reads` has the hooks that ask.

On a server without the catalog only what is fresh is judged here. All else is asked of the server with the catalog,
which knows what was made, and builds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from ova_rules import names
from ova_rules.build.batch import follow
from ova_rules.build.build import build
from ova_rules.build.make import State
from ova_rules.build.ownership import is_ours
from ova_rules.build.secrecy import reason_if_hidden
from ova_rules.build.staleness import View, view
from ova_rules.build.versions import PARALLEL_FROM, has_begun, is_ambiguous, note_read
from ova_rules.catalog.types import Replica
from ova_rules.catalog.writes import Catalog
from ova_rules.component.fingerprint import file_identity
from ova_rules.component.model import Inputs, read, unseen, unseen_error
from ova_rules.component.source import stat_of, version_of
from ova_rules.errors import (
    BehindError,
    ComponentError,
    HiddenError,
    WaitingError,
    one_line,
)
from ova_rules.faults import report
from ova_rules.locks import is_held
from ova_rules.record.facts import has_failed
from ova_rules.record.signing import signer_of
from ova_rules.servers.roles import provider
from ova_rules.settings import Settings
from ova_rules.state import is_known_ready
from ova_tools.records import dataclass

_OF_REPLICA = ("replNum", "rescName", "resc_hier")  # keywords by which a client names one
_POLL_SECONDS = 0.05
# How long a reader who may not build waits for a builder that has not begun.
_PATIENCE_SECONDS = 2.0


@dataclass
class Reading:
    """A ready OVA that a call of this agent may read. file: the version it must be; "" for the first one opened.

    judged_once: the hook of the call itself has judged it, for all the files that the call opens.
    """

    path: str
    api: str
    file: str = ""
    judged_once: bool = True
    opens: int = 0


def reason_against_writing(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Why clients must not write the object at `path` of a component; None for a file of a user, named like a form."""
    if provider():
        from ova_rules.servers.asking import provider_against

        return provider_against(catalog, settings, "write", path=path)
    if names.is_form(path) and not is_known_ready(settings.state_directory, path):
        return None
    return not_by_users(path)


def not_by_users(path: str) -> str:
    """Why clients must not write what lies at `path`, in one line."""
    return f"{path} is made by the server; leave it out of an upload; to use an OVA of your own, name it in ova_url"


def reason_against_reading(
    catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str], reading: Reading | None = None
) -> str | None:
    """Why the object at `path` must not be read now, in one line; None if it may.

    keywords: those of the request; they may name a replica, or belong to one more connection of a parallel download:
    then `reading` gets the version to open.
    """
    try:
        reason = _reason_against_reading(catalog, settings, path, keywords, reading)
    except Exception as error:
        reason = _reason_if_unjudged(catalog, settings, path, keywords, error)
    if reason:
        catalog.journal("gate", component=names.component_of(path), done=f"refused: {reason}")
    return reason


def _reason_if_unjudged(
    catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str], error: Exception
) -> str | None:
    """Why an object that could not be judged must not be read; None if it is not a ready OVA.

    Unreadable AVUs or a fault of ours must not hand out what may be stale, nor block an object that is not a ready OVA.
    If even that is unknown, the read is refused.
    """
    if isinstance(error, ComponentError):  # the catalog answers: ask it for ova_url
        reason, withheld = one_line(f"{path}: {error}"), _is_or_hides_component
    else:
        report(catalog.log, "gate", error)
        reason, withheld = f"{path} could not be checked against its metadata; the server log says why", _is_ready_ova
    try:
        if provider():
            return _reason_without_notes(catalog, settings, path, keywords, reason)
        return reason if withheld(catalog, settings, path) else None
    except Exception as again:
        report(catalog.log, "gate", again)
        return reason


def _reason_without_notes(
    catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str], reason: str
) -> str | None:
    """The same on a server without the catalog, whose notes do not name all that the servers have made.

    The one with the catalog knows, and may be able to judge. If it gives no answer, what lies in a component, or in a
    collection that the client does not see, is not handed out.
    """
    if not _is_part(keywords):
        with suppress(Exception):  # the first error is the one to tell of
            return _asked_to_read(catalog, settings, path, keywords)
    collection = str(names.component_of(path))
    return reason if catalog.is_component(collection) or not catalog.visible([collection]) else None


def _is_or_hides_component(catalog: Catalog, settings: Settings, path: str) -> bool:
    """Whether the client sees `ova_url`, or does not see the collection although a ready OVA was made there."""
    collection = str(names.component_of(path))
    if names.is_form(path):  # users may have files with that name
        return _is_known(settings, path)
    return catalog.is_component(collection) or (_is_known(settings, path) and not catalog.visible([collection]))


def _is_ready_ova(catalog: Catalog, settings: Settings, path: str) -> bool:
    """Whether it is a ready OVA, as far as known if the catalog query is what failed (under a ticket it does)."""
    if _is_known(settings, path):
        return True
    return not names.is_form(path) and catalog.is_component(str(names.component_of(path)))


def _is_known(settings: Settings, path: str) -> bool:
    try:
        return is_known_ready(settings.state_directory, path)
    except OSError:  # the folder may be the cause
        return False


def _reason_against_reading(
    catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str], reading: Reading | None
) -> str | None:
    collection = names.component_of(path)
    if collection is None:
        return None
    component = read(catalog, collection)
    seen = view(catalog, settings, component) if component is not None else None
    is_part = _is_part(keywords)
    if provider() and (seen is None or not (is_part or seen.is_fresh(settings, path))):
        return _asked_to_read(catalog, settings, path, keywords)
    if seen is None:
        return reason_if_hidden(catalog, settings, collection, path)
    is_form = names.is_form(path)
    if is_form:
        from ova_rules.build.beside import is_ours_at

        if not is_ours_at(settings, seen, path) and not is_known_ready(settings.state_directory, path):
            return None  # a user's own object
    elif not seen.fresh and seen.inputs.ready and _is_of_a_user(settings, seen, path):
        return None
    if is_form or seen.inputs.forms.embedded:
        from ova_rules.build.seeds import reason_if_tasks_hidden

        hidden = reason_if_tasks_hidden(catalog, settings, seen)
        if hidden is not None:
            return one_line(f"{path}: {hidden}")
    if is_part:
        return _mixed_versions(catalog, settings, seen, path, keywords, reading)
    fresh = seen.is_fresh(settings, path)
    reason = None if fresh else _make_fresh(catalog, settings, seen, path)
    if reason is None and is_form:
        reason = _no_form(catalog, settings, seen, path)
    replicas = _replicas_at(seen, path)
    reason = reason or _stale_replica(replicas, path, keywords)
    if reason is None and any(replica.size >= PARALLEL_FROM for replica in replicas):
        for replica in replicas if fresh else catalog.replicas(path):
            if replica.good:
                note_read(settings, path, catalog.identity, replica.size)
        for replica in replicas:
            _tell_of_call(catalog, settings, path, replica)
    return reason


def _is_part(keywords: Mapping[str, str]) -> bool:
    """Whether a request belongs to one more connection of a parallel download."""
    return "dataSize" in keywords and bool(keywords.get("resc_hier"))


def _asked_to_read(catalog: Catalog, settings: Settings, path: str, keywords: Mapping[str, str]) -> str | None:
    from ova_rules.servers.asking import provider_against

    named = {name: keywords[name] for name in _OF_REPLICA if name in keywords}
    return provider_against(catalog, settings, "read", path=path, keywords=named)


def _tell_of_call(catalog: Catalog, settings: Settings, path: str, replica: Replica, file: str = "") -> None:
    """Tells the server that may open a large file, once for each thread, that this is one call."""
    if replica.elsewhere is not None:
        from ova_rules.servers.asking import ask

        ask(catalog, settings, replica.host, "next call", path=path, file=file, opens=1)


def _replicas_at(seen: View, path: str) -> Sequence[Replica]:
    """The replicas of a component's ready OVA, or of one of its forms, as they were read."""
    if path == seen.component.ready_path:
        return seen.inputs.ready
    return seen.inputs.made.get(path.rpartition("/")[2], ())


def _no_form(catalog: Catalog, settings: Settings, seen: View, path: str) -> str | None:
    """Why a form does not belong to the component as it is now, or could not be made; None if it is there."""
    from ova_rules.build.beside import reason_if_not_made

    if not seen.is_fresh(settings, path):
        component = read(catalog, seen.component.path)
        if component is None:
            return None
        seen = view(catalog, settings, component)
    reason = reason_if_not_made(seen, path.rpartition("/")[2])
    return one_line(f"{path}: {reason}") if reason is not None else None


def _is_of_a_user(settings: Settings, seen: View, path: str) -> bool:
    """Whether the object existed before any ready OVA: it is not the server's, and its owner may still read it."""
    if seen.component.fact(names.BUILD) is not None or is_known_ready(settings.state_directory, path):
        return False
    return not is_ours(settings, path, seen.inputs.ready, seen.last)


def _mixed_versions(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    path: str,
    keywords: Mapping[str, str],
    reading: Reading | None,
) -> str | None:
    """One more connection must read what the first one reads. Its client names the size that it expects.

    The download goes on with the version that it began with, also if that no longer matches the metadata. A client that
    only claims this, and was never allowed to begin, is refused.
    """
    replicas = _replicas_at(seen, path)
    good = [replica for replica in replicas if replica.good]
    files = {replica.hierarchy: stat_of(replica, settings) for replica in good}  # before their version is asked
    recorded = seen.last.version_of(path.rpartition("/")[2]) if seen.last is not None else None
    is_whole = recorded is not None and version_of(replicas, settings) == recorded
    text = keywords["dataSize"]
    size = int(text) if text.isdecimal() else -1
    goes_on = seen.is_fresh(settings, path) or has_begun(settings, path, catalog.identity, size)
    if goes_on and is_whole and {replica.size for replica in good} == {size} and not is_ambiguous(settings, path, size):
        file = files.get(keywords["resc_hier"])
        if reading is not None and file is not None:
            reading.file = file_identity(file)
            for replica in good:
                if replica.hierarchy == keywords["resc_hier"]:
                    _tell_of_call(catalog, settings, path, replica, reading.file)
        return None
    return changed_meanwhile(path)


def changed_meanwhile(path: str) -> str:
    """Why a download of two versions is refused, in one line."""
    return one_line(f"{path} was rebuilt while this download ran; get it again")


def _stale_replica(replicas: Sequence[Replica], path: str, keywords: Mapping[str, str]) -> str | None:
    """Why the replica that the client names must not be read. If it names none, the server picks a good one."""
    asked = {keywords.get(name, "") for name in _OF_REPLICA} - {""}
    for replica in replicas:
        names_of = {replica.number, replica.resource, replica.hierarchy, replica.hierarchy.rpartition(";")[2]}
        if asked & names_of and not replica.good:
            return one_line(f"{path}: replica {replica.number} is out of date; get it without naming a replica")
    return None


def _make_fresh(catalog: Catalog, settings: Settings, seen: View, path: str) -> str | None:
    component, now = seen.component, seen.inputs
    if has_failed(now, signer_of(settings)):
        return _reason(catalog, now, path)
    hidden = unseen(catalog, component, now.depends)
    if hidden:
        return one_line(f"{path}: {unseen_error(now, hidden, catalog.user)}")
    may_help = now.source is not None or isinstance(now.error, BehindError)
    if may_help and catalog.may_write(component.path):
        try:
            made = build(catalog, settings, component.path, may_queue=True, wait=settings.gate_wait, reading=True)
        except ComponentError as error:
            return one_line(str(error))
        if made.state in (State.BUILT, State.UNCHANGED, State.NOT_A_COMPONENT):
            if made.state is State.BUILT:
                follow(catalog, settings, component.path)
            return None  # it matched after the read was requested; a reader cannot know more
        if made.state is State.FAILED:
            return _said_of(path, made.done)
    return _wait(catalog, settings, path)


def _wait(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Waits while another agent or a job builds; returns the reason against reading if it stays stale."""
    start = time.monotonic()
    while True:
        component = read(catalog, names.component_of(path) or "")
        if component is None:
            return None
        seen = view(catalog, settings, component)
        if seen.is_fresh(settings, path):
            return None
        status = component.fact(names.STATUS)
        queued = status is not None and status.value in (names.QUEUED, names.BUILDING)
        if status is not None and not queued and not is_held(settings.state_directory, component.path):
            not_made = _no_form(catalog, settings, seen, path) if names.is_form(path) else None
            return not_made or _reason(catalog, seen.inputs, path)  # no agent builds it
        patience = settings.gate_wait if queued else min(settings.gate_wait, _PATIENCE_SECONDS)
        if has_failed(seen.inputs, signer_of(settings)) or time.monotonic() - start >= patience:
            return _reason(catalog, seen.inputs, path)
        time.sleep(_POLL_SECONDS)


def _reason(catalog: Catalog, now: Inputs, path: str) -> str:
    """What is wrong now, else the last build's message. Only clients that may write there get a `HiddenError`."""
    message = now.component.fact(names.MESSAGE)
    hidden = isinstance(now.error, HiddenError) and not catalog.may_write(now.component.path)
    if now.error is not None and not hidden and not isinstance(now.error, WaitingError):
        return _said_of(path, str(now.error))
    if message is not None:
        return _said_of(path, message.value)
    return one_line(
        f"{path} is out of date; one who may write in {now.component.path} has to read it or set an AVU again"
    )


def _said_of(path: str, text: str) -> str:
    return one_line(text if text.startswith(path) else f"{path}: {text}")
