"""Each recorded command runs the same hooks, in the same order, with equal arguments, as on a real 5.0.2 server.

The API requests of a command are taken from its recorded `pep_api_…_pre` hooks, and sent again field by field.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from irods_zone.api.calls import CALLS
from irods_zone.protocol.packing import Packing
from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import Answer, RawClient
from tests.prep.recording import Command, Row, commands, comparable

RECORDER = Path(__file__).with_name("recorder.py")
COMMANDS = commands()
REAL_VAULT, REAL_XFS_VAULT = "/var/lib/irods/Vault", "/var/lib/irods/xfsVault"
REAL_FILE, REAL_FILE_SIZE = "/var/lib/irods/version.json", 240
# The checksum of the recording's files, which it does not include, and that of ours.
REAL_CHECKSUMS = (
    "sha2:VtjSvG7yZsu7lVYvMznKXlE0N4m41Nslh5FnrOWWl2I=",
    "sha2:TqGcm8EwhR7fRCaCu9kZXbHxpqd6lytkmzlFTLiS3gA=",
)
CHECKSUM = "sha2:" + base64.b64encode(hashlib.sha256(bytes(100_000)).digest()).decode()

# A large transfer of the recording, made small: only the way of the bytes matters.
LARGE, SMALL = 50_000_000, 500_000
ENDS_TRANSFER = 626

# A real server moves large files over separate ports; this one over the connection, as a real one does if its answer
# has `numThreads` 0. So here the hooks of the portal do not run, and those of the data on the connection do.
PORTAL = (
    "acPreProcForServerPortal",
    "acPostProcForServerPortal",
    "acPostProcForParallelTransferReceived",
    "acPreProcForParallelTransfer",
    "pep_api_data_obj_write_pre",
    "pep_api_data_obj_write_post",
    "pep_api_data_obj_read_pre",
    "pep_api_data_obj_read_post",
)


def _parallel_put(zone: EmbeddedZone, file: Path) -> None:
    with zone.session(application_name="python-irodsclient") as session:
        session.data_objects.put(str(file), f"{zone.home}/grid03/c1/big.ova", num_threads=2)


def _parallel_get(zone: EmbeddedZone, file: Path) -> None:
    with zone.session(application_name="python-irodsclient") as session:
        session.data_objects.get(f"{zone.home}/grid03/c1/big.ova", str(file), num_threads=2, forceFlag="")


# The client itself makes transfers over several connections, on a file as large as the recorded one. The order between
# its connections is not fixed, so their hooks are compared as a set.
PARALLEL = {"data_objects.put 50MB": _parallel_put, "data_objects.get 50MB": _parallel_get}


@dataclass
class Outcome:
    """What a command did here."""

    rows: list[Row] = field(default_factory=list)
    status: int = 0


class Performer:
    """Does recorded commands again against a zone."""

    def __init__(self, zone: EmbeddedZone, trace: Path, registered: Path, large: Path) -> None:
        self._zone = zone
        self._trace = trace
        self._registered = registered
        self._large = large
        self._read = 0
        self._numbers = {api.name: api.number for api in CALLS.values()}
        self._inputs = {api.name: api.input for api in CALLS.values()}

    def perform(self, command: Command) -> Outcome:
        """Send the command's requests; the hooks that ran."""
        outcome = Outcome()
        calls = [row for row in command.rows if row["pep"].startswith("pep_api_") and row["pep"].endswith("_pre")]
        if command.command in PARALLEL:
            PARALLEL[command.command](self._zone, self._large)
        elif calls:
            option = calls[0]["rule_args"][1]["map"]["option"]
            packing = Packing.NATIVE if command.client.startswith("icommands") else Packing.XML
            client = self._zone.raw_client(option=option, packing=packing)
            for row in calls:
                outcome.status = self._call(client, command, row)
            client.close()
        outcome.rows = self._new_rows()
        return outcome

    def _new_rows(self) -> list[Row]:
        if not self._trace.exists():
            return []
        with self._trace.open() as trace:
            trace.seek(self._read)
            rows = [json.loads(line) for line in iter(trace.readline, "")]
            self._read = trace.tell()
        return rows

    def _call(self, client: RawClient, command: Command, row: Row) -> int:
        name = row["pep"][len("pep_api_") : -len("_pre")]
        given = row["rule_args"][2:]
        record = _record(self._inputs[name], _ours(command, given[0]))
        if name == "bulk_data_obj_put":
            record["GenQueryOut_PI"] = _bulk_table(command, given[1]["len"])
        _swap(record, REAL_FILE, str(self._registered))
        data = b""
        if name in ("data_obj_put", "data_obj_write", "bulk_data_obj_put") and given[1]["len"] < SMALL:
            data = bytes(given[1]["len"])
        reply = client.call(self._numbers[name], record, data)
        if reply.output and reply.output.get("l1descInx", 0) > 2 and reply.status >= 0:
            self._transfer(client, name, record, reply)
            return 0
        return reply.status

    def _transfer(self, client: RawClient, name: str, record: dict[str, Any], reply: Answer) -> None:
        """Move a large file's bytes over the connection, as iput and iget do when told `numThreads` 0."""
        assert reply.output["numThreads"] == 0
        handle = {"l1descInx": reply.output["l1descInx"]}
        if name == "data_obj_put":
            client.call(
                self._numbers["data_obj_write"], {**handle, "len": record["dataSize"]}, bytes(record["dataSize"])
            )
        else:
            client.call(self._numbers["data_obj_read"], {**handle, "len": SMALL})
        client.call(ENDS_TRANSFER, {"oprType": 0, **handle, "myInt": handle["l1descInx"]})


def _ours(command: Command, value: Any) -> Any:
    """With our checksums for the recorded ones, and for iCommands our sizes."""
    text = json.dumps(value)
    for checksum in REAL_CHECKSUMS:
        text = text.replace(checksum, CHECKSUM)
    return json.loads(text.replace(str(LARGE), str(SMALL)) if command.client.startswith("icommands") else text)


def _bulk_table(command: Command, size: int) -> dict[str, Any]:
    """The table of a bulk put, which the recording shows by its size only: the objects that it made, of equal size."""
    made = [row for row in command.rows if row["pep"] == "pep_resource_modified_post"]
    names = [row["rule_args"][1]["map"]["logical_path"] for row in made]
    ends = [str(size // len(names) * (index + 1)) for index in range(len(names))]
    columns = ((403, names), (421, ["33188"] * len(names)), (999998, ends))
    slots = [{"attriInx": number, "reslen": 1088, "value": values} for number, values in columns]
    empty = {"attriInx": 0, "reslen": 0, "value": []}
    return {
        "rowCnt": len(names),
        "attriCnt": len(columns),
        "continueInx": -1,
        "SqlResult_PI": slots + [empty] * (50 - len(slots)),
    }


def _swap(record: Any, old: str, new: str) -> None:
    for key, value in record.items():
        if isinstance(value, dict):
            _swap(value, old, new)
        elif value == old:
            record[key] = new


def _record(structure: str | None, given: Any) -> dict[str, Any]:
    """The packing record of a structure as the recording shows it."""
    if structure == "BinBytesBuf_PI":
        return {"buf": given["head"].encode()}
    if structure == "ExecMyRuleInp_PI":
        return {
            "myRule": given["myRule"],
            "KeyValPair_PI": {"instance_name": given["instance_name"]},
            "outParamDesc": given["outParamDesc"],
        }
    if structure == "DataObjCopyInp_PI":
        return {
            "DataObjInp_PI": _record("", given["srcDataObjInp"]),
            "DataObjInp_PI_2": _record("", given["destDataObjInp"]),
        }
    record = {name: value for name, value in given.items() if name not in ("__type__", "condInput", "specColl")}
    pairs = dict(given.get("condInput", {}))
    pairs.pop("__type__", None)
    return {**record, "KeyValPair_PI": pairs}


@pytest.fixture(scope="module")
def outcomes(irods_forkserver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Command], Any]]:
    """All commands done once, in order, on one zone; gives what is to be compared for one of them."""
    root = tmp_path_factory.mktemp("hooks")
    core = root / "core.py"
    core.write_text(RECORDER.read_text())
    registered = root / "version.json"
    registered.write_bytes(bytes(REAL_FILE_SIZE))
    # A vault path as long as the real one, because replies contain it and their length is compared.
    vault = Path(tempfile.mkdtemp(prefix="hooks--", dir="/tmp"))
    vaults = {"demoResc": vault, "xfsResc": root / "xfs"}
    zone = EmbeddedZone(irods_forkserver, root / "zone", core, vaults)
    # The recorded server's trash was not empty.
    preparing = zone.raw_client(option="imkdir")
    preparing.call(681, {"collName": f"/{zone.zone}/trash/home/{zone.user}/grid01", "KeyValPair_PI": {}})
    preparing.close()
    (root / "trace.jsonl").unlink()
    large = root / "large"
    with large.open("wb") as file:
        file.truncate(LARGE)
    performer = Performer(zone, root / "trace.jsonl", registered, large)
    done: dict[int, Outcome] = {}

    def compare(command: Command) -> tuple[list[Row], list[Row], Outcome]:
        for earlier in COMMANDS:
            if earlier.number <= command.number and earlier.number not in done:
                done[earlier.number] = performer.perform(earlier)
        outcome = done[command.number]
        here = {str(vault): REAL_VAULT, str(root / "xfs"): REAL_XFS_VAULT, str(registered): REAL_FILE}
        return (
            [comparable(row, {}) for row in _ours(command, command.rows)],
            [comparable(row, here) for row in outcome.rows],
            outcome,
        )

    yield compare
    zone.close()
    shutil.rmtree(vault)


def _forget_portal(row: Row) -> None:
    """What a large transfer's answer says of ports; and a small file, as ours are, comes with the answer to a get."""
    if row["pep"] == "pep_api_data_obj_put_post":
        row["rule_args"][4].update(numThreads=0, portList=None)
    if row["pep"] == "pep_api_data_obj_get_post":
        row["rule_args"][3:] = []


def _forget_progress(row: Row) -> None:
    """Where a second connection finds the end of a file depends on how far the first one has written by then."""
    if row["pep"] == "pep_api_data_obj_lseek_post" and row["rule_args"][2]["whence"] == os.SEEK_END:
        end = row["rule_args"][3]
        assert 0 <= end["offset"] <= LARGE
        end["offset"] = 0


def _names(rows: list[Row]) -> list[str]:
    return [row["pep"] for row in rows]


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_the_same_hooks_run_with_equal_arguments(command: Command, outcomes: Callable[[Command], Any]) -> None:
    expected, seen, outcome = outcomes(command)
    if command.command in PARALLEL:
        if "put" in command.command:
            for row in seen:
                _forget_progress(row)
        assert sorted(map(json.dumps, seen)) == sorted(map(json.dumps, expected))
        return
    if command.client.startswith("icommands") and str(LARGE) in json.dumps(command.rows):
        expected, seen = ([row for row in rows if row["pep"] not in PORTAL] for rows in (expected, seen))
        for row in (*expected, *seen):
            _forget_portal(row)
    assert _names(seen) == _names(expected)
    for position, (here, there) in enumerate(itertools.zip_longest(seen, expected)):
        assert here == there, f"hook {position}, {there['pep']}"
    if command.code and command.rows:
        assert outcome.status == command.code
