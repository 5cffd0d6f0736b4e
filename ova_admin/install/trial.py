"""Tries a core.py before agents do: imports it with PREP's interpreter, in a process of the service account.

Never as root: the service account may write core.py, so root would run code of that account.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ova_admin.interpreter import Interpreter
from ova_admin.places import Places
from ova_rules.errors import one_line

# What PREP provides to core.py and no other Python has: modules in which every name is a class.
_PROGRAM = """
import importlib.util, json, sys, types

class Any(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})

for name in ("irods_types", "irods_errors"):
    sys.modules[name] = Any(name)
sys.path[:0] = [sys.argv[2]]
spec = importlib.util.spec_from_file_location("core", sys.argv[1])
core = importlib.util.module_from_spec(spec)
sys.modules["core"] = core
spec.loader.exec_module(core)
from_us = lambda name: getattr(getattr(core, name, None), "__module__", "").startswith("ova_rules")
rules, hooks = (sys.modules.get("ova_rules" + name) for name in ("", ".hooks"))
print(json.dumps({
    "error": getattr(core, "_ova_message", ""),
    "folder": rules.__file__.rpartition("/rules/")[0] if rules else "",
    "replaced": [name for name in (hooks.RULES if hooks else ()) if not from_us(name)],
    "gate": from_us("pep_api_exec_my_rule_pre"),
}))
"""


@dataclass(frozen=True)
class Trial:
    """The result of importing core.py. error: why it, or our part of it, fails; '' if it works.

    folder: that of the loaded rules; replaced: our hooks that a later definition overrides.
    """

    error: str
    folder: str = ""
    replaced: tuple[str, ...] = ()
    gate: bool = False


def of_file(places: Places, python: Interpreter, core: Path) -> Trial:
    """Imports a core.py as if it were in the folder."""
    arguments = (str(core), str(places.etc.absolute()))
    try:
        done = python.run_as_service(places, _PROGRAM, *arguments, variables={}, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        return Trial(one_line(str(error)))
    lines = done.stdout.splitlines()
    if done.returncode != 0 or not lines:
        return Trial(one_line((done.stderr.strip().splitlines() or ["it ended without a word"])[-1]))
    seen = json.loads(lines[-1])
    return Trial(one_line(seen["error"]), seen["folder"], tuple(seen["replaced"]), bool(seen["gate"]))


def of_text(places: Places, python: Interpreter, text: bytes) -> Trial:
    """Imports the future text of core.py."""
    with tempfile.TemporaryDirectory(prefix="ova-admin-") as folder:
        Path(folder).chmod(0o755)
        core = Path(folder) / "core.py"
        core.write_bytes(text)
        core.chmod(0o644)
        return of_file(places, python, core)
