"""What iRODS loads (the Python rule engine plugin imports it in every agent): the hooks, and nothing else.

Link it to /etc/irods/core.py. The settings, ova_rules.json, lie beside the link; see docs/operations.md.
"""

import os
import sys
from _frozen_importlib_external import PathFinder  # importlib.machinery's, without its import in every agent

_INSTALL = os.path.dirname(os.path.realpath(__file__))
_PACKAGES = {"ova_rules": [os.path.join(_INSTALL, "rules")], "ova_tools": [_INSTALL]}


class _Finder:
    """Finds our two packages only beside this file. sys.path is not changed: it belongs to the site."""

    @staticmethod
    def find_spec(name, path=None, target=None):  # type: ignore[no-untyped-def]
        if name not in _PACKAGES:
            return None
        found = PathFinder.find_spec(name, _PACKAGES[name])
        if found is None:
            raise ModuleNotFoundError(f"{name} is not in {_PACKAGES[name][0]}", name=name)
        return found


sys.meta_path.insert(0, _Finder)

from ova_rules import agent, hooks  # noqa: E402 - found only now

agent.settings_directory = os.path.dirname(os.path.abspath(__file__))
globals().update(hooks.RULES, **hooks.JOBS)
