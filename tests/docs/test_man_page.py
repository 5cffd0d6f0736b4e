"""The man page of `ova` matches its parser, and man can read it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.support import REPOSITORY

PAGE = REPOSITORY / "docs" / "ova.1"


def test_the_page_is_current() -> None:
    program = [sys.executable, str(REPOSITORY / "docs" / "make_man_page.py")]
    made = subprocess.run(program, capture_output=True, text=True, check=True).stdout

    assert PAGE.read_text(encoding="utf-8") == made, "`make man` makes it anew"


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is the reader here")
def test_groff_reads_the_page_without_a_warning() -> None:
    done = subprocess.run(["groff", "-man", "-Tascii", "-ww", str(PAGE)], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert "ova set base.ova hostname=sg12 --dry-run" in done.stdout
