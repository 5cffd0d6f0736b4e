"""The open replicas of one agent, by descriptor (from 3, as in iRODS). Uses no catalog and no policy."""

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

# Values of oprType that change the effect of a close.
PUT = 1
COPY_TARGET = 9


class OpenType(IntEnum):
    """How a replica was opened; the number appears in keywords and in the context of policy points."""

    CREATE = 1
    READ = 2
    WRITE = 3


@dataclass
class Descriptor:
    """An open replica. `handle` is the operating system's; it always refers to the vault file that was opened."""

    path: str
    replica: Replica
    handle: int
    flags: int
    open_type: OpenType
    keywords: dict[str, str]
    create_mode: int = 0
    data_size: int = -1
    operation: int = 0
    # The keywords at the opening of an existing object; policy points see them at its close.
    open_keywords: dict[str, str] = field(default_factory=dict)
    size_before: int = 0
    token: str = ""
    written: bool = False
    # A new replica beside others, which become stale when it is closed.
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
        """The replica; SYS_FILE_DESC_OUT_OF_RANGE (impossible number), BAD_INPUT_DESC_INDEX (nothing is open there)."""
        try:
            return self._open[number]
        except KeyError:
            code = BAD_INPUT_DESC_INDEX if FIRST <= number < LIMIT else SYS_FILE_DESC_OUT_OF_RANGE
            raise IrodsError(code, f"descriptor {number} is not open") from None

    def remove(self, number: int) -> Descriptor:
        """Removes it from the table; SYS_INVALID_INPUT_PARAM if nothing is open there."""
        try:
            descriptor = self.get(number)
        except IrodsError as error:
            code = SYS_INVALID_INPUT_PARAM if error.code == BAD_INPUT_DESC_INDEX else error.code
            raise IrodsError(code, error.message) from None
        del self._open[number]
        return descriptor

    def numbers(self) -> list[int]:
        """The numbers of all open descriptors."""
        return list(self._open)
