"""Replica tokens: the right to open a replica that another connection is writing (parallel transfers).

A token is a directory ROOT/run/tokens/DATA_ID.REPLICA.UUID that holds one empty file, named after the process, per
descriptor using it, so that all agents see tokens, and no token outlives its users. Nothing is locked here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import uuid
from pathlib import Path

from irods_zone import processes


def _directory(root: Path) -> Path:
    return root / "run" / "tokens"


def create(root: Path, data_id: int, replica_number: int) -> str:
    """Makes a token for a replica; no process holds it yet."""
    token = str(uuid.uuid4())
    (_directory(root) / f"{data_id}.{replica_number}.{token}").mkdir(parents=True)
    return token


def hold(root: Path, data_id: int, replica_number: int, token: str, descriptor: int) -> bool:
    """Adds this process's descriptor to the token's users; False if there is no such token for the replica."""
    if not _is_token(token):
        return False
    try:
        (_directory(root) / f"{data_id}.{replica_number}.{token}" / f"{os.getpid()}.{descriptor}").touch()
    except FileNotFoundError:
        return False
    return True


def is_valid(root: Path, data_id: int, replica_number: int, token: str) -> bool:
    """Whether the token opens the replica: it exists and a living process holds it."""
    if not _is_token(token):
        return False
    try:
        users = [user.name for user in (_directory(root) / f"{data_id}.{replica_number}.{token}").iterdir()]
    except FileNotFoundError:
        return False
    return any(processes.is_alive(int(user.partition(".")[0])) for user in users)


def release(root: Path, data_id: int, replica_number: int, token: str, descriptor: int) -> None:
    """Removes the descriptor from the token; the last one removes the token."""
    directory = _directory(root) / f"{data_id}.{replica_number}.{token}"
    with contextlib.suppress(OSError):
        (directory / f"{os.getpid()}.{descriptor}").unlink()
    with contextlib.suppress(OSError):
        directory.rmdir()


def forget_process(root: Path, pid: int) -> None:
    """Releases all tokens of a dead process."""
    with contextlib.suppress(OSError):
        for directory in _directory(root).iterdir():
            for user in directory.glob(f"{pid}.*"):
                with contextlib.suppress(OSError):
                    user.unlink()
            with contextlib.suppress(OSError):
                directory.rmdir()


def forget_all(root: Path) -> None:
    """Removes all tokens, at the start of a server, when no process holds any."""
    shutil.rmtree(_directory(root), ignore_errors=True)


def _is_token(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False
