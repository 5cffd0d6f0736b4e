"""What follows when clients set or remove AVUs.

Only what is needed to see that an AVU concerns no component is imported here. All else is imported where it is needed.
"""

from __future__ import annotations

from collections.abc import Sequence

from ova_rules import jobs, names
from ova_rules.agent import CONTINUE
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.inheritance import absolute
from ova_rules.events.avu_requests import OF_OBJECT, REMOVING, added_by, avus_in, request_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.settings import Settings


def after_change(rule_args: list[str], callback: Any, rei: Any) -> int:
    """Builds what an AVU of a collection changes. `cp` names two paths, the second is the one that changed."""
    operation = rule_args[0]
    if rule_args[2 if operation == "cp" else 1] in OF_OBJECT:
        catalog = Catalog(callback, rei, f"AVU {operation} {rule_args[3]}")
        _note_those_of_a_ready_ova(catalog, rule_args[4 if operation == "cp" else 2])
        if operation != "cp" and any(
            names.RELEASE in argument for argument in rule_args[3:]
        ):  # a copied one is unsigned
            _release_changed(rule_args[2], operation not in REMOVING, callback, rei)
        return CONTINUE
    catalog = Catalog(callback, rei, f"AVU {operation} {rule_args[3]}")
    path = (rule_args[4] if operation == "cp" else rule_args[2]).rstrip("/")
    removed = Avu(path, *rule_args[3:6]) if operation == "rm" else None
    gone = operation in ("mod", "rmw", "rmi") or (removed is not None and _matters_when_gone(removed))
    _changed(catalog, path, added_by(catalog, path, rule_args), may_be_gone=gone)
    return CONTINUE


def _matters_when_gone(avu: Avu) -> bool:
    """Whether the removal of an AVU has effects beyond the loss of a value."""
    return avu.attribute in (names.URL, names.LIKE) or "${" in avu.value


def after_atomic(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Builds what AVUs set through the atomic API change."""
    from ova_rules.servers.roles import provider

    if provider():  # its own hook does this
        return CONTINUE
    request = request_in(rule_args[2])
    operations = request.get("operations", ())
    if request.get("entity_type") == "data_object" and any(o.get("attribute") == names.RELEASE for o in operations):
        added = any(avu.attribute == names.RELEASE for avu in avus_in(request, "add"))
        _release_changed(str(request["entity_name"]), added, callback, rei)
    if request.get("entity_type") == "data_object":
        _note_those_of_a_ready_ova(Catalog(callback, rei, "atomic AVUs"), str(request["entity_name"]))
    if request.get("entity_type") != "collection":
        return CONTINUE
    path = str(request["entity_name"]).rstrip("/")
    gone = any(_matters_when_gone(avu) for avu in avus_in(request, "remove"))
    _changed(Catalog(callback, rei, "atomic AVUs"), path, avus_in(request, "add"), may_be_gone=gone)
    return CONTINUE


def _note_those_of_a_ready_ova(catalog: Catalog, path: str) -> None:
    if names.component_of(path) is not None:
        from ova_rules.build.batch import others_go_on
        from ova_rules.events.ready_avus import note_avus

        with others_go_on(catalog, path):
            note_avus(catalog, path)


def _changed(catalog: Catalog, path: str, added: Sequence[Avu], *, may_be_gone: bool) -> None:
    """Does what added controls request, then builds the collection and all that takes values from it.

    added: the AVUs that the client is known to have set. may_be_gone: whether `ova_url`, or an AVU that refers to other
    things, may have been removed. Most collections concern no component: then only the modules needed to see that are
    imported.
    """
    if any("ova_" in avu.attribute or "${" in avu.value for avu in added):
        _obey(catalog, path, added)
    from ova_rules.component import dependents

    affected = dependents.of_avus(catalog, path)
    if may_be_gone or affected:
        from ova_rules.build.batch import others_go_on
    if may_be_gone:
        with others_go_on(catalog, path):
            _forget(catalog, path)
    if affected:
        from ova_rules.build.batch import build_all
        from ova_rules.events.context import settings_for

        done = build_all(catalog, settings_for(catalog), affected, path)
        if path not in affected:
            from ova_rules.events.misspelt import note_unmatched

            with others_go_on(catalog, path):
                note_unmatched(catalog, path, added, [each.left for each in done if each.left is not None])


def _obey(catalog: Catalog, path: str, added: Sequence[Avu]) -> None:
    """Does what controls request besides a build, and notes who set AVUs that refer to other things."""
    from ova_rules.build.batch import others_go_on
    from ova_rules.build.completion import complete_all
    from ova_rules.component import dependents
    from ova_rules.events.context import settings_for

    settings = settings_for(catalog)
    attributes = {avu.attribute for avu in added}
    with others_go_on(catalog, path):
        _note_authors(catalog, settings, path, _spelled_out(catalog, path, added))
    if names.RESTORE in attributes:
        with others_go_on(catalog, path):
            from ova_rules.events.restore import restore

            restore(catalog, settings, path)
    if names.IMAGES in attributes:
        jobs.queue(catalog, settings, jobs.CHECK, path, running=True)
    if names.CAPTURE in attributes:
        jobs.queue(catalog, settings, jobs.CAPTURE, path, running=True)
    if names.REFRESH in attributes:
        jobs.queue(catalog, settings, jobs.FETCH, path, running=True)
    if attributes & {names.URL, names.LIKE}:  # elsewhere, or here, a component may be missing now
        own = [path] if names.LIKE in attributes else []
        complete_all(catalog, settings, [*own, *dependents.derived(catalog, path)])


def _spelled_out(catalog: Catalog, path: str, added: Sequence[Avu]) -> list[Avu]:
    """The same AVUs, with a relative `ova_like` now stored as the absolute path by which queries find it."""
    found = []
    for avu in added:
        right = Avu(path, avu.attribute, absolute(avu), avu.units) if avu.attribute == names.LIKE else avu
        if right != avu and catalog.may_annotate(path):
            catalog.remove_avus(path, [avu])
            catalog.change_facts(path, [], [right])
        found.append(right)
    return found


def _note_authors(catalog: Catalog, settings: Settings, path: str, added: Sequence[Avu]) -> None:
    """Notes the client as the author of AVUs that refer to other things. Most AVUs do not, and cost nothing."""
    from ova_rules.component.model import read_any
    from ova_rules.record import authorship

    referring = {avu for avu in added if authorship.refers(avu)}
    if not referring:
        return
    component = read_any(catalog, path)  # values with references may be there before ova_url is
    if component is not None and catalog.may_annotate(path):
        authorship.note_author(catalog, settings, component, lambda avu: avu in referring)


def _forget(catalog: Catalog, path: str) -> None:
    """Forgets who set removed AVUs, and the facts of a component that is no longer one.

    The last ready OVA of such a component stays as it is.
    """
    from ova_rules.component.model import read_any
    from ova_rules.events.context import settings_for
    from ova_rules.images.in_use import changed
    from ova_rules.record.authorship import forget_authors
    from ova_rules.record.last_build import last_build
    from ova_rules.record.signing import signer_of
    from ova_rules.state import made_at, note_made

    component = read_any(catalog, path)
    if component is None or not component.facts or catalog.having([path], names.CAPTURE):
        return
    settings = settings_for(catalog)
    forget_authors(catalog, settings, component)
    kept = (names.SET_BY, names.HISTORY, names.HISTORY_VALUES)
    was_one = any(avu.attribute in (names.STATUS, names.BUILD) for avu in component.facts)
    facts = [avu for avu in component.facts if was_one and avu.attribute not in kept]
    if component.urls or not facts:
        return
    last = last_build(component, signer_of(settings))
    if last is not None:  # from now on users with write permission may write the ready OVA
        ready = names.ready_path(path)
        made = made_at(settings.state_directory, ready)
        note_made(settings.state_directory, ready, last.data_id, last.version, made[2] if made else ())
        for form in last.forms:
            made = made_at(settings.state_directory, f"{path}/{form.name}")
            holds = made[2] if made else ()
            note_made(settings.state_directory, f"{path}/{form.name}", form.data_id, form.version, holds)
    if catalog.may_annotate(path):
        catalog.change_facts(path, facts, [])
    changed(catalog, settings, path, None, None)


def _release_changed(path: str, added: bool, callback: Any, rei: Any) -> None:
    from ova_rules.events.context import context
    from ova_rules.images.in_use import release_changed

    release_changed(*context(callback, rei), path, added=added)
