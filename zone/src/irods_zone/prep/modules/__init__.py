"""The modules that rule files import by PREP's names: genquery, irods_errors, irods_types, session_vars."""

from __future__ import annotations

import sys

from irods_zone.prep import types
from irods_zone.prep.modules import genquery, irods_errors, session_vars

MODULES = {
    "irods_types": types,
    "irods_errors": irods_errors,
    "genquery": genquery,
    "session_vars": session_vars,
}


def install() -> None:
    """Make the modules importable by rules in this process. They take precedence over any installed namesake."""
    sys.modules.update(MODULES)
