"""The emulated Python rule engine plugin: imports a rule file as `core` and runs its rules at the zone's policy points.

Call `load` in the process of one agent (or delayed job) only: then module state lives as long as that connection, and a
rule that crashes or blocks affects no other client. Every agent reads the file again.
"""

from __future__ import annotations

import builtins
import importlib.util
import sys
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from irods_zone.errors import RULE_ENGINE_ERROR, SYS_NO_API_PRIV, SYS_NOT_SUPPORTED, IrodsError
from irods_zone.policy import NoPolicy, OperationSkipped, Policy
from irods_zone.prep import types
from irods_zone.prep.arguments import object_for
from irods_zone.prep.callback import Callback, code_in
from irods_zone.prep.context import connection_entries, rule_exec_info
from irods_zone.prep.modules import install
from irods_zone.prep.modules.irods_errors import RULE_ENGINE_CONTINUE, RULE_ENGINE_SKIP_OPERATION
from irods_zone.session import Session
from irods_zone.trace import Trace

INSTANCE = "irods_rule_engine_plugin-python-instance"
# The instance names of the recorded zone's API table and database plugin.
API_INSTANCE = "api_instance"
DATABASE_INSTANCE = "postgres"
# The functions made from rule text, and their names in rei.ruleName.
_MAIN, _EXPRESSION, TEXT = "main", "expressionFcn", "execMyRule"


def load(rules: Path | None, session: Session) -> Policy:
    """The policy of a rule file, or NoPolicy without one. A file that cannot be imported gives a policy that fails."""
    if rules is None:
        return NoPolicy()
    policy = PythonPolicy(rules, session)
    policy.import_core()
    return policy


def attach(session: Session, job: int = 0) -> None:
    """Give a session, also that of a delayed job, the policy of the zone's rules, and a trace if the zone keeps one."""
    session.policy = load(session.config.rules, session)
    if session.config.trace is not None:
        session.trace = Trace(session.config.trace, session, job)


class PythonPolicy(Policy):
    """Runs the rules of one file for one session."""

    def __init__(self, rules: Path, session: Session) -> None:
        self.rules = rules
        self.session = session
        self.core: ModuleType | None = None
        self._main: dict[str, Any] = {"__name__": "__main__"}

    def import_core(self) -> None:
        """Import the rule file as `core`; a failure is logged and tried again at the next policy point."""
        install()
        path = self.rules if self.rules.is_absolute() else Path.cwd() / self.rules
        folder = str(path.parent)
        if folder not in sys.path:
            sys.path.append(folder)
        sys.modules.pop("core", None)
        spec = importlib.util.spec_from_file_location("core", path)
        if spec is None or spec.loader is None:
            self.session.log.error("rule file %s is no Python file", path)
            return
        module = importlib.util.module_from_spec(spec)
        sys.modules["core"] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            sys.modules.pop("core", None)
            if isinstance(error, KeyboardInterrupt):
                raise
            self.session.log.error("rule file %s cannot be imported", path, exc_info=error)
            return
        self.core = module

    # The policy points

    def knows(self, name: str) -> bool:
        """Whether core has the name, perhaps through a module-level __getattr__."""
        return self.core is not None and hasattr(self.core, name)

    def static(self, name: str, args: Sequence[str] = (), doi: Mapping[str, Any] | None = None) -> None:
        """Run a static point. A real server always looks these up, so a broken rule file fails here."""
        if self.core is None:
            self.import_core()
            if self.core is None:
                raise IrodsError(RULE_ENGINE_ERROR)
        if self.knows(name):
            self.call(name, list(args), doi)

    def api(self, name: str, phase: str, inputs: Sequence[tuple[str, Any] | None], output: Any = None) -> None:
        """Run `pep_api_<name>_<phase>`. `output`, a (structure, record) pair or a plain value, fills the None slot."""
        rule = f"pep_api_{name}_{phase}"
        if not self.knows(rule):
            return
        arguments: list[Any] = [API_INSTANCE, types.PluginContext(connection_entries(self.session))]
        rest = output
        for structure in inputs:
            if structure is None and rest is not None:
                structure, rest = rest, None
            arguments.append(object_for(*structure) if isinstance(structure, tuple) else structure)
        if self.call(rule, arguments) == RULE_ENGINE_SKIP_OPERATION and phase == "pre":
            raise OperationSkipped

    def resource(self, name: str, phase: str, resource: str, context: Mapping[str, str], *args: Any) -> None:
        """Run `pep_resource_<name>_<phase>`."""
        rule = f"pep_resource_{name}_{phase}"
        if self.knows(rule):
            entries = {**context, **connection_entries(self.session)}
            self.call(rule, [resource, types.PluginContext(entries), "", *args])

    def database(self, name: str, phase: str, *args: Any) -> None:
        """Run `pep_database_<name>_<phase>`; mappings among the arguments become KeyValPairs."""
        rule = f"pep_database_{name}_{phase}"
        if self.knows(rule):
            plain = [types.KeyValPair(arg) if isinstance(arg, Mapping) else arg for arg in args]
            context = types.PluginContext(connection_entries(self.session))
            self.call(rule, [DATABASE_INSTANCE, context, "", *plain])

    # Running rules and rule text

    def call(self, name: str, arguments: list[Any], doi: Mapping[str, Any] | None = None) -> int:
        """Run one rule and return its code, or raise IrodsError if it denied (negative) or raised."""
        return self._run(getattr(self.core, name), name, arguments, doi)

    def run_expression(self, text: str, variables: Mapping[str, Any] | None = None) -> int:
        """Run a delayed job's text: the body of a function of (rule_args, callback, rei)."""
        self._prepare_main(variables)
        body = f"def expressionFcn(rule_args, callback, rei):\n{text}".replace("\n", "\n ")
        return self._run_text(body, _EXPRESSION)

    def run_external(self, text: str, variables: Mapping[str, Any] | None = None) -> int:
        """Run rule text sent by `irule`; administrators only, since Python text can do what the server can."""
        if not (self.session.client.is_admin and self.session.proxy.is_admin):
            raise IrodsError(SYS_NO_API_PRIV)
        self._prepare_main(variables)
        if text.startswith("@external\n"):
            return self._run_text(text.partition("\n")[2], _MAIN)
        if text.startswith("@external rule"):
            name = text[17:].split(" ", 1)[0]
            if not self.knows(name):
                self.session.log.error("rule text calls %r, which core does not have", name)
                raise IrodsError(RULE_ENGINE_ERROR)
            try:
                return self.call(name, [])
            except IrodsError as error:
                raise _text_error(error) from error
        raise IrodsError(RULE_ENGINE_ERROR)

    def _prepare_main(self, variables: Mapping[str, Any] | None) -> None:
        builtins.irods_rule_vars = dict(variables or {})  # type: ignore[attr-defined]
        self._main["global_vars"] = builtins.irods_rule_vars  # type: ignore[attr-defined]
        for name in ("irods_types", "irods_errors"):
            self._main[name] = sys.modules[name]

    def _run_text(self, source: str, function: str) -> int:
        try:
            exec(compile(source, "<rule text>", "exec"), self._main)  # noqa: S102 (running rule text is the purpose)
            rule = self._main[function]
        except Exception as error:
            self.session.log.error("rule text failed", exc_info=error)
            raise IrodsError(RULE_ENGINE_ERROR) from error
        try:
            return self._run(rule, function, [])
        except IrodsError as error:
            raise _text_error(error) from error

    def _run(self, rule: Any, name: str, arguments: list[Any], doi: Mapping[str, Any] | None = None) -> int:
        if self.session.trace is None:
            return self._run_rule(rule, name, arguments, doi)
        return self.session.trace.rule(name, arguments, lambda: self._run_rule(rule, name, arguments, doi))

    def _run_rule(self, rule: Any, name: str, arguments: list[Any], doi: Mapping[str, Any] | None) -> int:
        if self.core is not None:
            self.core.__dict__.setdefault("irods_types", sys.modules["irods_types"])
            self.core.__dict__.setdefault("irods_errors", sys.modules["irods_errors"])
        try:
            rule_name = TEXT if name in (_MAIN, _EXPRESSION) else name
            result = rule(arguments, Callback(self, self.session), rule_exec_info(self.session, rule_name, doi))
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            # Only the rule's own frames: its callers do not concern its author.
            within = error.__traceback__ and error.__traceback__.tb_next
            self.session.log.error("rule %s raised", name, exc_info=(type(error), error, within))
            raise RuleRaisedError(code_in(_text_of(error)) or RuleRaisedError.UNKNOWN) from error
        code = result if isinstance(result, int) else 0
        if code == SYS_NOT_SUPPORTED:
            return RULE_ENGINE_CONTINUE
        if code < 0:
            raise IrodsError(code)
        return code


class RuleRaisedError(IrodsError):
    """A rule ended with an exception; the code is the one of the callback that failed, or UNKNOWN."""

    UNKNOWN = -1


def _text_of(error: BaseException) -> str:
    return "".join(traceback.format_exception(type(error), error, error.__traceback__))


def _text_error(error: IrodsError) -> IrodsError:
    # Rule text that raises ends with this code, for any exception; a returned code stays.
    return IrodsError(RULE_ENGINE_ERROR) if isinstance(error, RuleRaisedError) else error
