"""Which components use which image, so that an image in use is not removed by accident.

A use is noted when a component is built: in the database of uses and, where the client may change the object's AVUs, as
`ova::used_by`. Only the database counts, and it is compared with the catalog as far as the client sees. `ova_release`
lifts the refusal if an administrator set it: the signature in `ova::released_by` proves that, because any user who may
write the object can copy AVUs onto it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from ova_rules import names
from ova_rules.catalog.types import ObjectAvu
from ova_rules.catalog.writes import Catalog
from ova_rules.component.pointers import hashed
from ova_rules.component.source import is_url, path_from
from ova_rules.errors import BusyError, one_line
from ova_rules.images import usage
from ova_rules.images.usage import Use
from ova_rules.locks import locked
from ova_rules.record.signing import is_same, signer_of
from ova_rules.settings import Settings

_NAMED = 10  # components that a refusal names
_AT_ONCE = 500  # components whose AVUs are read together
_PATIENCE_SECONDS = 5.0


def changed(catalog: Catalog, settings: Settings, component: str, old_path: str | None, new_path: str | None) -> None:
    """Notes that a component's source changed from `old_path` (None: none, or unknown) to `new_path` (None: none).

    Costs one look into the database, and no query, if that is already noted.
    """
    known = usage.source_of(settings.state_directory, component)
    if known == new_path and old_path in (None, new_path):
        return
    if known != new_path:
        usage.note(settings.state_directory, component, new_path)
    for path in dict.fromkeys(path for path in (old_path, known, new_path) if path is not None):
        _show(catalog, settings, path, [component])


def renamed(catalog: Catalog, settings: Settings, old: str, new: str) -> None:
    """Notes another path of an object or a collection (also in the trash). Sources remain what `ova_url` names."""
    moved = usage.uses_by(settings.state_directory, old)
    if moved:
        usage.renamed(settings.state_directory, old, new)
        for use in moved:
            _show(catalog, settings, use.source, [use.component, new + use.component[len(old) :]])
    if names.looks_like_package(new) and usage.users_of(settings.state_directory, old):
        _show_all(catalog, settings, new)


def removed(catalog: Catalog, settings: Settings, collection: str) -> None:
    """Notes that a collection was removed: the components at or below it no longer use anything."""
    gone = usage.uses_by(settings.state_directory, collection)
    usage.forget(settings.state_directory, gone)
    for path in dict.fromkeys(use.source for use in gone):
        _show_all(catalog, settings, path)


def reconcile(catalog: Catalog, settings: Settings) -> None:
    """Forgets uses that are not in the catalog. For an administrator, who sees all components."""
    uses = usage.uses_by(settings.state_directory, "")
    visible, hidden = _checked(catalog, settings, uses)
    for path in sorted({use.source for use in set(uses) - set(visible) - set(hidden)}):
        _show_all(catalog, settings, path)


def refusal(catalog: Catalog, settings: Settings, path: str) -> str | None:
    """Why the data object at `path`, or the collection with all that is in it, must not be removed; None if it may.

    The line names the components that use it and that this client may see, and counts the others. Uses from within the
    collection itself and by components in the trash do not count.
    """
    path = path.rstrip("/")
    uses = usage.uses_from_outside(settings.state_directory, path)
    uses = [use for use in uses if not names.in_trash(use.component)]
    if not uses:
        return None
    visible, hidden = _checked(catalog, settings, uses)
    for source in sorted({use.source for use in (*visible, *hidden)}):
        if not catalog.replicas(source) or _is_released(catalog, settings, source):
            continue
        named = sorted(use.component for use in visible if use.source == source)
        unnamed = sum(use.source == source for use in hidden)
        what = source if source == path else f"{path} holds {source}, which"
        return one_line(
            f"{what} is the source of {_listed(named, unnamed)}; name another one in their ova_url, "
            "or ask an administrator to set ova_release on it"
        )
    return None


def _listed(named: Sequence[str], unnamed: int) -> str:
    parts = list(named[:_NAMED])
    if len(named) > _NAMED:
        parts.append(f"{len(named) - _NAMED} more")
    if unnamed:
        parts.append(f"{unnamed} component{'s' if unnamed > 1 else ''} that you may not see")
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]


def _checked(catalog: Catalog, settings: Settings, uses: Sequence[Use]) -> tuple[list[Use], list[Use]]:
    """The uses by components that this client sees, and by those that it does not see. Forgets stale uses."""
    components = sorted({use.component for use in uses})
    there: set[str] = set()
    urls: dict[str, list[str]] = {}
    for start in range(0, len(components), _AT_ONCE):
        some = components[start : start + _AT_ONCE]
        there |= catalog.visible(some)
        for avu in catalog.urls_of(some):
            urls.setdefault(avu.collection, []).append(avu.value)
    visible = [use for use in uses if use.component in there and _names(use, urls.get(use.component, ()))]
    hidden = [use for use in uses if use.component not in there and not catalog.is_administrator]
    usage.forget(settings.state_directory, sorted(set(uses) - set(visible) - set(hidden)))
    return visible, hidden


def _names(use: Use, urls: Iterable[str]) -> bool:
    """Whether `ova_url` still leads to the source, as far as its text alone shows."""
    return any(is_url(url) or "${" in url or path_from(use.component, url) == use.source for url in urls)


# ---- ova::used_by ----------------------------------------------------------------------------------------------------


def _show(catalog: Catalog, settings: Settings, path: str, components: Sequence[str]) -> None:
    """Brings `ova::used_by` of an object up to date for these components; reads nothing about others.

    A hash stands for a component that not all readers of the object may know.
    """

    def there_and_right() -> tuple[set[ObjectAvu], set[ObjectAvu]]:
        values = [value for each in components for value in (each, hashed(each))]
        there = {avu for value in values for avu in catalog.object_avus(path, [names.USED_BY], value)}
        using = [each for each in components if usage.source_of(settings.state_directory, each) == path]
        readers, knowing = catalog.readers(using), catalog.object_readers(path)
        shown = [each if knowing <= readers[each] else hashed(each) for each in using]
        return there, {ObjectAvu(names.USED_BY, each) for each in shown}

    _update(catalog, settings, path, there_and_right)


def _show_all(catalog: Catalog, settings: Settings, path: str) -> None:
    """Removes from `ova::used_by` of an object the components that do not use it.

    Does not add others that use it: this client may be the only one who may see them.
    """

    def there_and_right() -> tuple[set[ObjectAvu], set[ObjectAvu]]:
        users = {name for each in usage.users_of(settings.state_directory, path) for name in (each, hashed(each))}
        there = set(catalog.object_avus(path, [names.USED_BY]))
        return there, {avu for avu in there if avu.value in users and not avu.units}

    _update(catalog, settings, path, there_and_right)


def _update(
    catalog: Catalog, settings: Settings, path: str, facts: Callable[[], tuple[set[ObjectAvu], set[ObjectAvu]]]
) -> None:
    """Replaces the existing facts by the right ones, both as `facts` finds them under a lock."""
    try:
        with locked(settings.state_directory, f"{path} used by", _PATIENCE_SECONDS):
            old, new = facts()
            if old != new and catalog.may_annotate_object(path):
                catalog.change_object_avus(path, sorted(old - new), sorted(new - old))
    except BusyError as error:
        catalog.log(f"{names.USED_BY} of {path} stays as it is: {error}")


# ---- ova_release -----------------------------------------------------------------------------------------------------


def release_changed(catalog: Catalog, settings: Settings, path: str, *, added: bool) -> None:
    """After a change of `ova_release` on a data object: signs it if set by an administrator."""
    avus = catalog.object_avus(path, (names.RELEASE, names.RELEASED_BY))
    old = {avu for avu in avus if avu.attribute == names.RELEASED_BY}
    new = set(old)
    replicas = catalog.replicas(path)
    if not any(avu.attribute == names.RELEASE for avu in avus):
        new = set()
    elif added and catalog.is_administrator and replicas:
        signature = signer_of(settings).of_release(replicas[0].data_id, catalog.identity)
        new = {ObjectAvu(names.RELEASED_BY, catalog.identity, signature)}
    if old != new and (catalog.is_administrator or catalog.may_annotate_object(path)):
        catalog.change_object_avus(path, sorted(old - new), sorted(new - old))


def _is_released(catalog: Catalog, settings: Settings, path: str) -> bool:
    avus = catalog.object_avus(path, (names.RELEASE, names.RELEASED_BY))
    if not any(avu.attribute == names.RELEASE for avu in avus):
        return False
    data_id = catalog.replicas(path)[0].data_id
    signer = signer_of(settings)
    return any(
        avu.attribute == names.RELEASED_BY and is_same(avu.units, signer.of_release(data_id, avu.value)) for avu in avus
    )
