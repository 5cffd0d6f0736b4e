"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """--irods-environment: run tests/acceptance against a real zone."""
    parser.addoption("--irods-environment", metavar="FILE", help="run tests/acceptance against the zone of this file")
