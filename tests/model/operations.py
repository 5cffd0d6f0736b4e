"""What users do in the model test: each operation on the model, and the same through a client.

An operation names what it acts on; where that is not there (any more) it does nothing, so that any sequence of
operations makes sense and hypothesis can leave out any of them.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any

from tests.model.grid import Avu, Grids, Image, ready_path
from tests.model.packages import image

USERS = ("alice", "bob")
GRIDS = ("g1", "g2")
COMPONENTS = ("g1/c1", "g1/c2", "g2/c3")
PLACES = (*COMPONENTS, "g1/c4", "g2/c1", "g2/c4")
IMAGES = ("images/i1.ova", "images/i2.ova")


@dataclass(frozen=True)
class Operation:
    """Something that `user` does."""

    user: str

    def refusal(self, grids: Grids, root: str) -> str | None:
        """A regular expression for why it must be refused; None if it must not. `root` holds everything."""
        return None

    def is_possible(self, grids: Grids, root: str) -> bool:
        """Whether what it acts on is there, so that iRODS itself lets it pass."""
        raise NotImplementedError

    def happen(self, grids: Grids, root: str) -> None:
        """Do it to the model."""
        raise NotImplementedError

    def perform(self, session: Any, root: str) -> None:
        """Do it through python-irodsclient."""
        raise NotImplementedError


@dataclass(frozen=True)
class OnAvus(Operation):
    """An operation on an AVU of a collection; in values, ROOT stands for the root."""

    place: str
    attribute: str
    value: str
    units: str = ""

    def path(self, root: str) -> str:
        """The collection."""
        return posixpath.join(root, self.place) if self.place else root

    def avu(self, root: str) -> Avu:
        """The AVU."""
        return Avu(self.attribute, self.value.replace("ROOT", root), self.units)

    def metadata(self, session: Any, root: str) -> Any:
        """The collection's AVUs, for the client."""
        return session.collections.get(self.path(root)).metadata


@dataclass(frozen=True)
class Set(OnAvus):
    """`imeta set`: in the place of all AVUs of that attribute."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.path(root) in grids.avus

    def refusal(self, grids: Grids, root: str) -> str | None:
        if self.attribute == "ova_like":
            return grids.objection_to_like(self.path(root), self.avu(root).value)
        return None

    def happen(self, grids: Grids, root: str) -> None:
        avus = grids.avus[self.path(root)]
        for avu in grids.values(self.path(root), self.attribute):
            del avus[avu]
        avus[self.avu(root)] = self.user
        grids.dropped.discard(self.path(root))
        if self.attribute in ("ova_url", "ova_like"):
            grids.complete(self.path(root), self.user)

    def perform(self, session: Any, root: str) -> None:
        from irods.meta import iRODSMeta

        avu = self.avu(root)
        self.metadata(session, root).set(iRODSMeta(avu.attribute, avu.value, avu.units or None))


@dataclass(frozen=True)
class Add(OnAvus):
    """`imeta add`: beside the others of that attribute."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.path(root) in grids.avus and self.avu(root) not in grids.avus[self.path(root)]

    def happen(self, grids: Grids, root: str) -> None:
        grids.avus[self.path(root)][self.avu(root)] = self.user
        grids.dropped.discard(self.path(root))
        if self.attribute == "ova_url":
            grids.complete(self.path(root), self.user)

    def perform(self, session: Any, root: str) -> None:
        avu = self.avu(root)
        self.metadata(session, root).add(avu.attribute, avu.value, avu.units or None)


@dataclass(frozen=True)
class Remove(Operation):
    """`imeta rm` of all AVUs of an attribute."""

    place: str
    attribute: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        path = posixpath.join(root, self.place)
        return bool(grids.values(path, self.attribute))

    def happen(self, grids: Grids, root: str) -> None:
        path = posixpath.join(root, self.place)
        for avu in grids.values(path, self.attribute):
            del grids.avus[path][avu]
        grids.dropped.discard(path)
        if self.attribute == "ova_url":
            grids.leftovers.add(ready_path(path))

    def perform(self, session: Any, root: str) -> None:
        metadata = session.collections.get(posixpath.join(root, self.place)).metadata
        for avu in metadata.get_all(self.attribute):
            metadata.remove(avu)


@dataclass(frozen=True)
class Put(Operation):
    """`iput -f` of an image, new or over the old one."""

    name: str
    number: int

    def is_possible(self, grids: Grids, root: str) -> bool:
        return True

    def refusal(self, grids: Grids, root: str) -> str | None:
        found = grids.images.get(f"{root}/{self.name}")
        return "" if found and self.user not in found.readers else None

    def happen(self, grids: Grids, root: str) -> None:
        path = f"{root}/{self.name}"
        readers = grids.images[path].readers if path in grids.images else frozenset(USERS)
        grids.images[path] = Image(image(self.number)[1], readers)

    def perform(self, session: Any, root: str) -> None:
        with session.data_objects.open(f"{root}/{self.name}", "w") as stream:
            stream.write(image(self.number)[0])


@dataclass(frozen=True)
class Share(Operation):
    """`ichmod` on an image by alice, who owns all: bob may read it, or not."""

    name: str
    readable: bool

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.user == "alice" and f"{root}/{self.name}" in grids.images

    def happen(self, grids: Grids, root: str) -> None:
        grids.images[f"{root}/{self.name}"].readers = frozenset(USERS if self.readable else USERS[:1])

    def perform(self, session: Any, root: str) -> None:
        from irods.access import iRODSAccess

        session.acls.set(iRODSAccess("own" if self.readable else "null", f"{root}/{self.name}", USERS[1]))


@dataclass(frozen=True)
class Unlink(Operation):
    """`irm -f` of an image."""

    name: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        found = grids.images.get(f"{root}/{self.name}")
        return found is not None and self.user in found.readers

    def refusal(self, grids: Grids, root: str) -> str | None:
        users = grids.users_of(f"{root}/{self.name}")
        return "is the source of .*" + "|".join(users) if users else None

    def happen(self, grids: Grids, root: str) -> None:
        del grids.images[f"{root}/{self.name}"]

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.unlink(f"{root}/{self.name}", force=True)


@dataclass(frozen=True)
class MoveImage(Operation):
    """`imv` of an image."""

    name: str
    target: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        found = grids.images.get(f"{root}/{self.name}")
        return found is not None and self.user in found.readers and f"{root}/{self.target}" not in grids.images

    def happen(self, grids: Grids, root: str) -> None:
        grids.images[f"{root}/{self.target}"] = grids.images.pop(f"{root}/{self.name}")

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.move(f"{root}/{self.name}", f"{root}/{self.target}")


@dataclass(frozen=True)
class Make(Operation):
    """`imkdir` of what is to become a component."""

    place: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        path = f"{root}/{self.place}"
        return path not in grids.avus and posixpath.dirname(path) in grids.avus

    def happen(self, grids: Grids, root: str) -> None:
        grids.avus[f"{root}/{self.place}"] = {}

    def perform(self, session: Any, root: str) -> None:
        session.collections.create(f"{root}/{self.place}")


@dataclass(frozen=True)
class Move(Operation):
    """`imv` of a component or a grid."""

    place: str
    target: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        old, new = f"{root}/{self.place}", f"{root}/{self.target}"
        return old in grids.avus and new not in grids.avus and posixpath.dirname(new) in grids.avus

    def happen(self, grids: Grids, root: str) -> None:
        old, new = f"{root}/{self.place}", f"{root}/{self.target}"
        grids.leftovers |= {ready_path(path) for path in grids.below(old)}
        for path in grids.below(old):
            moved = new + path[len(old) :]
            grids.avus[moved] = grids.avus.pop(path)
            grids.history[moved] = grids.history.pop(path, {})
            grids.dropped = {moved if each == path else each for each in grids.dropped}
            grids.leftovers |= {ready_path(moved), f"{moved}/{posixpath.basename(path)}.ova"}

    def perform(self, session: Any, root: str) -> None:
        session.collections.move(f"{root}/{self.place}", f"{root}/{self.target}")


@dataclass(frozen=True)
class Delete(Operation):
    """`irm -rf` of a component."""

    place: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        return f"{root}/{self.place}" in grids.avus

    def refusal(self, grids: Grids, root: str) -> str | None:
        path = f"{root}/{self.place}"
        users = [user for user in grids.users_of(ready_path(path)) if user != path]
        return "is the source of .*" + "|".join(users) if users else None

    def happen(self, grids: Grids, root: str) -> None:
        for path in grids.below(f"{root}/{self.place}"):
            del grids.avus[path]
            grids.history.pop(path, None)
            grids.dropped.discard(path)
            grids.leftovers.discard(ready_path(path))

    def perform(self, session: Any, root: str) -> None:
        session.collections.remove(f"{root}/{self.place}", recurse=True, force=True)


@dataclass(frozen=True)
class Drop(Operation):
    """`irm -f` of a ready OVA."""

    place: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        path = f"{root}/{self.place}"
        return path in grids.components() and grids.expected(path).package is not None and path not in grids.dropped

    def refusal(self, grids: Grids, root: str) -> str | None:
        users = grids.users_of(ready_path(f"{root}/{self.place}"))
        return "is the source of .*" + "|".join(users) if users else None

    def happen(self, grids: Grids, root: str) -> None:
        grids.dropped.add(f"{root}/{self.place}")

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.unlink(ready_path(f"{root}/{self.place}"), force=True)


@dataclass(frozen=True)
class Restore(Operation):
    """`imeta set ova_restore` to a state before: so many different ones back."""

    place: str
    back: int

    def state(self, grids: Grids, root: str) -> tuple[str, list[frozenset[Avu]]] | None:
        """(fingerprint, the AVUs that the component had with it)."""
        states = list(grids.history.get(f"{root}/{self.place}", {}).items())
        return states[-1 - self.back] if self.back < len(states) else None

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.state(grids, root) is not None

    def happen(self, grids: Grids, root: str) -> None:
        state = self.state(grids, root)
        assert state is not None
        grids.bring_back(f"{root}/{self.place}", state[1][-1], self.user)

    def perform(self, session: Any, root: str) -> None:
        raise AssertionError("it takes the fingerprint")

    def restore(self, grids: Grids, session: Any, root: str) -> None:
        """Do it through the client, by the fingerprint that it read."""
        state = self.state(grids, root)
        assert state is not None
        session.collections.get(f"{root}/{self.place}").metadata.set("ova_restore", state[0])
