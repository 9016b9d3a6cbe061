"""Whether browsers could use what somebody gives to a server."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.checks.reload import look_at
from cmp_bundle.errors import CmpBundleError, refuse_first
from cmp_bundle.tls.readable import oneself
from tests.unit.tls.made import DAY, NOW, a_leaf, an_authority, odd, private


@dataclass
class Pair:
    certificate: Path
    key: Path

    def check(self) -> None:
        refuse_first(look_at(str(self.certificate), str(self.key), oneself(), NOW).first)

    def says(self) -> CmpBundleError:
        with pytest.raises(CmpBundleError) as caught:
            self.check()
        assert caught.value.file in (str(self.certificate), str(self.key))
        assert caught.value.hint
        return caught.value


def pair(folder: Path, key: bytes, certificate: bytes) -> Pair:
    files = Pair(folder / "pbx.crt", folder / "pbx.key")
    files.key.write_bytes(key)
    files.certificate.write_bytes(certificate)
    return files


@pytest.mark.parametrize(
    "key",
    [ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1()),
     rsa.generate_private_key(65537, 2048)],
    ids=["P-256", "P-384", "RSA 2048"],
)  # fmt: skip
def test_what_browsers_take(key: Any, tmp_path: Path) -> None:
    pair(tmp_path, *odd("pbx.example", key=key)).check()


def test_any_issuer_and_a_chain_and_one_file(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "pbx.example")
    key, certificate = odd("pbx.example", signer=authority)
    pair(tmp_path, key, certificate + authority.anchor.pem).check()
    both = tmp_path / "both.pem"
    both.write_bytes(key + certificate)
    Pair(both, both).check()
    both.write_bytes(a_leaf(authority, "pbx.example").pem)
    Pair(both, both).check()
    # No extendedKeyUsage is every use.
    pair(tmp_path, *odd("pbx.example", purpose=None)).check()


def test_of_two_different_pairs(tmp_path: Path) -> None:
    key, _ = odd("a.example")
    error = pair(tmp_path, key, odd("b.example")[1]).says()
    assert "does not belong" in error.message
    assert error.file == str(tmp_path / "pbx.key")


def test_the_chain_upside_down(tmp_path: Path) -> None:
    authority = an_authority(tmp_path, "pbx.example")
    key, certificate = odd("pbx.example", signer=authority)
    said = pair(tmp_path, key, authority.anchor.pem + certificate).says()
    assert "must be the first" in said.message


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (NOW - 2 * DAY, NOW - DAY, "expired on"),
        (NOW - 2 * DAY, NOW, "expired on"),
        (NOW + DAY, NOW + 2 * DAY, "not valid before"),
    ],
)
def test_at_the_wrong_time(begin: Any, end: Any, said: str, tmp_path: Path) -> None:
    assert said in pair(tmp_path, *odd("a.example", begin=begin, end=end)).says().message


def test_valid_from_this_very_second(tmp_path: Path) -> None:
    pair(tmp_path, *odd("a.example", begin=NOW)).check()


def test_without_names_or_purpose(tmp_path: Path) -> None:
    """As Asterisk's own ast_tls_cert makes them: the name in the subject alone."""
    assert "no subjectAltName" in pair(tmp_path, *odd()).says().message
    mail = odd("a.example", purpose=ExtendedKeyUsageOID.EMAIL_PROTECTION)
    assert "serverAuth" in pair(tmp_path, *mail).says().message


def test_names_that_are_for_no_server(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - DAY)
        .not_valid_after(NOW + DAY)
        .add_extension(
            x509.SubjectAlternativeName([x509.RFC822Name("a@example.com")]), critical=True
        )
        .sign(key, hashes.SHA256())
    )
    written = certificate.public_bytes(Encoding.PEM)
    assert "neither a name nor an address" in pair(tmp_path, private(key), written).says().message


@pytest.mark.parametrize(
    "key",
    [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())],
    ids=["Ed25519", "P-521"],
)  # fmt: skip
def test_keys_that_not_all_browsers_take(key: Any, tmp_path: Path) -> None:
    assert "not all browsers take" in pair(tmp_path, *odd("a.example", key=key)).says().message


def test_a_key_too_short(tmp_path: Path) -> None:
    key, certificate = odd("a.example", key=rsa.generate_private_key(65537, 1024))
    said = pair(tmp_path, key, certificate).says()
    assert "1024 bits" in said.message
    both = tmp_path / "both.pem"
    both.write_bytes(key + certificate)
    # The very reason: where OpenSSL is set up as on Debian, a server would not even start.
    strict = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    strict.set_ciphers("DEFAULT@SECLEVEL=2")
    with pytest.raises(ssl.SSLError, match="too small"):
        strict.load_cert_chain(both)


def test_a_hash_that_is_broken(tmp_path: Path) -> None:
    key, certificate = odd("a.example", key=rsa.generate_private_key(65537, 2048))
    der = ssl.PEM_cert_to_DER_cert(certificate.decode())
    sha256, sha1 = (bytes.fromhex(f"2a864886f70d0101{last}") for last in ("0b", "05"))
    assert der.count(sha256) == 2, "once in what is signed, once beside the signature"
    old = ssl.DER_cert_to_PEM_cert(der.replace(sha256, sha1)).encode()
    assert "SHA1" in pair(tmp_path, key, old).says().message
