"""The measurements: `python -m bench [PART…]`, all of them without a PART; then docs/performance.md from what is kept.

Each part writes RESULTS/PART.json when it is done; `report` alone makes the document and the plots from these files.
"""

from __future__ import annotations

import argparse
import compileall
import importlib
import os
import signal
import sys
import tempfile
import traceback
from pathlib import Path

from bench.results import MEASURED, REPOSITORY, RESULTS, Recorder, Result, commit

# In the order of their runs; each is a module of this package with a function `run`.
PARTS = ("everybody", "neighbours", "rebuild", "ingest", "scale", "load", "tools")
REPORT = "report"


def main() -> int:
    """The exit status is 1 if a part failed; the other parts are still measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", choices=[[], *PARTS, REPORT], help=", ".join((*PARTS, REPORT)))
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds: to see that it works")
    parser.add_argument("--resume", action="store_true", help="leave out what was measured at this commit")
    parser.add_argument("--folder", type=Path, help="where to work (default: the folder for temporary files)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="default: bench/results")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that mounts and processes are cleaned up
    _compile()
    failed = False
    for part in options.part or PARTS:
        if part != REPORT and not (options.resume and _is_measured(part, options.results, options.quick)):
            failed |= not _measure(part, options)
    if options.results == RESULTS:
        from bench import report

        report.write(options.results)
    return 1 if failed else 0


def _measure(part: str, options: argparse.Namespace) -> bool:
    print(f"{part} …", flush=True)
    complete = True
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-") as folder:
        recorder = Recorder(part, options.quick, Path(folder))
        try:
            importlib.import_module(f"bench.{part}").run(recorder)
        except Exception as error:
            traceback.print_exc()
            recorder.skip(f"the rest, since it failed: {type(error).__name__}")
            complete = False
        result = recorder.result(complete=complete)
        result.save(options.results)
    print(f"{part}: {'measured in' if complete else 'failed after'} {result.seconds:.0f} s", flush=True)
    return complete


def _is_measured(part: str, results: Path, quick: bool) -> bool:
    path = results / f"{part}.json"
    if not path.exists():
        return False
    kept = Result.load(path)
    return kept.complete and kept.commit == commit() and kept.quick == quick


def _compile() -> None:
    """Compiles as an installation does, so that agents find bytecode even if this shell forbids writing it."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for name in MEASURED:
        place = REPOSITORY / name
        (compileall.compile_dir if place.is_dir() else compileall.compile_file)(str(place), quiet=2)


if __name__ == "__main__":
    sys.exit(main())
