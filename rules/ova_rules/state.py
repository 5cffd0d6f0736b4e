"""The private folder for what the server does not keep in the catalog: lock files, the key, what it has made.

The folder notes, by path, which data objects the server has made: it never overwrites any other. The gate also asks it
when a client sees nothing of a component: such a client must not read its ready OVA past the gate. AVUs would not do
for either, because users can write them.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
from collections.abc import Iterable
from contextlib import suppress

_NAME = ".ova-rules"


def directory(configured: str) -> str:
    """The folder, made if missing: the configured one, else one in the service account's home.

    Raises PermissionError if it could be another account's.
    """
    path = (configured or _default()).rstrip("/") or "/"
    os.makedirs(path, mode=0o700, exist_ok=True)
    state = os.lstat(path)
    if stat.S_ISLNK(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise PermissionError(f"{path}: must be a folder that only the service account can enter (mode 0700)")
    return path


def _default() -> str:
    home = pwd.getpwuid(os.getuid()).pw_dir
    if os.access(home, os.W_OK):
        return os.path.join(home, _NAME)
    import tempfile

    return os.path.join(tempfile.gettempdir(), f"{_NAME}-{os.getuid()}")


def note_made(configured: str, path: str, data_id: str, version: str = "", holds: Iterable[str] = ()) -> None:
    """Notes that the server has made the data object of this number at `path`; "" for one that it is about to create.

    version: which version the server has made, if others may write the object from now on. holds: the collections whose
    values are in it.
    """
    _write(_note(configured, path), "\n".join([f"{data_id} {version}".strip(), *holds]))


def forget_made(configured: str, path: str) -> None:
    """Removes the note that the server has made something at `path`."""
    with suppress(FileNotFoundError):
        os.unlink(_note(configured, path))


def made_at(configured: str, path: str) -> tuple[str, str, list[str]] | None:
    """The noted number and version of what the server has made at `path`, and whose values it holds; or None."""
    text = _read(_note(configured, path))
    if text is None:
        return None
    first, *holds = text.split("\n")
    data_id, _, version = first.partition(" ")
    return data_id, version, holds


def is_known_ready(configured: str, path: str) -> bool:
    """Whether the server ever made a data object at `path`."""
    return os.path.exists(_note(configured, path))


def note_source_file(configured: str, path: str, file: str) -> None:
    """Notes which vault file holds the source at `path`, for readers who may not ask the catalog for it."""
    _write(_note(configured, path, "sources"), file)


def source_file(configured: str, path: str) -> str | None:
    """The vault file that was noted for the source at `path`, or None."""
    return _read(_note(configured, path, "sources"))


def note_ready_file(configured: str, path: str, file: str) -> None:
    """Notes which vault file holds the ready OVA at `path`, because a client may not see that there is one."""
    _write(_note(configured, path, "ready"), file)


def ready_file(configured: str, path: str) -> str | None:
    """The vault file that was noted for the ready OVA at `path`, or None."""
    return _read(_note(configured, path, "ready"))


def note_tries(configured: str, job: str, count: int) -> None:
    """Notes how often a job was begun since it was queued."""
    _write(_note(configured, job, "tries"), str(count))


def tries_of(configured: str, job: str) -> int:
    """How often a job was begun since it was queued without ending well."""
    text = _read(_note(configured, job, "tries")) or ""
    return int(text) if text.isdigit() else 0


def forget_tries(configured: str, job: str) -> None:
    """Removes the note: the job ended well, or begins again."""
    with suppress(FileNotFoundError):
        os.unlink(_note(configured, job, "tries"))


def write_note(configured: str, kind: str, name: str, text: str) -> None:
    """Keeps a text of this kind under a name."""
    _write(_note(configured, name, kind), text)


def read_note(configured: str, kind: str, name: str) -> str | None:
    """The text of this kind that is kept under a name, or None."""
    return _read(_note(configured, name, kind))


def forget_note(configured: str, kind: str, name: str) -> None:
    """Removes the text of this kind under a name."""
    with suppress(FileNotFoundError):
        os.unlink(_note(configured, name, kind))


def _write(file: str, text: str) -> None:
    if _read(file) == text:
        return
    os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
    temporary = f"{file}.{os.urandom(8).hex()}"
    with open(temporary, "w", encoding="utf-8", errors="surrogateescape") as stream:
        stream.write(text)
    os.replace(temporary, file)


def _read(file: str) -> str | None:
    try:
        with open(file, encoding="utf-8", errors="surrogateescape") as stream:
            return stream.read()
    except FileNotFoundError:
        return None


def _note(configured: str, path: str, kind: str = "made") -> str:
    name = hashlib.sha256(path.rstrip("/").encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(directory(configured), kind, name)
