"""The public half of an authority: what browsers are told to trust, and nothing secret."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls.bounds import Bounds, bounds_of
from cmp_bundle.tls.facts import called, fingerprint, is_authority, is_signed_by
from cmp_bundle.tls.pem import certificates_in, is_there
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    import datetime as dt
    from pathlib import Path

    from cryptography import x509

CERTIFICATE = "ca.pem"


@dataclass(frozen=True)
class Anchor:
    """An authority's certificate and its file; read by ``anchor_in``, made by ``authority.ensure``."""

    path: Path
    certificate: x509.Certificate

    @cached_property
    def name(self) -> str:
        """What it is called in a browser's list: ``cmp-bundle alice@laptop 3f2a9c01``."""
        return called(self.certificate.subject)

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint(self.certificate)

    @cached_property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def not_after(self) -> dt.datetime:
        return self.certificate.not_valid_after_utc

    @cached_property
    def bounds(self) -> Bounds:
        """What browsers will believe when it says so."""
        return bounds_of(self.certificate)

    def check(self, now: dt.datetime) -> None:
        """Raise CmpBundleError where it is not valid ``now``, and so whatever it signed."""
        if now >= self.not_after:
            raise CmpBundleError(
                "T111",
                f"the authority expired on {self.not_after:%Y-%m-%d}",
                file=self.path,
                hint="cmp-bundle certs untrust; cmp-bundle certs ca --new; cmp-bundle certs trust",
            )
        if now < self.certificate.not_valid_before_utc:
            raise CmpBundleError(
                "T111",
                f"the authority begins only on {self.certificate.not_valid_before_utc:%Y-%m-%d}",
                file=self.path,
                hint="look at this machine's clock: date -u",
            )

    def signed(self, certificate: x509.Certificate) -> bool:
        """Whether it is this one, and no other of the same name, that signed a certificate."""
        return is_signed_by(certificate, self.certificate)


def anchor_in(folder: Path) -> Anchor | None:
    """The authority of ``folder`` without its key, expired or not; None where there is none.

    Raises CmpBundleError where it cannot be read, or is none.
    """
    path = folder / CERTIFICATE
    with as_owner(folder):
        if not is_there(path):
            return None
        found = Anchor(path, certificates_in(path)[0])
    if not is_authority(found.certificate) or not found.signed(found.certificate):
        raise CmpBundleError(
            "authority-damaged",
            "is not a certificate of an authority, so it cannot sign anything",
            file=path,
            hint="move it away, or name another folder for the certificates",
        )
    return found
