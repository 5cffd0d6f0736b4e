"""Signed packages: the signature is checked, renewed with a given key, or removed with a note."""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, PrivateFormat

from ova_tools.certificate import load_signer, validity_notes, verify_certificate
from ova_tools.edit import edit
from ova_tools.errors import CertificateError
from ova_tools.manifest import parse_manifest
from ova_tools.notes import Note, NoteKind
from ova_tools.package import Certificate, read_package
from ova_tools.verify import verify_members
from tests.support.appliances import manifest_of
from tests.support.identities import NOW, Identity, identity

from . import build


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture
def signer(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> Identity:
    return identity(tmp_path, rsa_key)


@pytest.fixture
def signed(tmp_path: Path, signer: Identity) -> Path:
    text = build.descriptor().encode()
    listed = manifest_of({"vm.ovf": text, "disk.vmdk": build.disk()})
    return build.ova(tmp_path, text, certificate=load_signer(signer.key, signer.certificate)("vm.mf", listed, "SHA256"))


def test_a_right_signature_is_recognised(signed: Path) -> None:
    with read_package(signed) as package:
        assert package.certificate is not None
        signature = verify_certificate(package.certificate, package.manifest)

    assert (signature.algorithm, signature.subject, signature.expired) == ("SHA256", "CN=signer", False)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is the other reader here")
def test_openssl_agrees_with_the_signature(tmp_path: Path, signed: Path, signer: Identity) -> None:
    with read_package(signed) as package:
        assert package.certificate is not None and package.manifest is not None
        (tmp_path / "mf").write_bytes(package.manifest.data)
        hexadecimal = package.certificate.data.split(b"\n")[0].split(b"= ")[1]
    (tmp_path / "sig").write_bytes(bytes.fromhex(hexadecimal.decode()))
    public = subprocess.run(
        ["openssl", "x509", "-in", signer.certificate, "-pubkey", "-noout"], capture_output=True, check=True
    )
    (tmp_path / "pub").write_bytes(public.stdout)

    result = subprocess.run(
        ["openssl", "dgst", "-sha256", "-verify", "pub", "-signature", "sig", "mf"], cwd=tmp_path, capture_output=True
    )
    assert result.stdout == b"Verified OK\n"


def test_without_a_key_the_certificate_is_removed_and_that_is_said(signed: Path) -> None:
    result, _ = build.edited(signed, ("hostname", "sg12"))

    assert result.certificate is None
    assert result.notes == (Note(NoteKind.CERTIFICATE, "vm.cert is removed: its signature was of the old manifest"),)


def test_without_a_change_the_certificate_stays(signed: Path) -> None:
    with read_package(signed) as package:
        result = edit(package, [], spare=0)

        assert result.plan.is_copy
        assert package.certificate is not None and result.certificate == package.certificate.data


@pytest.mark.parametrize("curve", [None, ec.SECP256R1(), ec.SECP521R1()])
@pytest.mark.parametrize("was_signed", [True, False])
def test_with_a_key_the_package_is_signed_anew(
    tmp_path: Path, signed: Path, rsa_key: rsa.RSAPrivateKey, curve: ec.EllipticCurve | None, was_signed: bool
) -> None:
    key = rsa_key if curve is None else ec.generate_private_key(curve)
    files = identity(tmp_path, key, name="new")
    source = signed if was_signed else build.ova(tmp_path, name="plain")

    result, data = build.edited(source, ("hostname", "sg12"), signer=load_signer(files.key, files.certificate))
    (tmp_path / "new.ova").write_bytes(data)

    with read_package(source) as package, read_package(tmp_path / "new.ova") as after:
        assert after.certificate is not None
        assert verify_certificate(after.certificate, after.manifest).subject == "CN=new"
        verify_members(after)
        names = [member.name for member in after.members]
        assert names == [f"{source.stem}.ovf", f"{source.stem}.mf", f"{source.stem}.cert", "disk.vmdk"]
        assert (after.members[3].offset - package.members[-1].offset) % 4096 == 0
    assert result.notes == ()


def test_a_changed_manifest_or_signature_is_wrong(signed: Path) -> None:
    with read_package(signed) as package:
        certificate, manifest = package.certificate, package.manifest
    assert certificate is not None and manifest is not None

    other = parse_manifest("vm.mf", manifest.data.replace(b"disk.vmdk", b"disk.VMDK"))
    with pytest.raises(CertificateError, match=r"vm\.cert: the signature is not that of vm\.mf"):
        verify_certificate(certificate, other)
    digits = certificate.data.index(b"= ") + 2
    flipped = b"0" if certificate.data[digits : digits + 1] != b"0" else b"1"
    wrong = certificate.data[:digits] + flipped + certificate.data[digits + 1 :]
    with pytest.raises(CertificateError, match="the signature is not that"):
        verify_certificate(Certificate("vm.cert", wrong), manifest)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "has no signature line"),
        (b"SHA256(vm.mf)= 00\n", "has no signature line"),
        (b"SHA256(other.mf)= 00\n-----BEGIN CERTIFICATE-----", "signs other.mf, the manifest is vm.mf"),
        (b"SHA256(vm.mf)= 000\n-----BEGIN CERTIFICATE-----", "a signature that is not hexadecimal"),
        (b"SHA256(vm.mf)= 00\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "holds no X.509"),
        (b"SHA256(vm.mf)= 00\n-----BEGIN NONSENSE-----", "holds no X.509"),
    ],
)
def test_what_is_no_certificate_file_is_refused_with_its_reason(data: bytes, message: str) -> None:
    with pytest.raises(CertificateError, match=message):
        verify_certificate(Certificate("vm.cert", data), parse_manifest("vm.mf", b""))


def test_a_certificate_without_a_manifest_is_refused() -> None:
    with pytest.raises(CertificateError, match="signs a manifest, but the package has none"):
        verify_certificate(Certificate("vm.cert", b""), None)


def test_an_expired_certificate_is_known_as_such(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    files = identity(tmp_path, rsa_key, until=NOW - timedelta(1))
    listed = parse_manifest("vm.mf", b"SHA256(vm.ovf)= 00\n")
    data = load_signer(files.key, files.certificate)("vm.mf", listed.data, "SHA256")

    assert verify_certificate(Certificate("vm.cert", data), listed).expired


def test_a_key_that_is_not_the_certificates_is_refused(tmp_path: Path, signer: Identity) -> None:
    other = identity(tmp_path, ec.generate_private_key(ec.SECP256R1()), name="other")

    with pytest.raises(CertificateError, match="is not that of the certificate"):
        load_signer(other.key, signer.certificate)


def test_a_key_with_a_passphrase_or_no_key_is_refused(
    tmp_path: Path, signer: Identity, rsa_key: rsa.RSAPrivateKey
) -> None:
    locked = tmp_path / "locked.key"
    locked.write_bytes(rsa_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")))

    for key in (locked, signer.certificate):
        with pytest.raises(CertificateError, match="is no private key in PEM form without a passphrase"):
            load_signer(key, signer.certificate)
    with pytest.raises(CertificateError, match=r"holds no X\.509 certificate in PEM form"):
        load_signer(signer.key, signer.key)


def test_a_kind_of_key_that_signs_no_manifest_is_refused(tmp_path: Path) -> None:
    files = identity(tmp_path, ed25519.Ed25519PrivateKey.generate())

    with pytest.raises(CertificateError, match="cannot sign with SHA256; an RSA or EC key would be right"):
        load_signer(files.key, files.certificate)("vm.mf", b"", "SHA256")


def test_a_package_without_a_manifest_cannot_be_signed(tmp_path: Path, signer: Identity) -> None:
    with (
        read_package(build.ova(tmp_path, algorithm=None)) as package,
        pytest.raises(CertificateError, match="no manifest to sign"),
    ):
        edit(package, [], signer=load_signer(signer.key, signer.certificate))


TEXTS = {
    "of pkcs12": b"Bag Attributes\n    localKeyID: 01 02 03\nsubject=CN = field\nissuer=CN = field\n",
    "in Latin-1": b"    friendlyName: Ger\xe4t\n",
    "with Windows line ends": b"Bag Attributes\r\n\r\nsubject=CN = f\r\n",
    "of hexadecimal digits after a blank line": b"\nabc def\n",
    "blank": b"\n\n   \n",
}


@pytest.mark.parametrize("what", TEXTS)
@pytest.mark.parametrize("where", ["before the signature", "before the block", "between blocks", "after the block"])
def test_text_outside_of_the_blocks_is_passed_over(signed: Path, what: str, where: str) -> None:
    with read_package(signed) as package:
        certificate, manifest = package.certificate, package.manifest
    assert certificate is not None
    line, newline, block = certificate.data.partition(b"\n")
    text = TEXTS[what]
    data = {
        "before the signature": text + line + newline + block,
        "before the block": line + newline + text + block,
        "between blocks": line + newline + block + text + block,
        "after the block": line + newline + block + text,
    }[where]

    assert verify_certificate(Certificate("vm.cert", data), manifest).subject == "CN=signer"


def test_a_signature_over_several_lines_is_one_and_two_signatures_are_refused(signed: Path) -> None:
    with read_package(signed) as package:
        certificate, manifest = package.certificate, package.manifest
    assert certificate is not None
    line, _, block = certificate.data.partition(b"\n")
    wrapped = line[:60] + b"\n" + line[60:120] + b"\r\n  " + line[120:] + b"\n"

    assert verify_certificate(Certificate("vm.cert", wrapped + b"subject=x\n" + block), manifest).subject == "CN=signer"
    with pytest.raises(CertificateError, match="has 2 signature lines; one"):
        verify_certificate(Certificate("vm.cert", line + b"\n" + certificate.data), manifest)


def test_an_expired_certificate_is_a_note(tmp_path: Path, rsa_key: rsa.RSAPrivateKey) -> None:
    files = identity(tmp_path, rsa_key, until=NOW - timedelta(1))
    listed = parse_manifest("vm.mf", b"")
    certificate = Certificate("vm.cert", load_signer(files.key, files.certificate)("vm.mf", listed.data, "SHA256"))

    (note,) = validity_notes(certificate, verify_certificate(certificate, listed))

    assert note.kind is NoteKind.CERTIFICATE
    assert "the certificate of vm.cert is not valid now" in note.text
