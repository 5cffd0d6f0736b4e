"""Gives each version of a ready OVA that clients may read in parts a size of its own.

A client downloads a large object over several connections. All but the first name only its path and the size that the
first one found. So no two versions that may be read at the same time have the same size: zeros behind its end, which
every reader of tar skips, make an archive longer. Sizes are noted in the state folder.

A download whose further connections find another version has to be refused. To make this rare, a new version waits for
a moment if a read of the old one has just begun.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence

from ova_rules.catalog.types import Replica
from ova_rules.settings import Settings
from ova_rules.state import SIZES, read_note, write_note

_READ = "read"
_READERS = "readers"
_LONGEST_SECONDS = 24 * 3600  # that a download may take from its first to its last connection
_BLOCK = 512
PARALLEL_FROM = 32 * 1024 * 1024  # bytes from which clients download over several connections

_OPENING_SECONDS = 0.3  # in which a client opens its further connections
_PATIENCE_SECONDS = 1.5  # for clients that begin one download after the other
_POLL_SECONDS = 0.02


def free_size(settings: Settings, path: str, replicas: Sequence[Replica], base: int, most: int) -> int:
    """The smallest size from `base` to `base + most` bytes that no version had lately; `base` if there is none."""
    taken = {size for size, _ in _recent(settings, SIZES, path)} | {replica.size for replica in replicas}
    return next((size for size in range(base, base + most + 1, _BLOCK) if size not in taken), base)


def note_size(settings: Settings, path: str, size: int) -> None:
    """Notes that a version of this size is about to be read."""
    known = [*_recent(settings, SIZES, path), (size, time.time())]
    write_note(settings.state_directory, SIZES, path, json.dumps(known))


def sizes_of(settings: Settings, paths: Iterable[str]) -> dict[str, list[tuple[int, float]]]:
    """The sizes that these objects had lately, and when, for another server that makes the next version."""
    return {path: found for path in paths if (found := _recent(settings, SIZES, path))}


def note_sizes(settings: Settings, sizes: Mapping[str, Sequence[Sequence[float]]]) -> None:
    """Notes also here what `sizes_of` told on another server."""
    for path, found in sizes.items():
        known = {*_recent(settings, SIZES, path), *((int(size), float(when)) for size, when in found)}
        write_note(settings.state_directory, SIZES, path, json.dumps(sorted(known, key=lambda each: each[1])))


def is_ambiguous(settings: Settings, path: str, size: int) -> bool:
    """Whether clients may be reading more than one version of this size."""
    return sum(known == size for known, _ in _recent(settings, SIZES, path)) > 1


def note_read(settings: Settings, path: str, user: str, size: int) -> None:
    """Notes that a user may begin to download a large version of this size."""
    write_note(settings.state_directory, _READ, path, str(time.time()))
    others = [(known, when) for known, when in _recent(settings, _READERS, _of(path, user)) if known != size]
    write_note(settings.state_directory, _READERS, _of(path, user), json.dumps([*others, (size, time.time())]))


def has_begun(settings: Settings, path: str, user: str, size: int) -> bool:
    """Whether a user was allowed to begin to download the version of this size."""
    return any(known == size for known, _ in _recent(settings, _READERS, _of(path, user)))


def wait_for_readers(settings: Settings, path: str) -> None:
    """Waits shortly, so that downloads that have just begun can open the current version."""
    end = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < end:
        text = read_note(settings.state_directory, _READ, path) or "0"
        if not 0 <= time.time() - float(text) < _OPENING_SECONDS:
            return
        time.sleep(_POLL_SECONDS)


def _of(path: str, user: str) -> str:
    return f"{path} {user}"


def _recent(settings: Settings, kind: str, name: str) -> list[tuple[int, float]]:
    text = read_note(settings.state_directory, kind, name)
    oldest = time.time() - _LONGEST_SECONDS
    try:
        return [(int(size), float(when)) for size, when in json.loads(text or "[]") if float(when) > oldest]
    except (ValueError, TypeError):  # cut short by a power cut
        return []
