"""Removals of data objects and collections: keeps images in use; marks components that lost a ready OVA or source."""

from __future__ import annotations

from ova_rules import names
from ova_rules.agent import CONTINUE, NOT_PERMITTED
from ova_rules.build.secrecy import reason_against_moving
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog, refuse
from ova_rules.events.context import context
from ova_rules.images import in_use
from ova_rules.servers.asking import ask_provider, provider_against
from ova_rules.servers.roles import provider
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def before_unlink(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Keeps an image in use from being removed or unregistered by accident. The trash is no way around the gate."""
    request = rule_args[2]
    keywords = [str(request.condInput.key[i]) for i in range(request.condInput.len)]
    catalog, settings = context(callback, rei, "removal")
    reason = reason_against_unlinking(catalog, settings, str(request.objPath), forced="forceFlag" in keywords)
    return refuse(callback, NOT_PERMITTED, reason) if reason else CONTINUE


def reason_against_unlinking(catalog: Catalog, settings: Settings, path: str, *, forced: bool) -> str | None:
    """Why a data object must not be removed, in one line. forced: not into the trash."""
    if provider():
        return provider_against(catalog, settings, "unlink", path=path, forced=forced)
    reason = _reason_if_in_use(catalog, settings, path)
    if reason is not None or forced or names.component_of(path) is None:
        return reason
    return reason_against_moving(catalog, settings, path)


def before_collection_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Keeps an image in use from being removed with a collection, unless the collection also holds all its users."""
    reason = reason_against_removing(*context(callback, rei, "removal"), str(rule_args[2].collName))
    return refuse(callback, NOT_PERMITTED, reason) if reason else CONTINUE


def reason_against_removing(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Why a collection must not be removed, in one line."""
    if provider():  # not all its own hooks follow, and iRODS does not pass on their words
        return provider_against(catalog, settings, "remove", path=path)
    return _reason_if_in_use(catalog, settings, path)


def _reason_if_in_use(catalog: Catalog, settings: Settings, path: str) -> str | None:
    reason = in_use.refusal(catalog, settings, path)
    if reason is not None:
        catalog.journal("image", path=path.rstrip("/"), done=f"removal refused: {reason}")
    return reason


def after_collection_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """Components removed with a collection no longer use an image. Tasks may be removed with it, too."""
    collection_removed(*context(callback, rei, "removed"), str(rule_args[2].collName).rstrip("/"))
    return CONTINUE


def collection_removed(catalog: Catalog, settings: Settings, path: str) -> None:
    """What follows the removal of a collection."""
    if provider():
        ask_provider(catalog, settings, "collection removed", path=path)
        return
    in_use.removed(catalog, settings, path)
    if names.may_be_taken(f"{path}/"):
        from ova_rules.events.small_objects import build_takers

        build_takers(catalog, settings, path)


def after_removal(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was removed: notes that on the component whose ready OVA or source it was."""
    object_removed(*context(callback, rei, "removed"), str(rei.doi.objPath))
    return CONTINUE


def object_removed(catalog: Catalog, settings: Settings, path: str) -> None:
    """What follows the removal of a data object."""
    if provider():
        ask_provider(catalog, settings, "removed", path=path)
        return
    if names.looks_like_package(path) or names.component_of(path) is not None:
        _removed(catalog, settings, path)
    else:
        from ova_rules.events.small_objects import build_takers

        build_takers(catalog, settings, path)


def _removed(catalog: Catalog, settings: Settings, path: str) -> None:
    from ova_rules.build.batch import build_one, readable
    from ova_rules.component import dependents
    from ova_rules.record import remarks
    from ova_rules.record.last_build import last_build
    from ova_rules.record.signing import signer_of

    collection = names.component_of(path)
    component = readable(catalog, collection) if collection else None
    if component is not None and not names.looks_like_package(path):
        record = last_build(component, signer_of(settings))
        if record is None or path.rpartition("/")[2] not in {form.name for form in record.forms}:
            return  # a user's own object
    if component is not None and catalog.may_annotate(component.path):
        # Not built again here: its collection may be about to be removed, too.
        status = [avu for avu in component.facts if avu.attribute in (names.STATUS, names.MESSAGE)]
        status += [avu for avu in component.facts if (avu.attribute, avu.units) == (names.NOTE, remarks.OF_READY)]
        gone = Avu(
            component.path, names.MESSAGE, f"{path} was removed; set an AVU of {component.path} to have it again"
        )
        catalog.change_facts(component.path, status, [Avu(component.path, names.STATUS, names.FAILED), gone])
    for user in catalog.annotatable(dependents.of_source(catalog, path))[: settings.inline_components]:
        # Components made from it report that. It is not built again for them: see above.
        build_one(catalog, settings, user, 0.0, upstream=False)
