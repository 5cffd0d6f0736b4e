"""What the controls of a collection, or of one above it, say of a component: options, deployment option, ignored names.

Pure. The nearest collection that has a control decides, as with values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from ova_rules import names
from ova_rules.catalog.types import Avu
from ova_rules.component.matching import described
from ova_rules.component.near import near
from ova_rules.errors import ComponentError
from ova_tools.records import dataclass

ADD_PROPERTIES = "add-properties"  # a value that no property takes becomes a property
FIXED = "fixed"  # properties that are not userConfigurable may be set
STRICT = "strict"  # a value that does not fit is refused before it is stored

OPTIONS = (ADD_PROPERTIES, FIXED, STRICT)

SEED = "seed"  # a disc with the machine's values and tasks beside the ready OVA
SEED_KINDS = ("ovf", "nocloud", "configdrive")
EMBEDDED = "embedded"  # the disc is in the ready OVA
LIBVIRT, OPENSTACK, PROXMOX = "libvirt", "openstack", "proxmox"  # what these take instead of an OVA
CLOUDS = {  # the endings of the texts that each takes, beside the disks
    LIBVIRT: (names.DOMAIN_ENDING,),
    OPENSTACK: (names.USER_DATA_ENDING, names.IMAGE_ENDING),
    PROXMOX: (names.COMMANDS_ENDING,),
}
FORMS = (SEED, *(f"{SEED}:{kind}" for kind in SEED_KINDS), EMBEDDED, *CLOUDS)

_NETWORK = re.compile(r"\s*([^=\s][^=]*?)\s*=\s*([A-Za-z0-9_.:@-]{1,64})(?=\s|$)")
_SEPARATORS = re.compile(r"[\s,;]+")


def words(value: str) -> list[str]:
    """The words of a control that holds several, separated by blanks, commas or semicolons."""
    return [word for word in _SEPARATORS.split(value) if word]


def nearest(levels: Mapping[str, Sequence[Avu]], attribute: str) -> tuple[Avu, ...]:
    """The AVUs of this attribute of the nearest collection that has one. levels: by collection, nearest first."""
    for avus in levels.values():
        found = tuple(avu for avu in avus if avu.attribute == attribute)
        if found:
            return found
    return ()


def has_option(avus: Iterable[Avu], option: str) -> bool:
    """Whether one of these `ova_options` holds the word."""
    return any(option in words(avu.value) for avu in avus)


def ignored(avus: Iterable[Avu]) -> set[str]:
    """The attributes that the collection with these AVUs does not take from collections farther away."""
    return {word for avu in avus if avu.attribute == names.IGNORE for word in words(avu.value)}


@dataclass(frozen=True)
class Forms:
    """What is made of a component beside its ready OVA. kind: of its seed; None for no seed.

    beside: the seed is an object of its own; embedded: it lies in the ready OVA. clouds: those that files are made for;
    networks: what they call the networks of the image, by these.
    """

    kind: str | None = None
    beside: bool = False
    embedded: bool = False
    clouds: tuple[str, ...] = ()
    networks: tuple[tuple[str, str], ...] = ()

    @property
    def has_own_macs(self) -> bool:
        """Whether the machine gets MACs of its own, which its files say, in the place of those of the image."""
        return LIBVIRT in self.clouds or PROXMOX in self.clouds

    def usual(self, name: str) -> list[str]:
        """The names of the objects that most images of a component of this name give; further ones are possible."""
        endings = [names.SEED_ENDING] if self.beside else []
        endings += [names.DISK_ENDING] if self.clouds else []
        endings += [ending for cloud in self.clouds for ending in CLOUDS[cloud]]
        return [f"{name}{ending}" for ending in endings]


NO_FORMS = Forms()


def forms_in(levels: Mapping[str, Sequence[Avu]]) -> tuple[Avu, ...]:
    """The `ova_forms` in effect, and with them the `ova_networks`. levels: as of `nearest`."""
    found = nearest(levels, names.FORMS)
    return (*found, *nearest(levels, names.NETWORKS)) if found else ()


def forms_of(avus: Sequence[Avu]) -> Forms:
    """What these `ova_forms` and `ova_networks` ask for.

    Raises ComponentError for an unknown word, for two kinds of seed and for a network without a name.
    """
    networks = [pair for avu in avus if avu.attribute == names.NETWORKS for pair in networks_of(avu)]
    avus = [avu for avu in avus if avu.attribute == names.FORMS]
    asked = {word for avu in avus for word in words(avu.value)}
    for avu in avus:
        word, hint = _unknown(avu, FORMS)
        if word:
            raise ComponentError(f"{described(avu)}: {word} is no form; {', '.join(FORMS)} are{hint}")
    kinds = {word.partition(":")[2] for word in asked if word.startswith(SEED)} - {""}
    if len(kinds) > 1:
        raise ComponentError(
            f"{described(avus[0])}: one disc is one kind of seed; keep one of {', '.join(sorted(kinds))}"
        )
    if not asked:
        return NO_FORMS
    beside = any(word.startswith(SEED) for word in asked) or not asked.isdisjoint((LIBVIRT, PROXMOX))
    clouds = tuple(cloud for cloud in CLOUDS if cloud in asked)
    return Forms(next(iter(kinds), SEED_KINDS[0]), beside, EMBEDDED in asked, clouds, tuple(sorted(networks)))


def networks_of(avu: Avu) -> list[tuple[str, str]]:
    """The pairs of an `ova_networks`: a network of the image, and what the cloud has for it. Raises ComponentError."""
    found, position = [], 0
    while avu.value[position:].strip():
        pair = _NETWORK.match(avu.value, position)
        if pair is None:
            text = f"{avu.value[position:].strip()[:80]!r} is not NETWORK=BRIDGE, as in VM Network=br0"
            raise ComponentError(f"{described(avu)}: {text}")
        found.append((pair[1], pair[2]))
        position = pair.end()
    return found


def require_options(avu: Avu) -> None:
    """Raises ComponentError for an `ova_options` with a word that is none."""
    word, hint = _unknown(avu, OPTIONS)
    if word:
        raise ComponentError(f"{described(avu)}: {word} is no option; {', '.join(OPTIONS)} are{hint}")


def _unknown(avu: Avu, known: Sequence[str]) -> tuple[str, str]:
    """The first word of a control that is none of these, and what may have been meant; "" if there is none."""
    found = words(avu.value)
    word = next((word for word in found if word not in known), "" if found else "nothing")
    meant = near(word, known) if word else None
    return word, f"; did you mean {meant}?" if meant else ""
