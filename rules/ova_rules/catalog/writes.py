"""What the rules change in iRODS: data objects, AVUs and the delay queue; also the log, and refusals.

A microservice that fails leaves its error on the user's terminal even if the exception is caught, so everything here
that can be looked up is looked up first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from ova_rules import agent
from ova_rules.catalog.access import Access
from ova_rules.catalog.types import Avu, ObjectAvu, Replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

DELAY_INSTANCE = "irods_rule_engine_plugin-python-instance"
_BACK_OFF = "10s DOUBLE UNTIL SUCCESS OR 6 TIMES"  # a failed job runs again after 10, 20, 40 … seconds


@contextmanager
def _own_change() -> Iterator[None]:
    """Inside this context hooks do nothing: the change is our own, and the code that makes it handles what follows."""
    before = agent.own_change
    agent.own_change = True
    try:
        yield
    finally:
        agent.own_change = before


class Catalog(Access):
    """iRODS as the client of this agent sees it. Lives for one event. Not for use from other threads."""

    # ---- data objects --------------------------------------------------------------------------------------------

    def create(self, path: str, resource: str) -> int:
        """Creates a data object, open for writing; its replica is intermediate until close. Returns the descriptor.

        resource: where; "" leaves the choice to the server. Fails if the object exists, also if the client cannot see
        it.
        """
        where = f"destRescName={resource}" if resource else ""
        with _own_change():
            reply = self._callback.msiDataObjCreate(path, where, 0)
        return int(reply["arguments"][2])

    def copy(self, path: str, target: str, resource: str) -> None:
        """Copies a data object to a resource; an object at `target` gets its content.

        In one thread: with several, iRODS waits for ever for what a rule has it copy.
        """
        with _own_change():
            self._callback.msiDataObjCopy(path, target, f"destRescName={resource}++++numThreads=1++++forceFlag=", 0)

    def replicate(self, path: str, resource: str) -> None:
        """Makes a replica of a data object on a resource, in one thread as in `copy`."""
        with _own_change():
            self._callback.msiDataObjRepl(path, f"destRescName={resource}++++numThreads=1", 0)

    def open_for_write(self, path: str, replica: Replica) -> int:
        """The descriptor of a replica, locked against others until close. Closing makes the other replicas stale."""
        with _own_change():
            reply = self._callback.msiDataObjOpen(f"objPath={path}++++replNum={replica.number}++++openFlags=O_RDWR", 0)
        return int(reply["arguments"][1])

    def write(self, descriptor: int, text: str) -> None:
        """Writes through the descriptor, to the file that it was opened on."""
        with _own_change():
            self._callback.msiDataObjWrite(descriptor, text, 0)

    def close(self, descriptor: int) -> None:
        """Closes the descriptor; the server takes the size from the file now at the vault path."""
        with _own_change():
            self._callback.msiDataObjClose(descriptor, 0)

    def touch(self, path: str) -> None:
        """Proves write permission on an object and renews its modify time."""
        request = {"logical_path": path, "options": {"no_create": True}}
        with _own_change():
            self._callback.msi_touch(json.dumps(request))

    def unlink(self, path: str) -> None:
        """Removes a data object, not into the trash."""
        with _own_change():
            self._callback.msiDataObjUnlink(f"objPath={path}++++forceFlag=", 0)

    def rename(self, source: str, target: str) -> None:
        """Renames a data object; works also on one that a dead agent left intermediate."""
        with _own_change():
            self._callback.msiDataObjRename(source, target, "0", 0)

    # ---- AVUs, jobs ------------------------------------------------------------------------------------------------

    def change_object_avus(self, path: str, remove: Sequence[ObjectAvu], add: Sequence[ObjectAvu]) -> None:
        """Replaces AVUs of a data object in one transaction, silently (no hook runs).

        For an administrator this works without permission, too: the AVU there was set in admin mode.
        """
        self._apply(
            "data_object", path, remove, add, admin=self.is_administrator and not self.may_annotate_object(path)
        )

    def make_collection(self, path: str) -> None:
        """Makes a collection; its parent must exist."""
        with _own_change():
            self._callback.msiCollCreate(path, "0", 0)

    def remove_avus(self, collection: str, avus: Sequence[Avu]) -> None:
        """Removes AVUs that clients set. Not in one transaction: the server's atomic call may remove none of them.

        That call takes the first row with that text, and `imeta set` leaves several (docs/irods-facts.md). Our hooks do
        nothing.
        """
        with _own_change():
            for avu in avus:
                self._callback.msiModAVUMetadata("-C", collection, "rm", avu.attribute, avu.value, avu.units)

    def change_facts(self, collection: str, remove: Sequence[Avu], add: Sequence[Avu]) -> None:
        """Replaces AVUs of a collection in one transaction, silently (no hook runs)."""
        self._apply("collection", collection, remove, add)

    def _apply(
        self,
        kind: str,
        path: str,
        remove: Sequence[Avu | ObjectAvu],
        add: Sequence[Avu | ObjectAvu],
        *,
        admin: bool = False,
    ) -> None:
        operations = [_operation("remove", avu) for avu in remove] + [_operation("add", avu) for avu in add]
        if operations:
            from ova_rules.servers.roles import provider

            if provider():  # its hooks would refuse our facts, and that would end this server's agent
                self._ask_provider(kind, path, operations, admin=admin)
                return
            self.apply(kind, path, operations, admin=admin)

    def _ask_provider(self, kind: str, path: str, operations: list[dict[str, str]], *, admin: bool) -> None:
        from ova_rules.servers.asking import ask_provider

        if self.settings is None:
            raise RuntimeError(f"AVUs of {path} cannot be written before the settings are read")
        ask_provider(self, self.settings, "avus", entity=kind, path=path, operations=operations, admin=admin)

    def apply(self, kind: str, path: str, operations: Sequence[dict[str, str]], *, admin: bool) -> None:
        """Changes AVUs in one transaction, silently, on the server with the catalog.

        kind: collection or data_object. operations: as the atomic call of iRODS takes them. admin: in admin mode.
        """
        request: dict[str, object] = {"entity_name": path, "entity_type": kind, "operations": list(operations)}
        if admin:
            request["admin_mode"] = True
        with _own_change():
            self._callback.msi_atomic_apply_metadata_operations(json.dumps(request), "")

    def delay(self, text: str) -> None:
        """Queues Python text as the client, to run soon and again if it fails."""
        conditions = f"<INST_NAME>{DELAY_INSTANCE}</INST_NAME><PLUSET>1s</PLUSET><EF>{_BACK_OFF}</EF>"
        self._callback.delayExec(conditions, text, "")


def refuse(callback: Any, code: int, text: str) -> int:
    """Shows `Level 0: text` at the client. The hook must return the code: only the code denies."""
    with suppress(RuntimeError):  # msiExit always raises; the text is now on the client's error stack
        callback.msiExit(str(code), text)
    return code


def _operation(kind: str, avu: Avu | ObjectAvu) -> dict[str, str]:
    return {"operation": kind, "attribute": avu.attribute, "value": avu.value, "units": avu.units}
