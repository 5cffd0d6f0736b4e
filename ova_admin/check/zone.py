"""Checks the running zone: do our hooks see what clients do, is the rule-text gate closed, does the recurring job work,
what can the vaults do.

Makes a scratch collection and an ordinary user, and removes both.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from ova_admin import recurring, rule_text
from ova_admin.check import servers
from ova_admin.check.finding import Finding, Outcome, not_applicable, not_ok, note, ok, whole
from ova_grid.connection import Environment, User, connected, message, rows
from ova_grid.errors import GridError
from ova_rules import names
from ova_tools.extents import can_share

if TYPE_CHECKING:
    from irods.session import iRODSSession

NAMES = ("connection", "hooks", "rule-text gate", "proxy", "recurring job", servers.NAME, "vaults")
_BLOCK_BYTES = 1 << 16
_WORST_FIRST = (Outcome.NOT_OK, Outcome.NOTE, Outcome.OK, Outcome.NOT_APPLICABLE)
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_REFUSED = -830000  # CAT_INSUFFICIENT_PRIVILEGE_LEVEL
_INSTALL = "run `ova-admin install`, then look at the lines above"


def findings(environment: Environment, local_hosts: tuple[str, ...]) -> Iterator[Finding]:
    """All findings that need a connection."""
    return whole(NAMES, _findings(environment, local_hosts))


def _findings(environment: Environment, local_hosts: tuple[str, ...]) -> Iterator[Finding]:
    with contextlib.ExitStack() as stack:
        try:
            session = stack.enter_context(connected(environment))
        except GridError as error:
            yield not_ok("connection", str(error), "run this as the service account, after iinit as an administrator")
            return
        version = ".".join(str(part) for part in session.server_version)
        yield ok("connection", f"{environment.user} at {session.host}:{session.port}, iRODS {version}")
        yield from _hooks(session, environment)
        yield from _gate(session, environment)
        yield _recurring(session)
        yield servers.finding(session)
        yield _vaults(session, local_hosts)


def _hooks(session: iRODSSession, environment: Environment) -> Iterator[Finding]:
    """Makes a component without its source: after its `ova_url` is set, facts must appear."""
    path = f"/{environment.user.zone}/home/{environment.user.name}/ova-admin-check-{secrets.token_hex(4)}"
    try:
        session.collections.create(path)
    except Exception as error:
        yield not_ok("hooks", f"{path} cannot be made: {message(error)}", "sign in as an administrator with a home")
        return
    try:
        metadata = session.collections.get(path).metadata
        metadata.add(names.URL, f"{path}/missing.ova")
        seen = {avu.name: avu.value for avu in session.collections.get(path).metadata.items()}
        if names.STATUS in seen:
            yield ok("hooks", "an AVU was set, and the rules answered")
        else:
            yield not_ok("hooks", "an AVU was set, and the rules did not answer", _INSTALL)
    except Exception as error:
        yield not_ok("hooks", message(error), f"{_INSTALL}; the server log says more")
    finally:
        with contextlib.suppress(Exception):  # the finding reports the error; a scratch collection may stay
            session.collections.remove(path, recurse=True, force=True)


def _gate(session: iRODSSession, environment: Environment) -> Iterator[Finding]:
    """Rule text of an ordinary user, made for this check, must be refused."""
    user = User(f"ova-check-{secrets.token_hex(4)}", environment.user.zone)
    try:
        session.users.create(user.name, "rodsuser")
    except Exception as error:
        yield not_applicable("rule-text gate", f"no ordinary user could be made to try it: {message(error)}")
        return
    try:
        with connected(environment, user) as theirs:
            code = rule_text.try_rule_language(theirs)
        if code == _REFUSED:
            yield ok("rule-text gate", "an ordinary user's rule text was refused")
        elif code == 0:
            yield not_ok("rule-text gate", "an ordinary user's rule text ran: any user may run Python here", _INSTALL)
        else:
            yield note("rule-text gate", f"an ordinary user's rule text failed with {code}", "look at the server log")
    except GridError as error:
        yield not_ok("proxy", str(error), "rebuilds act for owners: the user must be an administrator (rodsadmin)")
    else:
        yield ok("proxy", f"{environment.user} may act for others")
    finally:
        with contextlib.suppress(Exception):
            session.users.remove(user.name)


def _recurring(session: iRODSSession) -> Finding:
    """The server must be able to run a queued job: nobody would notice its failure."""
    name = "recurring job"
    try:
        queued = recurring.jobs(session)
        if not queued:
            return not_applicable(name, "none is queued; `ova-admin reconcile --every 1h` starts one")
        why = recurring.obstacle(session)
    except GridError as error:
        return not_ok(name, str(error), _INSTALL)
    every = ", ".join(job.every for job in queued)
    if why:
        return not_ok(name, f"is to run every {every}, but cannot: {why}", recurring.REMEDY)
    return ok(name, f"runs every {every}")


def _vaults(session: iRODSSession, local_hosts: tuple[str, ...]) -> Finding:
    """All vaults in one finding, however many: the worst outcome, and what each can do."""
    from irods.models import Resource

    columns = (Resource.name, Resource.type, Resource.location, Resource.vault_path)
    seen: list[Finding] = []
    try:
        found = rows(session.query(*columns))
    except GridError as error:
        return not_ok("vaults", str(error), "the server log says more")
    for row in sorted(found, key=lambda row: str(row[Resource.name])):
        name = str(row[Resource.name])
        if row[Resource.type] not in ("unixfilesystem", "unix file system") or name == "bundleResc":
            continue  # bundleResc is a placeholder that every zone has
        if not _is_here(row[Resource.location], local_hosts):
            seen.append(not_applicable(name, f"is on {row[Resource.location]}, not here: run check there"))
        else:
            seen.append(_vault(name, Path(row[Resource.vault_path])))
    if not seen:
        return not_ok("vaults", "no resource of type unixfilesystem", "sources and ready OVAs need one on this server")
    outcome = next(each for each in _WORST_FIRST if any(finding.outcome is each for finding in seen))
    remedies = dict.fromkeys(finding.remedy for finding in seen if finding.remedy)
    detail = "; ".join(f"{finding.name}: {finding.detail}" for finding in seen)
    return Finding("vaults", outcome, detail, "; ".join(remedies))


def _vault(name: str, vault: Path) -> Finding:
    try:
        shares = _shares(vault)
    except OSError as error:
        return not_applicable(name, f"{vault}: {error.strerror}; run this as the service account")
    if shares:
        return ok(name, f"{vault} shares extents, a build costs milliseconds at any size")
    return note(
        name,
        f"{vault} does not share extents, each build copies the disks",
        "a vault on XFS (reflink=1) or btrfs saves that",
    )


def _shares(vault: Path) -> bool:
    with tempfile.TemporaryFile(dir=vault) as source:
        source.write(os.urandom(_BLOCK_BYTES))
        source.flush()
        return can_share(source.fileno(), vault)


def _is_here(host: str, also: tuple[str, ...]) -> bool:
    here = os.uname().nodename
    return host in (here, here.partition(".")[0], *_LOOPBACK, *also) or host.partition(".")[0] == here
