"""Modules of a site beside core.py stay the site's, whatever their names; ours are still found."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from irods.exception import iRODSException
from irods.meta import AVUOperation, iRODSMeta

from ova_admin.rule_text import run_python
from tests.ova_admin.conftest import Server
from tests.support.appliances import ova, read

REPOSITORY = Path(__file__).resolve().parents[2]
MODULES = ("hooks", "names", "rules", "zone")  # what packages and modules of ours were called, and are inside ova_rules
SITE_CORE = """
import hooks, names, rules, zone

def acPostProcForObjRename(rule_args, callback, rei):
    callback.writeLine("serverLog", " ".join(module.answer(rule_args[1]) for module in (hooks, names, rules, zone)))
    return 5000000
"""
ASK = """
import hooks, names, rules, zone
for module in (hooks, names, rules, zone):
    callback.writeLine("stdout", module.__file__)
"""


def linked(server: Server) -> None:
    """As somebody installs by hand: the site has modules for its rule text, and no core.py of its own."""
    (server.etc / "core.py").symlink_to(REPOSITORY / "core.py")


def with_a_block(server: Server) -> None:
    server.core(SITE_CORE)
    server.install()


@pytest.mark.parametrize("installed", [linked, with_a_block])
def test_the_sites_modules_are_the_sites(
    server: Server, irods_zone_factory: Callable[..., Any], installed: Callable[[Server], None]
) -> None:
    for name in MODULES:
        (server.etc / f"{name}.py").write_text(f"def answer(path):\n    return '{name} saw ' + path\n")
    (server.etc / "ova_rules.json").write_text(json.dumps({"state_directory": str(server.root / "state")}))
    installed(server)
    zone = irods_zone_factory(server.etc / "core.py")

    zone.session().users.create("alice", "rodsuser")
    zone.session().users.modify("alice", "password", "secret")
    alice, home = zone.session("alice", "secret"), "/tempZone/home/alice"
    with alice.data_objects.open(f"{home}/base.ova", "w") as stream:
        stream.write(ova())
    alice.collections.create(f"{home}/comp01")
    metadata = alice.collections.get(f"{home}/comp01").metadata
    metadata.add("ova_url", f"{home}/base.ova")
    metadata.add("hostname", "sg12")
    with alice.data_objects.open(f"{home}/comp01/comp01.ova", "r") as stream:
        assert read(stream.read()).values["host.hostname"] == "sg12"
    with pytest.raises(iRODSException, match="facts that the server writes"):
        metadata.apply_atomic_operations(AVUOperation("add", iRODSMeta("ova::status", "failed")))

    assert run_python(zone.session(), ASK).split() == [str(server.etc / f"{name}.py") for name in MODULES]
    alice.collections.move(f"{home}/comp01", f"{home}/comp02")
    answers = " ".join(f"{name} saw {home}/comp02" for name in MODULES)
    assert (answers in zone.log_text()) is (installed is with_a_block)
