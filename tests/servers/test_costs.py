"""What ordinary commands cost in a zone of several servers: which of them make a server ask another one."""

from __future__ import annotations

from irods.meta import AVUOperation, iRODSMeta

from tests.servers.conftest import Servers
from tests.servers.test_killed import add_rules


def test_ordinary_commands_ask_no_other_server(servers: Servers) -> None:
    count = (
        "_asked = ova_request\n"
        "def ova_request(rule_args, callback, rei):\n"
        "    callback.writeLine('serverLog', 'REQUESTED')\n"
        "    _asked(rule_args, callback, rei)\n"
    )
    for number in (0, 1):
        add_rules(servers, number, count)
    home = servers.home
    client = servers.client(1)
    found: dict[str, int] = {}

    def step(name: str) -> None:
        found[name] = servers.logs().count("REQUESTED") - sum(found.values())

    step("begin")
    client.make(f"{home}/plain")
    client.set(f"{home}/plain", "any", "value")
    step("avu")
    servers.put(client, f"{home}/plain/a.txt", b"x", "demoResc")
    servers.put(client, f"{home}/plain/b.txt", b"x", "consumer1Resc")
    step("put")
    client.get(f"{home}/plain/a.txt")
    client.get(f"{home}/plain/b.txt")
    step("get")
    client.unlink(f"{home}/plain/a.txt")
    step("unlink")
    client.unlink(f"{home}/plain/b.txt", force=False)
    step("trash")
    client.metadata(f"{home}/plain").apply_atomic_operations(AVUOperation(operation="add", avu=iRODSMeta("p", "q")))
    step("atomic")
    client.remove(f"{home}/plain")
    step("rm -r")
    servers.put(client, f"{home}/c.ova", b"x", "demoResc")
    step("put ova")
    client.get(f"{home}/c.ova")
    step("get ova")
    asked = {name: number for name, number in found.items() if number}
    assert asked == {
        "avu": 1,
        "atomic": 1,
        "rm -r": 2,
        "put ova": 1,
    }  # over the connection that iRODS needs for these calls anyway
