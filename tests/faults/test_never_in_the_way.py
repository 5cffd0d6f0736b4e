"""Promise 4: a fault in our code never makes a user's command on anything else fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.clients import IBridgesClient, PythonClient, Refused, told
from tests.acceptance.conftest import REPOSITORY
from tests.appliances import ova

# core.py with a fault put where the hooks hand over: everything behind it is broken.
BROKEN = f"""\
import runpy, sys
globals().update(runpy.run_path({str(REPOSITORY / "core.py")!r}))
import ova_rules.build.batch, ova_rules.build.build, ova_rules.build.staleness, ova_rules.events.reads

def broken(*_, **__):
    raise ZeroDivisionError("a fault of ours")

ova_rules.build.staleness.view = ova_rules.events.reads.view = ova_rules.build.batch.build_all = broken
"""

Factory = Callable[..., Any]


@pytest.fixture
def zone(irods_zone_factory: Factory) -> Any:
    """A zone whose rules are broken."""
    return irods_zone_factory(BROKEN)


def test_users_commands_go_on_and_the_log_says_what_is_wrong(zone: Any) -> None:
    client = PythonClient(zone.session())
    collection = f"{zone.home}/anything"
    client.make(collection)
    client.set(collection, "colour", "red")
    client.put(ova(), f"{collection}/some.ova")
    assert client.get(f"{collection}/some.ova") == ova()
    client.session.data_objects.move(f"{collection}/some.ova", f"{collection}/other.ova")
    client.session.data_objects.unlink(f"{collection}/other.ova", force=True)
    assert "ZeroDivisionError: a fault of ours" in zone.log_text()


def test_nor_is_a_command_line_hindered(zone: Any, tmp_path: Path) -> None:
    client = IBridgesClient(tmp_path / "home", zone.environment, zone.user, zone.password)
    collection = f"{zone.home}/anything"
    client.make(collection)
    client.set(collection, "colour", "red")
    client.put(ova(), f"{collection}/some.ova")
    assert client.get(f"{collection}/some.ova") == ova()
    assert "ZeroDivisionError: a fault of ours" in zone.log_text()


def test_an_object_that_only_looks_like_a_ready_ova_is_read(zone: Any) -> None:
    client = PythonClient(zone.session())
    client.make(f"{zone.home}/images")
    client.put(ova(), f"{zone.home}/images/images.ova")
    assert client.get(f"{zone.home}/images/images.ova") == ova()


def test_a_ready_ova_that_cannot_be_checked_is_refused(irods_zone_factory: Factory, tmp_path: Path) -> None:
    from tests.acceptance.conftest import rule_folder

    rules = rule_folder(tmp_path / "etc")
    zone = irods_zone_factory(rules)
    client = PythonClient(zone.session())
    client.make(f"{zone.home}/comp01")
    client.put(ova(), f"{zone.home}/base.ova")
    client.set(f"{zone.home}/comp01", "ova_url", "../base.ova")
    rules.unlink()
    rules.write_text(BROKEN)
    fresh = PythonClient(zone.session())  # core.py is read anew by each new connection
    with pytest.raises(Refused, match="could not be checked"), told():
        fresh.get(f"{zone.home}/comp01/comp01.ova")


def test_nor_where_the_rules_cannot_use_their_folder(irods_zone_factory: Factory, tmp_path: Path) -> None:
    from tests.acceptance.conftest import rule_folder

    zone = irods_zone_factory(rule_folder(tmp_path / "etc"))
    client = PythonClient(zone.session())
    for name in ("comp01", "images"):
        client.make(f"{zone.home}/{name}")
    client.put(ova(), f"{zone.home}/images/images.ova")
    client.set(f"{zone.home}/comp01", "ova_url", "../images/images.ova")
    (tmp_path / "etc" / "state").chmod(0o755)
    fresh = PythonClient(zone.session())
    with pytest.raises(Refused, match="could not be checked"), told():
        fresh.get(f"{zone.home}/comp01/comp01.ova")
    assert fresh.get(f"{zone.home}/images/images.ova") == ova()
    assert "can enter (mode 0700)" in zone.log_text()
