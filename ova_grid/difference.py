"""What differs between two machines, or between a machine now and a state of its history. Pure."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ova_grid.history import State
from ova_grid.machine import Machine, Setting


@dataclass(frozen=True)
class Difference:
    """`what` of a machine is `left` on one side and `right` on the other; None: it does not exist.

    hidden: a value may not be shown, on one side or both; then it is unknown whether it differs.
    """

    machine: str
    what: str
    left: str | None
    right: str | None
    hidden: bool = False


def of_machines(name: str, left: Machine | None, right: Machine | None) -> list[Difference]:
    """The differences of two machines of one name; None: there is none."""
    if left is None or right is None:
        return [Difference(name, "machine", _there(left), _there(right))]
    found = [Difference(name, "source", left.component.source, right.component.source)]
    found += [Difference(name, "state", left.component.state, right.component.state)]
    ours, theirs = ({each.property: each for each in side.settings} for side in (left, right))
    for prop in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(prop), theirs.get(prop)
        hidden = any(each is not None and each.value is None for each in (one, other))
        found.append(Difference(name, prop, _text(one), _text(other), hidden))
    return [each for each in found if each.left != each.right or each.hidden]


def _text(setting: Setting | None) -> str | None:
    return None if setting is None else setting.value or ""


def _there(machine: Machine | None) -> str | None:
    return None if machine is None else machine.component.path


def of_states(name: str, left: State, right: State) -> list[Difference]:
    """The differences of two states of one machine: its source, and the AVUs that counted."""
    found = [Difference(name, "source", left.source, right.source)] if left.source != right.source else []
    ours, theirs = _by_name(left), _by_name(right)
    for what in sorted(ours.keys() | theirs.keys()):
        one, other = ours.get(what), theirs.get(what)
        if one != other:
            found.append(Difference(name, what, one, other, None in (ours.get(what, ""), theirs.get(what, ""))))
    return found


def _by_name(state: State) -> Mapping[str, str | None]:
    found = {}
    for each in state.values:
        units = f" ({each.units})" if each.units else ""
        place = f" of {each.collection}" if each.collection else ""
        found[f"{each.attribute}{units}{place}"] = each.value
    return found


def pairs(
    left: str, right: str, lefts: Sequence[str], rights: Sequence[str]
) -> list[tuple[str, str | None, str | None]]:
    """Machines of two grids by their place in the grid: the place, and the path on each side, None if it is missing."""
    ours = {posixpath.relpath(path, left): path for path in lefts}
    theirs = {posixpath.relpath(path, right): path for path in rights}
    return [(place, ours.get(place), theirs.get(place)) for place in sorted(ours.keys() | theirs.keys())]
