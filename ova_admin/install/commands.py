"""The commands `install` and `uninstall`: show, ask, back up what is replaced, change, reload."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ova_admin import interpreter
from ova_admin.errors import AdminError
from ova_admin.install import change, payload, record, site, trial, versions
from ova_admin.install.change import Change
from ova_admin.install.reload import reload
from ova_admin.interpreter import Interpreter
from ova_admin.places import Places, is_root

Report = Callable[[str], None]
Agree = Callable[[], bool]
Watch = Callable[[Interpreter, Path], Callable[[], str]]  # called before a reload; its result reports after it


def install(
    places: Places,
    wanted: site.Wanted,
    agree: Agree,
    report: Report,
    *,
    reloading: bool = True,
    watch: Watch | None = None,
) -> bool:
    """Installs or upgrades. Returns whether it is installed afterwards.

    agree: asked once, after everything was shown; watch: waits until the reloaded server answers.
    If it raises AdminError, nothing in the folder was changed, unless the message names a file.
    """
    python = interpreter.find(places)
    _require_fitting(python)
    parts = payload.collect()
    changes = site.to_install(places, wanted)
    whole = versions.is_whole(places.prefix, parts, python)
    if whole and not changes:
        report(f"nothing to do: {versions.current_name(places.prefix)} is installed in {places.prefix}")
        return True
    if not whole:
        before = versions.current_name(places.prefix)
        name = versions.name_of(parts, python)
        report(f"{places.prefix}: {before or 'nothing'} -> {name}, {len(parts.files)} files, for {python.path}")
        if not is_root():
            report("note: you are not root, so whoever you are may change the installed files; root is safer")
    _show(changes, report)
    if not agree():
        return False
    versions.prepare(places.prefix)
    folder = versions.stage(places.prefix, parts, python)
    _try(places, python, changes, folder, report)
    kept = record.back_up(places.prefix, changes)
    record.write(places.prefix, record.with_changes(record.read(places.prefix), changes).values())
    versions.switch(places.prefix, folder, python)
    versions.prune(places.prefix, folder.name)
    answered = watch(python, folder) if watch and reloading and _needs_reload(places, changes) else None
    _apply(changes, report)
    if kept is not None:
        report(f"what was replaced is kept in {kept}")
    if _reload(places, changes, reloading, report) and answered is not None:
        report(answered())
    return True


def uninstall(places: Places, agree: Agree, report: Report, *, reloading: bool = True) -> bool:
    """Removes everything again. Returns whether it was done. If it raises AdminError, nothing was changed."""
    known = record.read(places.prefix)
    changes, left = site.to_uninstall(places, known)
    if not changes and versions.current_name(places.prefix) is None:
        report("nothing to do: nothing is installed")
        return True
    _show(changes, report)
    for line in left:
        report(line)
    report(f"{places.prefix}: removed, but for the backups")
    if not agree():
        return False
    kept = record.back_up(places.prefix, changes) if places.prefix.is_dir() else None
    _apply(changes, report)
    _reload(places, changes, reloading, report)
    record.forget(places.prefix)
    versions.remove(places.prefix)
    _remove_bytecode(places)
    if kept is not None:
        report(f"what was replaced is kept in {kept}; it may hold the secrets of server_config.json")
    return True


def _require_fitting(python: Interpreter) -> None:
    """The copied packages must fit PREP's Python: they belong to the Python that runs this."""
    if python.version < interpreter.OLDEST:
        raise AdminError(f"PREP embeds {python.name}; the rules need Python 3.9 or newer")
    if sys.version_info[:2] != python.version:
        own = "python{}.{}".format(*sys.version_info[:2])
        raise AdminError(
            f"PREP embeds {python.name}, and this is {own}: install this in an environment of that Python "
            f"(`{python.path} -m venv`; in a clone `make clean install PYTHON={python.path}`), and run it from there"
        )


def _show(changes: Sequence[Change], report: Report) -> None:
    for each in changes:
        text = each.diff()
        if each.after is not None and each.after.link is not None:
            text = f"{each.path}: a link to {each.after.link}\n" + text
        report(text.rstrip("\n") or f"{each.path}: removed")


def _try(places: Places, python: Interpreter, changes: Sequence[Change], folder: Path, report: Report) -> None:
    """Imports the new core.py with the version that is to become current. Raises AdminError if that fails."""
    core = next((each for each in changes if each.path == places.core), None)
    text = core.after.content if core and core.after else places.core.read_bytes()
    staged = text.replace(repr(str(places.current.absolute())).encode(), repr(str(folder)).encode())
    link = next((each for each in changes if each.path.name == site.SITE_LINK and each.after), None)
    if link is not None:  # the site's file has not been moved yet: it is the present core.py
        moved = repr(str(link.path.absolute())).encode()
        staged = staged.replace(moved, repr(str(places.core.absolute())).encode())
    seen = trial.of_text(places, python, staged)
    if not seen.error and not seen.replaced:
        return
    if core is not None and core.before is not None:
        alone = trial.of_text(places, python, core.before.content)
        if alone.error and alone.error == seen.error:
            report(f"note: core.py could not be tried outside the server, with or without us: {seen.error}")
            return
    reason = seen.error or f"{', '.join(seen.replaced)} would not be ours"
    raise AdminError(f"{places.core} with our hooks does not work, so nothing was changed there: {reason}")


def _apply(changes: Sequence[Change], report: Report) -> None:
    for each in changes:
        change.apply(each)
        report(f"{each.path}: {'written' if each.after else 'removed'}")


def _needs_reload(places: Places, changes: Sequence[Change]) -> bool:
    """Only for a change of the configuration: a reload refuses connections for a second, and core.py needs none."""
    return any(each.path == places.server_config for each in changes)


def _reload(places: Places, changes: Sequence[Change], reloading: bool, report: Report) -> bool:
    """Returns whether the server was told to reload."""
    if not _needs_reload(places, changes):
        report("no reload is needed: each new connection reads the rules")
        return False
    if not reloading:
        return False
    done, said = reload(places)
    report(said)
    return done


def _remove_bytecode(places: Places) -> None:
    """Removes what agents compiled from the link beside core.py."""
    stem = site.SITE_LINK.partition(".")[0]
    for file in (places.etc / "__pycache__").glob(f"{stem}.*.pyc"):
        file.unlink(missing_ok=True)


def confirmed(yes: bool, dry_run: bool, report: Report) -> Agree:
    """Asks on the terminal, unless the answer was given beforehand."""

    def agree() -> bool:
        if dry_run:
            report("nothing was changed (--dry-run)")
            return False
        if yes:
            return True
        if not os.isatty(0):
            raise AdminError("there is no terminal to ask on; say --yes to do it, or --dry-run to look only")
        return input("Do it? [y/N] ").strip().lower() in ("y", "yes")

    return agree
