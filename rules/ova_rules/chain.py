"""Runs our hooks before those of a site with its own core.py. `ova-admin install` adds a call of `add` there.

Imported in every agent: no imports but those of `hooks`. Our hook runs first. If it denies, that is the answer;
otherwise the site's hook of that name runs with the same arguments, and iRODS gets its answer (or what it raises).
"""

from ova_rules import agent, hooks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Names = dict[str, Any]


def add(namespace: "Names", settings_directory: str) -> None:
    """Puts our hooks and jobs into the names of core.py, each before the site's own of that name."""
    agent.settings_directory = settings_directory
    for name, ours in hooks.RULES.items():
        theirs = _theirs(namespace, name)
        namespace[name] = ours if theirs is None else _both(ours, theirs)
    namespace.update(hooks.JOBS)


def _theirs(namespace: "Names", name: str) -> "Any":
    if name in namespace:
        return namespace[name]
    answer = namespace.get("__getattr__")  # a module may make its hooks on demand
    try:
        return None if answer is None else answer(name)
    except AttributeError:
        return None


def _both(ours: "Any", theirs: "Any") -> "hooks.Rule":
    def rule(rule_args: "list[Any]", callback: "Any", rei: "Any") -> "Any":
        answer = ours(rule_args, callback, rei)
        return theirs(rule_args, callback, rei) if answer == agent.CONTINUE else answer

    return rule
