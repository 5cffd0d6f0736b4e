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
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

_NAME = ".ova-rules"
TASKS, ON_SEED, SIZES = "tasks", "on seed", "sizes"
_MADE, _SOURCES, _READY, _TRIES = "made", "sources", "ready", "tries"  # kinds of notes
# Those that a vault's server makes also for the one with the catalog.
_SHARED = (_MADE, _SOURCES, _READY, TASKS, ON_SEED, SIZES)
_kept: list[list[str | None]] | None = None


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
    write_note(configured, _MADE, path, "\n".join([f"{data_id} {version}".strip(), *holds]))


def forget_made(configured: str, path: str) -> None:
    """Removes the note that the server has made something at `path`."""
    forget_note(configured, _MADE, path)


def made_at(configured: str, path: str) -> tuple[str, str, list[str]] | None:
    """The noted number and version of what the server has made at `path`, and whose values it holds; or None."""
    text = read_note(configured, _MADE, path)
    if text is None:
        return None
    first, *holds = text.split("\n")
    data_id, _, version = first.partition(" ")
    return data_id, version, holds


def is_known_ready(configured: str, path: str) -> bool:
    """Whether the server ever made a data object at `path`."""
    return os.path.exists(_note(configured, path, _MADE))


def note_source_file(configured: str, path: str, file: str, host: str) -> None:
    """Notes which vault file of which host holds the source at `path`, for readers who may not ask the catalog."""
    write_note(configured, _SOURCES, path, f"{file}\n{host}")


def source_file(configured: str, path: str) -> str | None:
    """The vault file that was noted for the source at `path`, and its host, on two lines; or None."""
    return read_note(configured, _SOURCES, path)


def note_ready_file(configured: str, path: str, file: str) -> None:
    """Notes which vault file holds the ready OVA at `path`, because a client may not see that there is one."""
    write_note(configured, _READY, path, file)


def ready_file(configured: str, path: str) -> str | None:
    """The vault file that was noted for the ready OVA at `path`, or None."""
    return read_note(configured, _READY, path)


def unnamed(configured: str) -> BinaryIO:
    """A file without a name, private to the service account."""
    descriptor = os.open(directory(configured), os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    return os.fdopen(descriptor, "w+b")


@contextmanager
def notes_kept(kept: list[list[str | None]]) -> Iterator[None]:
    """Inside this context, notes on what the server has made and on files are also added to `kept`."""
    global _kept
    before, _kept = _kept, kept
    try:
        yield
    finally:
        _kept = before


def note_again(configured: str, notes: Iterable[Sequence[str | None]]) -> None:
    """Makes the notes that another server made in `notes_kept`."""
    for kind, name, text in notes:
        if kind in _SHARED and name is not None:
            if text is None:
                forget_note(configured, kind, name)
            else:
                write_note(configured, kind, name, text)


def note_tries(configured: str, job: str, count: int) -> None:
    """Notes how often a job was begun since it was queued."""
    write_note(configured, _TRIES, job, str(count))


def tries_of(configured: str, job: str) -> int:
    """How often a job was begun since it was queued without ending well."""
    text = read_note(configured, _TRIES, job) or ""
    return int(text) if text.isdigit() else 0


def forget_tries(configured: str, job: str) -> None:
    """Removes the note: the job ended well, or begins again."""
    forget_note(configured, _TRIES, job)


def write_note(configured: str, kind: str, name: str, text: str) -> None:
    """Keeps a text of this kind under a name."""
    if _kept is not None and kind in _SHARED:
        _kept.append([kind, name, text])
    _write(_note(configured, name, kind), text)


def read_note(configured: str, kind: str, name: str) -> str | None:
    """The text of this kind that is kept under a name, or None."""
    return _read(_note(configured, name, kind))


def forget_note(configured: str, kind: str, name: str) -> None:
    """Removes the text of this kind under a name."""
    if _kept is not None and kind in _SHARED:
        _kept.append([kind, name, None])
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


def _note(configured: str, path: str, kind: str) -> str:
    name = hashlib.sha256(path.rstrip("/").encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(directory(configured), kind, name)
