"""The context of an event: the catalog as its client sees it, and the settings."""

from __future__ import annotations

from ova_rules import agent
from ova_rules.catalog.writes import Catalog
from ova_rules.errors import UnusableSettingsError
from ova_rules.settings import Settings, load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def context(callback: Any, rei: Any, cause: str = "") -> tuple[Catalog, Settings]:
    """The catalog and the settings. cause: names the event in the journal."""
    catalog = Catalog(callback, rei, cause)
    return catalog, settings_for(catalog)


def settings_for(catalog: Catalog) -> Settings:
    """The settings. Logs what is wrong with them in the server log. Raises UnusableSettingsError."""
    settings = load(agent.settings_directory, catalog.log)
    if settings.unusable:
        raise UnusableSettingsError(settings.unusable)
    catalog.settings = settings
    return settings
