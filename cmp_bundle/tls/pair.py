"""A certificate and a key that somebody gives to a server: whether browsers could use them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.names import names_of
from cmp_bundle.tls.pem import certificates_in, key_in
from cmp_bundle.tls.readable import readable

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from cmp_bundle.tls.readable import Reader

#: Those of NIST that both Chromium and Firefox offer in their handshakes.
_CURVES = ("secp256r1", "secp384r1")


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
    if private.public_key() != shown[0].public_key():
        raise _not_together(certificate, key, first=private.public_key() not in _keys(shown))
    _valid(shown[0], certificate, now)
    _for_servers(shown[0], certificate)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        fine = private.curve.name in _CURVES
    else:
        fine = isinstance(private, rsa.RSAPrivateKey)
    if not fine:
        raise CmpBundleError(
            "is a key of a kind that not all browsers take",
            file=key,
            hint="have a certificate made for a key of RSA, P-256 or P-384",
        )
    if reader is not None:
        for path in dict.fromkeys((certificate, key)):
            _read_by(reader, path)


def _keys(certificates: tuple[x509.Certificate, ...]) -> list[object]:
    return [c.public_key() for c in certificates]


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


def _read_by(reader: Reader, path: Path) -> None:
    if readable(path, reader) is False:
        raise CmpBundleError(
            f"Asterisk runs as {reader.name}, who cannot read this file",
            file=path,
            hint=f"give it to {reader.name}: chown {reader.name} {path}; its folders must be open"
            " to that user too",
        )
