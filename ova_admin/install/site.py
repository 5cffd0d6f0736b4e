"""The changes in /etc/irods to install and to uninstall: makes plans, writes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ova_admin.errors import AdminError
from ova_admin.install import block, change, server_config, undo
from ova_admin.install.change import Change, Entry
from ova_admin.install.payload import RULES
from ova_admin.install.record import Changed
from ova_admin.places import Places
from ova_rules.settings import FILE_NAME, defaults_text

SITE_LINK = "ova_site_core.py"


@dataclass(frozen=True)
class Wanted:
    """What the administrator requested besides the hooks."""

    configure_server: bool = False
    write_settings: bool = False


def to_install(places: Places, wanted: Wanted) -> list[Change]:
    """The changes that an installation needs, without those already made. Raises AdminError."""
    changes = _core_changes(places)
    if wanted.configure_server:
        before = change.read(places.server_config)
        if before is None:
            raise AdminError(f"{places.server_config}: is not there; set the server up first, or name its --etc")
        text = server_config.configured(_text(places.server_config, before))
        changes.append(Change(places.server_config, before, Entry(text.encode("utf-8"))))
    settings = places.etc / FILE_NAME
    if wanted.write_settings and change.read(settings) is None:
        changes.append(Change(settings, None, Entry(defaults_text().encode("utf-8"), mode=0o644)))
    return [each for each in changes if each.is_one]


def _core_changes(places: Places) -> list[Change]:
    before = change.read(places.core)
    beside = places.etc / SITE_LINK
    link = change.read(beside)
    if link is not None and (link.link is None or before is None or not block.is_in(before.content)):
        raise AdminError(f"{beside}: stands where the link to the site's own core.py would go; move it away first")
    current, etc = str(places.current.absolute()), str(places.etc.absolute())
    if before is None or _is_ours(before, places):
        made = block.add(b"", current, etc)
    elif before.link is None:
        made = block.add(before.content, current, etc, link=str(beside.absolute()) if link else None)
    else:
        made = block.add(b"", current, etc, link=str(beside.absolute()))
        moved = Change(beside, None, dataclasses.replace(before))
        return [moved, Change(places.core, before, Entry(made))]
    return [Change(places.core, before, Entry(made))]


def _is_ours(core: Entry, places: Places) -> bool:
    """Whether core.py is a link to ours, as in an installation by hand from a clone."""
    if core.link is None:
        return False
    rules = places.core.resolve().parent / RULES / "ova_rules"
    return rules.is_dir() and b"from ova_rules import" in core.content


def to_uninstall(places: Places, known: Mapping[Path, Changed]) -> tuple[list[Change], list[str]]:
    """The changes that undo everything, and lines about what is left alone. Raises AdminError."""
    changes, left = [], []
    changes += _core_restored(places, known.get(places.core))
    for path, changed in known.items():
        if path.name in (places.core.name, SITE_LINK):
            continue
        now = change.read(path)
        if now is None or _same(now, changed.before):
            continue
        if _same(now, changed.after):
            changes.append(Change(path, now, changed.before))
        elif path.name == FILE_NAME:
            left.append(f"{path}: was edited since it was written, so it stays; remove it by hand if you like")
        else:
            changes.append(Change(path, now, _edit_kept(path, changed, now)))
    changes = [_kept_if_needed(each, places, changes, left) for each in changes]
    return [each for each in changes if each.is_one], left


def _kept_if_needed(each: Change, places: Places, changes: list[Change], left: list[str]) -> Change:
    """If PREP stays configured, an empty core.py is left: without one no agent starts."""
    if each.path != places.core or each.after is not None or each.before is None:
        return each
    config = next((other.after for other in changes if other.path == places.server_config), None)
    config = config or change.read(places.server_config)
    if config is None or server_config.PLUGIN.encode() not in config.content:
        return each
    left.append(f"{places.core}: stays, empty, since PREP is still configured and needs one")
    return Change(each.path, each.before, Entry(b""))


def _edit_kept(path: Path, changed: Changed, now: Entry) -> Entry:
    before, after = changed.before, changed.after
    text = undo.undone(before.content, after.content, now.content) if before and after else None
    if text is None or now.link is not None:
        raise AdminError(
            f"{path}: was edited where ova-admin had put PREP; take the entry {server_config.INSTANCE} out by hand, "
            "as it was in the backups, then uninstall again"
        )
    server_config.state(text.decode("utf-8"))
    return Entry(text)


def _core_restored(places: Places, changed: Changed | None) -> list[Change]:
    now = change.read(places.core)
    beside = places.etc / SITE_LINK
    link = change.read(beside)
    if now is None or not block.is_in(now.content):
        return []
    if changed is not None and _same(now, changed.after):
        restored = changed.before
    else:
        rest = block.remove(now.content)
        was_link = link or (changed.before if changed and changed.before and changed.before.link else None)
        if was_link is None:
            restored = Entry(rest) if rest or (changed and changed.before) else None
        elif rest:
            raise AdminError(
                f"{places.core}: was a link to {was_link.link} and now holds code of its own before our block; move "
                "that code away, then uninstall again"
            )
        else:
            restored = was_link
    back = [Change(places.core, now, restored)]
    return [*back, Change(beside, link, None)] if link is not None and link.link is not None else back


def _same(one: Entry | None, other: Entry | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.content, one.link) == (other.content, other.link)


def _text(path: Path, entry: Entry) -> str:
    try:
        return entry.content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise AdminError(f"{path}: is not UTF-8: {error}") from error
