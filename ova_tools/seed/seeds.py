"""The seeds of a package: for each virtual system, what is on its disc. Pure.

A system is told its own properties and those of the collection right above it (DSP0243 11.2), and the values that no
property takes: an image without properties is configured by these alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ova_tools import hardware
from ova_tools.errors import DescriptorError, SeedError
from ova_tools.model import Property, SystemKind
from ova_tools.package import Package
from ova_tools.records import dataclass
from ova_tools.seed.layouts import Kind, layout
from ova_tools.seed.machine import Machine, machine
from ova_tools.seed.roles import Roles, Value
from ova_tools.seed.tasks import DiscFile, Task, files_of
from ova_tools.seed.user_data import user_data

_LISTED = 12
_MOST_SYSTEMS = 100
_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True)
class Seed:
    """The disc of one virtual system. suffix: what tells its file from those of other systems, "" if it is alone.

    identity: of that machine; machine: what the disc says; user_data: as it has it; notes: what it does not say.
    """

    system: str
    suffix: str
    label: str
    files: tuple[DiscFile, ...]
    identity: str
    machine: Machine
    user_data: bytes
    notes: tuple[str, ...]


def seeds(
    package: Package,
    values: Mapping[Property, str],
    further: Sequence[Value],
    kind: Kind,
    roles: Roles,
    identity: str,
    tasks: Sequence[Task] = (),
    most_bytes: int | None = None,
    configuration: str | None = None,
    *,
    keep_macs: bool = True,
) -> list[Seed]:
    """One seed for each virtual system. values: what is set, by property; further: values that no property takes.

    identity: of the machine, for its instance-id and for MACs; stable as long as it is the same machine. most_bytes: of
    all tasks. configuration: the deployment option whose values count; None for the package's default one. keep_macs:
    machines have the MACs that the package has, if no value says one; else they get MACs of their own.
    Raises SeedError, and DescriptorError for a deployment option that the package does not have.
    """
    content = package.descriptor.content
    systems = [each for each in content.systems if each.kind is SystemKind.SYSTEM]
    if not systems:
        raise SeedError("the package has no virtual system")
    if len(systems) > _MOST_SYSTEMS:
        raise SeedError(f"the package has {len(systems)} virtual systems; seeds are made for at most {_MOST_SYSTEMS}")
    options = {option.id for option in content.configurations}
    if configuration is not None and configuration not in options:
        known = ", ".join(sorted(options)[:_LISTED]) or "none"
        raise DescriptorError(f"no configuration {configuration!r}; the descriptor has: {known}")
    option = configuration or content.default_configuration or ""
    nics: dict[str, list[str]] = {}
    for section in hardware.read(package.descriptor.data, content.encoding):
        nics.setdefault(section.system, section.macs if keep_macs else [""] * len(section.macs))
    of_system = {
        each.id: [prop for prop in content.properties if prop.system in (each.id, each.parent)] for each in systems
    }
    shown = {id_: _texts(properties, values, option) for id_, properties in of_system.items()}
    suffixes = _suffixes([each.id for each in systems])
    found = []
    for each in systems:
        own = of_system[each.id]
        own_identity = identity if len(systems) == 1 else f"{identity}-{suffixes[each.id]}"
        said = [
            Value(prop.full_name, shown[each.id][prop.full_name], prop.key, prop.instance, prop not in values)
            for prop in own
        ]
        given = [*(value for value in said if not value.is_default), *further]
        ordered = [*given, *(value for value in said if value.is_default)]
        told = machine(ordered, nics.get(each.id, []), roles, own_identity)
        texts = {**{value.name: value.value for value in reversed(further)}, **shown[each.id]}
        files = files_of(tasks, _for_tasks(texts, own), most_bytes)
        siblings = {other: theirs for other, theirs in shown.items() if other != each.id}
        text, notes = user_data(told, told.user_data, has_tasks=bool(files))
        disc = layout(kind, each.id, texts, siblings, told, own_identity, text, files)
        if not tasks:
            notes += _unread(given, roles)
        said_not = (*told.notes, *notes)
        found.append(Seed(each.id, suffixes[each.id], kind.label, tuple(disc), own_identity, told, text, said_not))
    return found


def _unread(values: Sequence[Value], roles: Roles) -> list[str]:
    """A note of what is set and has no role: without tasks, only software that reads ovf-env.xml sees it."""
    names = sorted({value.name for value in values if roles.of(value) is None})
    if not names:
        return []
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return [f"cloud-init does not read {', '.join(names[:_LISTED])}{more}; ovf-env.xml has them"]


def _texts(properties: Sequence[Property], values: Mapping[Property, str], option: str) -> dict[str, str]:
    """What each property says in this deployment option (DSP0243 9.8)."""
    return {prop.full_name: values.get(prop, prop.configurations.get(option, prop.value)) for prop in properties}


def _for_tasks(texts: Mapping[str, str], properties: Sequence[Property]) -> dict[str, str]:
    """By full name, and by key where only one property has it."""
    keys: dict[str, list[str]] = {}
    for prop in properties:
        keys.setdefault(prop.key, []).append(prop.full_name)
    short = {key: texts[names[0]] for key, names in keys.items() if len(names) == 1 and key not in texts}
    return {**texts, **short}


def _suffixes(ids: Sequence[str]) -> dict[str, str]:
    """What tells the discs of several systems apart in names of files."""
    if len(ids) == 1:
        return {ids[0]: ""}
    found = {id_: _FILE_NAME.sub("_", id_)[:64] or "system" for id_ in ids}
    if len({name.casefold() for name in found.values()}) < len(ids):
        raise SeedError(
            "the ids of two virtual systems differ in case, or in characters that names of files lack, only"
        )
    return found
