"""What core.py costs every user of the zone on every command: its import, against that of an empty file.

    .venv/bin/python bench/startup.py

Prints the medians of `python -X importtime -c "import core"` in milliseconds and what is imported. Fails if the
difference is 5 ms or more, or if anything heavy is imported.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
RUNS = 31
LIMIT_MS = 5.0
HEAVY = ("lxml", "irods", "ova_tools", "cryptography", "rich", "json", "pathlib", "dataclasses")
_LINE = re.compile(r"import time:\s+(\d+) \|\s+(\d+) \| (\s*)(\S+)")


def imported(folder: Path, cached: bool) -> tuple[float, list[str]]:
    """Milliseconds that `import core` takes in a fresh interpreter, and the modules it brings; cached: as bytecode."""
    command = [sys.executable, "-X", "importtime", "-c", "import core"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    if not cached:
        environment["PYTHONPYCACHEPREFIX"] = str(folder / "no such folder")
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    report = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stderr
    rows = [match.groups() for match in map(_LINE.match, report.splitlines()) if match]
    end = next(index for index, row in enumerate(rows) if row[3] == "core")
    start = end
    while start > 0 and rows[start - 1][2]:
        start -= 1
    return int(rows[end][1]) / 1000, [row[3] for row in rows[start : end + 1]]


def main() -> None:
    """Alternates the two, so that a noisy machine is noisy for both."""
    for cached in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            empty = Path(folder)
            (empty / "core.py").write_text("")
            pairs = [(imported(REPOSITORY, cached), imported(empty, cached)) for _ in range(RUNS)]
        ours = statistics.median(pair[0][0] for pair in pairs)
        nothing = statistics.median(pair[1][0] for pair in pairs)
        modules = pairs[0][0][1]
        how = "bytecode cached" if cached else "compiled each time"
        print(f"import core, {how}: {ours:.2f} ms, empty: {nothing:.2f} ms, difference {ours - nothing:.2f} ms")
        heavy = [name for name in modules if name.partition(".")[0] in HEAVY]
        if ours - nothing >= LIMIT_MS or heavy:
            sys.exit(f"too dear: limit {LIMIT_MS} ms, heavy modules {heavy}")
    print("brings:", ", ".join(modules))


if __name__ == "__main__":
    main()
