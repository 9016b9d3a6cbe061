"""Authorities, leaves and odd certificates for tests; and the moment at which they happen."""

from __future__ import annotations

import datetime as dt
import ipaddress
from collections.abc import Callable
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmp_bundle.files import Disk
from cmp_bundle.tls import trust
from cmp_bundle.tls.anchor import Anchor
from cmp_bundle.tls.authority import Authority, _self_signed, ensure
from cmp_bundle.tls.bounds import PRIVATE, Bounds
from cmp_bundle.tls.hosts import hosts
from cmp_bundle.tls.leaf import Leaf, issue
from cmp_bundle.tls.system_store import SystemStore

#: OpenSSL looks at the real clock, so handshakes have to be about now.
NOW = dt.datetime.now(dt.UTC).replace(microsecond=0)
DAY = dt.timedelta(days=1)


def an_authority(folder: Path, *allowed: str, now: dt.datetime = NOW) -> Authority:
    """The one of a folder ``certs`` below ``folder``."""
    return ensure(folder / "certs", hosts(allowed) if allowed else (), now, Disk())


@cache
def the_authority() -> Authority:
    """One for tests that make thousands of leaves: it may vouch for anything below example, which
    none that people make may, and for any address.
    """
    bounds = Bounds(("example", "example.com", "example.co.uk", *PRIVATE))
    key = ec.generate_private_key(ec.SECP256R1())
    return Authority(Anchor(Path("ca.pem"), _self_signed(key, bounds, NOW)), key)


def a_leaf(authority: Authority, *names: str, now: dt.datetime = NOW) -> Leaf:
    return issue(authority, hosts(names), now)


class Cut(BaseException):
    """The end of a run, wherever it is."""


def cut_at(number: int) -> Disk:
    """A disk that ends the run at its step ``number``, from 0."""
    steps = count()

    def cut(_step: str, _path: Path) -> None:
        if next(steps) == number:
            raise Cut

    return Disk(cut)


def steps_of(change: Callable[[Disk], object]) -> list[str]:
    """The steps on the disk that ``change`` takes."""
    steps: list[str] = []
    change(Disk(lambda step, _: steps.append(step)))
    return steps


def carried_out(change: trust.StoreChange, anchor: Anchor) -> list[str]:
    """Change a trust store; the steps as they were shown."""
    steps: list[str] = []
    trust.make(change, anchor, Disk(), lambda step: steps.append(str(step)))
    return steps


def debian_s(root: Path) -> SystemStore:
    """The real script of Debian, at work in ``root``."""
    local, etc, hooks = root / "local", root / "etc", root / "hooks"
    for folder in (local, etc, hooks, root / "certs"):
        folder.mkdir(parents=True, exist_ok=True)
    # An empty one would make the script start afresh each time.
    (root / "conf").write_text("# none of the system's\n")
    words = (
        "update-ca-certificates",
        *("--certsconf", str(root / "conf"), "--certsdir", str(root / "certs")),
        *("--localcertsdir", str(local), "--etccertsdir", str(etc), "--hooksdir", str(hooks)),
    )
    bundle = etc / "ca-certificates.crt"
    return SystemStore(local, ".crt", words, (*words, "--fresh"), bundle, needs_root=False)


def odd(
    *names: str,
    signer: Authority | None = None,
    begin: dt.datetime = NOW - DAY,
    end: dt.datetime = NOW + DAY,
    key: Any = None,
    purpose: x509.ObjectIdentifier | None = ExtendedKeyUsageOID.SERVER_AUTH,
) -> tuple[bytes, bytes]:
    """Key and certificate (PEM) as cmp-bundle would not make them; self-signed without signer."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "odd")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer.anchor.certificate.subject if signer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    if names:
        san = [_general_name(n) for n in names]
        builder = builder.add_extension(x509.SubjectAlternativeName(san), critical=False)
    if purpose is not None:
        builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
    signing = signer.key if signer else key
    certificate = builder.sign(signing, None if _edwards(signing) else hashes.SHA256())
    return private(key), certificate.public_bytes(serialization.Encoding.PEM)


def private(key: Any, password: bytes | None = None) -> bytes:
    return bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(password)
            if password
            else serialization.NoEncryption(),
        )
    )


def _edwards(key: Any) -> bool:
    return "Ed25519" in type(key).__name__


def _general_name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)
