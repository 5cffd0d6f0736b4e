"""The last build of a component, one signed record (`ova::build`): the inputs of the ready OVA, and which file it is.

The plain facts beside it (`ova::source`, `ova::built` …) are for people; only the record is trusted. It does not name
the source: some of its readers may not know that.
"""

from __future__ import annotations

import json
import os
import posixpath

from ova_rules import names
from ova_rules.catalog.types import Avu, fact
from ova_rules.component.fingerprint import file_identity
from ova_rules.component.model import Component
from ova_rules.component.pointers import hashed
from ova_rules.record.signing import Signer, is_same
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings
from ova_rules.state import source_file
from ova_tools.records import asdict, dataclass, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ova_rules.catalog.access import Access

IMPOSSIBLE = "-"
_IN_ONE = 8  # forms in one fact, whose length is limited


@dataclass(frozen=True)
class MadeForm:
    """A data object beside the ready OVA, by its name. content: a hash of what decides its bytes.

    version: "" for one that could not be made, and is tried again; IMPOSSIBLE for one that cannot be made from this
    content. data_id is then that of an older one, if there is one.
    """

    name: str
    data_id: str
    version: str
    content: str

    @property
    def is_made(self) -> bool:
        """Whether it could be made."""
        return self.version not in ("", IMPOSSIBLE)

    def is_at(self, version: str | None) -> bool:
        """Whether the object with this version, None for none, is what the last build left there."""
        return self.version == IMPOSSIBLE or self.version == version


@dataclass(frozen=True)
class LastBuild:
    """The inputs of the ready OVA. built: the time, in the format of facts. data_id, version: of the ready OVA.

    content: a hash of the values that were set and the source's version; equal content means the same ready OVA.
    source: a hash of its path; source_file: the identity of its vault file; verified: its version whose digests were
    right. forms: what was made beside it.
    """

    built: str
    fingerprint: str
    data_id: str
    version: str
    content: str
    source: str
    source_state: str
    source_file: str
    verified: str
    forms: tuple[MadeForm, ...] = ()

    def avus(self, component: Component, signer: Signer) -> list[Avu]:
        """The record as facts: one, and further ones where there are many forms.

        Forms are named by what follows the component's name, so that they keep their place if it is renamed.
        """
        own = len(posixpath.basename(component.path))
        rows = [[form.name[own:], form.data_id, form.version, form.content] for form in self.forms]
        first, others = rows[:_IN_ONE], [rows[at : at + _IN_ONE] for at in range(_IN_ONE, len(rows), _IN_ONE)]
        parts = {**asdict(self), "forms": first, "further": len(others)}
        if not self.forms:  # the format from before there were forms
            del parts["forms"], parts["further"]
        values = [(names.BUILD, parts)]
        values += [(names.BUILD_FORMS, {"of": self._stamp, "at": at, "forms": some}) for at, some in enumerate(others)]
        texts = [(attribute, json.dumps(each, separators=(",", ":"))) for attribute, each in values]
        return [fact(component.path, attribute, text, signer.of_build(component.id, text)) for attribute, text in texts]

    @property
    def _stamp(self) -> str:
        """What tells its facts from those of other builds."""
        return f"{self.built} {self.fingerprint}"

    def version_of(self, name: str) -> str | None:
        """The version of the object made under this name: the ready OVA, or a form; None if it was not made."""
        if name.endswith(names.OVA_ENDING):
            return self.version
        return next((form.version for form in self.forms if form.name == name), None)

    def is_from(self, source_path: str) -> bool:
        """Whether the source lay at this path."""
        return self.source == hashed(source_path)


def last_build(component: Component, signer: Signer) -> LastBuild | None:
    """The record of the last build; None if there is none, or if the server did not write it."""
    fact = component.fact(names.BUILD)
    if fact is None or not is_same(fact.units, signer.of_build(component.id, fact.value)):
        return None
    own = posixpath.basename(component.path)
    try:
        parts = json.loads(fact.value)
        rows, further = parts.pop("forms", []), parts.pop("further", 0)
        last = LastBuild(**parts)
        if further:
            rows = rows + _further(component, signer, last._stamp, further)
        return replace(last, forms=tuple(MadeForm(f"{own}{rest}", *values) for rest, *values in rows))
    except (ValueError, TypeError, KeyError, AttributeError):  # written by another version of the rules
        return None


def _further(component: Component, signer: Signer, stamp: str, count: int) -> list[list[str]]:
    """The forms in further facts of a build. Raises KeyError if one is missing."""
    found = {}
    for avu in component.facts:
        if avu.attribute == names.BUILD_FORMS and is_same(avu.units, signer.of_build(component.id, avu.value)):
            parts = json.loads(avu.value)
            if parts["of"] == stamp:
                found[parts["at"]] = parts["forms"]
    return [row for at in range(count) for row in found[at]]


def recorded_state(catalog: Access, settings: Settings, last: LastBuild | None, source_path: str) -> str | None:
    """The state of the source at this path as the last build noted it, if its file is still the same; else None.

    For readers who may read the ready OVA but not its source: they learn only that nothing changed.
    """
    if last is None or not last.is_from(source_path):
        return None
    file, _, host = (source_file(settings.state_directory, source_path) or "").partition("\n")
    if host and not is_here(host, settings.local_hosts):
        from ova_rules.servers.files import states

        there = states(catalog, settings, [(host, file)]).get((host, file))
        return last.source_state if there is not None and file_identity(there) == last.source_file else None
    try:
        return last.source_state if file and file_identity(os.stat(file)) == last.source_file else None
    except OSError:
        return None
