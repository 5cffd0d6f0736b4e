"""Options and fixtures of the whole suite."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.libvirt import Host
    from tests.support.zones import Place


def pytest_addoption(parser: pytest.Parser) -> None:
    """--irods-environment: run tests/acceptance against a real zone."""
    parser.addoption("--irods-environment", metavar="FILE", help="run tests/acceptance against the zone of this file")


def pytest_configure(config: pytest.Config) -> None:
    """slow: what `make test-slow` runs beside; a fast test asks the same promise."""
    config.addinivalue_line("markers", "slow: left out of `make test`, where a fast test asks the same promise")


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    """A libvirt of the tests' own; its tests have the marks `MARKS` of tests.support.libvirt."""
    from tests.support.libvirt import libvirt_host

    with libvirt_host() as found:
        yield found


@pytest.fixture
def make_place(irods_zone_factory: Callable[..., Any], tmp_path: Path) -> Callable[..., Place]:
    """Makes a `Place`: an embedded zone with our rules, the settings given, and components of one source.

    behind: Python text that runs after core.py; resources, trace: as `irods_zone_factory` takes them.
    """
    from tests.support.zones import Place, rule_folder

    def make(
        behind: str = "",
        *,
        package: bytes = b"",
        components: int = 0,
        resources: dict[str, Path] | None = None,
        trace: bool = False,
        **settings: object,
    ) -> Place:
        rules = rule_folder(tmp_path / "etc", behind, **settings)
        return Place(irods_zone_factory(rules, resources, trace=trace), package, components)

    return make
