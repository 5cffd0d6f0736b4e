"""Refuses AVUs that would make the build of a strict component fail, before they are stored (see `strictness`).

The build judges what this module cannot, such as an image that does not exist yet or a right that the client lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ova_rules import names
from ova_rules.build.staleness import view
from ova_rules.build.takings import taken
from ova_rules.catalog.proposed import Proposed
from ova_rules.catalog.types import Avu
from ova_rules.catalog.writes import Catalog
from ova_rules.component import strictness
from ova_rules.component.dependents import of_avus
from ova_rules.component.model import Component, read
from ova_rules.errors import ComponentError
from ova_rules.settings import Settings


def misfit(
    catalog: Catalog, settings: Settings, path: str, added: Sequence[Avu], dropped: Callable[[Avu], bool]
) -> str | None:
    """Why this change of a collection's AVUs is refused, in the words of `ova::message`; None if it is accepted.

    added: the new AVUs; dropped: whether an old one is removed. Checks as many of the components that the change
    reaches as one event builds. An error that was there before is no reason.
    """
    reached = of_avus(catalog, path)
    if path not in reached and any(avu.attribute == names.URL for avu in added):
        reached.insert(0, path)
    after = Proposed(catalog, path, added, dropped)
    any_strict = False
    for each in reached[: settings.inline_components]:
        component = _strict(after, settings, each)
        if component is None:
            continue
        any_strict = True
        reason = _why_it_would_fail(after, settings, component)
        before = _strict(catalog, settings, each) if reason is not None else None
        if reason is not None and (before is None or reason != _why_it_would_fail(catalog, settings, before)):
            return reason
    if not any_strict and not settings.strict_values:
        strictness.forget(settings, path)
    return None


def _strict(catalog: Catalog, settings: Settings, path: str) -> Component | None:
    try:
        component = read(catalog, path)
    except ComponentError:
        return None
    return component if component is not None and strictness.is_strict(settings, component) else None


def _why_it_would_fail(catalog: Catalog, settings: Settings, component: Component) -> str | None:
    from ova_rules.servers.files import archive_at
    from ova_tools.errors import OvaError

    seen = view(catalog, settings, component)
    source = seen.inputs.source
    if source is None or not catalog.may_read(source.path):
        return None
    file = source.replica
    try:
        with archive_at(catalog, settings, file.host, file.vault_path, file.elsewhere) as package:
            taken(settings, seen, package)
    except ComponentError as error:
        return str(error)
    except OvaError:
        return None
    return None
