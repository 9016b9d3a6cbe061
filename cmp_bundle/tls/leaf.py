"""A server's own certificate with its key: made so that browsers accept it, or not at all."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.shell import word
from cmp_bundle.tls.authority import Key, private_pem, usage
from cmp_bundle.tls.hosts import Host
from cmp_bundle.tls.names import Names, names_of
from cmp_bundle.tls.pem import certificates_of, content, key_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.authority import Authority

#: Apple takes at most 825 days of a private authority (HT210176), public ones may give 398; a
#: year and a month keeps clear of both, and of whatever stands between.
DAYS = 397

_BEFORE = dt.timedelta(days=1)
_ORGANIZATION = "cmp-bundle"
_LONGEST = 64


@dataclass(frozen=True)
class Leaf:
    """A server's certificate and the key that belongs to it; made by ``issue``, ``read`` or ``parsed``.

    ``chain`` are the authorities' certificates that come with it, in their order.
    """

    certificate: x509.Certificate
    key: Key = field(repr=False)
    chain: tuple[x509.Certificate, ...] = ()

    @property
    def names(self) -> Names:
        return names_of(self.certificate)

    @property
    def hosts(self) -> tuple[Host, ...]:
        names = self.names
        return tuple(Host(text.lower()) for text in (*names.dns, *names.addresses))

    @property
    def not_after(self) -> dt.datetime:
        return self.certificate.not_valid_after_utc

    @property
    def pem(self) -> bytes:
        """Key, certificate and chain in one file, as Python's ssl and Asterisk's tlscertfile take it.

        One file, so that a renewal is one rename and never a key beside another's certificate.
        """
        shown = (self.certificate, *self.chain)
        return private_pem(self.key) + b"".join(
            each.public_bytes(serialization.Encoding.PEM) for each in shown
        )

    @property
    def der(self) -> bytes:
        """The certificate as a server shows it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def ours(self) -> bool:
        """Whether cmp-bundle made it, with this authority or another."""
        found = self.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
        return [a.value for a in found] == [_ORGANIZATION]

    def covers(self, host: Host) -> bool:
        return any(listed.covers(host) for listed in self.hosts)


def issue(authority: Authority, hosts: Sequence[Host], now: dt.datetime) -> Leaf:
    """A new key, and a certificate for ``hosts`` that begins ``now``.

    Raises CmpBundleError where the authority may not vouch for one of them: browsers would refuse
    the certificate for all of them then.
    """
    if not hosts:
        raise CmpBundleError("no-host", "a certificate needs a host")
    anchor = authority.anchor
    for host in hosts:
        if not anchor.bounds.allow(host):
            raise _out_of_bounds(anchor, host)
    key = ec.generate_private_key(ec.SECP256R1())
    begin = max(now - _BEFORE, anchor.certificate.not_valid_before_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_subject(hosts[0]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(min(begin + dt.timedelta(days=DAYS), anchor.not_after))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([h.general_name for h in hosts]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return Leaf(authority.sign(builder), key)


def read(path: Path) -> Leaf:
    """The leaf in a file that holds its key as well. Raises CmpBundleError."""
    data = content(path)
    return parsed((data, data), (path, path))


def parsed(contents: tuple[bytes, bytes], files: tuple[Path, Path]) -> Leaf:
    """The leaf in the contents of a file of certificates, its own first, and of one with its key.

    Raises CmpBundleError.
    """
    certificate, *chain = certificates_of(contents[0], files[0])
    key = key_of(contents[1], files[1])
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CmpBundleError("T120", "browsers do not accept this kind of key", file=files[1])
    if key.public_key() != certificate.public_key():
        raise CmpBundleError(
            "T105", "its key and its certificate do not belong together", file=files[1]
        )
    return Leaf(certificate, key, tuple(chain))


def _subject(host: Host) -> x509.Name:
    # Cosmetic: browsers look at subjectAltName. With "name: " before it, nothing takes it for a
    # host name, as OpenSSL does when it holds a leaf for addresses alone against name constraints.
    name = f"{_ORGANIZATION}: {host}"[:_LONGEST]
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


def _out_of_bounds(anchor: Anchor, host: Host) -> CmpBundleError:
    return CmpBundleError(
        "authority-limits",
        f"the authority here cannot sign for {host}: browsers would refuse the certificate",
        file=anchor.path,
        hint=f"{wider(host)}; the limits of this one: cmp-bundle certs ca",
    )


def wider(*hosts: Host) -> str:
    """How to get an authority that may vouch for ``hosts``."""
    allowed = " ".join(f"--allow {word(host.domain)}" for host in hosts)
    return f"make one that can: cmp-bundle certs ca --new {allowed}"
