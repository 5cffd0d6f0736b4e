"""Signatures, which make facts trustworthy.

AVUs can be copied and edited in ways that no hook sees in time. So the facts that the gate relies on carry a keyed hash
that only the service accounts of the zone's servers can make.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from ova_rules.servers.key import zone_key
from ova_rules.settings import Settings


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
    """The signer of the zone. Raises NotJoinedError."""
    return Signer(zone_key(settings))
