"""Checksums in the form of iRODS: `sha2:` and base64 for SHA-256 (the default), hexadecimal for MD5, and others.

Pure except for reading the file. Memory stays constant at any size.
"""

from __future__ import annotations

import base64
import hashlib
import zlib

from irods_zone import errors
from irods_zone.errors import IrodsError
from irods_zone.operations import vault

DEFAULT = "sha2"
_BUFFER = 1024 * 1024
_PREFIXED = {"sha2": "sha256", "sha512": "sha512", "sha1": "sha1"}


def scheme_of(checksum: str) -> str:
    """The scheme of a checksum; the default for ''."""
    if not checksum:
        return DEFAULT
    prefix, colon, _ = checksum.partition(":")
    if not colon:
        return "md5"
    if prefix in _PREFIXED or prefix == "adler32":
        return prefix
    raise IrodsError(errors.USER_CHKSUM_MISMATCH, f"checksum scheme {prefix!r} is not known")


def of_file(path: str, scheme: str = DEFAULT) -> str:
    """The checksum of a file."""
    with vault.system_errors(errors.UNIX_FILE_OPEN_ERR), open(path, "rb", buffering=0) as file:  # noqa: PTH123
        if scheme == "adler32":
            value = 1
            while piece := file.read(_BUFFER):
                value = zlib.adler32(piece, value)
            return f"adler32:{value:08x}"
        digest = hashlib.new(_PREFIXED.get(scheme, scheme))
        buffer = bytearray(_BUFFER)
        while count := file.readinto(buffer):
            digest.update(memoryview(buffer)[:count])
    if scheme == "md5":
        return digest.hexdigest()
    return f"{scheme}:{base64.b64encode(digest.digest()).decode('ascii')}"
