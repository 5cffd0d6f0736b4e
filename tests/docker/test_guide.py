"""The commands of a document are found and run, and their output is compared with the document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "docker" / "client" / "guide.py"

GUIDE = """# A guide

Words with $ signs.

    $ mkdir -p a && cd a
    $ NAME=world
    $ echo "hello $NAME"
    hello world

- in a list

```console
$ printf 'one\\ntwo\\nthree 3\\n'
one
thr…3
$ printf '%s\\n' \\
>     long
long
$ pwd
…/a
$ false  # refused
```

    not a command
"""


def run(tmp_path: Path, text: str, *options: str) -> subprocess.CompletedProcess[str]:
    document = tmp_path / "guide.md"
    document.write_text(text)
    command = [sys.executable, str(SCRIPT), str(document), "--folder", str(tmp_path), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_a_guide_that_is_right(tmp_path: Path) -> None:
    done = run(tmp_path, GUIDE)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("7 commands, 0 not as the document says\n")
    assert (tmp_path / "a").is_dir()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("    $ false\n", "guide.md:1: failed with 1"),
        ("    $ true # refused\n", "guide.md:1: was to be refused, and was not"),
        ("x\n\n    $ echo one\n    two\n", "guide.md:3: did not print: two"),
        ("    $ printf 'a\\nb\\n'\n    b\n    a\n", "guide.md:1: did not print: a"),
    ],
)
def test_a_guide_that_is_wrong(tmp_path: Path, wrong: str, said: str) -> None:
    done = run(tmp_path, wrong)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_others_run_all_the_same(tmp_path: Path) -> None:
    done = run(tmp_path, "    $ false\n    $ touch there\n")
    assert done.returncode == 1
    assert (tmp_path / "there").exists()


def test_a_command_does_not_read_the_next_one(tmp_path: Path) -> None:
    assert "2 commands, 0 not" in run(tmp_path, "    $ cat\n    $ true\n").stdout


def test_output_without_a_line_end(tmp_path: Path) -> None:
    assert run(tmp_path, "    $ printf abc\n    abc\n").returncode == 0


def test_a_document_without_commands_is_no_success(tmp_path: Path) -> None:
    assert run(tmp_path, "# nothing\n").returncode == 2


def test_the_commands_can_be_listed(tmp_path: Path) -> None:
    assert run(tmp_path, "    $ rm -rf x\n", "--list").stdout == "rm -rf x\n"
