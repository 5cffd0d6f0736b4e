"""Where the server keeps what is not in the catalog, in a private folder: lock files, the key, the known ready OVAs.

Which paths are known to be those of ready OVAs is asked where a client sees nothing of the component: such a client
must not read the object past the gate, and no AVU would do, since users write those.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat

_NAME = ".ova-rules"


def directory(configured: str) -> str:
    """The folder, made if need be: the configured one, else one in the service account's home.

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


def note_ready(configured: str, path: str) -> None:
    """Notes that `path` is that of a ready OVA."""
    file = _note(configured, path)
    if not os.path.exists(file):
        os.makedirs(os.path.dirname(file), mode=0o700, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))


def is_known_ready(configured: str, path: str) -> bool:
    """Whether a ready OVA was made at `path`."""
    return os.path.exists(_note(configured, path))


def _note(configured: str, path: str) -> str:
    name = hashlib.sha256(path.rstrip("/").encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return os.path.join(directory(configured), "ready", name)
