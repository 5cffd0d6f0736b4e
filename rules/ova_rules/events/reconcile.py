"""What no event announced: finds every component of the zone that is not what it should be, for an administrator.

AVUs set by `iput --metadata` or by microservices, another server's changes, a removed ready OVA, a lost job. Only says
which; `ova-admin reconcile` builds each on behalf of its owner, whose rights count. A handful of queries for some
hundreds of components, and none for each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ova_rules.build.staleness import Stale, stale
from ova_rules.catalog.writes import Catalog
from ova_rules.images.in_use import reconcile as forget_stale_uses
from ova_rules.settings import Settings
from ova_tools.records import dataclass


@dataclass(frozen=True)
class Finding:
    """A component that is not what it should be, its owner (name#zone), and why that is believed."""

    component: str
    owner: str
    reason: str


def findings(catalog: Catalog, settings: Settings) -> Iterator[Finding]:
    """All of them, by owner. Also brings up to date who uses which image. Raises PermissionError for ordinary users."""
    if not catalog.is_administrator:
        raise PermissionError("only an administrator sees all components")
    forget_stale_uses(catalog, settings)
    for owner, paths in _by_owner(catalog).items():
        for found in _of_owner(catalog, settings, owner, paths):
            yield Finding(found.path, owner, found.reason)


def _by_owner(catalog: Catalog) -> dict[str, list[str]]:
    owned: dict[str, list[str]] = {}
    for path, owner in catalog.all_components():
        owned.setdefault(owner, []).append(path)
    return owned


def _of_owner(catalog: Catalog, settings: Settings, owner: str, paths: Sequence[str]) -> Iterator[Stale]:
    """What the owner would find: AVUs that the owner may not see are no reason to build."""
    with catalog.eyes_of(owner):
        yield from stale(catalog, settings, paths)
