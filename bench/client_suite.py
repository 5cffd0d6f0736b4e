"""python-irodsclient's own tests, as its package brings them, against a fresh embedded zone.

    .venv/bin/python -m bench.client_suite [FILE …]      (default: the four that zone/docs/compatibility.md lists)

Prints pytest's summary of each file. Needs some GB of temporary space and several minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import irods
from irods.password_obfuscation import encode
from irods_zone.forkserver import Forkserver

FILES = ("meta_test.py", "collection_test.py", "query_test.py", "data_obj_test.py")


def main() -> None:
    """One zone for all files; each file in a pytest of its own."""
    suite = Path(irods.__file__).parent / "test"
    forkserver = Forkserver()
    try:
        with tempfile.TemporaryDirectory() as folder:
            root, home = Path(folder) / "zone", Path(folder) / "home"
            started = forkserver.start(root, None, {}, 0)
            secrets = home / ".irods"
            secrets.mkdir(parents=True)
            (secrets / "irods_environment.json").write_text((root / "irods_environment.json").read_text())
            (secrets / ".irodsA").write_text(encode("rods", os.getuid()))
            (secrets / ".irodsA").chmod(0o600)
            environment = {**os.environ, "HOME": str(home)}
            for name in sys.argv[1:] or FILES:
                command = [sys.executable, "-m", "pytest", "-q", "-rfE", "--no-header", "-p", "no:cacheprovider"]
                done = subprocess.run(
                    [*command, "--rootdir", str(suite), str(suite / name)],
                    env=environment,
                    cwd=folder,
                    capture_output=True,
                    text=True,
                )
                lines = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
                print(f"{name}: {done.stdout.strip().splitlines()[-1]}", *lines, sep="\n  ", flush=True)
            forkserver.stop(started.pid, 15)
    finally:
        forkserver.close()


if __name__ == "__main__":
    main()
