"""The zone's key: it signs the facts that the gate relies on, and seals what the servers ask each other.

A file of the service account. The server with the catalog makes it when it is first needed; `ova-admin join` brings it
to the others, which never make one. A lost key costs a rebuild of each ready OVA.
"""

from __future__ import annotations

import os
from functools import lru_cache

from ova_rules.errors import NotJoinedError
from ova_rules.servers.roles import provider
from ova_rules.settings import Settings
from ova_rules.state import directory

KEY_BYTES = 32


def zone_key(settings: Settings) -> bytes:
    """The key. Raises NotJoinedError on a server without the catalog that was not given it."""
    return _key_in(directory(settings.state_directory))


@lru_cache(maxsize=4)
def _key_in(folder: str) -> bytes:
    path = os.path.join(folder, "key")
    try:
        return read_key(path)
    except FileNotFoundError:
        if provider():
            raise NotJoinedError from None
    return made_key(path)


def made_key(path: str) -> bytes:
    """The key in a file, which is made if it is missing."""
    put_key(path, os.urandom(KEY_BYTES))
    return read_key(path)


def put_key(path: str, key: bytes) -> bool:
    """Makes the key file in one step. False if there is one already, which stays."""
    temporary = f"{path}.{os.urandom(8).hex()}"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
        os.link(temporary, path)  # two agents at once: the first one's key stays
    except FileExistsError:
        return False
    finally:
        os.close(descriptor)
        os.unlink(temporary)
    return True


def read_key(path: str) -> bytes:
    """The key in a file. Raises OSError; ValueError if the file holds no key."""
    with open(path, "rb") as stream:
        key = stream.read()
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: is not a key; remove it to have a new one made")
    return key
