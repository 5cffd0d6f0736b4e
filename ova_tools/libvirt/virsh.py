"""virsh, which speaks to libvirt: a bound on each call, and an answer or one line why there is none.

Source: virsh(1).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence

from ova_tools.errors import OvaError
from ova_tools.records import dataclass

AT_REST = ("shut off", "crashed")  # states of a domain whose disks nobody writes to
_SECONDS = 120  # a host whose KVM does not answer makes the first call of a libvirtd that slow
_TRANSPORT = ("HOME", "PATH", "SSH_AUTH_SOCK", "KRB5CCNAME", "XDG_RUNTIME_DIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_AMOUNT = re.compile(r"(File|Data) (processed|total):\s*([0-9.]+) ([KMGT]iB|B)")


class VirshError(OvaError):
    """libvirt refused a call, or could not be asked; str() is what it said."""


@dataclass(frozen=True)
class Job:
    """What libvirt does with a domain: `kind` is `None` for nothing; `done` of `total` bytes."""

    kind: str
    done: int
    total: int


@dataclass(frozen=True)
class Virsh:
    """A connection. `uri` is libvirt's, '' for its default one."""

    uri: str = ""

    def __call__(self, *arguments: str) -> str:
        """What a command prints. Raises VirshError."""
        program = shutil.which("virsh")
        if program is None:
            raise VirshError("virsh is not installed here (Debian: libvirt-clients); libvirt cannot be asked")
        command = [program, "--quiet", *(["--connect", self.uri] if self.uri else []), *arguments]
        try:
            done = subprocess.run(  # noqa: S603 - no shell; names follow an option that takes a value
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_SECONDS,
                check=False,
                env={**{name: os.environ[name] for name in _TRANSPORT if name in os.environ}, "LC_ALL": "C"},
            )
        except subprocess.TimeoutExpired:
            raise VirshError(f"libvirt did not answer within {_SECONDS} seconds (virsh {arguments[0]})") from None
        if done.returncode:
            raise VirshError(_reason(done.stderr))
        return done.stdout

    def job(self, domain: str, more: Sequence[str] = ()) -> Job:
        """What libvirt does with a domain now; with `more`, such as `--completed`, what it did last."""
        text = self("domjobinfo", "--domain", domain, *more)
        kind = re.search(r"Job type:\s*(\w+)", text)
        amounts = {name: round(float(n) * _UNITS[unit]) for _, name, n, unit in _AMOUNT.findall(text)}
        return Job(kind[1] if kind else "None", amounts.get("processed", 0), amounts.get("total", 0))


def _reason(text: str) -> str:
    """The last line that virsh printed: it tells the cause, and the ones before what could not be done."""
    lines = [line.removeprefix("error:").strip() for line in text.splitlines() if line.strip()]
    return f"libvirt: {lines[-1][:300]}" if lines else "virsh failed without a word"
