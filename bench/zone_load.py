"""The embedded zone under load: AVU sets a second on one connection, 200 connections of which 32 are busy, the start.

    .venv/bin/python -m bench.zone_load

Prints one line for each. Fails if any operation fails.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from zone.nursery import Nursery

HOME = "/tempZone/home/rods"
CONNECTIONS, BUSY, SETS = 200, 32, 20


def session(port: int) -> Any:
    """A client session of its own."""
    from irods.session import iRODSSession

    return iRODSSession(host="127.0.0.1", port=port, user="rods", password="rods", zone="tempZone")


def one_connection(port: int) -> None:
    """1,000 AVU sets in a row."""
    from irods.meta import iRODSMeta

    with session(port) as client:
        client.collections.create(f"{HOME}/one")
        metadata = client.collections.get(f"{HOME}/one").metadata
        start = time.perf_counter()
        for number in range(1000):
            metadata.set(iRODSMeta("counter", str(number)))
        seconds = time.perf_counter() - start
    print(f"1000 AVU sets on one connection: {1000 / seconds:.0f} a second")


def many_connections(port: int) -> None:
    """All signed in at once; some of them set AVUs and query."""
    from irods.meta import iRODSMeta

    failures: list[BaseException] = []
    clients = [session(port) for _ in range(CONNECTIONS)]
    start = time.perf_counter()
    pools = [client.pool.get_connection() for client in clients]
    signed_in = time.perf_counter() - start
    for client, connection in zip(clients, pools):
        client.pool.release_connection(connection)

    def work(number: int) -> None:
        try:
            client = clients[number]
            client.collections.create(f"{HOME}/busy{number}")
            for value in range(SETS):
                client.collections.get(f"{HOME}/busy{number}").metadata.set(iRODSMeta("n", str(value)))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(BUSY)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    for client in clients:
        client.cleanup()
    print(
        f"{CONNECTIONS} connections signed in after {signed_in:.1f} s; {BUSY} busy: "
        f"{BUSY * SETS / seconds:.0f} sets (each with a look-up) a second, {len(failures)} failures"
    )
    if failures:
        raise failures[0]


def main() -> None:
    """All three."""
    nursery = Nursery()
    try:
        starts = []
        for _ in range(10):
            with tempfile.TemporaryDirectory() as folder:
                start = time.perf_counter()
                started = nursery.start(Path(folder) / "zone", None, {}, 0)
                starts.append((time.perf_counter() - start) * 1000)
                nursery.stop(started.pid, 15)
        print(f"a fresh zone accepts connections after {statistics.median(starts):.0f} ms (median of 10)")
        with tempfile.TemporaryDirectory() as folder:
            started = nursery.start(Path(folder) / "zone", None, {}, 0)
            one_connection(started.port)
            many_connections(started.port)
            nursery.stop(started.pid, 15)
    finally:
        nursery.close()


if __name__ == "__main__":
    main()
