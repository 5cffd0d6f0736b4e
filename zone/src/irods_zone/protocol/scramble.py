"""The scrambling of a password that a client sends to set it (iadmin mkuser, moduser, ipasswd). Pure functions.

This is not encryption: it only keeps a password from being read on the wire at a glance. The key is the sender's own
password together with the session's signature (auth.session_signature), so both sides know it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

# Only these characters are replaced, each by another of them.
_WHEEL = bytes([*range(0x30, 0x3A), *range(0x41, 0x5B), *range(0x61, 0x7B), *range(0x21, 0x30)])
_PLACE = {character: place for place, character in enumerate(_WHEEL)}

# The prefix of a password scrambled in the newer way; its first letter is shifted at random.
_PREFIX = b"A.ObfV2"
# The padding of a short password, which hides its length.
_PADDING = b"1gCBizHWbwIYyWLo"
_KEY_LENGTH = 100
_OWN_LENGTH = 90
_STREAM_LENGTH = 61
_PASSWORD_LENGTH = 50


def _hash(data: bytes, algorithm: str = "md5") -> bytes:
    return hashlib.new(algorithm, data, usedforsecurity=False).digest()


def _key_bytes(text: bytes) -> bytes:
    return text[:_KEY_LENGTH].ljust(_KEY_LENGTH, b"\0")


def _stream(key: bytes, algorithm: str) -> Iterator[int]:
    """An endless stream of numbers that depends on the key."""
    # A SHA-1 hash is longer than its place: each hash overwrites the end of the one before.
    block = bytearray(80)
    for at, data in ((0, None), (16, 16), (32, 32), (48, 32)):
        digest = _hash(_key_bytes(key) if data is None else bytes(block[:data]), algorithm)
        block[at : at + len(digest)] = digest
    while True:
        yield from block[:_STREAM_LENGTH]


def _turn(data: bytes, key: bytes, *, back: bool, chained: bool, algorithm: str = "md5") -> bytes:
    previous = 0
    turned = bytearray()
    for character, number in zip(data, _stream(key, algorithm)):
        place = _PLACE.get(character)
        if place is None:
            turned.append(character)
            continue
        step = number + previous
        other = _WHEEL[(place - step if back else place + step) % len(_WHEEL)]
        turned.append(other)
        if chained:
            previous = character if back else other
    return bytes(turned)


def _shared_key(own: bytes, signature: bytes) -> bytes:
    return _hash(_key_bytes(own[:_OWN_LENGTH] + signature)).hex().encode()


def scramble(password: str, own: str, signature: str) -> str:
    """The text that a client sends for `password`; `own` is the password that it signed in with."""
    data = password.encode("utf-8", "surrogateescape")
    room = _PASSWORD_LENGTH - 10 - len(data)
    if room > len(_PADDING):
        data += _PADDING
    key = _shared_key(own.encode("utf-8", "surrogateescape"), signature.encode())
    return _turn(_PREFIX + data, key, back=False, chained=True).decode("utf-8", "surrogateescape")


def unscramble(scrambled: str, own: str, signature: str) -> str:
    """The password that a client sent; also accepts the older way, without the signature."""
    data = scrambled.encode("utf-8", "surrogateescape")
    secret = own.encode("utf-8", "surrogateescape")
    algorithm = "sha1" if data.startswith(b"sha1") else "md5"
    data = data[4:] if algorithm == "sha1" else data
    plain = _turn(data, _shared_key(secret, signature.encode()), back=True, chained=True, algorithm=algorithm)
    if plain[1 : len(_PREFIX)] == _PREFIX[1:]:
        plain = plain[len(_PREFIX) :][:_PASSWORD_LENGTH]
    else:
        plain = _turn(data, secret, back=True, chained=False, algorithm=algorithm)
    return plain.partition(_PADDING)[0].decode("utf-8", "surrogateescape")
