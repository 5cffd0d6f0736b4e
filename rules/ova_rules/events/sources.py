"""Data objects that may be sources, texts or tasks, when written or registered: builds what takes them."""

from __future__ import annotations

from ova_rules import names
from ova_rules.agent import CONTINUE
from ova_rules.build.batch import build_all
from ova_rules.catalog.writes import Catalog
from ova_rules.component import dependents
from ova_rules.events.context import context
from ova_rules.images.check import on_written
from ova_rules.servers.roles import provider
from ova_rules.settings import Settings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def after_write(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A data object was written, by any client."""
    path = str(rule_args[1].map()["logical_path"])
    object_written(*context(callback, rei, f"written {path}"), path)
    return CONTINUE


def after_registration(rule_args: list[Any], callback: Any, rei: Any) -> int:
    """A file was registered as a data object."""
    path = str(rei.doi.objPath)
    object_written(*context(callback, rei, f"written {path}"), path)
    return CONTINUE


def object_written(catalog: Catalog, settings: Settings, path: str) -> None:
    """What follows a data object's new content."""
    if provider():
        from ova_rules.servers.asking import ask_provider

        ask_provider(catalog, settings, "written", path=path)
        return
    if names.may_be_captured(path):
        from ova_rules.captures.capture import on_written as on_captured

        on_captured(catalog, settings, path)
    if not names.looks_like_package(path):
        from ova_rules.events.small_objects import build_takers

        build_takers(catalog, settings, path)
        return
    build_users(catalog, settings, path)
    on_written(catalog, settings, path)


def build_users(catalog: Catalog, settings: Settings, path: str) -> None:
    """Builds the components whose source the data object is, and what depends on them."""
    build_all(catalog, settings, dependents.of_source(catalog, path), path)
