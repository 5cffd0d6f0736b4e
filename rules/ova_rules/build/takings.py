"""What the AVUs of a component change in an image: which property takes which value, and which AVUs no property takes.

Raises ComponentError in the words of the AVU at fault.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ova_rules.build.staleness import View
from ova_rules.catalog.types import Avu
from ova_rules.component.controls import ADD_PROPERTIES, FIXED, has_option
from ova_rules.component.matching import Assignment, described, match, parts_of
from ova_rules.component.near import near
from ova_rules.errors import ComponentError
from ova_rules.record import remarks
from ova_rules.settings import Settings
from ova_tools.records import dataclass

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ova_tools.edit import Edit
    from ova_tools.enclosure import Enclosed
    from ova_tools.errors import PropertyError
    from ova_tools.package import Package


class MisfitError(ComponentError):
    """A value does not fit its property. said: facts about the other AVUs, which hold all the same."""

    def __init__(self, error: ComponentError, said: Sequence[Avu]) -> None:
        super().__init__(str(error), lasting=error.lasting)
        self.said = said


@dataclass(frozen=True)
class LeftOver:
    """The AVUs of a component that nothing in its image takes, and remarks on some of them."""

    unmatched: tuple[Avu, ...]
    hints: Mapping[Avu, str]

    def as_json(self) -> list[list[Any]]:
        """For another server, which reads it with `left_over_of`."""
        return [[*as_list(avu), self.hints.get(avu)] for avu in self.unmatched]


def as_list(avu: Avu) -> list[str]:
    """The parts of an AVU."""
    return [avu.collection, avu.attribute, avu.value, avu.units]


def left_over_of(data: Sequence[Sequence[Any]]) -> LeftOver:
    """What `LeftOver.as_json` made."""
    hints = {Avu(*parts): hint for *parts, hint in data}
    return LeftOver(tuple(hints), {avu: hint for avu, hint in hints.items() if hint is not None})


@dataclass(frozen=True)
class Takings:
    """What is set and added, with references replaced. taken: each property and its AVU as in the catalog.

    default: the id of the deployment option that becomes the default; None keeps it. secrets: the AVUs whose values are
    passwords. hints: remarks on the unmatched AVUs. notes: what is odd about the component's own AVUs.
    """

    assignments: tuple[Assignment, ...]
    additions: tuple[tuple[str, Avu], ...]
    default: str | None
    unmatched: tuple[Avu, ...]
    taken: tuple[tuple[str, Avu], ...]
    secrets: frozenset[Avu]
    hints: Mapping[Avu, str]
    notes: tuple[str, ...]
    allow_fixed: bool

    @property
    def left_over(self) -> LeftOver:
        """What is not set."""
        return LeftOver(self.unmatched, self.hints)

    @property
    def values(self) -> list[tuple[str, ...]]:
        """All that the bytes of the ready OVA depend on, besides the source."""
        found: list[tuple[str, ...]] = []
        for each in self.assignments:
            option = (each.configuration,) if each.configuration else ()
            found.append((f"{each.property.system}/{each.property.full_name}", each.avu.value, *option))
        found += [("added", name, avu.value) for name, avu in self.additions]
        return [*found, ("default", self.default)] if self.default is not None else found

    def edit(self, package: Package, enclosed: Sequence[Enclosed] = ()) -> Edit:
        """The edit of all values at once. enclosed: the seeds that are to lie in the ready OVA."""
        from ova_tools.edit import Addition, Change, edit

        changes = [Change(each.property, each.avu.value, each.configuration) for each in self.assignments]
        return edit(
            package,
            changes,
            additions=[Addition(name, avu.value) for name, avu in self.additions],
            default_configuration=self.default,
            allow_fixed=self.allow_fixed,
            enclosed=enclosed,
        )


def taken(settings: Settings, seen: View, package: Package) -> Takings:
    """What the AVUs change in this image. Each value is tried alone, so that an error names its AVU."""
    component, expanded = seen.component, seen.inputs.expansions
    options = [option.id for option in package.configurations]
    matching = match(
        component.levels, package.properties, settings.aliases, lambda avu: expanded[avu].avu.value, options
    )
    additions = _additions(seen, matching.unmatched) if has_option(component.options, ADD_PROPERTIES) else {}
    allow_fixed = settings.fixed_properties == "allow" or (
        settings.fixed_properties == "owners" and has_option(component.options, FIXED)
    )
    assignments = [
        Assignment(each.property, _expanded(seen, each.avu), each.configuration) for each in matching.assignments
    ]
    added = {name: _expanded(seen, avu) for name, avu in additions.items()}
    unmatched = tuple(avu for avu in matching.unmatched if avu not in additions.values())
    hints = remarks.of_unmatched(unmatched, package)
    try:
        for each, plain in zip(assignments, matching.assignments):
            _require_fit(seen, each, plain.avu, settings, allow_fixed=allow_fixed)
        for avu in added.values():
            _require_xml(avu)
    except ComponentError as error:
        notes = remarks.facts(component.path, remarks.OF_AVUS, remarks.of_avus(component, hints, package))
        raise MisfitError(error, [*remarks.unmatched(component, unmatched), *notes]) from error
    return Takings(
        tuple(assignments),
        tuple(added.items()),
        _default(component.default, options),
        unmatched,
        (*((each.property.full_name, each.avu) for each in matching.assignments), *additions.items()),
        frozenset(each.avu for each in matching.assignments if each.property.password),
        hints,
        (
            *remarks.of_avus(component, hints, package),
            *remarks.of_added([avu for avu in additions.values() if avu.collection == component.path], package),
            *_gap(seen, package, assignments, additions),
        ),
        allow_fixed,
    )


def _gap(seen: View, package: Package, assignments: Sequence[Assignment], additions: Mapping[str, Avu]) -> list[str]:
    """What is set and reaches no machine, where no seed hands it over."""
    if seen.inputs.forms.kind is not None or not (assignments or additions):
        return []
    from ova_tools.transport import transport_notes

    content = package.descriptor.content
    systems = [each.property.system for each in assignments]
    if additions:
        from ova_tools.additions import systems_of
        from ova_tools.errors import PropertyError

        try:
            systems += systems_of(content, additions)
        except PropertyError:  # the edit says so
            return []
    return [note.text for note in transport_notes(content, systems)]


def _expanded(seen: View, avu: Avu) -> Avu:
    """An AVU with the value that the fingerprint was computed from."""
    expansion = seen.inputs.expansions[avu]
    if expansion.error is not None:
        raise expansion.error
    return expansion.avu


def _additions(seen: View, unmatched: Sequence[Avu]) -> dict[str, Avu]:
    """The AVUs that become properties, by the property's name: of the collection with that option, and of nearer ones.

    AVUs of farther collections (such as search terms) are not meant for machines. Names that no property can have stay
    unmatched.
    """
    from ova_tools.additions import is_name

    component = seen.component
    last = component.chain.index(component.options[0].collection)
    found: dict[str, Avu] = {}
    for avu in unmatched:  # the nearest first
        section, configuration = parts_of(avu.units)
        name = f"{section}.{avu.attribute}" if section else avu.attribute
        near_enough = component.chain.index(avu.collection) <= last
        if near_enough and configuration is None and is_name(name):
            other = found.setdefault(name, avu)
            if other.collection == avu.collection and other.value != avu.value:
                both = f"{described(other)} and {described(avu)}"
                raise ComponentError(f"{both}: two values for the property {name}; remove one with imeta rm")
    return found


def _default(avus: Sequence[Avu], options: Sequence[str]) -> str | None:
    """The deployment option that `ova_configuration` chooses; None where the image has none at all."""
    if not avus or not options:
        return None
    if len({avu.value for avu in avus}) > 1:
        values = " and ".join(sorted(avu.value for avu in avus))
        raise ComponentError(f"{described(avus[0])} has several values: {values}; keep one")
    value = avus[0].value
    if value not in options:
        meant = near(value, options)
        hint = f"; did you mean {meant}?" if meant else ""
        raise ComponentError(
            f"{described(avus[0])}: the image has no deployment option {value}; it has: {', '.join(options[:12])}{hint}"
        )
    return value


def _require_fit(seen: View, each: Assignment, plain: Avu, settings: Settings, *, allow_fixed: bool) -> None:
    from ova_tools.errors import PropertyError
    from ova_tools.values import check_value

    try:
        check_value(each.property, each.avu.value)
    except PropertyError as error:
        raise ComponentError(f"{described(each.avu)}: {_misfit(seen, each, plain, error)}") from error
    if not each.property.user_configurable and not allow_fixed:
        remedy = "; an owner can allow it with ova_options fixed" if settings.fixed_properties == "owners" else ""
        name = each.property.full_name
        raise ComponentError(
            f"{described(each.avu)}: the image fixes the property {name} (not userConfigurable){remedy}"
        )


def _require_xml(avu: Avu) -> None:
    from ova_tools.xmltext import not_xml

    wrong = not_xml(avu.value)
    if wrong is not None:
        raise ComponentError(f"{described(avu)}: {wrong}")


def _misfit(seen: View, each: Assignment, plain: Avu, error: PropertyError) -> str:
    """Why a value does not fit. Hides values from elsewhere: readers of the component's facts may not know them."""
    if not error.wrong or (plain in seen.component.own_values and plain.value == each.avu.value):
        return str(error)
    return f"its value does not fit the property {each.property.full_name}, {error.wrong}"
