"""The last build of a component as its sealed facts tell: what the ready OVA was made from, and which file it is."""

from __future__ import annotations

import os

from ova_rules import names
from ova_rules.component.fingerprint import file_identity
from ova_rules.record.signing import Seals, same
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.component.model import Component


@dataclass(frozen=True)
class LastBuild:
    """What the facts of a component vouch for.

    content: a hash of the values that were set and the source's version; equal content is the same ready OVA.
    """

    fingerprint: str
    version: str
    content: str
    source_path: str
    source_state: str
    source_file: str
    source_vault_path: str
    verified: str

    @property
    def parts(self) -> tuple[str, ...]:
        """What is sealed."""
        source = (self.source_path, self.source_state, self.source_file, self.source_vault_path)
        return (self.fingerprint, self.version, self.content, *source, self.verified)


def last_build(component: Component, seals: Seals) -> LastBuild | None:
    """The facts about the last build; None if there are none or they are not the server's."""
    wanted = (names.FINGERPRINT, names.BUILT, names.SOURCE, names.SOURCE_FILE, names.VERIFIED)
    kept, built, source, file, verified = (component.fact(name) for name in wanted)
    if kept is None or built is None or source is None or file is None or verified is None:
        return None
    version, _, seal = kept.units.partition(" ")
    last = LastBuild(
        kept.value, version, built.units, source.value, source.units, file.units, file.value, verified.value
    )
    return last if same(seal, seals.of_build(component.id, last.parts)) else None


def recorded_state(last: LastBuild | None, source_path: str) -> str | None:
    """The state of the source at this path as the last build noted it, if its file is still the same one; else None.

    For readers who may have the ready OVA but not its source: they learn that nothing changed, and nothing more.
    """
    if last is None or last.source_path != source_path:
        return None
    try:
        return last.source_state if file_identity(os.stat(last.source_vault_path)) == last.source_file else None
    except OSError:
        return None
