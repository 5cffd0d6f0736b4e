"""The tasks of a machine: the data objects below `install`, `config` and `reset` that are on its seed.

Those of the collections whose AVUs count for the component are taken, farther ones first; of two of one name in one
group the nearer one is. A user's home and what is above it have none: there, such collections are for other things.
Reading only; two queries, one more for each level of collections in a group.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence

from ova_rules import names, state
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Replica
from ova_rules.component.fingerprint import digest, file_identity
from ova_rules.component.source import stat_of
from ova_rules.errors import ComponentError
from ova_rules.servers.roles import is_here
from ova_rules.settings import Settings
from ova_tools.records import dataclass

_HOME_DEPTH = 3  # /zone/home/user
_MOST_COLLECTIONS = 500


@dataclass(frozen=True)
class Task:
    """A task that counts. name: within its group; level: of its place, farther places have lower ones; state: version.

    replica: a good one, in a vault of this server if there is one.
    """

    path: str
    group: str
    level: int
    name: str
    replica: Replica
    state: str


def places_of(chain: Sequence[str]) -> list[str]:
    """The collections whose tasks count, nearest first. chain: those whose AVUs may count."""
    return [path for path in chain if path.count("/") > _HOME_DEPTH]


def tasks_of(catalog: Access, settings: Settings, chain: Sequence[str]) -> tuple[Task, ...]:
    """The tasks that count, in the order of their levels and names.

    Raises ComponentError where there are too many collections to look at.
    """
    places = places_of(chain)
    groups = {f"{place}/{group}": (level, group) for level, place in enumerate(reversed(places))
              for group in names.TASK_COLLECTIONS}  # fmt: skip
    if not groups:
        return ()
    roots = {root: root for root in groups}  # each collection, and the group it lies in
    fresh = list(groups)
    while fresh:
        below = catalog.children(fresh, _MOST_COLLECTIONS)
        if below is None or len(roots) + len(below) > _MOST_COLLECTIONS:
            raise ComponentError(f"the tasks of {chain[0]} lie in more than {_MOST_COLLECTIONS} collections")
        for path in below:
            roots[path] = roots[path.rpartition("/")[0]]
        fresh = below
    found: dict[tuple[str, str], Task] = {}
    for path, replicas in sorted(catalog.objects_in(list(roots)).items()):
        root = roots[path.rpartition("/")[0]]
        level, group = groups[root]
        task = _task(path, group, level, path[len(root) + 1 :], replicas, settings)
        other = found.get((group, task.name))
        if other is None or other.level < level:
            found[group, task.name] = task
    return tuple(sorted(found.values(), key=lambda task: (task.group, task.level, task.name)))


def _task(path: str, group: str, level: int, name: str, replicas: Sequence[Replica], settings: Settings) -> Task:
    chosen = next((each for each in replicas if each.good), replicas[0])
    file = None
    for each in sorted(replicas, key=lambda replica: int(replica.number)):
        file = stat_of(each, settings) if each.good else None
        if file is not None:
            chosen = each
            break
    version = file_identity(file) if file is not None else chosen.modified
    return Task(path, group, level, name, chosen, digest([chosen.data_id, chosen.size, version]))


def versions_of(tasks: Sequence[Task]) -> list[object]:
    """What a fingerprint takes of tasks."""
    ranks = {level: rank for rank, level in enumerate(sorted({task.level for task in tasks}))}
    return [[task.group, ranks[task.level], task.name, task.state] for task in tasks]


def collection_of(task: Task) -> str:
    """The collection that has the task's group: a component or one above it."""
    return task.path[: -len(f"/{task.group}/{task.name}")]


def roles_of(settings: Settings) -> list[object]:
    """What a fingerprint takes of the settings that say what values mean for a seed."""
    return [["roles", *map(list, sorted(settings.seed_roles.items()))]] if settings.seed_roles else []


# ---- which collections' tasks matter ---------------------------------------------------------------------------------


def note_places(settings: Settings, chain: Sequence[str]) -> None:
    """Notes that tasks of these collections are on a seed, so that a change there is an event."""
    for place in places_of(chain):
        state.write_note(settings.state_directory, state.TASKS, place, "")


def place_noted(settings: Settings, path: str) -> str | None:
    """The collection whose task the data object, or collection, at `path` would be, if some seed has its tasks."""
    parts = path.split("/")
    for position, part in enumerate(parts):
        if part in names.TASK_COLLECTIONS:
            place = "/".join(parts[:position])
            if state.read_note(settings.state_directory, state.TASKS, place) is not None:
                return place
    return None


# ---- tasks that a client does not see --------------------------------------------------------------------------------


def note_on_seed(settings: Settings, component: str, tasks: Sequence[Task]) -> None:
    """Notes which tasks a seed holds, and their files: a client may not be shown that they are there."""
    text = json.dumps([[task.path, task.replica.vault_path, task.replica.host] for task in tasks])
    state.write_note(settings.state_directory, state.ON_SEED, component, text)


def hidden_of(catalog: Access, settings: Settings, component: str, tasks: Sequence[Task]) -> list[str]:
    """The tasks of the last seed that this client does not see, though their files are where they were.

    One query where tasks of the last seed do not count any more.
    """
    noted = json.loads(state.read_note(settings.state_directory, state.ON_SEED, component) or "[]")
    seen = {task.path for task in tasks}
    missing = [path for path, *file in noted if path not in seen and _is_there(catalog, settings, *file)]
    there = catalog.replicas_of(missing) if missing else {}
    return [path for path in missing if not there[path]]


def _is_there(catalog: Access, settings: Settings, file: str, host: str = "localhost") -> bool:
    if is_here(host, settings.local_hosts):
        return os.path.lexists(file)
    from ova_rules.servers.files import states

    return bool(states(catalog, settings, [(host, file)]))
