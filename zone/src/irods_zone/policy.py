"""The policy enforcement points that operations and the dispatcher pass through, as an interface.

A policy belongs to one session. `NoPolicy` is a zone without a rule file; `irods_zone.prep.engine.PythonPolicy` runs a
PREP rule file. Every method returns quietly if no rule of that name exists, and raises IrodsError when a rule denies or
fails.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class OperationSkipped(Exception):  # noqa: N818 - no error
    """Raised by `api` in phase pre: a rule skips the call's own work (but not what follows it)."""


class Policy:
    """A policy without rules; the base of engines that have some."""

    def static(self, name: str, args: Sequence[str] = (), doi: Mapping[str, Any] | None = None) -> None:
        """A static point (acPreProc…, acPostProc…, acPreprocFor…): rule_args are strings, rei.doi the DataObjInfo."""

    def api(self, name: str, phase: str, inputs: Sequence[tuple[str, Any] | None], output: Any = None) -> None:
        """`pep_api_<name>_<phase>`; phase is pre, post, except or finally.

        inputs: the call's arguments in order, as (packing structure name, decoded record), ("BytesBuf", bytes) for byte
        buffers, and None for an output slot.
        """

    def resource(self, name: str, phase: str, resource: str, context: Mapping[str, str], *args: Any) -> None:
        """`pep_resource_<name>_<phase>` with context keys logical_path, physical_path, resc_hier, file_size …"""

    def database(self, name: str, phase: str, *args: Any) -> None:
        """`pep_database_<name>_<phase>`."""

    def knows(self, name: str) -> bool:
        """Whether the rule file has a rule of this name (hasattr(core, name))."""
        return False


class NoPolicy(Policy):
    """A zone without a rule file."""
