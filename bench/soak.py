"""Readers against writers for as long as asked, and what it leaves in the memory of the server's agents.

    .venv/bin/python -m bench.soak 7200                                  (an embedded zone)
    IRODS_PASSWORD=… .venv/bin/python -m bench.soak 1200 --irods-environment ~/.irods/irods_environment.json

Four clients read ready OVAs of five kinds (single; large enough for parallel reads; made from another ready OVA; of a
collection that is like another one; with a value of another component) while two set AVUs, write the source again and
choose another one. A read is torn if a digest is wrong, stale if its value is older than the last one set before the
read began. Exits with 1 if a read was torn, stale or failed. A refusal is no failure: it is counted by its reason. An
interrupted parallel download is counted likewise, because python-irodsclient does not pass on the reason.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from irods.exception import NetworkException, iRODSException

from tests.acceptance.conftest import Zone, session_of
from tests.support.appliances import ova, read
from tests.support.clients import PythonClient, Refused, ready_path
from tests.support.zones import embedded_zone, rule_folder

_LARGE = 33 * 1024 * 1024  # python-irodsclient reads it in parallel
_READERS = 4
_CALLS = 200
_REASONS = ("is being built", "get it again", "is out of date", "is being written", "is empty", "known who set it")
_REASON = re.compile("|".join([*_REASONS, r"parallel download: \w+$"]))


class Soak:
    """The grid, its promised values, and the results of its readers."""

    def __init__(self, new_client: Callable[[], PythonClient], home: str) -> None:
        self.new_client, self.home = new_client, home
        self.reads: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.faults: list[str] = []
        self.promised = self.asked = 0  # the numbers in the last value that was set, and in the one being set
        self.done = threading.Event()
        self.kinds = {name: f"{home}/{name}" for name in ("one", "large", "chained", "copy/one", "referring")}

    def make(self, client: PythonClient) -> None:
        """Makes the sources and the components."""
        client.make(self.home)
        for name in ("a", "b"):
            client.put(ova(name.encode() * 5000), f"{self.home}/{name}.ova")
        client.put(ova(b"\1" * _LARGE), f"{self.home}/large.ova")
        client.make(f"{self.home}/grid/one")
        one = client.component(self.kinds["one"], f"{self.home}/a.ova", hostname=_value(0))
        client.component(self.kinds["large"], f"{self.home}/large.ova", hostname=f"${{{one}:hostname}}")
        client.component(self.kinds["chained"], ready_path(one))
        client.component(f"{self.home}/grid/one", f"{self.home}/a.ova", hostname=f"${{{one}:hostname}}")
        client.make(f"{self.home}/copy")
        client.set(f"{self.home}/copy", "ova_like", f"{self.home}/grid")
        client.component(self.kinds["referring"], f"{self.home}/b.ova", hostname=f"${{{one}:hostname}}")

    def write(self, client: PythonClient) -> None:
        """Sets numbered values, as fast as the server accepts them."""
        while not self.done.is_set():
            self.asked = self.promised + 1
            client.set(self.kinds["one"], "hostname", _value(self.asked))
            self.promised = self.asked

    def disturb(self, client: PythonClient) -> None:
        """Writes the source again, and chooses another one."""
        number = 0
        while not self.done.wait(0.5):
            number += 1
            name = "ab"[number // 2 % 2]
            if number % 2:
                client.put(ova(b"%06d" % number * 1000), f"{self.home}/{name}.ova")
            else:
                client.set(self.kinds["one"], "ova_url", f"{self.home}/{name}.ova")

    def look(self, client: PythonClient, start: int, folder: Path) -> None:
        """Reads one kind after the other."""
        kinds, file = list(self.kinds.items()), folder / f"{start}.ova"
        while not self.done.is_set():
            start += 1
            kind, component = kinds[start % len(kinds)]
            at_least = self.promised
            try:
                package = self._got(client, component, file)
            except Refused as error:
                found = _REASON.search(str(error))
                self.refused[found[0] if found else str(error)[-300:]] += 1
                if kind == "large":  # the rest of an interrupted download is useless
                    client.session.cleanup()
                    client = self.new_client()
                continue
            self._judge(kind, package, at_least)

    def _got(self, client: PythonClient, component: str, file: Path) -> bytes:
        if component != self.kinds["large"]:
            return client.get(ready_path(component))
        file.unlink(missing_ok=True)
        try:
            client.session.data_objects.get(ready_path(component), str(file))
        except (iRODSException, NetworkException, RuntimeError) as error:
            # After the refusal of a further connection, python-irodsclient raises one of several errors.
            raise Refused(f"parallel download: {type(error).__name__}") from error
        return file.read_bytes()

    def _judge(self, kind: str, package: bytes, at_least: int) -> None:
        found = read(package)
        number = int(found.values["host.hostname"].removeprefix("host"))
        self.reads[kind] += 1
        if not found.whole:
            self.faults.append(f"{kind}: torn")
        elif not at_least <= number <= self.asked:
            self.faults.append(f"{kind}: stale, {number} where {at_least} was set before")

    def run(self, seconds: float) -> None:
        """Runs all at once; prints a line each minute."""
        first = self.new_client()
        first.set(self.kinds["one"], "hostname", _value(0))
        first.session.cleanup()
        with tempfile.TemporaryDirectory() as folder:
            actions = [self.write, self.disturb]
            actions += [partial(self.look, start=n, folder=Path(folder)) for n in range(_READERS)]
            threads = [threading.Thread(target=self._guarded, args=(action,)) for action in actions]
            for thread in threads:
                thread.start()
            began = time.monotonic()
            while time.monotonic() - began < seconds and not self.done.wait(min(60, seconds)):
                print(f"{time.monotonic() - began:6.0f} s  {self.summary()}", flush=True)
            self.done.set()
            for thread in threads:
                thread.join()

    def _guarded(self, action: Callable[[PythonClient], None]) -> None:
        client = self.new_client()
        try:
            action(client)
        except Exception as error:
            self.faults.append(f"{getattr(action, '__name__', 'look')}: {error!r}")
            self.done.set()
        finally:
            client.session.cleanup()

    def summary(self) -> str:
        """One line."""
        reads = ", ".join(f"{count} {kind}" for kind, count in sorted(self.reads.items()))
        refused = ", ".join(f"{count} “{reason}”" for reason, count in self.refused.most_common())
        sizes = ", ".join(f"{size:.0f}" for size in sorted(resident_megabytes().values(), reverse=True)[:3])
        return (
            f"{sum(self.reads.values())} reads ({reads}), {self.promised} values, {len(self.faults)} faults, "
            f"refused: {refused or 'none'}; largest agents {sizes} MB"
        )


def _value(number: int) -> str:
    return f"host{number:07}"


def resident_megabytes() -> dict[int, float]:
    """The resident memory of each process of an iRODS server, or of an embedded zone, on this machine."""
    found = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes().replace(b"\0", b" ")
            text = status.read_text()
        except OSError:  # it ended
            continue
        resident = re.search(r"VmRSS:\s+(\d+) kB", text)
        if resident and (b"irodsAgent" in command or b"irods_zone" in command):
            found[int(status.parent.name)] = int(resident[1]) / 1024
    return found


def memory(soak: Soak) -> list[str]:
    """The memory that one connection gains with each call, in kB; a line for each kind of call."""
    client = soak.new_client()
    numbers = iter(range(10**6))
    actions: dict[str, Callable[[], object]] = {
        "a ready OVA is read": lambda: client.get(ready_path(soak.kinds["one"])),
        "an AVU is changed, with its rebuilds": lambda: client.set(
            soak.kinds["one"], "hostname", _value(next(numbers))
        ),
        "another OVA is read": lambda: client.get(f"{soak.home}/b.ova"),
        "an AVU of a plain collection is changed": lambda: client.set(f"{soak.home}/plain", "n", str(next(numbers))),
    }
    client.make(f"{soak.home}/plain")
    lines = []
    for name, action in actions.items():
        for _ in range(20):
            action()
        before = resident_megabytes()
        for _ in range(_CALLS):
            action()
        after = resident_megabytes()
        gained = max((after[pid] - before[pid] for pid in before if pid in after), default=0.0)
        lines.append(f"{name}: {1024 * gained / _CALLS:.1f} kB a call (mean of {_CALLS})")
    client.session.cleanup()
    return lines


@contextmanager
def _place(environment: Path | None) -> Iterator[tuple[Callable[[], PythonClient], str]]:
    with ExitStack() as stack:
        if environment is None:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            zone: Any = stack.enter_context(embedded_zone(folder / "zone", rule_folder(folder)))
            yield lambda: PythonClient(zone.session()), f"{zone.home}/soak"
            return
        real = Zone.of(environment)
        home = f"/{real.administrator.zone}/home/{real.administrator.username}/soak-{int(time.time())}"
        yield lambda: PythonClient(session_of(environment, "", real.password)), home
        real.administrator.collections.remove(home, recurse=True, force=True)


def main() -> int:
    """Returns 0 if every read was complete and current."""
    parser = argparse.ArgumentParser(prog="bench.soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("seconds", type=float, help="how long readers and writers run; 0: memory alone")
    parser.add_argument("--irods-environment", type=Path, help="of a real zone; the password is IRODS_PASSWORD")
    options = parser.parse_args()
    with _place(options.irods_environment) as (new_client, home):
        soak = Soak(new_client, home)
        soak.make(new_client())
        print(*memory(soak), sep="\n", flush=True)
        soak.run(options.seconds)
    print(soak.summary(), *soak.faults[:20], sep="\n")
    return 1 if soak.faults else 0


if __name__ == "__main__":
    sys.exit(main())
