"""Where the server keeps what is not in the catalog: lock files and the key of the seals, in a private folder."""

from __future__ import annotations

import os
import pwd
import tempfile
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
    return Path(tempfile.gettempdir()) / f"{_NAME}-{os.getuid()}"
