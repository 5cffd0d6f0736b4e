"""Microservices as rules call them, on a running zone: results, effects on the catalog and vault, and failures."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from irods_zone.pytest_plugin import EmbeddedZone
from irods_zone.raw_client import Answer, RawClient

PYTHON = "irods_rule_engine_plugin-python-instance"
LANGUAGE = "irods_rule_engine_plugin-irods_rule_language-instance"

# Hooks append their name to a list that rule text can read, because all rules of a connection run in one process.
CORE = """
seen = []
def __getattr__(name):
    if name.startswith(("acPre", "acPost", "pep_api_mod", "pep_api_atomic", "pep_database")):
        return lambda rule_args, callback, rei: seen.append(name)
    raise AttributeError(name)
def greet(rule_args, callback, rei):
    rule_args[0] = "hello " + str(rei.uoic.userName)
def fail(rule_args, callback, rei):
    callback.msiDataObjOpen("objPath=/tempZone/home/rods/nothing", 0)
"""


@pytest.fixture(scope="module")
def zone(irods_forkserver: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedZone]:
    root = tmp_path_factory.mktemp("microservices")
    core = root / "core.py"
    core.write_text(CORE)
    vaults = {"demoResc": root / "vault", "other": root / "other"}
    made = EmbeddedZone(irods_forkserver, root / "zone", core, vaults)
    with made.session() as session:
        session.users.create("alice", "rodsuser").modify("password", "secret")
    yield made
    made.close()


@pytest.fixture
def client(zone: EmbeddedZone) -> Iterator[RawClient]:
    client = zone.raw_client(option="irule")
    yield client
    client.close()


def execute(client: RawClient, text: str, instance: str) -> Answer:
    keywords = {"instance_name": instance} if instance else {}
    return client.call(625, {"myRule": text, "KeyValPair_PI": keywords, "outParamDesc": "ruleExecOut"})


def output(reply: Answer) -> str:
    streams = reply.output["MsParam_PI"][0]["inOutStruct"]
    return bytes(streams["BinBytesBuf_PI"]["buf"]).rstrip(b"\0").decode()


@pytest.fixture
def run(client: RawClient) -> Callable[[str], Any]:
    """Run the body of a rule that sets `result`; gives the result."""

    def runner(body: str) -> Any:
        text = textwrap.indent(textwrap.dedent(body), "    ")
        text = f"@external\nimport json\ndef main(rule_args, callback, rei):\n{text}\n"
        text += "    callback.writeLine('stdout', json.dumps(result))\n"
        reply = execute(client, text, PYTHON)
        assert reply.status == 0, (reply.status, reply.errors)
        return json.loads(output(reply))

    return runner


def path_of(request: pytest.FixtureRequest) -> str:
    return f"/tempZone/home/rods/{request.node.name}"


def test_create_fill_the_vault_file_and_close_makes_a_good_object(run: Any, request: Any) -> None:
    path = path_of(request)
    before, fd, closed, after = run(f"""
        import genquery, pathlib
        made = callback.msiDataObjCreate("{path}", "destRescName=demoResc++++forceFlag=", 0)
        where = "COLL_NAME = '/tempZone/home/rods' and DATA_NAME = '{path.rpartition("/")[2]}'"
        state = lambda: list(genquery.Query(callback, "DATA_SIZE, DATA_REPL_STATUS, DATA_PATH", where))[0]
        before = state()
        pathlib.Path(before[2]).write_bytes(b"x" * 1234)
        closed = callback.msiDataObjClose(made["arguments"][2], 0)
        result = before, made["arguments"][2], closed, state()
    """)
    assert before[:2] == ["0", "2"]
    assert isinstance(fd, int) and fd >= 3
    assert closed == {"code": 0, "status": True, "arguments": [fd, 0]}
    assert after[:2] == ["1234", "1"]


def test_close_takes_the_size_of_the_file_that_replaced_the_opened_one(run: Any, request: Any) -> None:
    path = path_of(request)
    sizes = run(f"""
        import genquery, os, pathlib
        fd = callback.msiDataObjCreate("{path}", "", 0)["arguments"][2]
        callback.msiDataObjWrite(fd, "one", 0)
        callback.msiDataObjClose(fd, 0)
        where = "DATA_NAME = '{path.rpartition("/")[2]}'"
        file = pathlib.Path(genquery.Query(callback, "DATA_PATH", where).first())
        fd = callback.msiDataObjOpen("objPath={path}++++openFlags=O_RDWR", 0)["arguments"][1]
        new = file.with_name(file.name + ".new")
        new.write_bytes(b"longer than before")
        os.replace(new, file)
        wrote = callback.msiDataObjWrite(fd, "x", 0)["arguments"][2]
        callback.msiDataObjClose(fd, 0)
        result = wrote, genquery.Query(callback, "DATA_SIZE", where).first(), file.read_text()
    """)
    assert sizes == [1, "18", "longer than before"]


def test_read_and_seek_give_their_structures(run: Any, request: Any) -> None:
    path = path_of(request)
    assert run(f"""
        fd = callback.msiDataObjCreate("{path}", "", 0)["arguments"][2]
        callback.msiDataObjWrite(fd, "0123456789", 0)
        callback.msiDataObjClose(fd, 0)
        fd = callback.msiDataObjOpen("{path}", 0)["arguments"][1]
        out = callback.msiDataObjLseek(fd, "4", "SEEK_SET", 0)["arguments"][3]
        data = callback.msiDataObjRead(fd, 3, 0)["arguments"][2]
        callback.msiDataObjClose(fd, 0)
        result = type(out).__name__, out.offset, type(data).__name__, bytes(data.get_bytes()).decode()
    """) == ["FileLseekOut_t", 4, "BytesBuf", "456"]


def test_bytes_of_any_value_pass_from_object_to_object_and_are_set_and_read(run: Any, request: Any) -> None:
    path = path_of(request)
    written, passed, found, cleared, end = run(f"""
        from irods_types import BytesBuf
        data = bytes(range(256)) * 16
        buffer = BytesBuf()
        buffer.set_buffer(data)
        fd = callback.msiDataObjCreate("{path}", "", 0)["arguments"][2]
        written = callback.msiDataObjWrite(fd, buffer, 0)["arguments"][2]
        callback.msiDataObjClose(fd, 0)
        first = callback.msiDataObjOpen("objPath={path}++++replNum=0++++openFlags=O_RDONLY", 0)["arguments"][1]
        second = callback.msiDataObjCreate("{path}.2", "", 0)["arguments"][2]
        read = callback.msiDataObjRead(first, 4000, 0)["arguments"][2]
        passed = callback.msiDataObjWrite(second, read, 0)["arguments"][2]
        rest = callback.msiDataObjRead(first, 4000, 0)["arguments"][2]
        found = bytes(read.get_bytes()) == data[:4000], read.len, rest.len
        end = callback.msiDataObjRead(first, 4000, 0)["arguments"][2]
        read.clear_buffer()
        for each in (first, second):
            callback.msiDataObjClose(each, 0)
        result = written, passed, found, read.len, end
    """)
    assert (written, passed, found, cleared, end) == (4096, 4000, [True, 4000, 96], 0, None)


def test_an_offset_beyond_an_int_is_passed_as_text(run: Any, request: Any) -> None:
    path = path_of(request)
    assert run(f"""
        fd = callback.msiDataObjCreate("{path}", "", 0)["arguments"][2]
        try:
            callback.msiDataObjLseek(fd, 2**31, "SEEK_SET", 0)
        except OverflowError as error:
            said = str(error)
        out = callback.msiDataObjLseek(fd, str(2**31), "SEEK_SET", 0)["arguments"][3]
        callback.msiDataObjClose(fd, 0)
        result = said, out.offset
    """) == ["bad numeric conversion: overflow", 2**31]


def test_touch_rename_checksum_copy_replicate_and_unlink(run: Any, request: Any) -> None:
    path = path_of(request)
    moved, digest, copied, replicas, gone = run(f"""
        import genquery
        callback.msi_touch('{{"logical_path": "{path}"}}')
        callback.msi_touch('{{"logical_path": "{path}", "options": {{"no_create": true}}}}')
        moved = callback.msiDataObjRename("{path}", "{path}.new", "0", 0)["arguments"][3]
        digest = callback.msiDataObjChksum("{path}.new", "", "")["arguments"][2]
        copied = callback.msiDataObjCopy("{path}.new", "{path}.copy", "numThreads=1", 0)["arguments"][3]
        callback.msiDataObjRepl("{path}.new", "destRescName=other", 0)
        where = "COLL_NAME = '/tempZone/home/rods' and DATA_NAME like '{path.rpartition("/")[2]}%'"
        names = lambda: sorted(n for n, r in genquery.Query(callback, "DATA_NAME, DATA_REPL_NUM", where))
        before = names()
        callback.msiDataObjUnlink("objPath={path}.new++++forceFlag=", 0)
        callback.msiDataObjUnlink("objPath={path}.copy++++forceFlag=", 0)
        result = moved, digest, copied, [name.rpartition(".")[2] for name in before], names()
    """)
    assert moved == 0
    assert digest == "sha2:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
    assert copied == 0
    assert replicas == ["copy", "new", "new"]
    assert gone == []


def test_collections_access_and_stat(run: Any, request: Any) -> None:
    path = path_of(request)
    found = run(f"""
        import genquery
        callback.msiCollCreate("{path}/deep", 1, 0)
        callback.msiSetACL("recursive", "read", "alice", "{path}")
        stat = callback.msiObjStat("{path}", 0)["arguments"][1]
        levels = list(genquery.Query(callback, "COLL_ACCESS_NAME", "COLL_NAME = '{path}'"))
        found = type(stat).__name__, int(stat.objType), str(stat.ownerName), sorted(levels)
        callback.msiRmColl("{path}", "forceFlag=", 0)
        result = found, genquery.Query(callback, "COLL_ID", "COLL_NAME like '{path}%'").first()
    """)
    assert found == [["RodsObjStat", 2, "rods", ["own", "read_object"]], None]


def test_avus_run_the_hooks_again_but_atomic_ones_run_none(run: Any) -> None:
    loud, silent, values = run("""
        import core, genquery, json
        core.seen.clear()
        callback.msiModAVUMetadata("-C", "/tempZone/home/rods", "set", "loud", "1", "")
        loud, core.seen = core.seen, []
        request = {"entity_name": "/tempZone/home/rods", "entity_type": "collection", "operations": [
            {"operation": "add", "attribute": "silent", "value": value} for value in "ab"]}
        callback.msi_atomic_apply_metadata_operations(json.dumps(request), "")
        names = "META_COLL_ATTR_NAME, META_COLL_ATTR_VALUE"
        where = "COLL_NAME = '/tempZone/home/rods' and META_COLL_ATTR_NAME in ('loud', 'silent')"
        result = loud, core.seen, sorted(genquery.Query(callback, names, where))
    """)
    assert loud[0] == "acPreProcForModifyAVUMetadata"
    assert loud[-1] == "acPostProcForModifyAVUMetadata"
    assert silent == []
    assert values == [["loud", "1"], ["silent", "a"], ["silent", "b"]]


def test_a_request_that_is_no_json_is_refused(run: Any) -> None:
    assert "[iRods__Error__Code:-1084000]" in run("""
        try:
            callback.msi_atomic_apply_metadata_operations("{", "")
        except RuntimeError as error:
            result = str(error)
    """)


def test_pairs_become_avus_and_go_again(run: Any, request: Any) -> None:
    path = path_of(request)
    set_, left, value, text = run(f"""
        import genquery
        def pairs(text):
            return callback.msiString2KeyValPair(text, irods_types.KeyValPair())["arguments"][1]
        def avus():
            names = "META_COLL_ATTR_NAME, META_COLL_ATTR_VALUE"
            return sorted(genquery.Query(callback, names, "COLL_NAME = '{path}'"))
        callback.msiCollCreate("{path}", "0", 0)
        three = callback.msiAddKeyVal(pairs("a=1%b=2"), "c", "3")["arguments"][0]
        callback.msiAssociateKeyValuePairsToObj(three, "{path}", "-C")
        callback.msiSetKeyValuePairsToObj(pairs("a=9"), "{path}", "-C")
        set_ = avus()
        callback.msiRemoveKeyValuePairsFromObj(pairs("a=9%b=2"), "{path}", "-C")
        value = callback.msiGetValByKey(three, "b", "")["arguments"][2]
        buffer = callback.msiStrToBytesBuf("text", irods_types.BytesBuf())["arguments"][1]
        result = set_, avus(), value, callback.msiBytesBufToStr(buffer, "")["arguments"][1]
    """)
    assert set_ == [["a", "9"], ["b", "2"], ["c", "3"]]
    assert left == [["c", "3"]]
    assert (value, text) == ("2", "text")


def test_paths_types_access_registration_and_trimming(run: Any, request: Any, tmp_path: Path) -> None:
    path, file = path_of(request), tmp_path / "registered"
    file.write_bytes(b"12345")
    assert run(f"""
        import genquery
        callback.msiPhyPathReg("{path}", "demoResc", "{file}", "null", 0)
        callback.msiDataObjRepl("{path}", "destRescName=other", 0)
        trimmed = callback.msiDataObjTrim("{path}", "null", "0", "1", "null", 0)["arguments"][5]
        kinds = [callback.msiGetObjType(name, "")["arguments"][1] for name in ("{path}", "/tempZone", "other", "alice")]
        access = [callback.msiCheckAccess("{path}", level, 0)["arguments"][2] for level in ("own", "read object")]
        result = callback.msiSplitPath("{path}", "", "")["arguments"][1:], trimmed, kinds, access
    """) == [["/tempZone/home/rods", request.node.name], 1, ["-d", "-C", "-R", "-u"], [1, 1]]


def test_a_failed_microservice_raises_with_its_code_and_shows_the_client_a_line_even_if_caught(
    client: RawClient,
) -> None:
    reply = execute(
        client,
        "@external\ndef main(rule_args, callback, rei):\n"
        "    try:\n        callback.msiDataObjOpen('objPath=/tempZone/home/rods/nothing', 0)\n"
        "    except RuntimeError as error:\n        callback.writeLine('stdout', str(error))\n",
        PYTHON,
    )
    assert reply.status == 0
    assert output(reply).startswith("[iRods__Error__Code:-")
    assert any(text.startswith("DEBUG: msiDataObjOpen") for text in reply.errors)


def test_renaming_onto_an_existing_name_fails_as_recorded(run: Any, request: Any) -> None:
    path = path_of(request)
    assert "[iRods__Error__Code:-834000]" in run(f"""
        for name in ("a", "b"):
            callback.msi_touch('{{"logical_path": "{path}%s"}}' % name)
        try:
            callback.msiDataObjRename("{path}a", "{path}b", "0", 0)
        except RuntimeError as error:
            result = str(error)
    """)


def test_a_keyword_that_a_microservice_does_not_know_is_refused(run: Any) -> None:
    assert "[iRods__Error__Code:-315000]" in run("""
        try:
            callback.msiDataObjOpen("objPath=/x++++colour=red", 0)
        except RuntimeError as error:
            result = str(error)
    """)


def test_queries_page_through_all_rows(run: Any) -> None:
    total, count, limited, paged, shapes, none = run("""
        import genquery, json
        values = ["%03d" % i for i in range(600)]
        request = {"entity_name": "/tempZone/home/public", "entity_type": "collection", "operations": [
            {"operation": "add", "attribute": "many", "value": value} for value in values]}
        callback.msi_atomic_apply_metadata_operations(json.dumps(request), "")
        Query, where = genquery.Query, "META_COLL_ATTR_NAME = 'many'"
        column = "ORDER(META_COLL_ATTR_VALUE)"
        query = Query(callback, column, where)
        total = query.total_rows()
        count = list(query) == values
        limited = list(Query(callback, column, where, offset=10, limit=3))
        pages = genquery.paged_iterator(column, where, genquery.AS_LIST, callback, 250)
        paged = [len(page) for page in pages]
        names = "COLL_NAME, META_COLL_ATTR_VALUE"
        shapes = [
            next(iter(genquery.row_iterator(names, where + " and META_COLL_ATTR_VALUE = '007'", shape, callback)))
            for shape in (genquery.AS_DICT, genquery.AS_LIST, genquery.AS_TUPLE)
        ]
        result = total, count, limited, paged, shapes, Query(callback, "COLL_ID", "COLL_NAME = '/none'").first()
    """)
    assert total == 600
    assert count
    assert limited == ["010", "011", "012"]
    assert paged == [250, 250, 100]
    row = ["/tempZone/home/public", "007"]
    assert shapes == [dict(zip(("COLL_NAME", "META_COLL_ATTR_VALUE"), row)), row, row]
    assert none is None


def test_a_query_can_ignore_case(run: Any) -> None:
    assert (
        run("""
        import genquery
        result = genquery.Query(callback, "COLL_NAME", "COLL_NAME = '/TEMPzone/HOME'", case_sensitive=False).first()
    """)
        == "/tempZone/home"
    )


def test_module_state_lives_as_long_as_the_connection(zone: EmbeddedZone, run: Any) -> None:
    assert run("import core\ncore.mark = 1\nresult = 1") == 1
    assert run("import core\nresult = core.mark") == 1
    other = zone.raw_client(option="irule")
    text = "@external\nimport core\ndef main(a, callback, r): callback.writeLine('stdout', str('mark' in vars(core)))"
    assert output(execute(other, text, PYTHON)) == "False\n"
    other.close()


def test_python_text_is_for_administrators_and_the_rule_language_for_everyone(zone: EmbeddedZone) -> None:
    alice = zone.raw_client(option="irule", user="alice", password="secret")
    assert execute(alice, "@external\ndef main(a, c, r): pass", PYTHON).status == -13000
    reply = execute(alice, '@external rule { greet(*name); writeLine("stdout", "*name") }', LANGUAGE)
    assert output(reply) == "hello alice\n"
    alice.close()


def test_rule_language_reads_its_variables_and_returns_those_asked_for(client: RawClient) -> None:
    reply = client.call(
        625,
        {
            "myRule": '@external\nmain { *b = *a ++ "!"; }\n',
            "KeyValPair_PI": {"instance_name": LANGUAGE},
            "outParamDesc": "*b",
            "MsParamArray_PI": {
                "paramLen": 1,
                "oprType": 0,
                # As irule sends it: what was typed, quotes and all.
                "MsParam_PI": [{"label": "*a", "type": "STR_PI", "inOutStruct": {"myStr": '"hi"'}}],
            },
        },
    )
    assert reply.status == 0
    (parameter,) = reply.output["MsParam_PI"]
    assert (parameter["label"], parameter["inOutStruct"]["myStr"]) == ("*b", "hi!")


def test_rule_text_that_fails_says_why_on_the_clients_terminal(client: RawClient) -> None:
    reply = execute(client, "@external rule { foreach (*x in *y) { } }", LANGUAGE)
    assert reply.status == -1201000
    assert "line 1" in reply.errors[0]


def test_rule_engines_are_listed(client: RawClient) -> None:
    reply = client.call(625, {"myRule": "", "KeyValPair_PI": {"available": ""}, "outParamDesc": ""})
    assert PYTHON in reply.errors[0] and LANGUAGE in reply.errors[0]
