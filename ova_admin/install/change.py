"""Changes of files in /etc/irods: shows each first, then makes it in one step, and keeps mode and owner.

The only module that writes there.
"""

from __future__ import annotations

import difflib
import os
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path

from ova_admin.errors import AdminError

_SECRET = re.compile(r'("[^"]*(?:password|_key)"\s*:\s*)"(?:[^"\\]|\\.)*"', re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """A file in the folder. link: the target of a symbolic link; content: the bytes read from it.

    mode: permission bits of a file; None in a new entry keeps the old ones, else 0644.
    """

    content: bytes
    link: str | None = None
    mode: int | None = None
    owner: int | None = None
    group: int | None = None


@dataclass(frozen=True)
class Change:
    """The change of one file. before, after: None if there is no such file."""

    path: Path
    before: Entry | None
    after: Entry | None

    @property
    def is_one(self) -> bool:
        """Whether anything changes."""
        if self.before is None or self.after is None:
            return self.before is not self.after
        return (self.before.content, self.before.link) != (self.after.content, self.after.link)

    def diff(self) -> str:
        """The change as `diff -u` shows it, without the values of passwords and keys."""
        old, new = _named(self.path, self.before), _named(self.path, self.after)
        return "".join(_ended(line) for line in difflib.unified_diff(_lines(self.before), _lines(self.after), old, new))


def read(path: Path) -> Entry | None:
    """The present file; None if there is none. Raises AdminError if it is no file, or cannot be read."""
    try:
        state = path.lstat()
    except FileNotFoundError:
        return None
    link = str(path.readlink()) if stat.S_ISLNK(state.st_mode) else None
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise AdminError(f"{path}: is a link to {link}, which is not there; put it right or remove it first") from None
    except OSError as error:
        raise AdminError(f"{path}: cannot be read: {error.strerror}") from error
    return Entry(content, link, stat.S_IMODE(state.st_mode), state.st_uid, state.st_gid)


def apply(change: Change) -> None:
    """Makes the change. Raises AdminError, and changes nothing, if the file changed since it was shown."""
    path, after = change.path, change.after
    if read(path) != change.before:
        raise AdminError(f"{path}: was changed meanwhile; nothing was done to it, begin again")
    if after is None:
        path.unlink()
        return
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    try:
        _write(temporary, after, change.before)
        temporary.replace(path)
    except OSError as error:
        raise AdminError(f"{path}: cannot be written: {error.strerror}; run this as root") from error
    finally:
        temporary.unlink(missing_ok=True)


def _write(temporary: Path, after: Entry, before: Entry | None) -> None:
    like = after if after.mode is not None else before
    if after.link is not None:
        temporary.symlink_to(after.link)
    else:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(after.content)
            stream.flush()
            os.fsync(descriptor)
    own = temporary.lstat()
    owner = (own.st_uid, own.st_gid) if like is None else (like.owner, like.group)
    if None not in owner and owner != (own.st_uid, own.st_gid):
        os.chown(temporary, owner[0] or 0, owner[1] or 0, follow_symlinks=False)
    if after.link is None:
        mode = like.mode if like is not None and like.link is None and like.mode is not None else 0o644
        temporary.chmod(mode)


def _lines(entry: Entry | None) -> list[str]:
    if entry is None or entry.link is not None:
        return []
    text = _SECRET.sub(r'\1"…"', entry.content.decode("utf-8", "backslashreplace"))
    return text.splitlines(keepends=True)


def _named(path: Path, entry: Entry | None) -> str:
    if entry is None:
        return "/dev/null"
    return f"{path} -> {entry.link}" if entry.link is not None else str(path)


def _ended(line: str) -> str:
    return line if line.endswith("\n") else line + "\n\\ No newline at end of file\n"
