"""The operations of users in the model test: each on the model, and the same through a client.

An operation names its target. If the target does not exist (any more) it does nothing, so that any sequence of
operations makes sense and hypothesis can leave out any of them.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
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
    """Something that `user` does with what lies at `place`, below the root that holds everything; '' is the root."""

    user: str
    place: str

    def path(self, root: str) -> str:
        """Where that is."""
        return f"{root}/{self.place}".rstrip("/")

    def refusal(self, grids: Grids, root: str) -> str | None:
        """A regular expression for why it must be refused; None if it must not."""
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


def in_use(grids: Grids, path: str) -> str | None:
    """Why a data object cannot be removed or renamed."""
    return in_use_outside(grids, [path], posixpath.dirname(path))


def in_use_outside(grids: Grids, paths: Iterable[str], collection: str) -> str | None:
    """Why a collection with these data objects cannot: what is in it does not count."""
    users = [user for path in paths for user in grids.users_of(path) if not f"{user}/".startswith(f"{collection}/")]
    return "is the source of .*" + "|".join(users) if users else None


@dataclass(frozen=True)
class OnAvus(Operation):
    """An operation on an AVU of a collection; in values, ROOT stands for the root."""

    attribute: str
    value: str
    units: str = ""

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

    attribute: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        return bool(grids.values(self.path(root), self.attribute))

    def happen(self, grids: Grids, root: str) -> None:
        path = self.path(root)
        for avu in grids.values(path, self.attribute):
            del grids.avus[path][avu]
        grids.dropped.discard(path)
        if self.attribute == "ova_url":
            grids.leftovers.add(ready_path(path))

    def perform(self, session: Any, root: str) -> None:
        metadata = session.collections.get(self.path(root)).metadata
        for avu in metadata.get_all(self.attribute):
            metadata.remove(avu)


@dataclass(frozen=True)
class OnImage(Operation):
    """An operation on an image; who may not read it may do nothing with it."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        found = grids.images.get(self.path(root))
        return found is not None and self.user in found.readers


@dataclass(frozen=True)
class Put(OnImage):
    """`iput -f` of an image, new or over the old one."""

    number: int

    def is_possible(self, grids: Grids, root: str) -> bool:
        return True

    def refusal(self, grids: Grids, root: str) -> str | None:
        found = grids.images.get(self.path(root))
        return "" if found and self.user not in found.readers else None

    def happen(self, grids: Grids, root: str) -> None:
        old = grids.images.get(self.path(root))
        grids.images[self.path(root)] = Image(image(self.number)[1], old.readers if old else frozenset(USERS))

    def perform(self, session: Any, root: str) -> None:
        with session.data_objects.open(self.path(root), "w") as stream:
            stream.write(image(self.number)[0])


@dataclass(frozen=True)
class Share(OnImage):
    """`ichmod` on an image by alice, who owns all: bob may read it, or not."""

    readable: bool

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.user == "alice" and self.path(root) in grids.images

    def happen(self, grids: Grids, root: str) -> None:
        grids.images[self.path(root)].readers = frozenset(USERS if self.readable else USERS[:1])

    def perform(self, session: Any, root: str) -> None:
        from irods.access import iRODSAccess

        session.acls.set(iRODSAccess("own" if self.readable else "null", self.path(root), USERS[1]))


@dataclass(frozen=True)
class Unlink(OnImage):
    """`irm -f` of an image.

    Not where all whose source it is were set by somebody who may not read it: whether it is in use then depends on
    whether it could be read when it was chosen, which the model does not know.
    """

    def is_possible(self, grids: Grids, root: str) -> bool:
        if not super().is_possible(grids, root):
            return False
        readers, users = grids.images[self.path(root)].readers, grids.users_of(self.path(root))
        return not users or any(grids.setters(user) <= readers for user in users)

    def refusal(self, grids: Grids, root: str) -> str | None:
        return in_use(grids, self.path(root))

    def happen(self, grids: Grids, root: str) -> None:
        del grids.images[self.path(root)]

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.unlink(self.path(root), force=True)


@dataclass(frozen=True)
class MoveImage(OnImage):
    """`imv` of an image."""

    target: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        return super().is_possible(grids, root) and f"{root}/{self.target}" not in grids.images

    def refusal(self, grids: Grids, root: str) -> str | None:
        return in_use(grids, self.path(root))

    def happen(self, grids: Grids, root: str) -> None:
        grids.images[f"{root}/{self.target}"] = grids.images.pop(self.path(root))

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.move(self.path(root), f"{root}/{self.target}")


@dataclass(frozen=True)
class Make(Operation):
    """`imkdir` of what is to become a component."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.path(root) not in grids.avus and posixpath.dirname(self.path(root)) in grids.avus

    def happen(self, grids: Grids, root: str) -> None:
        grids.avus[self.path(root)] = {}

    def perform(self, session: Any, root: str) -> None:
        session.collections.create(self.path(root))


@dataclass(frozen=True)
class Move(Operation):
    """`imv` of a component or a grid."""

    target: str

    def is_possible(self, grids: Grids, root: str) -> bool:
        new = f"{root}/{self.target}"
        return self.path(root) in grids.avus and new not in grids.avus and posixpath.dirname(new) in grids.avus

    def refusal(self, grids: Grids, root: str) -> str | None:
        old = self.path(root)
        return in_use_outside(grids, [ready_path(path) for path in grids.below(old)], old)

    def happen(self, grids: Grids, root: str) -> None:
        old, new = self.path(root), f"{root}/{self.target}"
        grids.leftovers |= {ready_path(path) for path in grids.below(old)}
        for path in grids.below(old):
            moved = new + path[len(old) :]
            grids.avus[moved] = grids.avus.pop(path)
            grids.history[moved] = grids.history.pop(path, {})
            grids.dropped = {moved if each == path else each for each in grids.dropped}
            grids.leftovers |= {ready_path(moved), f"{moved}/{posixpath.basename(path)}.ova"}

    def perform(self, session: Any, root: str) -> None:
        session.collections.move(self.path(root), f"{root}/{self.target}")


@dataclass(frozen=True)
class Delete(Operation):
    """`irm -rf` of a component."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.path(root) in grids.avus

    def refusal(self, grids: Grids, root: str) -> str | None:
        return in_use(grids, ready_path(self.path(root)))

    def happen(self, grids: Grids, root: str) -> None:
        for path in grids.below(self.path(root)):
            del grids.avus[path]
            grids.history.pop(path, None)
            grids.dropped.discard(path)
            grids.leftovers.discard(ready_path(path))

    def perform(self, session: Any, root: str) -> None:
        session.collections.remove(self.path(root), recurse=True, force=True)


@dataclass(frozen=True)
class Drop(Operation):
    """`irm -f` of a ready OVA."""

    def is_possible(self, grids: Grids, root: str) -> bool:
        path = self.path(root)
        return path in grids.components() and grids.expected(path).package is not None and path not in grids.dropped

    def refusal(self, grids: Grids, root: str) -> str | None:
        return in_use(grids, ready_path(self.path(root)))

    def happen(self, grids: Grids, root: str) -> None:
        grids.dropped.add(self.path(root))

    def perform(self, session: Any, root: str) -> None:
        session.data_objects.unlink(ready_path(self.path(root)), force=True)


@dataclass(frozen=True)
class Restore(Operation):
    """`imeta set ova_restore` to a state before: so many different ones back."""

    back: int

    def state(self, grids: Grids, root: str) -> tuple[str, list[frozenset[Avu]]] | None:
        """(fingerprint, the AVUs that the component had with it)."""
        states = list(grids.history.get(self.path(root), {}).items())
        return states[-1 - self.back] if self.back < len(states) else None

    def is_possible(self, grids: Grids, root: str) -> bool:
        return self.state(grids, root) is not None

    def happen(self, grids: Grids, root: str) -> None:
        state = self.state(grids, root)
        assert state is not None
        grids.bring_back(self.path(root), state[1][-1], self.user)

    def perform(self, session: Any, root: str) -> None:
        raise AssertionError("it takes the fingerprint")

    def restore(self, grids: Grids, session: Any, root: str) -> None:
        """Do it through the client, by the fingerprint that it read."""
        state = self.state(grids, root)
        assert state is not None
        session.collections.get(self.path(root)).metadata.set("ova_restore", state[0])
