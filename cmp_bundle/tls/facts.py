"""What is worth knowing of any certificate, whoever made it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import NameOID

from cmp_bundle.tls.names import Names, names_of, printable
from cmp_bundle.tls.pem import DAMAGED

if TYPE_CHECKING:
    import datetime as dt


@dataclass(frozen=True)
class Facts:
    """``begin`` and ``end`` are in UTC; ``signed_by`` is the issuer as people call it.

    ``authority`` tells that it is no server's, so that it needs no names.
    """

    authority: bool
    names: Names
    begin: dt.datetime
    end: dt.datetime
    signed_by: str
    fingerprint: str


def facts(certificate: x509.Certificate) -> Facts:
    return Facts(
        is_authority(certificate),
        names_of(certificate),
        certificate.not_valid_before_utc,
        certificate.not_valid_after_utc,
        called(certificate.issuer),
        fingerprint(certificate),
    )


def is_authority(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except x509.ExtensionNotFound:
        return False
    return found.value.ca


def is_signed_by(certificate: x509.Certificate, signer: x509.Certificate) -> bool:
    """Whether it is this one, and no other of the same name, that signed a certificate."""
    try:
        certificate.verify_directly_issued_by(signer)
    except (InvalidSignature, *DAMAGED):
        return False
    return True


def called(name: x509.Name) -> str:
    """The common name, or the whole name where there is none."""
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return printable(str(found[0].value) if found else name.rfc4514_string())


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256, as certificate viewers show it: ``3F:2A:…``."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()
