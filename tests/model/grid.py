"""The model: what every ready OVA should hold, computed from the AVUs and images alone.

Plain Python that knows the rules of docs/reference.md but not the implementation. It holds the content of the catalog
(collections, AVUs and who set them, images and who may read them), and computes every answer again.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.model.packages import ALIASES, PROPERTIES, Package, Property

REFERENCE = re.compile(r"\$\$\{|\$\{([^{}]*)\}")


@dataclass(frozen=True)
class Avu:
    """An AVU of a collection."""

    attribute: str
    value: str
    units: str = ""

    @property
    def is_value(self) -> bool:
        """Whether it may set a property: controls do not."""
        return not self.attribute.startswith("ova_")


@dataclass
class Image:
    """A data object that can be a source: what it says, and which users may read it."""

    package: Package
    readers: frozenset[str]


@dataclass(frozen=True)
class Expected:
    """What a reader should get: the package, or a refusal that names one of the reasons (regular expressions).

    doubts: why it may be refused all the same: whoever set an AVU may not read what it names (if it has to be built
    anew), or an AVU that no property takes names what is not there.
    hidden_from: who may not read the source; a component that is not ready may say so to them.
    unknown: its source is the OVA of what was a component once; the model does not know what is in it.
    """

    package: Package | None
    reasons: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    unknown: bool = False
    hidden_from: frozenset[str] = frozenset()


class NoValueError(Exception):
    """Why something has no value; str() is a regular expression for the line that says so."""


@dataclass
class Grids:
    """Collections with their AVUs (and who set each last), images by path."""

    users: frozenset[str]
    avus: dict[str, dict[Avu, str]] = field(default_factory=dict)
    images: dict[str, Image] = field(default_factory=dict)
    leftovers: set[str] = field(default_factory=set)  # where an OVA of what is no component any more may lie
    dropped: set[str] = field(default_factory=set)  # components whose ready OVA was removed by hand
    # component -> fingerprint (as the server calls the state) -> its own AVUs then
    history: dict[str, dict[str, list[frozenset[Avu]]]] = field(default_factory=dict)

    # ---- what is there ---------------------------------------------------------------------------------------------

    def components(self) -> list[str]:
        """The collections that have ova_url."""
        return sorted(path for path, avus in self.avus.items() if any(avu.attribute == "ova_url" for avu in avus))

    def below(self, path: str) -> list[str]:
        """A collection and all in it."""
        return sorted(each for each in self.avus if f"{each}/".startswith(f"{path}/"))

    def users_of(self, path: str) -> list[str]:
        """The components whose source is a data object."""
        return [component for component in self.components() if self.source_path(component) == path]

    def source_path(self, component: str) -> str | None:
        """The data object that a component's ova_url names, if it has one."""
        urls = self.values(component, "ova_url")
        try:
            return _joined(component, self.expand(component, urls[0])) if len(urls) == 1 else None
        except NoValueError:
            return None

    def values(self, path: str, attribute: str) -> list[Avu]:
        """A collection's own AVUs of an attribute."""
        return [avu for avu in self.avus.get(path, {}) if avu.attribute == attribute]

    # ---- inheritance -----------------------------------------------------------------------------------------------

    def chain(self, path: str) -> Iterator[str]:
        """The collections whose AVUs count, the nearest first.

        It and all above it; behind one that is like another, those of the same place there. NoValueError on a circle.
        """
        given: set[str] = set()
        yield from self._chain(path, given, [])

    def _chain(self, path: str, given: set[str], trail: list[str]) -> Iterator[str]:
        trail = [*trail, path]
        for name in _above(path):
            if name in given:
                continue
            given.add(name)
            yield name
            likes = self.values(name, "ova_like")
            if len(likes) > 1:
                raise NoValueError(r"AVU ova_like of .* has several values")
            for like in likes:
                other = like.value + path[len(name) :]
                if other in trail:
                    raise NoValueError("goes in a circle")
                yield from self._chain(other, given, trail)

    def levels(self, path: str) -> list[list[tuple[str, Avu]]]:
        """(collection, AVU) of what may set properties, without what a nearer one of attribute and units hides."""
        hidden: set[tuple[str, str]] = set()
        found = []
        for name in self.chain(path):
            level = [a for a in self.avus.get(name, {}) if a.is_value and (a.attribute, a.units) not in hidden]
            hidden |= {(avu.attribute, avu.units) for avu in level}
            found.append([(name, avu) for avu in level])
        return found

    # ---- history ---------------------------------------------------------------------------------------------------

    def own(self, path: str) -> frozenset[Avu]:
        """What a state of the history holds: a component's own source and values."""
        return frozenset(avu for avu in self.avus[path] if avu.is_value or avu.attribute == "ova_url")

    def remember(self, path: str, fingerprint: str) -> None:
        """The component is ready, and the server calls its state so."""
        states = self.history.setdefault(path, {})
        known = states.pop(fingerprint, [])
        states[fingerprint] = [*known, self.own(path)]

    def bring_back(self, path: str, own: frozenset[Avu], user: str) -> None:
        """The component's own AVUs become those of a state before; what comes back is set by who brings it back."""
        kept = {avu: setter for avu, setter in self.avus[path].items() if avu in own or avu.attribute == "ova_like"}
        self.avus[path] = {**dict.fromkeys(own, user), **kept}
        self.dropped.discard(path)
        self.complete(path, user)

    # ---- one grid in the place of another --------------------------------------------------------------------------

    def objection_to_like(self, path: str, other: str) -> str | None:
        """Why `ova_like` of a collection cannot have this value."""
        if f"{other}/".startswith(f"{path}/") or f"{path}/".startswith(f"{other}/"):
            return "the collection itself, or holds it or lies in it"
        if other not in self.avus:
            return "does not exist"
        return "is itself like it" if self._leads_to(other, path, ()) else None

    def _leads_to(self, path: str, end: str, followed: tuple[tuple[str, Avu], ...]) -> bool:
        """Whether anything at, above or below `path` is like what is at, above or below `end`."""
        if _overlap(path, end):
            return True
        likes = [(name, like) for name in self.avus for like in self.values(name, "ova_like") if name != end]
        return any(
            self._leads_to(like.value + path[len(name) :], end, (*followed, (name, like)))
            for name, like in likes
            if (name, like) not in followed and _overlap(name, path)
        )

    def missing(self) -> list[tuple[str, str]]:
        """(component, the one that it is like) of all that collections with ova_like should have and do not."""
        found = []
        for grid in sorted(self.avus):
            for like in self.values(grid, "ova_like"):
                prefix = like.value
                others = [path for path in self.components() if f"{path}/".startswith(f"{prefix}/")]
                pairs = [(grid + other[len(prefix) :], other) for other in others]
                found += [pair for pair in pairs if pair[0] not in self.components()]
        return found

    def complete(self, changed: str, user: str) -> None:
        """Make what must be there once a component, or the ova_like of a collection, was set."""
        waiting = [changed]
        while waiting:
            place = waiting.pop()
            for path, other in self.missing():
                if other == place or f"{path}/".startswith(f"{place}/"):
                    self.adopt(path, other, user)
                    waiting.append(path)

    def adopt(self, path: str, other: str, user: str) -> None:
        """A component that is made for an ova_like."""
        for name in reversed(_above(path)):
            if any(each.startswith(f"{name}/") for each in self.avus) or name == path:
                self.avus.setdefault(name, {})
        self.avus[path][Avu("ova_url", f"${{{other}:ova_url}}")] = user

    # ---- references ------------------------------------------------------------------------------------------------

    def expand(self, path: str, avu: Avu, trail: tuple[tuple[str, str], ...] = ()) -> str:
        """The value of an AVU as the component at `path` has it."""
        if "${" not in avu.value:
            return avu.value
        here = (path, avu.attribute)
        if here in trail:
            raise NoValueError("in a circle")
        return REFERENCE.sub(lambda found: self._reference(path, found, (*trail, here)), avu.value)

    def _reference(self, path: str, found: re.Match[str], trail: tuple[tuple[str, str], ...]) -> str:
        if found[1] is None:
            return "${"
        name, colon, attribute = found[1].rpartition(":")
        if not (name and colon and attribute):
            raise NoValueError("is not ")
        target = posixpath.normpath(posixpath.join(posixpath.dirname(path), name))
        if target not in self.avus:  # it has nothing, whatever is above the place where it should be
            missing = re.escape(target)
            reasons = ("has no AVU", ", or they are not there", "has several values")
            raise NoValueError("|".join([f"{missing}.?{reason}" for reason in reasons] + [f"in a circle: .*{missing}"]))
        if attribute == "ova_url":
            urls = self.values(target, "ova_url")
            if len(urls) == 1:
                return _joined(target, self.expand(target, urls[0], trail))
            raise NoValueError("has several values" if urls else "has no AVU")
        for level in self.levels(target):
            takes = {avu for _, avu in level if attribute in (avu.attribute, ALIASES.get(avu.attribute))}
            takes = takes or {avu for _, avu in level if ALIASES.get(attribute) == avu.attribute}
            if len({avu.value for avu in takes}) > 1:
                raise NoValueError("has several values")
            for avu in takes:
                try:
                    return self.expand(target, avu, trail)
                except NoValueError as error:  # whoever reads the message may not know what others have set
                    raise NoValueError(f"{error}|its value there cannot be resolved") from error
        raise NoValueError("has no AVU")

    # ---- the ready OVA ---------------------------------------------------------------------------------------------

    def expected(self, path: str, trail: tuple[str, ...] = ()) -> Expected:
        """What the ready OVA of the component at `path` holds, or why there is none."""
        source = self._source(path, trail)
        reasons, doubts = [*source.reasons], [*source.doubts]
        changes: dict[str, str] = {}
        try:
            settings = self._settings(path, reasons, doubts)
        except NoValueError as error:
            return Expected(None, (*reasons, str(error)), tuple(doubts), hidden_from=source.hidden_from)
        for prop, avu in settings:
            try:
                value = self.expand(path, avu)
            except NoValueError as error:
                reasons.append(str(error))
                continue
            if prop.misfit(value):
                reasons.append(f"AVU {avu.attribute} of ")
            if not prop.settable:
                reasons.append("(not userConfigurable)")
            changes[prop.full_name] = value
        package = None if reasons or source.package is None else source.package.with_values(changes)
        unknown = source.unknown and not reasons
        return Expected(package, tuple(reasons), tuple(doubts), unknown, source.hidden_from)

    def _settings(self, path: str, reasons: list[str], doubts: list[str]) -> list[tuple[Property, Avu]]:
        chosen: dict[Property, Avu] = {}
        for level in self.levels(path):
            here: dict[Property, Avu] = {}
            for _, avu in level:
                takers = _takers(avu)
                if not takers:
                    doubts += self._errors(path, avu)
                if len(takers) > 1:
                    reasons.append(f"AVU {avu.attribute} of .*several properties could take it")
                for prop in takers:
                    if prop in here and self._value(path, here[prop]) != self._value(path, avu):
                        reasons.append(f"two values for the property {re.escape(prop.full_name)}")
                    here[prop] = avu
            for prop, avu in here.items():
                chosen.setdefault(prop, avu)
        return list(chosen.items())

    def _errors(self, path: str, avu: Avu) -> list[str]:
        try:
            self.expand(path, avu)
        except NoValueError as error:
            return [str(error)]
        return []

    def _value(self, path: str, avu: Avu) -> str:
        try:
            return self.expand(path, avu)
        except NoValueError:
            return avu.value  # it stays as it is until a property takes it

    def _source(self, path: str, trail: tuple[str, ...]) -> Expected:
        """The package of the source, or why there is none."""
        urls = self.values(path, "ova_url")
        if len(urls) > 1:
            return Expected(None, ("AVU ova_url of .* has several values",))
        try:
            list(self.chain(path))
            url = _joined(path, self.expand(path, urls[0]))
        except NoValueError as error:
            return Expected(None, (str(error),))
        if not url.endswith(".ova"):
            return Expected(None, (r"ends in \.ova",))
        maker = _maker(url)
        if maker == path:
            return Expected(None, ("a component cannot be its own source",))
        if maker in (*trail, path):
            return Expected(None, ("in a circle",))
        if maker in self.components():
            return self.expected(maker, (*trail, path))
        if url in self.leftovers:
            return Expected(None, unknown=True)
        if url not in self.images:
            return Expected(None, ("does not exist",))
        found = self.images[url]
        doubts = self._prototypes_that_are_gone(path)
        if not self.setters(path) <= found.readers:
            doubts.append("may not read")
        return Expected(found.package, (), tuple(doubts), hidden_from=self.users - found.readers)

    def setters(self, component: str) -> set[str]:
        """Who set the AVUs that lead to its source."""
        urls = self.values(component, "ova_url")
        likes = [(name, like) for name in self.chain(component) for like in self.values(name, "ova_like")]
        return {self.avus[component][urls[0]], *(self.avus[name][like] for name, like in likes)}

    def _prototypes_that_are_gone(self, path: str) -> list[str]:
        """To whoever reads, what is gone is as what may not be seen; it is asked for only if a build took from it."""
        places = (like.value + path[len(name) :] for name in self.chain(path) for like in self.values(name, "ova_like"))
        return [f"{re.escape(place)}.*, or they are not there" for place in places if place not in self.avus]


def _overlap(one: str, other: str) -> bool:
    return f"{one}/".startswith(f"{other}/") or f"{other}/".startswith(f"{one}/")


def _joined(collection: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(collection, path))


def _above(path: str) -> list[str]:
    chain = []
    while path not in ("", "/"):
        chain.append(path)
        path = posixpath.dirname(path)
    return chain


def _takers(avu: Avu) -> list[Property]:
    """The properties that an AVU could set: by full name, else by key; the units pick among those of one key."""
    fit = [prop for prop in PROPERTIES if avu.units in ("", prop.part, prop.part.partition(".")[0])]
    for name in (avu.attribute, ALIASES.get(avu.attribute, avu.attribute)):
        found = [prop for prop in fit if name == prop.full_name] or [prop for prop in fit if name == prop.key]
        if found:
            return found
    return []


def _maker(url: str) -> str | None:
    """The collection whose ready OVA a path would be."""
    collection, name = posixpath.split(url)
    return collection if name == f"{posixpath.basename(collection)}.ova" else None


def ready_path(component: str) -> str:
    """Where the ready OVA of a component lies."""
    return f"{component}/{posixpath.basename(component)}.ova"
