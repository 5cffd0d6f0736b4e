"""The seeds of a component: made and put in place with its ready OVA, removed when they are not wanted any more.

What goes on them is decided by `ova_tools.seed`; here it is asked with the component's values and tasks, as the client
of the event. Nothing here is imported for a component without `ova_forms`.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing

from ova_rules import names
from ova_rules.build import versions
from ova_rules.build.ownership import is_ours, require_free, require_ours
from ova_rules.build.publish import Content, publish_made
from ova_rules.build.staleness import View
from ova_rules.build.takings import Takings
from ova_rules.catalog.types import Avu, Replica, fact
from ova_rules.catalog.writes import Catalog
from ova_rules.component import tasks as tasks_
from ova_rules.component.fingerprint import digest
from ova_rules.component.matching import described
from ova_rules.component.source import Source, stat_of, version_of
from ova_rules.component.tasks import Task
from ova_rules.errors import ComponentError
from ova_rules.record import remarks
from ova_rules.record.last_build import MadeForm
from ova_rules.settings import Settings
from ova_rules.state import directory, forget_made
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
    from ova_tools.write import Staged

_FORMAT = 1  # raise it when a disc of the same inputs gets other bytes
_COPY = 1 << 20
_TEXTS = ("user-data", "public-keys")
_MOST_TEXT = 256 * 1024


@dataclass(frozen=True)
class Seeds:
    """What is to be beside the ready OVA, or in it. facts: what is said of it; put_in_place: publishes what is beside.

    enclosed: what is to lie in the ready OVA; content: a hash of what the bytes of the seeds follow from.
    """

    facts: tuple[Avu, ...]
    put_in_place: Callable[[], tuple[MadeForm, ...]]
    enclosed: tuple[Enclosed, ...]
    content: str


def prepared(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    source: Source,
    package: Package,
    takings: Takings,
    stack: ExitStack,
) -> Seeds:
    """Writes the discs to the state folder's file system, so that what is wrong with them is known before anything is
    visible. Raises ComponentError.
    """
    from ova_tools.errors import OvaError

    component, forms = seen.component, seen.inputs.forms
    _require_tasks(catalog, settings, seen)
    try:
        found = _seeds(catalog, settings, seen, package, takings)
        discs = [_written(settings, component.path, seed, stack) for seed in found]
    except OSError as error:  # no room in the state folder's file system, most likely
        text = f"its seed cannot be written: {error.strerror or error}"
        raise ComponentError(f"{component.path}: {text}", lasting=False) from error
    except OvaError as error:
        passing = isinstance(error.__cause__, OSError)
        raise ComponentError(
            f"{component.path}: its seed: {_said(seen, takings, error)}", lasting=not passing
        ) from error
    _require_own_macs(catalog, seen, found)
    content = _content(settings, seen, takings)
    beside = discs if forms.beside else []
    made = _replicas(catalog, seen, [name for name, _, _ in beside])
    _require_places(catalog, settings, seen, source, made)

    def put_in_place() -> tuple[MadeForm, ...]:
        return _put_in_place(catalog, settings, seen, source, beside, content, made)

    enclosed: list[Enclosed] = []
    if forms.embedded:
        from ova_tools.enclosure import Enclosed

        for seed, (_, out, size) in zip(found, discs):
            enclosed.append(Enclosed(seed.system, seed.suffix, out.fileno(), size))
    return Seeds(tuple(_facts(catalog, seen, found)), put_in_place, tuple(enclosed), content)


def _written(settings: Settings, component: str, seed: Seed, stack: ExitStack) -> tuple[str, BinaryIO, int]:
    """The name of a disc, its file, which has no name, and its bytes."""
    from ova_tools.seed import disc

    out = stack.enter_context(closing(_unnamed(settings)))
    size = disc.write(seed.files, seed.label, out)
    out.flush()
    return _name(component, seed), out, size


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
    further += [Value(task.name, _text(task, settings)) for task in reversed(texts)]
    tasks = [_task(task, settings) for task in now.tasks if task not in texts]
    kind = Kind(now.forms.kind)
    return seeds(package, values, further, kind, _roles(settings), identity, tasks, settings.tasks_limit)


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


def _task(task: Task, settings: Settings) -> DiscTask:
    from ova_tools.seed.tasks import Task as DiscTask

    return DiscTask(task.group, task.level, task.name, task.replica.size, lambda: _opened(task, settings))


def _text(task: Task, settings: Settings) -> str:
    """The text of `config/user-data` or `config/public-keys`, which are values in the place of an AVU."""
    from ova_tools.errors import SeedError

    with _opened(task, settings) as stream:
        data = stream.read(_MOST_TEXT + 1)
    if len(data) > _MOST_TEXT:
        raise SeedError(f"{task.group}/{task.name} has more than {_MOST_TEXT} bytes")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise SeedError(f"{task.group}/{task.name} is no text in UTF-8 (byte {error.start})") from error


def _opened(task: Task, settings: Settings) -> BinaryIO:
    if stat_of(task.replica, settings) is None:
        raise ComponentError(
            f"{task.path} is being written, or has no replica in a vault of this server", lasting=False
        )
    return open(task.replica.vault_path, "rb")


def _name(component: str, seed: Seed) -> str:
    suffix = f"-{seed.suffix}" if seed.suffix else ""
    return f"{posixpath.basename(component)}{suffix}{names.SEED_ENDING}"


def _unnamed(settings: Settings) -> BinaryIO:
    descriptor = os.open(directory(settings.state_directory), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "w+b")


def _content(settings: Settings, seen: View, takings: Takings) -> str:
    now = seen.inputs
    further = [[avu.attribute, now.expansions[avu].avu.value] for avu in takings.unmatched]
    source = now.source.state if now.source is not None else ""
    versions_ = tasks_.versions_of(now.tasks)
    roles = sorted(settings.seed_roles.items())
    return digest([_FORMAT, now.forms.kind, source, sorted(map(list, takings.values)), further, versions_, roles])


# ---- rights ----------------------------------------------------------------------------------------------------------


def _require_tasks(catalog: Catalog, settings: Settings, seen: View) -> None:
    """Raises ComponentError unless the client may read all tasks, and they are at rest on this server."""
    tasks = seen.inputs.tasks
    reason = reason_if_tasks_hidden(catalog, settings, seen)
    if reason is not None:
        raise ComponentError(reason, lasting=False)
    for task in tasks:
        if not task.replica.good or stat_of(task.replica, settings) is None:
            text = "is being written, or has no replica in a vault of this server"
            raise ComponentError(f"{_shown(seen, task)} {text}", lasting=False)


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


def _facts(catalog: Catalog, seen: View, found: Sequence[Seed]) -> list[Avu]:
    from ova_rules.record.disclosure import shown_task_objects

    path, now = seen.component.path, seen.inputs
    facts = []
    if now.forms.embedded:
        facts.append(fact(path, names.FORM, posixpath.basename(names.ready_path(path)), f"embedded:{now.forms.kind}"))
    for seed in found:
        if now.forms.beside:
            facts.append(fact(path, names.FORM, _name(path, seed), f"seed:{now.forms.kind}"))
        facts += [
            fact(path, names.MAC, each.mac, f"{seed.suffix} {each.name}".strip()) for each in seed.machine.interfaces
        ]
    notes = list(dict.fromkeys(note for seed in found for note in seed.notes))
    facts += remarks.facts(path, remarks.OF_SEED, notes)
    tasks = [Avu(path, names.TASKS, task.path, task.group) for task in now.tasks]
    places = {task.path: tasks_.collection_of(task) for task in now.tasks}
    return facts + shown_task_objects(catalog, now, tasks, places)


# ---- in place --------------------------------------------------------------------------------------------------------


def _require_places(
    catalog: Catalog, settings: Settings, seen: View, source: Source, made: Mapping[str, Sequence[Replica]]
) -> None:
    """Raises ComponentError unless each seed's place is free or the server's own, and the client may write there."""
    for name, replicas in made.items():
        path = f"{seen.component.path}/{name}"
        if not replicas:
            require_free(catalog, settings, source, path)
            continue
        record = _record(seen, name)
        if record is None or record.data_id != replicas[0].data_id:
            require_ours(settings, path, replicas)
        if not catalog.may_replace(path):
            raise ComponentError(f"{catalog.user} may not write {path}", lasting=False)


def _record(seen: View, name: str) -> MadeForm | None:
    return next((form for form in seen.last.forms if form.name == name), None) if seen.last is not None else None


def _replicas(catalog: Catalog, seen: View, names_: Sequence[str]) -> dict[str, Sequence[Replica]]:
    """The replicas that these forms have now; no query where they were asked for already."""
    known = seen.inputs.made
    missing = [f"{seen.component.path}/{name}" for name in names_ if name not in known]
    asked = {posixpath.basename(path): found for path, found in catalog.replicas_of(missing).items()} if missing else {}
    return {name: known[name] if name in known else asked[name] for name in names_}


def _put_in_place(
    catalog: Catalog,
    settings: Settings,
    seen: View,
    source: Source,
    discs: Sequence[tuple[str, BinaryIO, int]],
    content: str,
    made: Mapping[str, Sequence[Replica]],
) -> tuple[MadeForm, ...]:
    """Publishes the discs that are not there already. What they are, for the record of the build."""
    forms = []
    for name, disc, size in discs:
        path = f"{seen.component.path}/{name}"
        record, replicas = _record(seen, name), made[name]
        if record is not None and record.content == content and version_of(replicas, settings) == record.version:
            forms.append(record)
            continue
        bytes_ = _content_of(settings, path, replicas, disc, size, source.replica.resource)
        data_id, version = publish_made(catalog, settings, seen.inputs, path, replicas, bytes_)
        forms.append(MadeForm(name, data_id, version, content))
    tasks_.note_places(settings, seen.component.chain)
    tasks_.note_on_seed(settings, seen.component.path, seen.inputs.tasks)
    return tuple(forms)


def _content_of(
    settings: Settings, path: str, replicas: Sequence[Replica], disc: BinaryIO, size: int, resource: str
) -> Content:
    """The disc, with a size by which a client's parallel download tells this version from all others."""
    if size >= versions.PARALLEL_FROM:
        size = versions.free_size(settings, path, replicas, size, 1 << 20)
    versions.note_size(settings, path, size)

    def fill(descriptor: int) -> Method:
        from ova_tools.extents import Method, write_all

        disc.seek(0)
        offset = 0
        while block := disc.read(_COPY):
            write_all(descriptor, block, offset)
            offset += len(block)
        os.ftruncate(descriptor, size)
        return Method.COPIED

    def stage(vault_path: str) -> Staged:
        from ova_tools.write import stage_with

        return stage_with(fill, vault_path)

    return Content(size, resource, stage)


def remove_unwanted(catalog: Catalog, settings: Settings, seen: View, kept: Sequence[MadeForm]) -> None:
    """Removes the forms of the last build that are not made any more; what others have made stays."""
    names_ = {form.name for form in kept}
    for form in seen.last.forms if seen.last is not None else ():
        path = f"{seen.component.path}/{form.name}"
        replicas = seen.inputs.made.get(form.name) or catalog.replicas(path)
        if form.name in names_ or not replicas or replicas[0].data_id != form.data_id:
            continue
        if catalog.may_rename(path):
            catalog.unlink(path)
            forget_made(settings.state_directory, path)


def is_ours_at(settings: Settings, seen: View, path: str) -> bool:
    """Whether the server has made the object at `path` beside the ready OVA."""
    name = posixpath.basename(path)
    replicas, record = seen.inputs.made.get(name, ()), _record(seen, name)
    if record is not None and replicas and replicas[0].data_id == record.data_id:
        return True
    return bool(replicas) and is_ours(settings, path, replicas)
