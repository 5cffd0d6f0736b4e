"""The certificate of a signed package: verifies it, and makes a new one with a given key.

A certificate file holds the signature of the manifest and the X.509 certificate of its signer. Only this module uses
`cryptography`, and imports it only if a package is signed. Must never trust a signer: the reader judges the signer's
identity; chains are not followed. Source: DSP0243 5.1 (certificate file), RFC 8017 8.2 (PKCS1-v1_5).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from .errors import CertificateError
from .limits import MAX_BEFORE_PEM, MAX_CERTIFICATE_BYTES
from .manifest import Manifest
from .member_names import folded
from .notes import Note, NoteKind, note
from .package import Certificate, open_regular
from .records import dataclass

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
    from cryptography.hazmat.primitives.hashes import HashAlgorithm

_T = TypeVar("_T")
_PEM = b"-----BEGIN"
_SIGNATURE = re.compile(rb"[ \t]*(SHA[0-9-]+) *\((.*)\) *= *([0-9a-f \t]*)", re.IGNORECASE)
_DIGITS = re.compile(rb"[0-9a-f \t]+", re.IGNORECASE)


@dataclass(frozen=True)
class Signature:
    """A signature that was verified. `not_before` and `not_after` are the certificate's, ISO 8601 in UTC."""

    algorithm: str
    subject: str
    issuer: str
    not_before: str
    not_after: str
    expired: bool


def verify_certificate(certificate: Certificate, manifest: Manifest | None) -> Signature:
    """Check that the certificate's key signed the present manifest. Raises CertificateError."""
    name = certificate.name
    if manifest is None:
        raise CertificateError(f"{name} signs a manifest, but the package has none")
    spelled, signed, digits = _signature(certificate)
    if folded(signed.rpartition("/")[2]) != folded(manifest.name.rpartition("/")[2]):
        raise CertificateError(f"{name} signs {signed}, the manifest is {manifest.name}")
    algorithm = spelled.upper().replace("SHA2-", "SHA").replace("-", "")
    try:
        signature = bytes.fromhex("".join(digits.split()))
    except ValueError as error:
        raise CertificateError(f"{name} has a signature that is not hexadecimal") from error
    signer = _third_party(f"{name} holds no X.509 certificate that can be read", lambda: _load(certificate.data))[0]
    right = _third_party(
        f"{name} has a key or signature of a kind that cannot be checked",
        lambda: _is_right(signer, signature, manifest.data, algorithm),
    )
    if not right:
        raise CertificateError(f"{name}: the signature is not that of {manifest.name}; it or the manifest was changed")
    return _third_party(f"{name} holds no X.509 certificate that can be read", lambda: _described(signer, algorithm))


def validity_notes(certificate: Certificate, signature: Signature) -> tuple[Note, ...]:
    """Return a note if the certificate is not valid at this time."""
    if not signature.expired:
        return ()
    valid = f"it is from {signature.not_before} to {signature.not_after}"
    return (note(NoteKind.CERTIFICATE, f"the certificate of {certificate.name} is not valid now, {valid}"),)


def _signature(certificate: Certificate) -> tuple[str, str, str]:
    """Return the algorithm, manifest and digits of the signature line, which may be broken into several lines.

    Text may stand around it and before the first PEM block, as `openssl pkcs12` writes it (RFC 7468 5.2).
    """
    head, pem, _ = certificate.data.partition(_PEM)
    found: list[tuple[bytes, bytes]] = []
    digits: list[bytes] = []
    within = False
    for line in head.splitlines() if pem and len(head) < MAX_BEFORE_PEM else ():
        start = _SIGNATURE.fullmatch(line)
        if start is not None:
            found.append((start.group(1), start.group(2)))
            digits.append(start.group(3))
            within = True
        elif within and _DIGITS.fullmatch(line):
            digits.append(line)
        else:
            within = False
    if len(found) != 1:
        many = "no signature line" if not found else f"{len(found)} signature lines"
        raise CertificateError(
            f"{certificate.name} has {many}; one, SHA256(NAME.mf)= HEX, would be right (DSP0243 5.1)"
        )
    spelled, signed = (part.decode("utf-8", "replace").strip() for part in found[0])
    return spelled, signed, b"".join(digits).decode("ascii")


def load_signer(key: Path, certificate: Path) -> Callable[[str, bytes, str], bytes]:
    """Return a signer of manifests that uses the private key in `key` and adds the certificates in `certificate`.

    Both are PEM files; the first certificate is the signer's. Raises CertificateError for files that cannot be read, a
    key with a passphrase, or a key that is not the certificate's.
    """
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    key_data, certificate_data = _read(key), _read(certificate)
    private = _third_party(
        f"{key} is no private key in PEM form without a passphrase", lambda: load_pem_private_key(key_data, None)
    )
    chain = _third_party(f"{certificate} holds no X.509 certificate in PEM form", lambda: _load(certificate_data))
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*form) != chain[0].public_key().public_bytes(*form):
        raise CertificateError(f"the key {key} is not that of the certificate {certificate}")
    pem = b"".join(each.public_bytes(Encoding.PEM) for each in chain)

    def sign(manifest_name: str, manifest: bytes, algorithm: str) -> bytes:
        raw = _third_party(
            f"{key} cannot sign with {algorithm}; an RSA or EC key would be right",
            lambda: _signed(private, manifest, algorithm),
        )
        line = f"{algorithm}({manifest_name.rpartition('/')[2]})= {raw.hex()}\n"
        return line.encode("utf-8", "surrogateescape") + pem

    return sign


def _third_party(message: str, action: Callable[[], _T]) -> _T:
    """Run code of `cryptography` on data from outside; any exception means that the data is wrong."""
    try:
        return action()
    except Exception as error:
        raise CertificateError(message) from error


def _read(path: Path) -> bytes:
    with open_regular(path, str(path)) as file:
        data = file.read(MAX_CERTIFICATE_BYTES + 1)
    return data or b""


def _load(data: bytes) -> list[x509.Certificate]:
    from cryptography.x509 import load_pem_x509_certificates

    return load_pem_x509_certificates(data[data.index(_PEM) :])


def _hash(algorithm: str) -> HashAlgorithm:
    from cryptography.hazmat.primitives import hashes

    known: dict[str, type[HashAlgorithm]] = {
        "SHA1": hashes.SHA1,
        "SHA256": hashes.SHA256,
        "SHA384": hashes.SHA384,
        "SHA512": hashes.SHA512,
    }
    return known[algorithm]()


def _is_right(signer: x509.Certificate, signature: bytes, manifest: bytes, algorithm: str) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    key = signer.public_key()
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, manifest, padding.PKCS1v15(), _hash(algorithm))
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, manifest, ec.ECDSA(_hash(algorithm)))
        else:
            raise TypeError(type(key).__name__)
    except InvalidSignature:
        return False
    return True


def _signed(key: PrivateKeyTypes, manifest: bytes, algorithm: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(manifest, padding.PKCS1v15(), _hash(algorithm))
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.sign(manifest, ec.ECDSA(_hash(algorithm)))
    raise TypeError(type(key).__name__)


def _described(signer: x509.Certificate, algorithm: str) -> Signature:
    from datetime import datetime, timezone

    now = datetime.now(timezone.utc)
    return Signature(
        algorithm,
        signer.subject.rfc4514_string(),
        signer.issuer.rfc4514_string(),
        signer.not_valid_before_utc.isoformat(),
        signer.not_valid_after_utc.isoformat(),
        not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc,
    )
