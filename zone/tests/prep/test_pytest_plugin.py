"""The fixtures for testing rules: a fresh zone with the rules of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from irods_zone.forkserver import ForkserverError
from irods_zone.pytest_plugin import EmbeddedZone

REFUSE = """
def acPreProcForModifyAVUMetadata(rule_args, callback, rei):
    if rule_args[3] == "forbidden":
        callback.msiExit("-818000", "not this one")
"""


def test_a_zone_without_rules_serves_clients(irods_zone: EmbeddedZone) -> None:
    with irods_zone.session() as session:
        assert session.collections.exists(irods_zone.home)


@pytest.mark.irods_rules(REFUSE)
def test_the_marker_brings_the_rules(irods_zone: EmbeddedZone) -> None:
    from irods.exception import CAT_NO_ACCESS_PERMISSION

    with irods_zone.session() as session:
        home = session.collections.get(irods_zone.home)
        home.metadata.add("allowed", "1")
        with pytest.raises(CAT_NO_ACCESS_PERMISSION):
            home.metadata.add("forbidden", "1")


def test_rules_can_be_a_file(irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path) -> None:
    file = tmp_path / "core.py"
    file.write_text(REFUSE)
    assert irods_zone_factory(file).rules == file


def test_zones_are_apart(irods_zone_factory: Callable[..., EmbeddedZone]) -> None:
    one, two = irods_zone_factory(), irods_zone_factory()
    assert one.port != two.port
    with one.session() as session:
        session.collections.create(f"{one.home}/only-here")
    with two.session() as session:
        assert not session.collections.exists(f"{two.home}/only-here")


def test_a_zone_has_its_files_where_it_says(irods_zone: EmbeddedZone) -> None:
    environment = json.loads(irods_zone.environment.read_text())
    assert (environment["irods_host"], environment["irods_port"]) == (irods_zone.host, irods_zone.port)
    with irods_zone.session() as session, session.data_objects.open(f"{irods_zone.home}/x", "w") as stream:
        stream.write(b"content")
    assert (irods_zone.vault / "home/rods/x").read_bytes() == b"content"
    assert "listening" in irods_zone.log_text()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_zone_started_again_has_everything_on_the_same_port(irods_zone: EmbeddedZone, end: str) -> None:
    port = irods_zone.port
    with irods_zone.session() as session:
        session.collections.create(f"{irods_zone.home}/kept")
    getattr(irods_zone, end)()
    irods_zone.start()
    assert irods_zone.port == port
    with irods_zone.session() as session:
        assert session.collections.exists(f"{irods_zone.home}/kept")


def test_a_zone_that_cannot_start_says_why(irods_zone_factory: Callable[..., EmbeddedZone], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ForkserverError, match="file"):
        irods_zone_factory(resources={"demoResc": tmp_path / "file" / "vault"})


BROKEN = "import no_such_module_anywhere\n"


@pytest.mark.irods_rules(BROKEN)
def test_a_rule_file_that_cannot_be_imported_shuts_everyone_out_and_is_named_in_the_log(
    irods_zone: EmbeddedZone,
) -> None:
    from irods.exception import iRODSException

    with pytest.raises(iRODSException), irods_zone.session() as session:
        session.collections.get(irods_zone.home)
    assert "no_such_module_anywhere" in irods_zone.log_text()


TAKES_OVER = """
def pep_api_mod_avu_metadata_pre(rule_args, callback, rei):
    return 5001000
"""


@pytest.mark.irods_rules(TAKES_OVER)
def test_a_rule_can_take_an_operations_place(irods_zone: EmbeddedZone) -> None:
    with irods_zone.session() as session:
        home = session.collections.get(irods_zone.home)
        home.metadata.add("name", "value")
        assert home.metadata.items() == []


CRASHES = """
import os
def acPreProcForModifyAVUMetadata(rule_args, callback, rei):
    if rule_args[4] == "crash":
        os.abort()
    if rule_args[4] == "raise":
        raise ValueError("from a rule")
"""


@pytest.mark.irods_rules(CRASHES)
def test_a_rule_that_crashes_ends_its_own_connection_only(irods_zone: EmbeddedZone) -> None:
    from irods.exception import NetworkException

    with irods_zone.session() as victim, irods_zone.session() as bystander:
        home = bystander.collections.get(irods_zone.home)
        with pytest.raises(NetworkException):
            victim.collections.get(irods_zone.home).metadata.add("name", "crash")
        home.metadata.add("name", "value")
        assert [avu.value for avu in home.metadata.items()] == ["value"]


AFTER = CRASHES.replace("acPre", "acPost")


@pytest.mark.irods_rules(AFTER)
def test_a_rule_that_raises_after_an_avu_was_set_fails_the_command_but_the_avu_is_set(irods_zone: EmbeddedZone) -> None:
    from irods.exception import iRODSException

    with irods_zone.session() as session:
        home = session.collections.get(irods_zone.home)
        with pytest.raises(iRODSException):
            home.metadata.add("name", "raise")
    with irods_zone.session() as session:
        assert [avu.value for avu in session.collections.get(irods_zone.home).metadata.items()] == ["raise"]
    assert "from a rule" in irods_zone.log_text()
