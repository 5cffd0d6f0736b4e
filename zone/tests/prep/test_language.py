"""The served part of the rule language, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from irods_zone.errors import IrodsError
from irods_zone.prep import interpreter
from irods_zone.prep.interpreter import Scope, Value
from tests.support import code_of


class World:
    """Records the calls that rule text makes, and answers `get(*x)` with the text "got"."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, list[Value]]] = []
        self.delayed: list[tuple[str, str]] = []
        self.sent: list[tuple[str, str, str, dict[str, Value]]] = []
        self.scope = Scope(self.call, lambda condition, text: self.delayed.append((condition, text)), self.remote)
        self.scope.session["$userNameClient"] = "alice"

    def remote(self, host: str, condition: str, text: str, variables: dict[str, Value]) -> dict[str, Value]:
        self.sent.append((host, condition, text, dict(variables)))
        return {"*back": "there"}

    def call(self, name: str, values: list[Value]) -> list[Value]:
        self.calls.append((name, values))
        return ["got"] if name == "get" else values

    def run(self, text: str) -> list[tuple[str, list[Value]]]:
        interpreter.run(text, self.scope)
        return self.calls


def test_the_text_of_irule_is_a_rule_around_statements() -> None:
    assert World().run('@external rule { writeLine("stdout","hi") }') == [("writeLine", ["stdout", "hi"])]


def test_the_text_of_a_rule_file_runs_its_first_rule() -> None:
    text = '@external\nmain {\n  # say it\n  writeLine("stdout", "hi");\n}\n'
    assert World().run(text) == [("writeLine", ["stdout", "hi"])]


def test_rules_of_a_text_call_each_other_and_set_their_parameters() -> None:
    text = '@external\nmain { double("a", *b); out(*b); }\ndouble(*x, *y) { *y = *x ++ *x; }\n'
    assert World().run(text) == [("out", ["aa"])]


def test_a_rule_that_calls_itself_without_end_is_stopped() -> None:
    with pytest.raises(IrodsError):
        World().run("main { main(); }")


def test_variables_fill_strings_and_are_joined() -> None:
    text = r'*a = "x"; writeLine("stdout", "a is *a, not \*a\t!" ++ *a ++ str(1 + 2 * 3))'
    assert World().run(text) == [("writeLine", ["stdout", "a is x, not *a\t!x7"])]


def test_session_variables_are_known() -> None:
    assert World().run("writeLine('stdout', $userNameClient)") == [("writeLine", ["stdout", "alice"])]


def test_a_variable_without_value_is_set_by_what_is_called() -> None:
    assert World().run("get(*x); put(*x)") == [("get", [None]), ("put", ["got"])]


def test_if_takes_one_side() -> None:
    text = 'if (*a == "1") { one() } else if (*a == "2") { two() } else { other() }'
    assert World().run(f'*a = "2"; {text}') == [("two", [])]


def test_delay_queues_its_text_as_it_stands() -> None:
    world = World()
    world.run('delay("<PLUSET>1s</PLUSET>") { writeLine("serverLog", "*later"); }')
    assert world.delayed == [("<PLUSET>1s</PLUSET>", 'writeLine("serverLog", "*later"); ')]


def test_a_variable_that_has_no_value_cannot_be_read() -> None:
    assert code_of(World().run, 'writeLine("stdout", "*nothing")') == -1211000


@pytest.mark.parametrize(
    "text", ["foreach (*x in *y) { }", "a(", 'a("', "*a", "a(1,,)", "{", "a() }", "if (1) b()", "name || old | nop"]
)
def test_what_is_not_served_is_refused_before_anything_runs(text: str) -> None:
    world = World()
    assert code_of(world.run, "first(); " + text) == -1201000
    assert world.calls == []


@given(st.text(alphabet="ab*$\"'(){};,=+ \n<!if1", max_size=60))
def test_any_text_runs_or_is_refused(text: str) -> None:
    try:
        World().run(text)
    except IrodsError as error:
        assert error.code in (-1201000, -1211000)


def test_remote_sends_its_text_with_the_variables_and_takes_variables_back() -> None:
    world = World()
    assert world.run("*host = 'c'; remote(*host, '') { work('x'); } show(*back)") == [("show", ["there"])]
    assert world.sent == [("c", "", "work('x');", {"*host": "c"})]


def test_a_block_inside_a_block_runs() -> None:
    assert World().run("remExec{{ work('x'); }}") == [("work", ["x"])]


def test_a_literal_has_at_most_1023_characters() -> None:
    assert World().run(f"work('{'x' * 1023}')")
    assert code_of(World().run, f"work('{'x' * 1024}')") == -1201000
