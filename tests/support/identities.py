"""Keys and certificates made by cryptography: of the signer of a package, and of a web server."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.asymmetric.types import CertificateIssuerPrivateKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

NOW = datetime.now(timezone.utc)


@dataclass(frozen=True)
class Identity:
    """The files of a key and its certificate."""

    key: Path
    certificate: Path


def identity(
    directory: Path,
    key: CertificateIssuerPrivateKeyTypes,
    *,
    name: str = "signer",
    until: datetime = NOW + timedelta(9),
    extensions: Iterable[x509.ExtensionType] = (),
) -> Identity:
    """Write NAME.key and NAME.crt below `directory`."""
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder(
        subject, subject, key.public_key(), x509.random_serial_number(), NOW - timedelta(99), until
    )
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    files = Identity(directory / f"{name}.key", directory / f"{name}.crt")
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files.certificate.write_bytes(builder.sign(key, algorithm).public_bytes(Encoding.PEM))
    return files
