"""PREP in server_config.json: what it needs, and the smallest change of the text that adds it. Pure.

The patterns matter: without `regexes_for_supported_peps` the plugin claims hooks that other rule engines should see.
The order matters: a rule engine that comes first and answers ends the search (docs/irods-facts.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ova_admin.errors import AdminError
from ova_admin.install import json_text
from ova_admin.install.json_text import Value

INSTANCE = "irods_rule_engine_plugin-python-instance"
PLUGIN = "irods_rule_engine_plugin-python"
RULE_LANGUAGE = "irods_rule_engine_plugin-irods_rule_language"
REGEXES = ("ac[^ ]*", "msi[^ ]*", "[^ ]*pep_[^ ]*_(pre|post|except|finally)", "ova_request")
_KEY = "regexes_for_supported_peps"
# One of our hooks of each kind, and what other servers of the zone call; the patterns of the site must match them.
_NEEDED = ("acPostProcForModifyAVUMetadata", "pep_api_exec_my_rule_pre", "pep_resource_modified_post", "ova_request")


@dataclass(frozen=True)
class State:
    """What the configuration says about PREP. positions: in the list of rule engines, None if missing."""

    position: int | None
    instance: str
    rule_language: int | None
    regexes: tuple[str, ...] | None  # None: the key is missing

    @property
    def unmatched(self) -> list[str]:
        """Rules that the patterns do not match."""
        return [name for name in _NEEDED if not any(_matches(regex, name) for regex in self.regexes or ())]

    @property
    def is_first(self) -> bool:
        """Whether PREP comes before the rule language."""
        return self.position is not None and (self.rule_language is None or self.position < self.rule_language)


def _matches(regex: str, name: str) -> bool:
    try:
        return re.fullmatch(regex, name) is not None
    except re.error:
        return False


def state(text: str) -> State:
    """The state in server_config.json. Raises AdminError if it is not JSON or has no list of rule engines."""
    engines = _engines(json.loads(text) if json_text.parse(text) else None)
    python = next((i for i, each in enumerate(engines) if each.get("plugin_name") == PLUGIN), None)
    language = next((i for i, each in enumerate(engines) if each.get("plugin_name") == RULE_LANGUAGE), None)
    if python is None:
        return State(None, "", language, None)
    specific = engines[python].get("plugin_specific_configuration", {})
    regexes = specific.get(_KEY) if isinstance(specific, dict) else None
    known = tuple(str(regex) for regex in regexes) if isinstance(regexes, list) else None
    return State(python, str(engines[python].get("instance_name")), language, known)


def _engines(data: Any) -> Sequence[dict[str, Any]]:
    engines = data.get("plugin_configuration", {}).get("rule_engines") if isinstance(data, dict) else None
    if not isinstance(engines, list) or not all(isinstance(each, dict) for each in engines):
        raise AdminError("server_config.json: has no list plugin_configuration.rule_engines")
    return engines


def configured(text: str) -> str:
    """The text with PREP configured as the rules need it; unchanged if it already is."""
    now = state(text)
    if now.position is None:
        return json_text.insert_item(text, _list(text), 0, _entry())
    if now.instance != INSTANCE:
        raise AdminError(
            f"server_config.json: PREP's instance_name is {now.instance}; queued builds ask for {INSTANCE}: rename it"
        )
    if now.regexes is None:
        text = _with_regexes(text, now.position)
    elif now.unmatched:
        listed = list(now.regexes) + [regex for regex in REGEXES if regex not in now.regexes]
        specific = _list(text).items[now.position].members["plugin_specific_configuration"]
        text = json_text.replace(text, specific.members[_KEY], specific.keys[_KEY], listed)
    if not now.is_first:
        engines = _list(text)
        others = [index for index in range(len(engines.items)) if index != now.position]
        at = others.index(now.rule_language) if now.rule_language is not None else 0
        text = json_text.reorder(text, engines, [*others[:at], now.position, *others[at:]])
    return text


def _with_regexes(text: str, position: int) -> str:
    engine = _list(text).items[position]
    specific = engine.members.get("plugin_specific_configuration")
    if specific is None:
        value = {_KEY: list(REGEXES)}
        return json_text.insert_member(text, engine, "plugin_specific_configuration", value)
    if _KEY in specific.members:
        return json_text.replace(text, specific.members[_KEY], specific.keys[_KEY], list(REGEXES))
    return json_text.insert_member(text, specific, _KEY, list(REGEXES))


def _list(text: str) -> Value:
    return json_text.parse(text).members["plugin_configuration"].members["rule_engines"]


def _entry() -> dict[str, Any]:
    return {
        "instance_name": INSTANCE,
        "plugin_name": PLUGIN,
        "plugin_specific_configuration": {_KEY: list(REGEXES)},
    }
