"""What iRODS loads (the Python rule engine plugin imports it in every agent): the hooks, and nothing else.

Link it to /etc/irods/core.py. The settings, ova_rules.json, lie beside the link; see docs/admin-guide.md.
"""

import os
import sys

_install = os.path.dirname(os.path.realpath(__file__))
if _install not in sys.path:
    sys.path.append(_install)

from rules import hooks  # noqa: E402 - found only once the install folder is on the path

hooks.settings_directory = os.path.dirname(os.path.abspath(__file__))
globals().update(hooks.RULES, **hooks.JOBS)
