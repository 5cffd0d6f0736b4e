"""Checks the server's folder: the plugin, its configuration, core.py, the installed files. Changes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator

from ova_admin import interpreter
from ova_admin.check.finding import Finding, not_applicable, not_ok, note, ok, whole
from ova_admin.install import block, server_config, trial, versions
from ova_admin.interpreter import Interpreter
from ova_admin.places import Places
from ova_grid.errors import GridError

_NAMES = ("plugin", "configuration", "patterns", "order", "delay server", "python", "core.py", "block", "files")
_SLOW_SECONDS = 5
_INSTALL = "run `ova-admin install`"
_CONFIGURE = "run `ova-admin install --configure-server`"


def findings(places: Places) -> Iterator[Finding]:
    """All findings about the folder."""
    return whole(_NAMES, _findings(places))


def _findings(places: Places) -> Iterator[Finding]:
    yield _plugin(places)
    yield from _configuration(places)
    python = None
    try:
        python = interpreter.find(places)
    except GridError as error:
        yield not_ok("python", str(error), "name PREP's library with --plugin, or its interpreter with --python")
    if python is not None:
        yield _version(python)
        yield from _core(places, python)
    yield _installed(places)


def _plugin(places: Places) -> Finding:
    plugin = places.find_plugin()
    if plugin is not None:
        return ok("plugin", str(plugin))
    return not_ok("plugin", "PREP was not found", "install irods-rule-engine-plugin-python, or name it with --plugin")


def _configuration(places: Places) -> Iterator[Finding]:
    try:
        text = places.server_config.read_text(encoding="utf-8")
        state = server_config.state(text)
    except (OSError, ValueError, GridError) as error:
        yield not_ok("configuration", f"{places.server_config}: {error}", "run this as the service account or root")
        return
    if state.position is None:
        yield not_ok("configuration", "PREP is not among the rule engines", _CONFIGURE)
    elif state.instance != server_config.INSTANCE:
        yield not_ok("configuration", f"instance_name is {state.instance}", f"rename it to {server_config.INSTANCE}")
    else:
        yield ok("configuration", f"{state.instance} is rule engine {state.position + 1}")
        yield from _patterns(state)
    yield _delay_server(text)


def _patterns(state: server_config.State) -> Iterator[Finding]:
    if state.regexes is None:
        yield not_ok("patterns", "regexes_for_supported_peps is missing: other rule engines lose hooks", _CONFIGURE)
    elif state.unmatched:
        yield not_ok("patterns", f"no pattern lets {', '.join(state.unmatched)} through", _CONFIGURE)
    else:
        yield ok("patterns", ", ".join(state.regexes))
    if state.is_first:
        yield ok("order", "before the rule language")
    else:
        yield not_ok("order", "after the rule language, whose rules end the search for ours", _CONFIGURE)


def _delay_server(text: str) -> Finding:
    advanced = json.loads(text).get("advanced_settings", {})
    seconds = advanced.get("delay_server_sleep_time_in_seconds", 30) if isinstance(advanced, dict) else 30
    if isinstance(seconds, (int, float)) and seconds <= _SLOW_SECONDS:
        return ok("delay server", f"looks every {seconds} s")
    return note(
        "delay server",
        f"looks every {seconds} s, so long may a queued build wait before it begins",
        "set advanced_settings.delay_server_sleep_time_in_seconds to 1 (at most 5), and reload",
    )


def _version(python: Interpreter) -> Finding:
    if python.version >= interpreter.OLDEST:
        return ok("python", f"{python.path}, {python.name}")
    return not_ok(
        "python", f"{python.path} is {python.name}", "the rules need Python 3.9 or newer; take a newer system"
    )


def _core(places: Places, python: Interpreter) -> Iterator[Finding]:
    if not places.core.exists():
        yield not_ok("core.py", f"{places.core} is not there", _INSTALL)
        return
    seen = trial.of_file(places, python, places.core)
    if seen.error:
        yield not_ok("core.py", f"cannot be imported: {seen.error}", f"put that right, or {_INSTALL} again")
    elif not seen.folder:
        yield not_ok("core.py", "does not load our rules", _INSTALL)
    elif seen.replaced:
        names = ", ".join(seen.replaced)
        yield not_ok("core.py", f"something in it replaces {names}", f"move that above our block, or {_INSTALL}")
    else:
        yield ok("core.py", f"imports the rules of {seen.folder}")
    content = places.core.read_bytes()
    if not block.is_in(content):
        yield not_applicable("block", "core.py loads our rules by other means than ova-admin's block")
    elif not block.is_last(content):
        yield note(
            "block", "code follows our block in core.py", "move it above: a hook defined there would replace ours"
        )
    else:
        yield ok("block", "ours is the last code of core.py")


def _installed(places: Places) -> Finding:
    name = versions.current_name(places.prefix)
    if name is None:
        return not_applicable("files", f"nothing is installed in {places.prefix}")
    folder = (places.prefix / "current").resolve()
    account = places.service_account()
    for path in (places.prefix, folder, folder / "rules" / "ova_rules", folder / "rules" / "ova_rules" / "hooks.py"):
        try:
            state = path.stat()
        except OSError as error:
            return not_ok("files", f"{path}: {error.strerror}", _INSTALL)
        if state.st_mode & 0o022:
            return not_ok("files", f"{path} may be written by others", f"chmod go-w {path}")
        if account is not None and account.pw_uid != 0 and state.st_uid == account.pw_uid:
            return note("files", f"{path} belongs to the service account", "uninstall, then install as root")
    return ok("files", f"{name} in {places.prefix}")
