"""The changes made in /etc/irods, kept in the prefix so that `uninstall` can undo them: installed.json and backups/.

Backups may hold the secrets of server_config.json, so only their owner can read them.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ova_admin.errors import AdminError
from ova_admin.install.change import Change, Entry

_FILE = "installed.json"


@dataclass(frozen=True)
class Changed:
    """A file as it was before the first installation, and as the last one left it. None: it did not exist."""

    path: Path
    before: Entry | None
    after: Entry | None


def read(prefix: Path) -> dict[Path, Changed]:
    """The files that were changed; {} if nothing is installed. Raises AdminError if the record is damaged."""
    file = prefix / "backups" / _FILE
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        files = [Changed(Path(each["path"]), _entry(each["before"]), _entry(each["after"])) for each in data["files"]]
    except FileNotFoundError:
        return {}
    except PermissionError:
        raise AdminError(f"{file}: cannot be read; run this as the one who installed") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdminError(f"{file}: is damaged ({error}); the backups beside it are whole files") from error
    return {changed.path: changed for changed in files}


def write(prefix: Path, changed: Iterable[Changed]) -> None:
    """Writes the record, in one step."""
    files = [{"path": str(each.path), "before": _data(each.before), "after": _data(each.after)} for each in changed]
    folder = _folder(prefix)
    temporary = folder / f".{_FILE}.{secrets.token_hex(6)}"
    _write_private(temporary, json.dumps({"files": files}, indent=1).encode())
    temporary.replace(folder / _FILE)


def forget(prefix: Path) -> None:
    """Removes the record: nothing is installed any more."""
    (prefix / "backups" / _FILE).unlink(missing_ok=True)


def with_changes(known: dict[Path, Changed], changes: Iterable[Change]) -> dict[Path, Changed]:
    """The record after these changes. It keeps each file as it was before the first change."""
    result = dict(known)
    for change in changes:
        earlier = known.get(change.path)
        before = earlier.before if earlier is not None else change.before
        result[change.path] = Changed(change.path, before, change.after)
    return result


def back_up(prefix: Path, changes: Iterable[Change]) -> Path | None:
    """Copies what the changes replace into a folder named by the time. Returns it, or None if nothing is replaced."""
    replaced = [change for change in changes if change.before is not None]
    if not replaced:
        return None
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    folder = _folder(prefix) / f"{stamp}-{secrets.token_hex(3)}"
    folder.mkdir(mode=0o700)
    for change in replaced:
        if change.before is not None:
            _write_private(folder / change.path.name, change.before.content)
    return folder


def _folder(prefix: Path) -> Path:
    folder = prefix / "backups"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)


def _data(entry: Entry | None) -> dict[str, Any] | None:
    return None if entry is None else {**asdict(entry), "content": base64.b64encode(entry.content).decode()}


def _entry(data: dict[str, Any] | None) -> Entry | None:
    return None if data is None else Entry(**{**data, "content": base64.b64decode(data["content"])})
