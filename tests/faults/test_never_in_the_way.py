"""Promise 4: a fault in our code never makes a user's command on anything else fail."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.appliances import ova
from tests.support.clients import Client, IBridgesCommands, PythonClient, Refused
from tests.support.zones import MakePlace, rule_folder

# A fault where the hooks call their modules: everything behind it is broken.
BROKEN = """
import ova_rules.build.batch, ova_rules.build.build, ova_rules.build.staleness, ova_rules.events.gate

def broken(*_, **__):
    raise ZeroDivisionError("a fault of ours")

ova_rules.build.staleness.view = ova_rules.events.gate.view = ova_rules.build.batch.build_all = broken
"""


def use(client: Client, collection: str) -> None:
    """What users do with what is no component; nothing of it is refused."""
    client.make(collection)
    client.set(collection, "colour", "red")
    client.put(ova(), f"{collection}/some.ova")
    assert client.get(f"{collection}/some.ova") == ova()


def test_users_commands_go_on_and_the_log_says_what_is_wrong(make_place: MakePlace) -> None:
    place = make_place(BROKEN)
    collection, objects = f"{place.home}/anything", place.client.session.data_objects
    use(place.client, collection)
    objects.move(f"{collection}/some.ova", f"{collection}/other.ova")
    objects.unlink(f"{collection}/other.ova", force=True)
    assert "ZeroDivisionError: a fault of ours" in place.zone.log_text()


def test_nor_is_a_command_line_hindered(make_place: MakePlace, tmp_path: Path) -> None:
    zone = make_place(BROKEN).zone
    use(IBridgesCommands(tmp_path / "home", zone.environment, zone.user, zone.password), f"{zone.home}/anything")
    assert "ZeroDivisionError: a fault of ours" in zone.log_text()


def test_an_object_that_only_looks_like_a_ready_ova_is_read(make_place: MakePlace) -> None:
    place = make_place(BROKEN)
    place.client.make(f"{place.home}/images")
    place.client.put(ova(), f"{place.home}/images/images.ova")
    assert place.client.get(f"{place.home}/images/images.ova") == ova()


def test_a_ready_ova_that_cannot_be_checked_is_refused(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place()
    component = place.component("comp01")
    (tmp_path / "etc/core.py").unlink()
    rule_folder(tmp_path / "etc", BROKEN)
    fresh = PythonClient(place.zone.session())  # core.py is read anew by each new connection
    with pytest.raises(Refused, match="could not be checked"):
        fresh.ready(component)


def test_nor_where_the_rules_cannot_use_their_folder(make_place: MakePlace, tmp_path: Path) -> None:
    place = make_place()
    place.client.make(f"{place.home}/images")
    place.client.put(ova(), f"{place.home}/images/images.ova")
    component = place.client.component(f"{place.home}/comp01", "../images/images.ova")
    (tmp_path / "etc" / "state").chmod(0o755)
    fresh = PythonClient(place.zone.session())
    with pytest.raises(Refused, match="could not be checked"):
        fresh.ready(component)
    assert fresh.get(f"{place.home}/images/images.ova") == ova()
    assert "can enter (mode 0700)" in place.zone.log_text()
