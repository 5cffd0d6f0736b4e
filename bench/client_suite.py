"""Runs python-irodsclient's own tests, from its package, against a fresh embedded zone.

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

from tests.support.zones import embedded_zone

FILES = ("meta_test.py", "collection_test.py", "query_test.py", "data_obj_test.py")


def main() -> None:
    """One zone for all files; each file in a pytest of its own."""
    suite = Path(irods.__file__).parent / "test"
    with tempfile.TemporaryDirectory() as folder, embedded_zone(Path(folder) / "zone", None) as zone:
        secrets = Path(folder) / "home" / ".irods"
        secrets.mkdir(parents=True)
        (secrets / "irods_environment.json").write_text(zone.environment.read_text())
        (secrets / ".irodsA").write_text(encode("rods", os.getuid()))
        (secrets / ".irodsA").chmod(0o600)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-c",
            os.devnull,
            "-q",
            "-rfE",
            "--no-header",
            "-p",
            "no:cacheprovider",
        ]
        for name in sys.argv[1:] or FILES:
            done = subprocess.run(
                [*command, "--rootdir", str(suite), str(suite / name)],
                env={**os.environ, "HOME": str(secrets.parent)},
                cwd=folder,
                capture_output=True,
                text=True,
            )
            failed = [line for line in done.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
            print(f"{name}: {done.stdout.strip().splitlines()[-1]}", *failed, sep="\n  ", flush=True)


if __name__ == "__main__":
    main()
