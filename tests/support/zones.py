"""Embedded zones with our rules: the rule file, and what most tests need besides it. Makes no assertions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from irods_zone.forkserver import Forkserver
from irods_zone.pytest_plugin import EmbeddedZone, free_port

from tests.support import REPOSITORY
from tests.support.appliances import ova
from tests.support.clients import PythonClient


def rule_folder(folder: Path, behind: str = "", /, **settings: object) -> Path:
    """The rule file of a zone: a link to core.py, as on a real server, with these settings beside it.

    behind: Python text that runs after it, in the same namespace.
    """
    folder.mkdir(parents=True, exist_ok=True)
    core = folder / "core.py"
    link = folder / "linked_core.py" if behind else core
    link.symlink_to(REPOSITORY / "core.py")
    if behind:
        core.write_text(
            f"import sys\nsys.path.append({str(REPOSITORY)!r})\n__file__ = {str(link)!r}\n"
            f"exec(compile(open(__file__).read(), __file__, 'exec'))\n{behind}"
        )
    settings.setdefault("state_directory", str(folder / "state"))
    (folder / "ova_rules.json").write_text(json.dumps(settings))
    return core


@contextmanager
def embedded_zone(root: Path, rules: Path | None) -> Iterator[EmbeddedZone]:
    """A zone where no fixture makes one."""
    forkserver = Forkserver()
    try:
        zone = EmbeddedZone(forkserver, root, rules, {})
        try:
            yield zone
        finally:
            zone.close()
    finally:
        forkserver.close()


# Runs behind core.py: the servers of a test share a machine, but not their vaults.
_ONLY_OWN_FILES = """
def _refuse_others(event, arguments, others={others!r}, frame=sys._getframe):
    if event == "open" and str(arguments[0]).startswith(others):
        if frame(1).f_globals.get("__name__", "").startswith(("ova_rules", "ova_tools")):
            raise PermissionError(13, "a vault of another server", arguments[0])

sys.addaudithook(_refuse_others)
"""


@contextmanager
def several_servers(folder: Path, consumers: int = 1, **settings: object) -> Iterator[tuple[EmbeddedZone, ...]]:
    """A zone of several servers: the provider on 127.0.0.2, its consumers on 127.0.0.3, 127.0.0.4 …

    Server N, from 0, has its rule file, these settings and a server_config.json in folder/etc-N. The vaults are
    demoResc, consumer1Resc …
    """
    hosts = [f"127.0.0.{2 + number}" for number in range(1 + consumers)]
    vaults = [folder / "zone/vault", *(folder / f"vault-{number}" for number in range(1, 1 + consumers))]
    cores = []
    for number, host in enumerate(hosts):
        others = tuple(f"{vault}/" for vault in vaults if vault != vaults[number])
        behind = _ONLY_OWN_FILES.format(others=others)
        core = rule_folder(folder / f"etc-{number}", behind, local_hosts=[host], **settings)
        described = {
            "catalog_service_role": "consumer" if number else "provider",
            "catalog_provider_hosts": hosts[:1],
            "host": host,
            "zone_name": EmbeddedZone.zone,
        }
        core.with_name("server_config.json").write_text(json.dumps(described))
        cores.append(core)
    forkserver = Forkserver()
    try:
        provider = EmbeddedZone(forkserver, folder / "zone", cores[0], {}, host=hosts[0], port=free_port(*hosts))
        try:
            servers = [provider]
            for number in range(1, 1 + consumers):
                resources = {f"consumer{number}Resc": vaults[number]}
                servers.append(provider.consumer(cores[number], hosts[number], resources))
            yield tuple(servers)
        finally:
            provider.close()
    finally:
        forkserver.close()


class Place:
    """A zone, its administrator's client, base.ova in the home, and components of it in grid01."""

    def __init__(self, zone: EmbeddedZone, package: bytes = b"", components: int = 0) -> None:
        self.zone = zone
        self.home = zone.home
        self.client = PythonClient(zone.session())
        self.source = f"{self.home}/base.ova"
        self.grid = f"{self.home}/grid01"
        self.client.put(package or ova(), self.source)
        self.components = [self.component(f"grid01/comp{number:02}") for number in range(components)]

    def component(self, name: str, **avus: str) -> str:
        """A component of base.ova below the home, with these AVUs."""
        return self.client.component(f"{self.home}/{name}", self.source, **avus)

    def status(self, component: str) -> str:
        """`ova::status`, '' if there is none."""
        return self.client.facts(component).get("ova::status", "")


MakePlace = Callable[..., Place]
