"""A certificate and a key that somebody gives to a server: whether browsers could use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.names import names_of
from cmp_bundle.tls.pem import DAMAGED, certificates_in, key_in
from cmp_bundle.tls.readable import readable

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

    from cmp_bundle.tls.readable import Reader

#: Those of NIST that both Chromium and Firefox offer in their handshakes.
_CURVES = ("secp256r1", "secp384r1")

#: Bits of RSA below which OpenSSL, as Debian sets it up, loads no certificate: security level 2.
_LEAST = 2048

#: What browsers and OpenSSL 3 take no signature with, whoever made it.
_BROKEN_HASHES = ("md5", "sha1")


def check_pair(
    certificate: Path, key: Path, now: dt.datetime, reader: Reader | None = None
) -> None:
    """Raise CmpBundleError, naming the file, where a server with these would serve no browser.

    They must belong together, be valid ``now``, have a name that browsers look at, and be readable
    by ``reader``; the key must not be encrypted. Both may be one file. Who signed the certificate
    is not looked at: whether that is believed is each browser's own affair.
    """
    shown = certificates_in(certificate)
    private = key_in(key)
    public = private.public_key()
    if public != shown[0].public_key():
        raise _not_together(certificate, key, first=not any(_is_of(public, c) for c in shown))
    _valid(shown[0], certificate, now)
    _for_servers(shown[0], certificate)
    _taken(private, key)
    _well_signed(shown[0], certificate)
    if reader is not None:
        for path in dict.fromkeys((certificate, key)):
            _read_by(reader, path)


def _is_of(public: object, certificate: x509.Certificate) -> bool:
    try:
        return certificate.public_key() == public
    except DAMAGED:
        return False


def _not_together(certificate: Path, key: Path, *, first: bool) -> CmpBundleError:
    if not first:
        return CmpBundleError(
            "the server's own certificate must be the first in it",
            file=certificate,
            hint="put it before those of its authorities",
        )
    return CmpBundleError(
        f"this key does not belong to the certificate in {certificate}",
        file=key,
        hint="name the key that was made with it; both may be in one file",
    )


def _valid(certificate: x509.Certificate, path: Path, now: dt.datetime) -> None:
    if now >= certificate.not_valid_after_utc:
        raise CmpBundleError(
            f"the certificate expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            file=path,
            hint="renew it where it came from; cmp-bundle's own are made anew with: cmp-bundle"
            f" certs issue HOST --out {path} --force",
        )
    if now < certificate.not_valid_before_utc:
        raise CmpBundleError(
            "the certificate is not valid before"
            f" {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            file=path,
            hint="wait until then, or look at this machine's clock: date -u",
        )


def _for_servers(certificate: x509.Certificate, path: Path) -> None:
    names = names_of(certificate)
    if names.problem is not None:
        raise CmpBundleError(
            f"browsers accept this certificate for nobody; its names: {names.problem}",
            file=path,
            hint="make one with the server's name in it: cmp-bundle certs issue HOST",
        )
    try:
        purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.SERVER_AUTH not in purposes:
        raise CmpBundleError(
            "the certificate is not meant for servers: its extendedKeyUsage lacks serverAuth",
            file=path,
            hint="make one that is: cmp-bundle certs issue HOST",
        )


def _taken(key: PrivateKeyTypes, path: Path) -> None:
    if isinstance(key, ec.EllipticCurvePrivateKey):
        fine = key.curve.name in _CURVES
    else:
        fine = isinstance(key, rsa.RSAPrivateKey)
    if not fine:
        raise CmpBundleError(
            "is a key of a kind that not all browsers take",
            file=path,
            hint="have a certificate made for a key of RSA, P-256 or P-384",
        )
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size < _LEAST:
        raise CmpBundleError(
            f"is an RSA key of {key.key_size} bits, too short for Asterisk's OpenSSL and browsers",
            file=path,
            hint=f"have a certificate made for a key of P-256, or RSA with {_LEAST} bits or more",
        )


def _well_signed(certificate: x509.Certificate, path: Path) -> None:
    try:
        made_with = certificate.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return  # newer than this library; whether browsers know it is not known here
    if made_with is not None and made_with.name in _BROKEN_HASHES:
        raise CmpBundleError(
            f"the certificate is signed with {made_with.name.upper()}, which browsers refuse",
            file=path,
            hint="have it made anew with SHA-256: openssl takes -sha256",
        )


def _read_by(reader: Reader, path: Path) -> None:
    if readable(path, reader) is False:
        raise CmpBundleError(
            f"Asterisk runs as {reader.name}, who cannot read this file",
            file=path,
            hint=f"give it to {reader.name}: chown {reader.name} {path}; its folders must be open"
            " to that user too",
        )
