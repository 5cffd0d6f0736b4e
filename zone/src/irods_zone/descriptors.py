"""The open replicas of one agent, by descriptor (from 3, as iRODS numbers them). No catalog and no policy here."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from irods_zone.catalog.objects import Replica
from irods_zone.errors import (
    BAD_INPUT_DESC_INDEX,
    SYS_FILE_DESC_OUT_OF_RANGE,
    SYS_INVALID_INPUT_PARAM,
    SYS_OUT_OF_FILE_DESC,
    IrodsError,
)

FIRST = 3
LIMIT = 1024

# Values of oprType that change what a close does.
PUT = 1
COPY_TARGET = 9


class OpenType(IntEnum):
    """How a replica came to be open; the number stands in keywords and in the context of policy points."""

    CREATE = 1
    READ = 2
    WRITE = 3


@dataclass
class Descriptor:
    """An open replica. `handle` is the operating system's; the vault file that it names stays the one opened."""

    path: str
    replica: Replica
    handle: int
    flags: int
    open_type: OpenType
    keywords: dict[str, str]
    create_mode: int = 0
    data_size: int = -1
    operation: int = 0
    # The keywords as they were when an existing object was opened: what policy points see at its close.
    open_keywords: dict[str, str] = field(default_factory=dict)
    size_before: int = 0
    token: str = ""
    written: bool = False
    # A replica made beside others: they become stale when it is closed.
    adds_replica: bool = False

    @property
    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self.open_type is not OpenType.READ


class Descriptors:
    """The table of an agent's open replicas."""

    def __init__(self) -> None:
        self._open: dict[int, Descriptor] = {}

    def add(self, descriptor: Descriptor) -> int:
        """Enters it under the lowest free number; SYS_OUT_OF_FILE_DESC when the table is full."""
        for number in range(FIRST, LIMIT):
            if number not in self._open:
                self._open[number] = descriptor
                return number
        raise IrodsError(SYS_OUT_OF_FILE_DESC)

    def get(self, number: int) -> Descriptor:
        """SYS_FILE_DESC_OUT_OF_RANGE (no such number can be), BAD_INPUT_DESC_INDEX (nothing is open there)."""
        try:
            return self._open[number]
        except KeyError:
            code = BAD_INPUT_DESC_INDEX if FIRST <= number < LIMIT else SYS_FILE_DESC_OUT_OF_RANGE
            raise IrodsError(code, f"descriptor {number} is not open") from None

    def remove(self, number: int) -> Descriptor:
        """Takes it out of the table; SYS_INVALID_INPUT_PARAM if nothing is open there."""
        try:
            descriptor = self.get(number)
        except IrodsError as error:
            code = SYS_INVALID_INPUT_PARAM if error.code == BAD_INPUT_DESC_INDEX else error.code
            raise IrodsError(code, error.message) from None
        del self._open[number]
        return descriptor

    def numbers(self) -> list[int]:
        """What is open."""
        return list(self._open)
