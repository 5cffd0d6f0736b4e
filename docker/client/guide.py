"""Runs the commands of a Markdown document and holds what it shows against what they print.

A command is a line that begins with `$ ` in an indented (four blanks) or fenced block; a line that ends with a
backslash goes on in the next one. Lines below a command, up to the next one or the block's end, are what it prints:
each must occur in its output, in that order, `…` standing for anything. A command whose comment is `# refused` must
fail, every other one must succeed. All run in one bash, in order, in the folder given.

Standard library only, so that it runs in the client container as anywhere else:

    python3 docker/client/guide.py docs/tutorial.md --folder /tmp/guide
"""

from __future__ import annotations

import argparse
import re
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

_PROMPT = "$ "
_FENCE = re.compile(r"\s{0,3}(```+|~~~+)")
_INDENT = "    "
_REFUSED = re.compile(r"\s#\s*refused\b.*$")
_ANYTHING = "…"
_ICOMMAND = re.compile(
    r"(?:^|[;&|(]|until|while|do|if|then)\s*(i(?:meta|ls|put|get|mkdir|rm|mv|cp|chmod|init|quest|ticket))\b"
)


@dataclass
class Command:
    """A command, the line of the document where it begins, and the lines that it is said to print."""

    line: int
    text: str
    shown: list[str] = field(default_factory=list)

    @property
    def must_fail(self) -> bool:
        """Whether the document says that it is refused."""
        return _REFUSED.search(self.text) is not None


def commands(document: str) -> list[Command]:
    """The commands of a Markdown document."""
    found: list[Command] = []
    open_command: Command | None = None
    for number, text in _block_lines(document):
        if text is None:
            open_command = None
        elif open_command is not None and open_command.text.endswith("\\"):
            open_command.text += "\n" + text.removeprefix("> ")
        elif text.startswith(_PROMPT):
            open_command = Command(number, text[len(_PROMPT) :])
            found.append(open_command)
        elif open_command is not None and text.strip():
            open_command.shown.append(text.rstrip())
    return found


def _block_lines(document: str) -> Iterator[tuple[int, str | None]]:
    """The lines of code blocks without their indent; None where a block ends."""
    fence = ""
    for number, line in enumerate(document.splitlines(), 1):
        mark = _FENCE.match(line)
        if fence:
            if mark and mark[1].startswith(fence):
                fence = ""
                yield number, None
            else:
                yield number, line
        elif mark:
            fence = mark[1]
        elif line.startswith(_INDENT):
            yield number, line[len(_INDENT) :]
        elif line.strip():
            yield number, None


def mismatch(command: Command, code: int, output: str) -> str | None:
    """What is not as the document says; None if all is."""
    if command.must_fail and code == 0:
        return "was to be refused, and was not"
    if not command.must_fail and code != 0:
        return f"failed with {code}"
    lines = iter(output.splitlines())
    for shown in command.shown:
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in shown.split(_ANYTHING)))
        if not any(pattern.fullmatch(line.strip()) for line in lines):
            return f"did not print: {shown.strip()}"
    return None


class Shell:
    """One bash for all commands, so that folders and variables stay."""

    def __init__(self, folder: Path) -> None:
        self._process = subprocess.Popen(
            ["/bin/bash", "--noprofile", "--norc"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise OSError("bash has no pipes")
        self._input, self._output = self._process.stdin, self._process.stdout

    def run(self, text: str) -> tuple[int, str]:
        """Exit code and output. Raises EOFError if the command ended the shell."""
        mark = f"guide-{secrets.token_hex(8)}"
        # Its stdin is empty, so that no command reads those that follow.
        self._input.write(f"{{ {text}\n}} </dev/null\nprintf '\\n%s %d\\n' {mark} $?\n")
        self._input.flush()
        lines: list[str] = []
        for line in self._output:
            if line.startswith(mark):
                return int(line.split()[1]), "".join(lines).removesuffix("\n")
            lines.append(line)
        raise EOFError(f"the shell ended at: {text}")

    def close(self) -> None:
        """Ends it."""
        self._input.close()
        self._process.wait(timeout=60)
        self._output.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a document; 0 if all was as it says."""
    parser = argparse.ArgumentParser(description="Run the commands of a Markdown document.")
    parser.add_argument("document", type=Path)
    parser.add_argument("--folder", type=Path, default=Path(), help="where to run them (default: here)")
    parser.add_argument("--list", action="store_true", help="print the commands only")
    options = parser.parse_args(arguments)
    found = commands(options.document.read_text(encoding="utf-8"))
    if options.list:
        print("\n".join(command.text for command in found))
        return 0
    if not found:
        print(f"{options.document}: has no commands (lines that begin with `$ ` in a block)", file=sys.stderr)
        return 2
    missing = sorted(
        {name for command in found for name in _ICOMMAND.findall(command.text) if shutil.which(name) is None}
    )
    if missing:
        print(f"{options.document}: needs i-commands, and these are not here: {', '.join(missing)}", file=sys.stderr)
        return 2
    shell = Shell(options.folder)
    bad = 0
    for command in found:
        print(f"$ {command.text}", flush=True)
        code, output = shell.run(command.text)
        print(output, flush=True)
        wrong = mismatch(command, code, output)
        if wrong is not None:
            bad += 1
            print(f"{options.document}:{command.line}: {wrong}", file=sys.stderr, flush=True)
    shell.close()
    print(f"{len(found)} commands, {bad} not as the document says")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
