"""`ova-grid status`: what a machine, or each machine of a grid, has now."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ova_grid.commands.common import add_command, add_json, require_components, signed_in
from ova_grid.text import counted, whole

if TYPE_CHECKING:
    from ova_grid.commands.common import Commands
    from ova_grid.components import Component
    from ova_grid.machine import Machine, Setting

_ORDER = ("failed", "unknown", "building", "queued")  # states that need attention come first
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def add(commands: Commands) -> None:
    """Describes the command."""
    parser = add_command(
        commands,
        "status",
        run,
        "show what a machine has now, or a line for each machine of a grid",
        "Of a machine: its state, its image, and each property that is set, with the collection whose AVU sets it.\n"
        "Of a grid: a line for each machine; those that failed come first.\n"
        "The exit status is 0 if all are ready, 1 if not.",
        ("ova-grid status grid01", "ova-grid status grid01/comp01", "ova-grid status --json grid01/comp01"),
    )
    parser.add_argument("path", metavar="PATH", help="a component, or a collection with components below")
    add_json(parser)


def run(options: argparse.Namespace) -> int:
    """Shows it."""
    from ova_grid.components import all_components
    from ova_grid.machine import machine
    from ova_grid.reading import absolute

    now = datetime.now(timezone.utc)
    with signed_in(options) as (session, base):
        path = absolute(base, options.path)
        found = sorted(all_components(session, [path]), key=_urgency)
        require_components(path, len(found))
        one = machine(session, path) if [each.path for each in found] == [path] else None
    if options.json:
        shown = machine_json(one, now) if one else [component_json(each, now) for each in found]
        print(json.dumps(shown, indent=2))
    else:
        print("\n".join(_of_machine(one, now) if one else _of_grid(path, found, now)))
    return 0 if all(each.state == "ready" for each in found) else 1


def _urgency(component: Component) -> tuple[int, str]:
    order = _ORDER.index(component.state) if component.state in _ORDER else len(_ORDER)
    return order, component.path


def _of_grid(root: str, components: Sequence[Component], now: datetime) -> list[str]:
    names = [whole(each.path[len(root) + 1 :] or each.path) for each in components]
    width = max(map(len, names))
    lines = []
    for name, each in zip(names, components):
        state = f"{each.state} {each.progress} %" if each.progress else each.state
        lines.append(f"{name:{width}}  {state:8}  {_age(each, now):>7}  {whole(each.source)}")
        if each.message:
            lines.append(f"{'':{width}}  {whole(each.message)}")
    counts = ", ".join(f"{number} {state}" for state, number in Counter(each.state for each in components).items())
    return [*lines, f"{counted(len(components), 'machine')}: {counts}"]


def _age(component: Component, now: datetime) -> str:
    seconds = component.age(now)
    if seconds is None:
        return "-"
    size, unit = next((each for each in _UNITS if seconds >= each[0]), _UNITS[-1])
    return f"{int(seconds // size)} {unit}"


def _of_machine(machine: Machine, now: datetime) -> list[str]:
    component = machine.component
    built = f", built {component.built:%Y-%m-%d %H:%M:%S} UTC ({_age(component, now)} ago)" if component.built else ""
    progress = f" {component.progress} %" if component.progress else ""
    lines = [whole(component.path), f"  {component.state}{progress}{built}"]
    lines += [f"  {whole(component.message)}"] if component.message else []
    lines += [f"  image  {whole(component.source)}"]
    if machine.settings:
        names = [whole(each.property) for each in machine.settings]
        values = [_shown(each) for each in machine.settings]
        width, next_width = max(map(len, names)), min(40, max(map(len, values)))
        lines.append("properties")
        for name, value, each in zip(names, values, machine.settings):
            lines.append(f"  {name:{width}}  {value:{next_width}}  {_origin(component.path, each)}")
    further = {
        "no property takes": machine.unmatched,
        "notes": machine.notes,
        "forms": machine.forms,
        "tasks": machine.tasks,
    }
    for title, found in further.items():
        lines += [title, *(f"  {whole(each)}" for each in found)] if found else []
    return lines


def _shown(setting: Setting) -> str:
    if setting.value is None:
        return f"({setting.why})"
    return whole(setting.value) if setting.value else '""'


def _origin(path: str, setting: Setting) -> str:
    place = "" if setting.collection == path else f" of {setting.collection}"
    written = f": {setting.written}" if setting.written else ""
    return whole(f"{setting.attribute}{place}{written}".strip())


def component_json(component: Component, now: datetime) -> dict[str, Any]:
    """One machine of a grid."""
    return {
        "path": component.path,
        "state": component.state,
        "message": component.message,
        "progress_percent": int(component.progress) if component.progress.isdigit() else None,
        "image": component.source,
        "built": component.built.isoformat() if component.built else None,
        "age_seconds": component.age(now),
        "depends_on": list(component.depends_on),
    }


def machine_json(machine: Machine, now: datetime) -> dict[str, Any]:
    """One machine, whole."""
    return {
        **component_json(machine.component, now),
        "properties": [
            {
                "property": each.property,
                "attribute": each.attribute,
                "collection": each.collection,
                "value": each.value,
                "withheld": each.why,
                "written": each.written,
            }
            for each in machine.settings
        ],
        "controls": [[avu.attribute, avu.value, avu.collection] for avu in machine.controls],
        "unmatched": list(machine.unmatched),
        "notes": list(machine.notes),
        "forms": list(machine.forms),
        "tasks": list(machine.tasks),
        "states": len(machine.history),
    }
