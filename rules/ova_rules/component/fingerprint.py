"""The fingerprint: one hash of all that a ready OVA is made from. Pure.

Ready means: the fingerprint kept with the ready OVA equals the one computed now. Hooks are hints; the fingerprint
decides.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence

from ova_rules.catalog.types import Avu, Replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.servers.files import FileState

# Raise it when the builder makes other bytes from the same inputs: every ready OVA is then rebuilt.
BUILDER_FORMAT = 3


def fingerprint(
    levels: Sequence[Sequence[Avu]],
    source: str,
    settings_digest: str,
    controls: Sequence[Avu] = (),
    tasks: Sequence[object] = (),
) -> str:
    """A hash of the effective AVUs (nearest first, whatever collection has them), the source and the settings.

    controls: those that decide how values are taken and which forms are made. tasks: the versions of the tasks on a
    seed.
    """
    values = [sorted((avu.attribute, avu.units, avu.value) for avu in level) for level in levels if level]
    also: list[object] = [sorted((avu.attribute, avu.value) for avu in controls)] if controls else []
    also += [tasks] if tasks else []
    return digest([BUILDER_FORMAT, settings_digest, source, values, *also])


def content(source: str, settings_digest: str, values: Sequence[tuple[str, ...]], seed: str = "") -> str:
    """A hash of what decides the bytes of a ready OVA: the source's state and each property that is set or added.

    seed: a hash of what the seed in it follows from, "" without one.
    Two fingerprints may have one content: if an AVU that no property takes changed, or a value moved up to the grid.
    """
    return digest([BUILDER_FORMAT, settings_digest, source, sorted(values), *([seed] if seed else [])])


def source_state(replica: Replica, file: FileState | os.stat_result) -> str:
    """A hash of a source's identity and version.

    The file's own times distinguish two writes within one second. The catalog's modify time and checksum are left out,
    because touching or checksumming a source does not change it.
    """
    return digest([replica.data_id, replica.size, file.st_ino, file.st_mtime_ns, file.st_size])


def file_identity(file: FileState | os.stat_result) -> str:
    """Which version of a vault file this is; changes with every publication and every write."""
    return f"{file.st_ino}-{file.st_mtime_ns}-{file.st_size}"


def digest(parts: Sequence[object]) -> str:
    """A hash of JSON values, 32 hexadecimal digits."""
    text = json.dumps(parts, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]
