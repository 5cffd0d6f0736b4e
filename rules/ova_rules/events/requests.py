"""What the servers of the zone ask each other (see `ova_rules.servers.asking`), each request run as its client.

The server with the catalog judges, keeps the locks, writes AVUs and runs what follows an event; the server of a vault
reads and writes its files. A request that is not sealed with the zone's key is refused before it is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.errors import ComponentError, SealError
from ova_rules.events.context import context
from ova_rules.faults import report
from ova_rules.servers.asking import told
from ova_rules.servers.envelope import Opener, packed
from ova_rules.servers.files import piece_here, states_here
from ova_rules.servers.key import zone_key
from ova_rules.servers.roles import is_here, provider
from ova_rules.settings import Settings
from ova_rules.state import notes_kept

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_opener = Opener()


def answer(literals: Sequence[str], callback: Any, rei: Any) -> str:
    """Runs the request in a call of the rule, once all its calls are there. Returns the packed answer; never raises."""
    notes: list[list[str | None]] = []
    outcome: dict[str, Any] = {"notes": notes}
    catalog = Catalog(callback, rei, "asked by another server")
    try:
        catalog, settings = context(callback, rei, "asked by another server")
        also = settings.local_hosts
        request = _opener.opened(
            zone_key(settings), catalog.identity, lambda host: is_here(host, also), [str(each) for each in literals]
        )
        if request is not None:
            kind, content = request
            with notes_kept(notes):
                outcome["value"] = _function(kind)(catalog, settings, **content)
    except Exception as error:
        outcome["error"] = told(error)
        if outcome["error"][0] in ("Fault", "SealError"):
            report(catalog.log, "request of another server", error)
    return packed(outcome)


def _function(kind: str) -> Callable[..., Any]:
    if kind in _OF_THE_CATALOG and provider():
        raise SealError("only the server with the catalog does this")
    return {**_OF_THE_CATALOG, **_OF_ANY}[kind]


# ---- to the server with the catalog ----------------------------------------------------------------------------------


def _avus(catalog: Catalog, settings: Settings, **change: Any) -> None:
    catalog.apply(change["entity"], change["path"], change["operations"], admin=change["admin"])


def _read(catalog: Catalog, settings: Settings, path: str, keywords: dict[str, str]) -> str | None:
    from ova_rules.events.gate import reason_against_reading

    return reason_against_reading(catalog, settings, path, keywords)


def _write(catalog: Catalog, settings: Settings, path: str) -> str | None:
    from ova_rules.events.gate import reason_against_writing

    return reason_against_writing(catalog, settings, path)


def _unlink(catalog: Catalog, settings: Settings, path: str, *, forced: bool) -> str | None:
    from ova_rules.events.removals import reason_against_unlinking

    return reason_against_unlinking(catalog, settings, path, forced=forced)


def _remove(catalog: Catalog, settings: Settings, path: str) -> str | None:
    from ova_rules.events.removals import reason_against_removing

    return reason_against_removing(catalog, settings, path)


def _rename(catalog: Catalog, settings: Settings, path: str) -> str | None:
    from ova_rules.events.renames import reason_against_renaming

    return reason_against_renaming(catalog, settings, path)


def _strict(
    catalog: Catalog, settings: Settings, path: str, added: Sequence[Sequence[str]], removed: Sequence[Sequence[str]]
) -> str | None:
    from ova_rules.events.refused_avus import reason_if_strict

    gone = {Avu(path, *parts) for parts in removed}
    new = [Avu(path, *parts) for parts in added]
    return reason_if_strict(catalog, settings, path, lambda: new, gone.__contains__)


def _written(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.events.sources import object_written

    object_written(catalog, settings, path)


def _removed(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.events.removals import object_removed

    object_removed(catalog, settings, path)


def _collection_removed(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.events.removals import collection_removed

    collection_removed(catalog, settings, path)


def _job(catalog: Catalog, settings: Settings, job: str, path: str) -> None:
    from ova_rules.events.queued import run_job

    run_job(catalog, settings, job, path)


# ---- to the server of a vault ----------------------------------------------------------------------------------------


def _files(catalog: Catalog, settings: Settings, paths: Sequence[str]) -> list[list[int] | None]:
    return states_here(paths)


def _piece(catalog: Catalog, settings: Settings, path: str, offset: int, version: Sequence[int]) -> str:
    if not any(path.startswith(f"{vault}/") for vault in catalog.vaults()):
        raise SealError("only files in vaults are sent to other servers")
    return piece_here(path, offset, version)


def _make(
    catalog: Catalog,
    settings: Settings,
    path: str,
    fingerprint: str,
    alike: list[str],
    *,
    may_queue: bool,
    is_job: bool,
    sizes: dict[str, list[list[float]]],
    known: bool,
) -> dict[str, Any]:
    from ova_rules.build.build import decided_by, make_here
    from ova_rules.build.progress import progress
    from ova_rules.build.takings import MisfitError, as_list
    from ova_rules.build.versions import note_sizes

    if alike != decided_by(settings):
        text = f"{path}: the rules, or their settings aliases and fixed_properties, differ between servers"
        raise ComponentError(f"{text}; see ova-admin check", lasting=False)
    note_sizes(settings, sizes)
    watched = progress(catalog, settings, path) if is_job else nullcontext()
    try:
        with watched as shown:
            made = make_here(catalog, settings, path, fingerprint, may_queue=may_queue, progress=shown, known=known)
    except MisfitError as error:
        return {"misfit": [str(error), error.lasting, [as_list(avu) for avu in error.said]]}
    catalog.journal("component", component=path, done=f"{made.state.value} here: {made.done}")
    return {
        "state": made.state.value,
        "done": made.done,
        "left": made.left.as_json() if made.left is not None else None,
    }


def _next_call(catalog: Catalog, settings: Settings, path: str, file: str, opens: int) -> None:
    from ova_rules.events.reads import next_call

    next_call(path, file, opens)


def _check(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.images.check import check_one

    check_one(catalog, settings, path)


def _capture(catalog: Catalog, settings: Settings, path: str) -> str | None:
    from ova_rules.captures.capture import make_here

    return make_here(catalog, settings, path)


def _download(
    catalog: Catalog, settings: Settings, target: str, address: Sequence[str], known: Sequence[str] | None
) -> bool:
    from ova_rules.component.source import Address
    from ova_rules.downloads.fetch import download_here
    from ova_rules.downloads.transfer import Version

    version = Version(*known) if known is not None else None
    return download_here(catalog, settings, target, Address(*address), version)


# ---- to any ----------------------------------------------------------------------------------------------------------


def about(catalog: Catalog, settings: Settings) -> dict[str, str]:
    """What has to be the same on all servers of a zone."""
    from ova_rules.build.build import decided_by

    return dict(zip(("settings", "format"), decided_by(settings)))


_OF_THE_CATALOG: dict[str, Callable[..., Any]] = {
    "avus": _avus,
    "read": _read,
    "write": _write,
    "unlink": _unlink,
    "remove": _remove,
    "rename": _rename,
    "strict": _strict,
    "written": _written,
    "removed": _removed,
    "collection removed": _collection_removed,
    "job": _job,
}
_OF_ANY: dict[str, Callable[..., Any]] = {
    "files": _files,
    "piece": _piece,
    "make": _make,
    "next call": _next_call,
    "check": _check,
    "capture": _capture,
    "download": _download,
    "about": about,
}
