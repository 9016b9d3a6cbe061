"""A public authority in small: certificates behind an intermediate, kept as certbot keeps them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from .made import DAY, NOW, private


@cache
def _intermediate() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    root, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    built = (
        x509.CertificateBuilder()
        .subject_name(_name("Test E5"))
        .issuer_name(_name("Test Root X1"))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - 365 * DAY)
        .not_valid_after(NOW + 365 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    return key, built.sign(root, hashes.SHA256())


def issued(
    *names: str,
    key: Any = None,
    begin: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + 89 * DAY,
) -> tuple[bytes, bytes, bytes]:
    """Key, certificate and the intermediate that signed it, PEM."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer, intermediate = _intermediate()
    leaf = (
        x509.CertificateBuilder()
        .subject_name(_name(names[0]))
        .issuer_name(intermediate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    form = serialization.Encoding.PEM
    return private(key), leaf.public_bytes(form), intermediate.public_bytes(form)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass
class Lineage:
    """certbot's folder ``config`` with one certificate: ``live/NAME`` leads to ``archive/NAME``."""

    config: Path
    name: str = "pbx.example"
    renewals: list[int] = field(default_factory=list)

    @property
    def folder(self) -> Path:
        return self.config / "live" / self.name

    def renew(self, **how: Any) -> int:
        """The serial number of the new certificate."""
        return self.put(*issued(self.name, "localhost", **how))

    def put(self, key: bytes, leaf: bytes, chain: bytes = b"") -> int:
        archive = self.config / "archive" / self.name
        for folder in (archive, self.folder):
            folder.mkdir(parents=True, exist_ok=True)
            folder.parent.chmod(0o700)
        number = len(self.renewals) + 1
        contents = {"cert": leaf, "chain": chain, "fullchain": leaf + chain, "privkey": key}
        for kind, data in contents.items():
            path = archive / f"{kind}{number}.pem"
            path.write_bytes(data)
            path.chmod(0o600 if kind == "privkey" else 0o644)
            link = self.folder / f"{kind}.pem"
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../archive/{self.name}/{path.name}")
        self.renewals.append(x509.load_pem_x509_certificate(leaf).serial_number)
        return self.renewals[-1]
