"""Seals: what makes a fact believable.

AVUs can be copied and edited in ways that no hook sees in time, so the facts that the gate relies on carry a keyed hash
that only the service account can make.

The key is a file of the service account, made when first needed. A lost key costs a rebuild of each ready OVA.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Sequence
from functools import lru_cache

from ova_rules.settings import Settings
from ova_rules.state import directory

_KEY_BYTES = 32


class Seals:
    """Makes and checks seals with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_build(self, collection_id: str, parts: Sequence[str]) -> str:
        """Vouches that the server made this ready OVA of these (see `ova_rules.record.last_build`)."""
        return self._seal("build", collection_id, *parts)

    def of_entry(self, collection_id: str, text: str, values: str) -> str:
        """Vouches that the server wrote this entry of a component's history."""
        return self._seal("history", collection_id, text, values)

    def of_setting(self, collection_id: str, digest: str, user: str) -> str:
        """Vouches that `user` set the AVU of this digest on the collection."""
        return self._seal("set by", collection_id, digest, user)

    def of_failure(self, collection_id: str, fingerprint: str) -> str:
        """Stands for a fingerprint in a message, and shows nothing of the values that it was computed from."""
        return self._seal("failure", collection_id, fingerprint)

    def of_package(self, state: str, verdict: str) -> str:
        """Vouches that the server checked the image of this state (which holds the object's number) and found this."""
        return self._seal("package", state, verdict)

    def of_fetched(self, state: str, url: str) -> str:
        """Vouches that the server downloaded the image of this state from this URL."""
        return self._seal("fetched from", state, url)

    def of_release(self, data_id: str, user: str) -> str:
        """Vouches that an administrator released this data object."""
        return self._seal("released by", data_id, user)

    def _seal(self, *parts: str) -> str:
        text = json.dumps(parts, ensure_ascii=True)
        return hmac.new(self._key, text.encode("ascii"), hashlib.sha256).hexdigest()[:40]


def same(seal: str, other: str) -> bool:
    """Whether two seals are equal, without telling by time how much of them is."""
    return hmac.compare_digest(seal.encode("utf-8", "surrogateescape"), other.encode("ascii"))


def seals_of(settings: Settings) -> Seals:
    """The seals of this server."""
    return _seals_in(directory(settings.state_directory))


@lru_cache(maxsize=4)
def _seals_in(folder: str) -> Seals:
    path = os.path.join(folder, "key")
    try:
        return Seals(_read(path))
    except FileNotFoundError:
        pass
    temporary = os.path.join(folder, f"key.{os.urandom(8).hex()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, os.urandom(_KEY_BYTES))
        os.fsync(descriptor)
        os.link(temporary, path)  # two agents at once: the first one's key stays
    except FileExistsError:
        pass
    finally:
        os.close(descriptor)
        os.unlink(temporary)
    return Seals(_read(path))


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        key = stream.read()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path}: is not a key; remove it to have a new one made")
    return key
