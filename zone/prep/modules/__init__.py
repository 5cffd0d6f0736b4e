"""The modules that rule files import by PREP's names: genquery, irods_errors, irods_types, session_vars."""

from __future__ import annotations

import sys


def install() -> None:
    """Make the modules importable by rules in this process. They take precedence over any installed namesake."""
    from zone.prep import types
    from zone.prep.modules import genquery, irods_errors, session_vars

    sys.modules["irods_types"] = types
    sys.modules["irods_errors"] = irods_errors
    sys.modules["genquery"] = genquery
    sys.modules["session_vars"] = session_vars
