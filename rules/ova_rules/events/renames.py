"""Renames of data objects and collections, also into the trash: builds what either path reaches."""

from __future__ import annotations

import posixpath

from ova_rules import names
from ova_rules.agent import CONTINUE, NOT_PERMITTED
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.events.context import settings_for
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_rules.component.model import Component
    from ova_rules.record.last_build import LastBuild

_RENAME_DATA_OBJECT = 11  # the value of oprType; 12 is a collection, 21 may be either


def before_rename(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Keeps an image in use where `ova_url` finds it, and a ready OVA away from a client that may not read it."""
    source = str(rule_args[2].srcDataObjInp.objPath).rstrip("/")
    is_object = int(rule_args[2].srcDataObjInp.oprType) == _RENAME_DATA_OBJECT
    if is_object and not names.looks_like_package(source) and names.component_of(source) is None:
        return CONTINUE
    from ova_rules.events.context import context

    reason = reason_against_renaming(*context(callback, rei, "rename"), source)
    return refuse(callback, NOT_PERMITTED, reason) if reason else CONTINUE


def reason_against_renaming(catalog: Catalog, settings: Settings, source: str) -> str | None:
    """Why an object or a collection must not be renamed, in one line."""
    from ova_rules.images import in_use
    from ova_rules.servers.roles import provider

    if provider():  # its own hook follows, but iRODS does not pass on its words
        from ova_rules.servers.asking import provider_against

        return provider_against(catalog, settings, "rename", path=source)
    reason = in_use.refusal(catalog, settings, source)
    if reason is None and names.component_of(source) is not None:
        from ova_rules.build.secrecy import reason_against_moving

        reason = reason_against_moving(catalog, settings, source)
    return reason


def after_rename(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """An object or a collection was renamed: rule_args are the old and the new path."""
    old, new = str(rule_args[0]).rstrip("/"), str(rule_args[1]).rstrip("/")
    catalog = Catalog(callback, rei, "renamed")
    if not (_may_count(old) or _may_count(new) or catalog.visible([new])):
        return CONTINUE  # an object that is neither a package nor a text
    from ova_rules.images import check, in_use

    settings = settings_for(catalog)
    in_use.renamed(catalog, settings, old, new)
    _build(catalog, settings, old, new)
    if names.looks_like_package(new):
        check.on_written(catalog, settings, new)
    return CONTINUE


def _may_count(path: str) -> bool:
    return names.looks_like_package(path) or names.may_be_taken(f"{path}/") or names.component_of(path) is not None


def _build(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """Builds components at the new path, and all that names either."""
    from ova_rules.build.batch import build_all, others_go_on
    from ova_rules.build.completion import complete_all
    from ova_rules.component import dependents

    affected: list[str] = []
    for path in (old, new):
        if names.looks_like_package(path):
            affected += dependents.of_source(catalog, path)
            affected += [name for name in [names.component_of(path)] if name]
        elif names.may_be_taken(f"{path}/"):
            from ova_rules.events.small_objects import takers

            affected += [each for found in takers(catalog, settings, path).values() for each in found]
        elif names.component_of(path) is not None:
            affected.append(str(names.component_of(path)))
    if catalog.visible([new]):  # a collection
        complete_all(catalog, settings, dependents.derived(catalog, new))
        affected += dependents.of_collection(catalog, old)
        there = dependents.of_collection(catalog, new)
        if new in there:
            with others_go_on(catalog, new):
                _follow_name(catalog, settings, old, new)
        affected += there
    build_all(catalog, settings, affected, old, new)


def _follow_name(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """A component was renamed: gives its ready OVA the new name, so that no second one is left behind."""
    from ova_rules.build.batch import PATIENCE_SECONDS
    from ova_rules.component.model import read
    from ova_rules.images import in_use
    from ova_rules.locks import locked
    from ova_rules.record.last_build import last_build
    from ova_rules.record.signing import signer_of

    before = f"{new}/{posixpath.basename(old)}.ova"
    after = names.ready_path(new)
    component = read(catalog, new)
    last = last_build(component, signer_of(settings)) if component is not None else None
    if component is None or last is None or before == after:
        return
    with locked(settings.state_directory, new, PATIENCE_SECONDS):  # a build could be making it now
        replicas = catalog.replicas(before)
        is_ours = bool(replicas) and replicas[0].data_id == last.data_id
        if is_ours and not catalog.replicas(after) and catalog.may_rename(before):
            catalog.rename(before, after)
            in_use.renamed(catalog, settings, before, after)
        _forms_follow(catalog, settings, component, last, old)


def _forms_follow(catalog: Catalog, settings: Settings, component: Component, last: LastBuild, old: str) -> None:
    """Gives the forms of a renamed component its new name: under the old one no gate would guard them."""
    from ova_rules.state import made_at, note_made

    before, own = posixpath.basename(old), posixpath.basename(component.path)
    for form in last.forms:
        rest = form.name[len(own) :]
        there, wanted = f"{component.path}/{before}{rest}", f"{component.path}/{form.name}"
        replicas = catalog.replicas(there)
        if not replicas or replicas[0].data_id != form.data_id or catalog.replicas(wanted):
            continue
        if catalog.may_rename(there):
            catalog.rename(there, wanted)
            made = made_at(settings.state_directory, f"{old}/{before}{rest}")
            note_made(settings.state_directory, wanted, form.data_id, holds=made[2] if made is not None else ())
