"""Signatures, which make facts trustworthy.

AVUs can be copied and edited in ways that no hook sees in time. So the facts that the gate relies on carry a keyed hash
that only the service account can make.

The key is a file of the service account, made when first needed. A lost key costs a rebuild of each ready OVA.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from functools import lru_cache

from ova_rules.settings import Settings
from ova_rules.state import directory

_KEY_BYTES = 32


class Signer:
    """Makes signatures with one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def of_build(self, collection_id: str, text: str) -> str:
        """Proves that the server wrote this record of a build (see `last_build`)."""
        return self._sign("build", collection_id, text)

    def of_entry(self, collection_id: str, text: str, values: str) -> str:
        """Proves that the server wrote this entry of a component's history."""
        return self._sign("history", collection_id, text, values)

    def of_author(self, collection_id: str, digest: str, user: str) -> str:
        """Proves that `user` set the AVU with this digest on the collection."""
        return self._sign("set by", collection_id, digest, user)

    def of_failure(self, collection_id: str, fingerprint: str) -> str:
        """Stands for a fingerprint in a message. It reveals nothing about the values from which it was computed."""
        return self._sign("failure", collection_id, fingerprint)

    def of_package(self, state: str, verdict: str) -> str:
        """Proves that the server checked the image in this state (which holds the object's number) and found this."""
        return self._sign("package", state, verdict)

    def of_fetched(self, state: str, url: str) -> str:
        """Proves that the server downloaded the image in this state from this URL."""
        return self._sign("fetched from", state, url)

    def of_release(self, data_id: str, user: str) -> str:
        """Proves that an administrator released this data object."""
        return self._sign("released by", data_id, user)

    def _sign(self, *parts: str) -> str:
        text = json.dumps(parts, ensure_ascii=True)
        return hmac.new(self._key, text.encode("ascii"), hashlib.sha256).hexdigest()[:40]


def is_same(signature: str, other: str) -> bool:
    """Whether two signatures are equal. The time it takes does not reveal how much of them is equal."""
    return hmac.compare_digest(signature.encode("utf-8", "surrogateescape"), other.encode("ascii"))


def signer_of(settings: Settings) -> Signer:
    """The signer of this server."""
    return _signer_in(directory(settings.state_directory))


@lru_cache(maxsize=4)
def _signer_in(folder: str) -> Signer:
    path = os.path.join(folder, "key")
    try:
        return Signer(_read(path))
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
    return Signer(_read(path))


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        key = stream.read()
    if len(key) != _KEY_BYTES:
        raise ValueError(f"{path}: is not a key; remove it to have a new one made")
    return key
