"""Where the server keeps what is not in the catalog, in a private folder: lock files, the key of the seals, and marks.

A mark says that a path is that of a ready OVA. It is asked for where a client sees nothing of the component: such a
client must not read the object past the gate, and no AVU would do, since users write those.
"""

from __future__ import annotations

import hashlib
import os
import pwd
from pathlib import Path

_NAME = ".ova-rules"


def directory(configured: str) -> Path:
    """The folder, made if need be: the configured one, else one in the service account's home.

    Raises PermissionError if it could be another account's.
    """
    path = Path(configured) if configured else _default()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    state = path.lstat()
    if path.is_symlink() or state.st_uid != os.getuid() or state.st_mode & 0o077:
        raise PermissionError(f"{path}: must be a folder that only the service account can enter (mode 0700)")
    return path


def _default() -> Path:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    if os.access(home, os.W_OK):
        return home / _NAME
    import tempfile

    return Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"


def mark(configured: str, path: str) -> None:
    """Notes that `path` is that of a ready OVA."""
    file = _mark(configured, path)
    if not file.exists():
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)


def is_marked(configured: str, path: str) -> bool:
    """Whether a ready OVA was made at `path`."""
    return _mark(configured, path).exists()


def _mark(configured: str, path: str) -> Path:
    name = hashlib.sha256(path.rstrip("/").encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return directory(configured) / "ready" / name
