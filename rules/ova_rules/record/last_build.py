"""The last build of a component, one signed record (`ova::build`): what the ready OVA was made from, which file it is.

The plain facts beside it (`ova::source`, `ova::built` …) are for people; only the record is believed.
"""

from __future__ import annotations

import json
import os

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.fingerprint import file_identity
from ova_rules.component.model import Component
from ova_rules.errors import ComponentError
from ova_rules.record.signing import Signer, is_same
from ova_tools.records import asdict, dataclass, replace

_VALUE_BYTES = 2700  # what iRODS reads of a value


@dataclass(frozen=True)
class LastBuild:
    """What the ready OVA was made from. built: when, as facts have it. data_id, version: of the ready OVA.

    content: a hash of the values that were set and the source's version; equal content is the same ready OVA.
    source_file: the identity of the source's vault file; verified: the source's version whose digests were right.
    """

    built: str
    fingerprint: str
    data_id: str
    version: str
    content: str
    source_path: str
    source_state: str
    source_file: str
    source_vault_path: str
    verified: str

    def avu(self, component: Component, signer: Signer) -> Avu:
        """The record as a fact. Raises ComponentError if the source's path is too long for one."""
        # Without the vault path, readers who may not see the source cannot tell that it is unchanged; all else holds.
        for record in (self, replace(self, source_vault_path="")):
            text = json.dumps(asdict(record), ensure_ascii=False, separators=(",", ":"))
            if len(text.encode("utf-8", "surrogateescape")) <= _VALUE_BYTES:
                return Avu(component.path, names.BUILD, text, signer.of_build(component.id, text))
        raise ComponentError(f"{self.source_path}: the source's path is too long; rename it")


def last_build(component: Component, signer: Signer) -> LastBuild | None:
    """The record of the last build; None if there is none or it is not the server's."""
    fact = component.fact(names.BUILD)
    if fact is None or not is_same(fact.units, signer.of_build(component.id, fact.value)):
        return None
    try:
        return LastBuild(**json.loads(fact.value))
    except (ValueError, TypeError):  # written by another version of the rules
        return None


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
