"""The model beside a zone: runs operations in both, and compares what users read."""

from __future__ import annotations

import re
import time

from irods_zone.pytest_plugin import EmbeddedZone

from tests.model.grid import Avu, Expected, Grids, ready_path
from tests.model.operations import COMPONENTS, GRIDS, IMAGES, USERS, Operation, Put, Restore, Set
from tests.model.packages import Package, of
from tests.support.appliances import read
from tests.support.clients import PythonClient, Refused, refusals


class World:
    """A zone, two users, and the model beside it. alice owns everything; bob may do all that she may, for a start."""

    def __init__(self, zone: EmbeddedZone, name: str) -> None:
        self.grids = Grids(frozenset(USERS))
        self.outcomes: set[str] = set()  # what happened, for hypothesis's statistics
        self.root = f"/tempZone/home/alice/{name}"
        admin = zone.session()
        for user in USERS:
            admin.users.create(user, "rodsuser")
            admin.users.modify(user, "password", "secret")
        self.clients = {user: PythonClient(zone.session(user, "secret", connection_timeout=30)) for user in USERS}
        alice = self.clients["alice"]
        alice.make(self.root)
        alice.allow("inherit", self.root)
        alice.allow("own", self.root, USERS[1])
        alice.allow("read", "/tempZone/home/alice", USERS[1])
        self.grids.avus[self.root] = {}
        alice.make(f"{self.root}/images")
        for place in (*GRIDS, *COMPONENTS):
            alice.make(f"{self.root}/{place}")
            self.grids.avus[f"{self.root}/{place}"] = {}
        for number, path in enumerate(IMAGES):
            self.do(Put("alice", path, number))
        for place in COMPONENTS:
            self.do(Set("alice", place, "ova_url", f"ROOT/{IMAGES[0]}"))

    def do(self, operation: Operation) -> bool:
        """Let it happen in the zone and in the model, or be refused in both; whether it was possible at all."""
        if not operation.is_possible(self.grids, self.root):
            return False
        expected = operation.refusal(self.grids, self.root)
        try:
            with refusals():
                if isinstance(operation, Restore):
                    operation.restore(self.grids, self.clients[operation.user].session, self.root)
                else:
                    operation.perform(self.clients[operation.user].session, self.root)
        except Refused as refused:
            assert expected is not None, f"{operation} was refused: {refused}"
            assert re.search(expected, str(refused)), f"{operation} was refused: {refused}; not because {expected}"
            self.outcomes.add(f"{type(operation).__name__} refused")
        else:
            assert expected is None, f"{operation} should have been refused: {expected}"
            operation.happen(self.grids, self.root)
            self._look(operation)
            self.outcomes.add(type(operation).__name__)
        return True

    def _look(self, operation: Operation) -> None:
        """Takes from the zone what the documents leave open.

        When a component that an ova_like asks for is made, other than by setting ova_url or ova_like; which of the own
        AVUs that a component had in one and the same state (some may have moved to its grid) is brought back.
        """
        collections = self.clients["alice"].session.collections
        for path, other in self.grids.missing():
            if collections.exists(path):
                wanted = Avu("ova_url", f"${{{other}:ova_url}}")
                if wanted in self._avus(path):
                    self.grids.adopt(path, other, operation.user)
        if isinstance(operation, Restore):
            path, state = f"{self.root}/{operation.place}", operation.state(self.grids, self.root)
            assert state is not None
            found = frozenset(avu for avu in self._avus(path) if avu.is_value or avu.attribute == "ova_url")
            assert found in state[1], f"{operation} brought back {found}, not one of {state[1]}"
            self.grids.bring_back(path, found, operation.user)

    def _avus(self, path: str) -> list[Avu]:
        items = self.clients["alice"].metadata(path).items()
        return [Avu(avu.name, avu.value, avu.units or "") for avu in items if not avu.name.startswith("ova::")]

    def check(self) -> None:
        """Both users read every ready OVA."""
        for component in self.grids.components():
            expected = self.grids.expected(component)
            for user in USERS:
                self._check_one(user, component, expected)
            if expected.package is not None and not expected.doubts and component not in self.grids.dropped:
                fingerprint = self.clients["alice"].facts(component)["ova::fingerprint"]
                assert "," not in fingerprint, "there are two"
                self.grids.remember(component, fingerprint)

    def _get(self, user: str, path: str) -> bytes:
        """Reads, again if a job builds it just then."""
        deadline = time.monotonic() + 10
        while True:
            try:
                return self.clients[user].get(path)
            except Refused as refused:
                if "is being built" not in str(refused) or time.monotonic() > deadline:
                    raise

    def _check_one(self, user: str, component: str, expected: Expected) -> None:
        path = ready_path(component)
        where = f"{user} reads {path[len(self.root) + 1 :]}"
        try:
            found: Package | None = of(read(self._get(user, path)))
        except Refused as refused:
            if expected.unknown:
                return
            reasons = (*expected.reasons, *expected.doubts)
            if reasons and user in expected.hidden_from:
                reasons += ("may not read",)
            if component in self.grids.dropped:
                reasons += ("was removed", "OBJ_PATH_DOES_NOT_EXIST", "or they are not there", "does not exist")
            assert reasons, f"{where}: refused: {refused}"
            matching = [reason for reason in reasons if re.search(reason, str(refused))]
            assert matching, f"{where}: {refused}; expected {reasons}"
            self.outcomes.add(f"read refused: {matching[0][:30]}")
            return
        if expected.unknown:
            return
        assert expected.package is not None, f"{where}: got an OVA; expected a refusal: {expected.reasons}"
        assert found == expected.package, f"{where}: {_difference(found, expected.package)}"


def _difference(found: Package | None, expected: Package) -> str:
    assert found is not None
    lines = [f"{name}: {value!r} instead of {dict(expected.values).get(name)!r}" for name, value in found.values]
    lines = [line for line, pair in zip(lines, found.values) if pair not in expected.values]
    return "; ".join(lines) or f"disk {found.disk[:8]!r} instead of {expected.disk[:8]!r}"
