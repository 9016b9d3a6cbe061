"""Certificates and keys out of PEM files, or a sentence on why not."""

from __future__ import annotations

import re
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.utils import CryptographyDeprecationWarning

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import owned
from cmp_bundle.files.rights import unreadable
from cmp_bundle.shell import word
from cmp_bundle.tls.opening import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

#: What is inside contains no hyphen, or, where the key is encrypted in the old way, single ones.
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----(?:[^-]|-(?!-))*-----END \1-----")

_BEGIN = b"-----BEGIN CERTIFICATE-----"

#: More than any chain of certificates; a device, or a recording named by mistake, has no end.
MOST = 1 << 20

#: What the library raises where a certificate or a key is no such thing, or of no kind it knows.
DAMAGED = (
    ValueError,
    # A name with a BIT STRING in it, say: what is read is checked as if a program had given it.
    TypeError,
    UnsupportedAlgorithm,
    x509.DuplicateExtension,
    x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)


def certificates_in(path: Path) -> tuple[x509.Certificate, ...]:
    """The certificates of a PEM file in their order, at least one. Raises CmpBundleError.

    The first is whole: whatever is asked of it later, it can answer.
    """
    return certificates_of(content(path), path)


def certificates_of(data: bytes, path: Path) -> tuple[x509.Certificate, ...]:
    """The same of the content of ``path``."""
    try:
        found = loaded(data)
    except DAMAGED as error:
        raise _no_certificate(data, path) from error
    try:
        _read_through(found[0])
    except DAMAGED as error:
        raise CmpBundleError(
            "certificate-damaged",
            "its certificate is damaged, or of an unknown kind",
            file=path,
            hint=f"see what OpenSSL says: openssl x509 -in {path} -noout -text",
        ) from error
    return found


def _no_certificate(data: bytes, path: Path) -> CmpBundleError:
    if not data.strip():
        message = "is empty, but must contain a certificate in PEM"
        hint = "copy it again from where it came from"
    elif _BEGIN in data:
        message = "cannot be read: a certificate in it is damaged or incomplete"
        hint = "copy it again from where it came from"
    elif _is_der(data):
        message = "cannot be read: it is a certificate in DER, not in PEM"
        hint = f"openssl x509 -inform der -in {word(path)} -out the-same.pem"
    else:
        message = "cannot be read: it contains no certificate in PEM"
        hint = f"it must contain {_BEGIN.decode()}"
    return CmpBundleError("certificate-damaged", message, file=path, hint=hint)


def _is_der(data: bytes) -> bool:
    try:
        x509.load_der_x509_certificate(data)
    except DAMAGED:
        return False
    return True


def loaded(data: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates in PEM text. Raises one of DAMAGED."""
    with _quiet():
        return tuple(x509.load_pem_x509_certificates(data))


@contextmanager
def _quiet() -> Iterator[None]:
    # The library tells people who run a program what its authors should know: that a serial
    # number of 0, which browsers take, will be an error to it one day.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CryptographyDeprecationWarning)
        yield


def _read_through(certificate: x509.Certificate) -> None:
    """Its parts are only read when they are asked for."""
    certificate.public_key()
    _ = certificate.extensions, certificate.subject.rfc4514_string()
    _ = certificate.issuer.rfc4514_string(), certificate.signature_algorithm_oid
    _ = certificate.not_valid_before_utc, certificate.not_valid_after_utc


def key_in(path: Path) -> PrivateKeyTypes:
    """The first private key of a PEM file, whatever else it holds. Raises CmpBundleError."""
    return key_of(content(path), path)


def key_of(data: bytes, path: Path) -> PrivateKeyTypes:
    """The same of the content of ``path``."""
    found = _KEY.search(data)
    if found is None:
        raise CmpBundleError(
            "no-private-key",
            "contains no private key in PEM"
            if data.strip()
            else "is empty, but must contain a private key",
            file=path,
            hint="it must contain -----BEGIN PRIVATE KEY-----, or the same with RSA or EC; from DER:"
            f" openssl pkey -inform der -in {word(path)} -out the-same.pem",
        )
    try:
        with _quiet():
            return load_pem_private_key(found[0], password=None)
    except TypeError as error:
        raise CmpBundleError(
            "T107",
            "the key has a passphrase, and nobody can type it when Asterisk starts",
            file=path,
            hint=f"remove the passphrase: openssl pkey -in {path} -out plain-key.pem",
        ) from error
    except DAMAGED as error:
        raise CmpBundleError(
            "key-damaged",
            "its private key is damaged, or of an unknown kind",
            file=path,
        ) from error


def is_there(path: Path) -> bool:
    """Whether there is such a file. Raises CmpBundleError where nobody may tell us."""
    try:
        return owned.exists(path)
    except OSError as error:
        raise unreadable(path, error) from error


def content(path: Path) -> bytes:
    """What a file of certificates and keys holds, links followed. Raises CmpBundleError."""
    try:
        with opened(path) as file:
            data = file.read(MOST + 1)
    except FileNotFoundError as error:
        raise CmpBundleError("no-file", "this file does not exist", file=path) from error
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) > MOST:
        raise CmpBundleError("too-large", "is too large for a file of certificates", file=path)
    return data
