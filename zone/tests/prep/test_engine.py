"""Rules run as PREP runs them: lookup, arguments, results, failures. No server, no catalog."""

from __future__ import annotations

import logging
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest

from irods_zone.catalog.users import User
from irods_zone.errors import IrodsError
from irods_zone.policy import NoPolicy, Policy
from irods_zone.prep import engine
from irods_zone.prep.engine import PythonPolicy
from irods_zone.session import Session
from tests.support import code_of

ALICE = User(10001, "alice", "tempZone", "rodsuser")
RODS = User(10000, "rods", "tempZone", "rodsadmin")

Load = Callable[..., PythonPolicy]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Loads rule text as core and returns the policy of a session of the user."""

    def loader(text: str, user: User = RODS) -> PythonPolicy:
        session = Session(
            config=cast(Any, None),
            db=cast(Any, None),
            client=user,
            proxy=user,
            policy=NoPolicy(),
            descriptors=cast(Any, None),
            option="imeta",
            api_number=706,
            log=logging.getLogger("test-prep"),
        )
        path = tmp_path / "core.py"
        path.write_text(textwrap.dedent(text))
        policy = engine.load(path, session)
        assert isinstance(policy, PythonPolicy)
        session.policy = policy
        return policy

    return loader


def core(policy: Policy) -> Any:
    assert isinstance(policy, PythonPolicy)
    return policy.core


def test_without_a_rule_file_there_is_no_policy(load: Load) -> None:
    session = load("").session
    assert type(engine.load(None, session)) is NoPolicy


def test_a_rule_exists_if_core_has_the_attribute_also_by_module_getattr(load: Load) -> None:
    policy = load("""
        def acPostProcForPut(rule_args, callback, rei): pass
        def __getattr__(name):
            if name.startswith("pep_"):
                return lambda *a: None
            raise AttributeError(name)
    """)
    assert policy.knows("acPostProcForPut")
    assert policy.knows("pep_api_touch_pre")
    assert not policy.knows("acPostProcForDelete")


def test_static_points_get_a_list_of_strings_and_the_replica_in_rei_doi(load: Load) -> None:
    policy = load("""
        seen = []
        def acPostProcForPut(rule_args, callback, rei):
            seen.append((rule_args, str(rei.doi.objPath), rei.doi.dataSize, type(rei.doi).__name__))
        def acPreProcForModifyAVUMetadata(rule_args, callback, rei):
            seen.append((rule_args, rei.doi, str(rei.uoic.userName), rei.uoic.authInfo.authFlag))
    """)
    policy.static("acPostProcForPut", (), {"objPath": "/z/a", "dataSize": 7})
    policy.static("acPreProcForModifyAVUMetadata", ("set", "-C", "/z/c"))
    assert core(policy).seen == [([], "/z/a", 7, "DataObjInfo"), (["set", "-C", "/z/c"], None, "rods", 5)]


def test_api_points_get_instance_context_and_typed_structures(load: Load) -> None:
    policy = load("""
        def pep_api_coll_create_pre(rule_args, callback, rei):
            global seen
            seen = rule_args
    """)
    record = {"collName": "/z/c", "flags": 0, "oprType": 0, "KeyValPair_PI": {"recursiveOpr": ""}}
    policy.api("coll_create", "pre", [("CollInpNew_PI", record)])
    instance, context, given = core(policy).seen
    assert instance == "api_instance"
    assert type(context).__name__ == "PluginContext"
    assert context.map()["option"] == "imeta"
    assert context.map()["api_index"] == "706"
    assert context.map()["user_user_name"] == "rods"
    assert type(given).__name__ == "CollInp"
    assert str(given.collName) == "/z/c"
    assert given.condInput["recursiveOpr"] == ""
    assert given.condInput.len == 1
    assert str(given.condInput.key[0]) == "recursiveOpr"
    with pytest.raises(KeyError):
        given.condInput["forceFlag"]


def test_a_char_array_is_no_str(load: Load) -> None:
    policy = load("""
        def pep_api_coll_create_pre(rule_args, callback, rei):
            global seen
            seen = rule_args[2].collName
    """)
    policy.api("coll_create", "pre", [("CollInpNew_PI", {"collName": "/z/c"})])
    seen = core(policy).seen
    assert type(seen).__name__ == "char_array"
    assert seen != "/z/c"
    assert f"{seen}" == "/z/c"
    assert not hasattr(seen, "startswith")


def test_a_structure_without_python_type_is_a_dict_and_null_pointers_are_left_out(load: Load) -> None:
    policy = load("""
        def pep_api_mod_avu_metadata_pre(rule_args, callback, rei):
            global seen
            seen = rule_args[2]
    """)
    record = {"arg0": "set", "arg1": "-C", "arg2": "/z/c", "arg3": "a", "arg4": "v", "arg5": "", "arg6": None}
    policy.api("mod_avu_metadata", "pre", [("ModAVUMetadataInp_PI", {**record, "KeyValPair_PI": {}})])
    assert core(policy).seen == {"arg0": "set", "arg1": "-C", "arg2": "/z/c", "arg3": "a", "arg4": "v", "arg5": ""}


def test_byte_buffers_keep_their_nul(load: Load) -> None:
    policy = load("""
        def pep_api_touch_post(rule_args, callback, rei):
            global seen
            seen = bytes(rule_args[2].get_bytes()), rule_args[2].len, type(rule_args[2]).__name__
    """)
    policy.api("touch", "post", [("BytesBuf", b"{}\0")])
    assert core(policy).seen == (b"{}\0", 3, "BytesBuf")


def test_resource_and_database_points_get_an_empty_result_before_their_arguments(load: Load) -> None:
    policy = load("""
        seen = []
        def pep_resource_rename_post(rule_args, callback, rei):
            seen.append([rule_args[0], rule_args[1].map()["logical_path"], *rule_args[2:]])
        def pep_database_add_avu_metadata_post(rule_args, callback, rei):
            seen.append([rule_args[0], *rule_args[2:-1], type(rule_args[-1]).__name__])
    """)
    policy.resource("rename", "post", "demoResc", {"logical_path": "/z/a"}, "/vault/a")
    policy.database("add_avu_metadata", "post", "-C", "/z/c", "a", "v", None, {})
    assert core(policy).seen == [
        ["demoResc", "/z/a", "", "/vault/a"],
        ["postgres", "", "-C", "/z/c", "a", "v", None, "KeyValPair"],
    ]


@pytest.mark.parametrize("result", ["None", "0", "5000000", "-66000", "7", "'text'"])
def test_these_results_let_the_operation_go_on(load: Load, result: str) -> None:
    policy = load(f"def acPostProcForPut(a, c, r): return {result}")
    policy.static("acPostProcForPut")


def test_a_negative_result_denies_without_words(load: Load) -> None:
    policy = load("def acPostProcForPut(a, c, r): return -818000")
    assert code_of(policy.static, "acPostProcForPut") == -818000
    assert policy.session.error_stack == []


def test_msi_exit_denies_with_words(load: Load) -> None:
    policy = load("def acPostProcForPut(a, callback, r): callback.msiExit('-818000', 'not yours')")
    assert code_of(policy.static, "acPostProcForPut") == -818000
    assert policy.session.error_stack == [(-818000, "not yours\n")]


def test_a_rule_that_raises_fails_with_minus_one_and_its_traceback_is_logged(
    load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    policy = load("def acPostProcForPut(a, c, r): return 1 / 0")
    with pytest.raises(IrodsError) as caught, caplog.at_level("ERROR"):
        policy.static("acPostProcForPut")
    assert caught.value.code == -1
    assert "ZeroDivisionError" in caplog.text


def test_a_rule_can_call_another_by_name_and_gets_its_changed_arguments(load: Load) -> None:
    policy = load("""
        def double(rule_args, callback, rei):
            rule_args[0] = rule_args[0] * 2
        def acPostProcForPut(a, callback, r):
            global seen
            seen = callback.double("ab")
    """)
    policy.static("acPostProcForPut")
    assert core(policy).seen == {"code": 0, "status": True, "arguments": ["abab"]}


def test_an_unknown_microservice_fails_and_is_named_in_the_log(load: Load, caplog: pytest.LogCaptureFixture) -> None:
    policy = load("""
        def acPostProcForPut(a, callback, r):
            global seen
            try:
                callback.msiNoSuch("x")
            except RuntimeError as e:
                seen = str(e)
    """)
    with caplog.at_level("ERROR"):
        policy.static("acPostProcForPut")
    assert core(policy).seen.startswith("[iRods__Error__Code:-1102000]")
    assert "msiNoSuch" in caplog.text


def test_a_microservice_with_a_wrong_number_of_arguments_fails(load: Load) -> None:
    policy = load("def acPostProcForPut(a, callback, r): callback.writeLine('stdout')")
    assert code_of(policy.static, "acPostProcForPut") == -1021000


def test_text_outputs_fill_only_text_arguments(load: Load) -> None:
    policy = load("""
        def acPostProcForPut(a, callback, r):
            global seen
            seen = callback.msiGetSystemTime("", "unix")["arguments"], callback.msiGetSystemTime(0, "unix")["arguments"]
    """)
    policy.static("acPostProcForPut")
    filled, unfilled = core(policy).seen
    assert filled[0].isdigit() and len(filled[0]) == 11
    assert unfilled == [0, "unix"]


def test_write_line_goes_where_it_says(load: Load) -> None:
    policy = load("""
        def acPostProcForPut(a, callback, r):
            callback.writeLine("stdout", "one")
            callback.writeLine("stderr", "two")
    """)
    policy.static("acPostProcForPut")
    assert "".join(policy.session.rule_stdout) == "one\n"
    assert "".join(policy.session.rule_stderr) == "two\n"


def test_a_rule_file_that_cannot_be_imported_fails_static_points_and_skips_dynamic_ones(load: Load) -> None:
    policy = load("import no_such_module_anywhere")
    policy.api("coll_create", "pre", [None])
    assert code_of(policy.static, "acPreprocForCollCreate") == -1828000


def test_a_rule_file_behind_a_link_finds_what_lies_beside_the_link(load: Load, tmp_path: Path) -> None:
    session = load("").session
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "rules_of_test.py").write_text("def acPostProcForPut(a, c, r): return -1\n")
    linked = tmp_path / "etc"
    linked.mkdir()
    (linked / "beside_link.py").write_text("from rules_beside import value\n")
    (linked / "rules_beside.py").write_text("value = 3\n")
    (real / "core.py").write_text("from beside_link import value\n")
    (linked / "core.py").symlink_to(real / "core.py")
    policy = engine.load(linked / "core.py", session)
    assert core(policy).value == 3


def test_delayed_text_is_the_body_of_a_function(load: Load) -> None:
    policy = load("x = []")
    policy.run_expression("import core\ncore.x.append(str(rei.uoic.userName))\nif True:\n  core.x.append('y')")
    assert core(policy).x == ["rods", "y"]


def test_rule_text_of_irule_is_for_administrators_only(load: Load) -> None:
    policy = load("", ALICE)
    assert code_of(policy.run_external, "@external\ndef main(rule_args, callback, rei): pass") == -13000


def test_rule_text_of_irule_runs_its_main_with_the_rule_variables(load: Load) -> None:
    policy = load("")
    text = "@external\ndef main(rule_args, callback, rei):\n  callback.writeLine('stdout', irods_rule_vars['*a'])"
    policy.run_external(text, {"*a": "seven"})
    assert "".join(policy.session.rule_stdout) == "seven\n"


def test_every_module_that_rule_files_import_is_there(load: Load) -> None:
    policy = load("""
        import genquery, irods_errors, irods_types, session_vars
        from genquery import AS_DICT, AS_LIST, AS_TUPLE, Query, paged_iterator, row_iterator
        code = irods_errors.CAT_NO_ROWS_FOUND, irods_errors.RULE_ENGINE_CONTINUE
        def probe(rule_args, callback, rei):
            rule_args[0] = session_vars.get_map(rei)["client_user"]["user_name"]
    """)
    assert core(policy).code == (-808000, 5000000)
