"""The cost of importing modules: milliseconds in a fresh interpreter, and the modules imported with them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# The imports of the first event of an agent that rebuilds, besides core.
BUILDING = (
    "ova_rules.events.refused_avus",
    "ova_rules.events.avus",
    "ova_rules.events.context",
    "ova_rules.build.batch",
    "ova_tools.edit",
    "ova_tools.package",
    "ova_tools.write",
)

_PROGRAM = """\
import sys
sys.path.insert(0, sys.argv[1])
from time import perf_counter as now
before, start = set(sys.modules), now()
for name in sys.argv[2:]:
    __import__(name)
milliseconds = (now() - start) * 1000
new = sorted(set(sys.modules) - before)
import json
print(json.dumps([milliseconds, new]))
"""


@dataclass(frozen=True)
class Imported:
    """One import in an interpreter of its own."""

    milliseconds: float
    modules: tuple[str, ...]


def imported(folder: Path, *names: str, cached: bool = True) -> Imported:
    """Imports modules of `folder`; cached: with bytecode that is kept there, else compiled anew."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    if not cached:
        settings |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPYCACHEPREFIX": "/dev/null"}
    # -S: a server does not have the packages of this environment; its interpreter has `os`.
    command = [sys.executable, "-S", "-c", f"import os\n{_PROGRAM}", str(folder), *(names or ("core",))]
    done = subprocess.run(command, env=settings, capture_output=True, text=True, check=True)
    milliseconds, modules = json.loads(done.stdout)
    return Imported(milliseconds, tuple(modules))
