"""The seeds of a component: the discs with its values and tasks.

What goes on them is decided by `ova_tools.seed`; here it is asked with the component's values and tasks, as the client
of the event. Nothing here is imported for a component without `ova_forms`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from contextlib import ExitStack, closing

from ova_rules import names
from ova_rules.build.beside import Form, file_name
from ova_rules.build.staleness import View
from ova_rules.build.takings import Takings
from ova_rules.catalog.types import Avu, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component import tasks as tasks_
from ova_rules.component.controls import SEED
from ova_rules.component.fingerprint import digest
from ova_rules.component.matching import described
from ova_rules.component.source import opened, stat_of
from ova_rules.component.tasks import Task
from ova_rules.errors import ComponentError
from ova_rules.record import remarks
from ova_rules.settings import Settings
from ova_rules.state import unnamed
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from ova_tools.enclosure import Enclosed
    from ova_tools.errors import OvaError
    from ova_tools.extents import Method
    from ova_tools.package import Package
    from ova_tools.seed.roles import Roles
    from ova_tools.seed.seeds import Seed
    from ova_tools.seed.tasks import Task as DiscTask

_FORMAT = 2  # raise it when a disc of the same inputs gets other bytes
_COPY = 1 << 20
_NOT_THERE = "is being written, or no server has its file"
_TEXTS = ("user-data", "public-keys")
_MOST_TEXT = 256 * 1024


@dataclass(frozen=True)
class Disc:
    """The disc of one virtual system: what it says, the name of its form, its file, which has no name, its bytes."""

    seed: Seed
    name: str
    file: BinaryIO
    size: int


def discs(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    package: Package,
    takings: Takings,
    stack: ExitStack,
) -> list[Disc]:
    """Writes the discs to the state folder's file system, so that what is wrong with them is known before anything is
    visible. Raises ComponentError.
    """
    from ova_tools.errors import OvaError

    component = seen.component
    _require_tasks(catalog, settings, seen)
    try:
        found = _seeds(catalog, settings, seen, package, takings)
        written = [_written(settings, component.path, seed, stack) for seed in found]
    except OSError as error:  # no room in the state folder's file system, most likely
        text = f"its seed cannot be written: {error.strerror or error}"
        raise ComponentError(f"{component.path}: {text}", lasting=False) from error
    except OvaError as error:
        passing = isinstance(error.__cause__, OSError)
        raise ComponentError(
            f"{component.path}: its seed: {_said(seen, takings, error)}", lasting=not passing
        ) from error
    _require_own_macs(catalog, seen, found)
    return written


def form_of(disc: Disc, kind: str | None, content: str) -> Form:
    """The form of a disc."""

    def fill(descriptor: int) -> Method:
        from ova_tools.extents import Method, write_all

        disc.file.seek(0)
        offset = 0
        while block := disc.file.read(_COPY):
            write_all(descriptor, block, offset)
            offset += len(block)
        return Method.COPIED

    return Form(disc.name, f"{SEED}:{kind}", content, disc.size, fill)


def enclosed(found: Sequence[Disc]) -> tuple[Enclosed, ...]:
    """The discs as they are to lie in the ready OVA."""
    from ova_tools.enclosure import Enclosed

    return tuple(Enclosed(disc.seed.system, disc.seed.suffix, disc.file.fileno(), disc.size) for disc in found)


def note_tasks(settings: Settings, seen: View) -> None:
    """Notes which tasks are on the discs that were put in their place."""
    tasks_.note_places(settings, seen.component.chain)
    tasks_.note_on_seed(settings, seen.component.path, seen.inputs.tasks)


def _written(settings: Settings, component: str, seed: Seed, stack: ExitStack) -> Disc:
    from ova_tools.seed import disc

    out = stack.enter_context(closing(unnamed(settings.state_directory)))
    size = disc.write(seed.files, seed.label, out)
    out.flush()
    return Disc(seed, file_name(component, seed.suffix, names.SEED_ENDING), out, size)


def _seeds(catalog: Catalog, settings: Settings, seen: View, package: Package, takings: Takings) -> list[Seed]:
    from ova_tools.seed.layouts import Kind
    from ova_tools.seed.roles import Value
    from ova_tools.seed.seeds import seeds

    component, now = seen.component, seen.inputs
    default = takings.default or package.descriptor.content.default_configuration
    values = {}
    for each in sorted(takings.assignments, key=lambda each: each.configuration is not None):
        if each.configuration in (None, default):
            values[each.property] = each.avu.value
    further = [Value(name, avu.value) for name, avu in takings.additions]
    for avu in takings.unmatched:
        if now.expansions[avu].error is None:
            further.append(Value(avu.attribute, now.expansions[avu].avu.value))
    identity = f"{catalog.zone}-{component.id}"
    texts = [task for task in now.tasks if task.group == names.TEXTS and task.name in _TEXTS]
    further += [Value(task.name, _text(catalog, settings, task)) for task in reversed(texts)]
    tasks = [_task(catalog, settings, task) for task in now.tasks if task not in texts]
    kind = Kind(now.forms.kind)
    limit, keep = settings.tasks_limit, not now.forms.has_own_macs
    return seeds(package, values, further, kind, _roles(settings), identity, tasks, limit, keep_macs=keep)


def _said(seen: View, takings: Takings, error: OvaError) -> str:
    """What is wrong with a seed. Readers of the component's facts may not know values that come from elsewhere."""
    name, wrong = getattr(error, "name", ""), getattr(error, "wrong", "")
    if not wrong:
        return str(error)
    taken = dict(takings.taken)
    taken.update({avu.attribute: avu for avu in reversed(takings.unmatched)})
    avu = taken.get(name)
    if avu is None or avu in takings.secrets:
        return f"the value of {name} {wrong}"
    if avu in seen.component.own_values and "${" not in avu.value:
        return f"{described(avu)}: {error}"
    return f"{described(avu)}: the value of {name} {wrong}"


def _roles(settings: Settings) -> Roles:
    from ova_tools.seed.roles import Roles

    try:
        return Roles({role: names_.split() for role, names_ in settings.seed_roles.items()})
    except ValueError as error:
        raise ComponentError(f"the setting seed_roles: {error}", lasting=False) from error


def _task(catalog: Catalog, settings: Settings, task: Task) -> DiscTask:
    from ova_tools.seed.tasks import Task as DiscTask

    return DiscTask(task.group, task.level, task.name, task.replica.size, lambda: _opened(catalog, settings, task))


def _text(catalog: Catalog, settings: Settings, task: Task) -> str:
    """The text of `config/user-data` or `config/public-keys`, which are values in the place of an AVU."""
    from ova_tools.errors import SeedError

    with _opened(catalog, settings, task) as stream:
        data = stream.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise SeedError(f"{task.group}/{task.name} has more than {_MOST_TEXT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SeedError(f"{task.group}/{task.name} is no text in UTF-8 (byte {error.start})") from error


def _opened(catalog: Catalog, settings: Settings, task: Task) -> BinaryIO:
    if stat_of(task.replica, settings) is None:
        raise ComponentError(f"{task.path} {_NOT_THERE}", lasting=False)
    return opened(catalog, settings, task.replica)


def content_of(settings: Settings, seen: View, takings: Takings) -> str:
    """A hash of what the bytes of the discs follow from."""
    now = seen.inputs
    further = [[avu.attribute, now.expansions[avu].avu.value] for avu in takings.unmatched]
    source = now.source.state if now.source is not None else ""
    versions_ = tasks_.versions_of(now.tasks)
    roles = sorted(settings.seed_roles.items())
    values, macs = sorted(map(list, takings.values)), ["own MACs"] if now.forms.has_own_macs else []
    return digest([_FORMAT, now.forms.kind, source, values, further, versions_, roles, *macs])


# ---- rights ----------------------------------------------------------------------------------------------------------


def _require_tasks(catalog: Catalog, settings: Settings, seen: View) -> None:
    """Raises ComponentError unless the client may read all tasks, and they are at rest on this server."""
    tasks = seen.inputs.tasks
    reason = reason_if_tasks_hidden(catalog, settings, seen)
    if reason is not None:
        raise ComponentError(reason, lasting=False)
    for task in tasks:
        if not task.replica.good or stat_of(task.replica, settings) is None:
            raise ComponentError(f"{_shown(seen, task)} {_NOT_THERE}", lasting=False)


def _shown(seen: View, task: Task) -> str:
    """A task as readers of the component may know it: its own, and those of collections above it, by their paths."""
    known = (seen.component.path, *seen.inputs.public)
    return task.path if tasks_.collection_of(task) in known else "a task of its prototype"


def reason_if_tasks_hidden(catalog: Catalog, settings: Settings, seen: View) -> str | None:
    """Why the client must not have a seed for the tasks on it, in one line; None if it may."""
    path, tasks = seen.component.path, seen.inputs.tasks
    catalog.learn_access([task.path for task in tasks])
    hidden = next((task for task in tasks if not catalog.may_read(task.path)), None)
    if hidden is not None:
        return f"{catalog.user} may not read {_shown(seen, hidden)}, which is on the seed of {path}"
    if tasks_.hidden_of(catalog, settings, path, tasks):
        return f"{catalog.user} may not read a task that is on the seed of {path}"
    return None


def _require_own_macs(catalog: Catalog, seen: View, found: Sequence[Seed]) -> None:
    """Raises ComponentError if a machine of the same grid has one of these MACs."""
    component = seen.component.path
    grid = posixpath.dirname(component)
    macs = [each.mac for seed in found for each in seed.machine.interfaces if not each.is_derived]
    twice = next((mac for mac in macs if macs.count(mac) > 1), None)
    if twice is not None:
        raise ComponentError(f"{component}: the MAC {twice} is that of two of its interfaces", lasting=False)
    for avu in catalog.naming((names.MAC,), sorted(set(macs))) if macs else ():
        if avu.collection != component and posixpath.dirname(avu.collection) == grid:
            raise ComponentError(
                f"{component}: the MAC {avu.value} is that of {avu.collection} too; set mac on one of them",
                lasting=False,
            )


# ---- facts -----------------------------------------------------------------------------------------------------------


def facts_of(catalog: Catalog, seen: View, found: Sequence[Disc]) -> list[Avu]:
    """What is said of the discs and the tasks on them, apart from the names of objects."""
    from ova_rules.record.disclosure import shown_task_objects

    path, now = seen.component.path, seen.inputs
    facts = []
    for seed in (disc.seed for disc in found):
        facts += [
            fact(path, names.MAC, each.mac, f"{seed.suffix} {each.name}".strip()) for each in seed.machine.interfaces
        ]
    facts += remarks.facts(path, remarks.OF_SEED, [note for disc in found for note in disc.seed.notes])
    tasks = [Avu(path, names.TASKS, task.path, task.group) for task in now.tasks]
    places = {task.path: tasks_.collection_of(task) for task in now.tasks}
    return facts + shown_task_objects(catalog, now, tasks, places)
