"""A certificate and a key: whether they belong together, and what browsers have against them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.findings import finding
from cmp_bundle.places import Place
from cmp_bundle.shell import word
from cmp_bundle.tls.hosts import file_of
from cmp_bundle.tls.names import names_of
from cmp_bundle.tls.pem import DAMAGED

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from cmp_bundle.findings import Finding


#: Those of NIST that both Chromium and Firefox offer in their handshakes.
_CURVES = ("secp256r1", "secp384r1")

#: Bits of RSA below which OpenSSL, as Debian sets it up, loads no certificate: security level 2.
_LEAST = 2048

#: What browsers and OpenSSL 3 take no signature with, whoever made it.
_BROKEN_HASHES = ("md5", "sha1")


def a_new_one(host: str = "HOST") -> str:
    """What gives Asterisk's HTTPS a certificate for ``host``; HOST is for whoever knows the name."""
    file = f"certs/{file_of(host)}"
    return (
        f"cmp-bundle certs issue {word(host)}; then cmp-bundle provision --cert {word(file)}"
        f" --key {word(file)}"
    )


def unwelcome(
    certificate: x509.Certificate, path: Path, private: PrivateKeyTypes, key: Path, now: dt.datetime
) -> Finding | None:
    """Why browsers would turn away from a server with these, which came from ``path`` and ``key``.

    None where they would not: valid ``now``, with a name that browsers look at, of a kind that all
    of them take. Who signed the certificate is not looked at: whether that is believed is each
    browser's own affair.
    """
    return (
        _valid(certificate, path, now)
        or _for_servers(certificate, path)
        or _taken(private, key)
        or _well_signed(certificate, path)
    )


def apart(
    private: PrivateKeyTypes, key: Path, chain: tuple[x509.Certificate, ...], path: Path
) -> Finding | None:
    """Whether the key is not that of the first certificate."""
    public = private.public_key()
    if _is_of(public, chain[0]):
        return None
    if any(_is_of(public, later) for later in chain[1:]):
        return finding(
            "certificate-order",
            "the server's own certificate must be the first in it",
            Place(str(path)),
            "put it before those of its authorities",
        )
    return finding(
        "T105",
        f"this key does not belong to the certificate in {path}",
        Place(str(key)),
        "name the key that was made with it; both may be in one file",
    )


def _is_of(public: object, certificate: x509.Certificate) -> bool:
    try:
        return certificate.public_key() == public
    except DAMAGED:
        return False


def _valid(certificate: x509.Certificate, path: Path, now: dt.datetime) -> Finding | None:
    if now >= certificate.not_valid_after_utc:
        return finding(
            "T111",
            f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            Place(str(path)),
            "renew it where it came from; cmp-bundle's own are made anew with: cmp-bundle"
            f" certs issue HOST --out {word(path)} --force",
        )
    if now < certificate.not_valid_before_utc:
        return finding(
            "T111",
            "the certificate is not valid before"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            Place(str(path)),
            "wait until then, or look at this machine's clock: date -u",
        )
    return None


def _for_servers(certificate: x509.Certificate, path: Path) -> Finding | None:
    names = names_of(certificate)
    if names.problem is not None:
        return finding(
            "T110",
            f"browsers accept this certificate for nobody; its names: {names.problem}",
            Place(str(path)),
            f"make one with the server's name in it: {a_new_one()}",
        )
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return None
    if ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        return finding(
            "T120",
            "the certificate is not meant for servers: its extendedKeyUsage lacks serverAuth",
            Place(str(path)),
            f"make one that is: {a_new_one()}",
        )
    return None


def _taken(key: PrivateKeyTypes, path: Path) -> Finding | None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        fine = key.curve.name in _CURVES
    else:
        fine = isinstance(key, rsa.RSAPrivateKey)
    if not fine:
        return finding(
            "T120",
            "is a key of a kind that not all browsers take",
            Place(str(path)),
            "have a certificate made for a key of RSA, P-256 or P-384",
        )
    return too_short(key, path)


def too_short(key: PrivateKeyTypes, path: Path) -> Finding | None:
    """Whether it is an RSA key that OpenSSL, as most systems set it up, loads for no server."""
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST:
        return finding(
            "T106",
            f"is an RSA key of {key.key_size} bits, too short for Asterisk's OpenSSL and browsers",
            Place(str(path)),
            f"have a certificate made for a key of P-256, or RSA with {_LEAST} bits or more",
        )
    return None


def _well_signed(certificate: x509.Certificate, path: Path) -> Finding | None:
    try:
        made_with = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None  # newer than this library; whether browsers know it is not known here
    if made_with is not None and made_with.name in _BROKEN_HASHES:
        return finding(
            "T116",
            f"the certificate is signed with {made_with.name.upper()}, which browsers refuse",
            Place(str(path)),
            "have it made anew with SHA-256: openssl takes -sha256",
        )
    return None
