"""A zone for one measurement: embedded, in a folder of the measured file system, accessed over TCP."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from irods_zone.pytest_plugin import EmbeddedZone

from bench import packages, profiler
from tests.support.clients import PythonClient, ready_path
from tests.support.waiting import until
from tests.support.zones import embedded_zone, rule_folder

INLINE = 1 << 50  # an inline_limit above any OVA: every build runs inside the hook
_LIMIT_SECONDS = 600.0


class Site:
    """A zone and the session of its administrator."""

    def __init__(self, zone: EmbeddedZone, folder: Path) -> None:
        self.zone = zone
        self.session = zone.session()
        self.client = PythonClient(self.session)
        self.home = zone.home
        self.profile = folder / "profile.jsonl"
        self._settings = folder / "etc" / "ova_rules.json"

    def fresh_session(self) -> Any:
        """A new session, and so an agent that has imported nothing yet."""
        return self.zone.session()

    def settings(self, **settings: object) -> None:
        """Changes the settings for agents that start from now on, also for that of `session`."""
        settings.setdefault("state_directory", str(self._settings.with_name("state")))
        self._settings.write_text(json.dumps(settings))
        self.session.cleanup()

    def make(self, *names: str) -> None:
        """Makes collections below the home, with those above them."""
        for name in names:
            self.client.make(f"{self.home}/{name}")

    def put(self, name: str, data: bytes) -> None:
        """Puts a data object below the home."""
        self.client.put(data, f"{self.home}/{name}")

    def set(self, name: str, attribute: str, value: str, session: Any = None) -> None:
        """`imeta set -C`, below the home."""
        from irods.meta import iRODSMeta
        from irods.models import Collection

        # Does not look up the collection first: one call, as by imeta.
        (session or self.session).metadata.set(Collection, f"{self.home}/{name}", iRODSMeta(attribute, value))

    def source(self, size: int, *, sparse: bool = False) -> Path:
        """Registers images/base.ova of this size (see `packages.write`), on the zone's file system; its file."""
        source = self.zone.root / "base.ova"
        packages.write(source, size, sparse=sparse)
        self.make("images")
        self.session.data_objects.register(str(source), f"{self.home}/images/base.ova")
        return source

    def build(self, component: str) -> None:
        """Gives a collection its `ova_url` and waits until it is ready."""
        self.set(component, "ova_url", f"{self.home}/images/base.ova")
        self.wait_until_ready(component)

    def hostname(self, component: str, session: Any = None) -> str:
        """The hostname in the ready OVA as a client reads it: through the gate, which waits for a queued build."""
        path = ready_path(f"{self.home}/{component}")
        with (session or self.session).data_objects.open(path, "r") as stream:
            return packages.value_in(stream.read(1 << 16))

    def wait_until_ready(self, component: str) -> None:
        """Waits until the status is ready; raises RuntimeError with the message if it fails."""

        def is_ready() -> bool:
            facts = self.client.facts(f"{self.home}/{component}")
            if facts.get("ova::status") == "failed":
                raise RuntimeError(facts.get("ova::message", "failed"))
            return facts.get("ova::status") == "ready"

        until(is_ready, f"{component} is ready", _LIMIT_SECONDS)

    def not_ready(self, grid: str) -> int:
        """The number of components of a grid whose status is not ready, or missing."""
        from irods.models import Collection, CollectionMeta

        def having(attribute: str, *values: str) -> set[str]:
            query = self.session.query(Collection.name, CollectionMeta.value)
            query = query.filter(Collection.parent_name == f"{self.home}/{grid}", CollectionMeta.name == attribute)
            return {row[Collection.name] for row in query if row[CollectionMeta.value] in values or not values}

        return len(having("ova_url") - having("ova::status", "ready"))

    def wait_for_jobs(self) -> None:
        """Waits until the delay queue is empty."""
        until(lambda: not self.client.jobs(), "the delay queue is empty", _LIMIT_SECONDS)

    def wait_until_checked(self, image: str) -> None:
        """Waits until `ova::package` of an image is valid; raises RuntimeError with any other verdict."""
        found = until(lambda: self.client.package(f"{self.home}/{image}"), f"{image} is checked", _LIMIT_SECONDS)
        if found != "valid":
            raise RuntimeError(found)

    def events(self) -> list[dict[str, Any]]:
        """The events profiled so far; needs `profiled`."""
        return profiler.read(self.profile)

    def forget_events(self) -> None:
        """Empties the profile."""
        self.profile.unlink(missing_ok=True)


@contextmanager
def site(folder: Path, *, rules: bool = True, profiled: bool = False, **settings: object) -> Iterator[Site]:
    """A fresh zone below `folder`, with its vault; with the rules and these settings, or without rules."""
    behind = profiler.behind_core(folder / "profile.jsonl") if profiled else ""
    file = rule_folder(folder / "etc", behind)
    if not rules:
        file.unlink()
        file.write_text("")
    with embedded_zone(folder / "zone", file) as zone:
        made = Site(zone, folder)
        made.settings(**settings)
        yield made
