"""PREP's module irods_errors: iRODS codes by name, as far as the zone knows them, and what rules may return."""

from __future__ import annotations

from zone import errors as _errors
from zone.prep.codes import RULE_ENGINE_CONTINUE, RULE_ENGINE_SKIP_OPERATION

globals().update({name: code for code, name in _errors.NAMES.items()})

__all__ = ["RULE_ENGINE_CONTINUE", "RULE_ENGINE_SKIP_OPERATION", *_errors.NAMES.values()]
