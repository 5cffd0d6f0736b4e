"""The configuration of a server of a zone as values: folder, address, resources, limits. It reads and opens no file."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class ClientLimits:
    """The time limits of clients, in seconds, and their largest number."""

    connections: int = 1024
    handshake: float = 30.0
    stall: float = 60.0
    idle: float = 3600.0


@dataclass(frozen=True)
class Resource:
    """A unixfilesystem storage resource: its name and the directory that is its vault."""

    name: str
    vault: Path


@dataclass(frozen=True)
class ServerOptions:
    """The options of the command line."""

    root: Path
    host: str = "127.0.0.1"
    port: int = 1247
    password: str | None = None
    rules: Path | None = None
    trace: Path | None = None
    resources: tuple[Resource, ...] = ()
    zone_name: str = "tempZone"
    administrator: str = "rods"
    limits: ClientLimits = field(default_factory=ClientLimits)
    # The root of the catalog service provider, if this server is a consumer.
    provider: Path | None = None


@dataclass(frozen=True)
class ZoneConfig:
    """The configuration at the server's start; the same in every agent. All servers of a zone have one port."""

    root: Path
    zone_name: str
    host: str
    port: int
    resources: tuple[Resource, ...]
    rules: Path | None = None
    trace: Path | None = None
    started: int = field(default_factory=lambda: int(time.time()))
    administrator: str = "rods"
    # Of the catalog service provider, if this server is a consumer.
    provider: Path | None = None
    provider_host: str = ""

    @property
    def is_provider(self) -> bool:
        """Whether this server is the zone's catalog service provider."""
        return self.provider is None

    @property
    def catalog_path(self) -> Path:
        """The SQLite file."""
        return (self.provider or self.root) / "catalog.sqlite"

    @property
    def servers_path(self) -> Path:
        """The folder in which each consumer has left a file named after its host."""
        return (self.provider or self.root) / "servers"
