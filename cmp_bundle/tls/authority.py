"""The local authority: a key that vouches for a developer's or an office's own servers."""

from __future__ import annotations

import datetime as dt
import platform
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import OTHERS, Disk, FileOwnership, locked
from cmp_bundle.shell import word
from cmp_bundle.tls import machine
from cmp_bundle.tls.anchor import CERTIFICATE, Anchor, anchor_in
from cmp_bundle.tls.bounds import Bounds, around
from cmp_bundle.tls.desktop_user import desktop_user
from cmp_bundle.tls.made_here import forget, is_noted, note
from cmp_bundle.tls.pem import is_there, key_in
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes

    from cmp_bundle.tls.hosts import Host

KEY = "ca-key.pem"

#: Seconds to wait for another run that makes the same authority.
PATIENCE = 30

YEARS = dt.timedelta(days=3650)
#: Clocks of phones and laptops differ from ours.
_BEFORE = dt.timedelta(days=1)
ORGANIZATION = "cmp-bundle local authority"
#: X.520's upper bound for a common name and a unit's name.
_LONGEST = 64

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey


@dataclass(frozen=True)
class Authority:
    """An anchor with its private key, so that it can sign. ``fresh`` if this run made it."""

    anchor: Anchor
    key: Key = field(repr=False)
    fresh: bool = False

    def sign(self, builder: x509.CertificateBuilder) -> x509.Certificate:
        """Put the authority's name and signature under a certificate."""
        issuer = self.anchor.certificate
        named = builder.issuer_name(issuer.subject)
        return named.add_extension(_pointer_to(issuer), critical=False).sign(
            self.key, hashes.SHA256()
        )


def authority_in(folder: Path, now: dt.datetime) -> Authority | None:
    """The authority of ``folder``; None where there is none yet, or only half of one.

    Raises CmpBundleError where it cannot be used: no key, a key of something else, a key that
    others can read, an expired certificate.
    """
    anchor = anchor_in(folder)
    if anchor is None:
        return None
    anchor.check(now)
    path = folder / KEY
    with as_owner(folder):
        if not is_there(path):
            raise CmpBundleError(
                "authority-without-key",
                "the authority's key is missing, so the authority cannot sign anything",
                file=path,
                hint=f"put it back beside {CERTIFICATE}, or make a new authority:"
                " cmp-bundle certs ca --new",
            )
        key = _key(path)
    if key.public_key() != anchor.certificate.public_key():
        raise CmpBundleError(
            "authority-damaged",
            f"this key and {CERTIFICATE} beside it do not belong together",
            file=path,
            hint="put the right key back, or make a new authority: cmp-bundle certs ca --new",
        )
    return Authority(anchor, key)


def ensure(folder: Path, hosts: Iterable[Host], now: dt.datetime, disk: Disk) -> Authority:
    """The authority of ``folder``, made if there is none; runs at the same time get the same one.

    One that is made may vouch for ``hosts``, this machine's names, and names and addresses that
    nobody owns. Raises CmpBundleError where it can be neither used nor made.
    """
    found = authority_in(folder, now)
    if found is not None:
        return found
    bounds = around(hosts, machine.names())
    with as_owner(folder):
        _make_folder(folder, disk)
        with locked(folder, PATIENCE):
            # Another run may have been quicker.
            return authority_in(folder, now) or _make(folder, bounds, now, disk)


def renew(
    folder: Path, hosts: Iterable[Host], now: dt.datetime, disk: Disk, also: Iterable[Host] = ()
) -> Authority:
    """A new authority in place of the one in ``folder``, whatever state that is in.

    It may vouch for what ``ensure`` says, and for as much of ``also`` as goes with it. Cut off, it
    leaves an authority or half of one, and never a key beside another's certificate.
    """
    bounds = around(hosts, (*machine.names(), *also))
    with as_owner(folder):
        _make_folder(folder, disk)
        with locked(folder, PATIENCE):
            old = _public(folder)
            disk.remove(folder / CERTIFICATE)
            disk.remove(folder / KEY)
            if old is not None:
                forget(old, disk)
            return _make(folder, bounds, now, disk)


def _public(folder: Path) -> PublicKeyTypes | None:
    try:
        anchor = anchor_in(folder)
    except CmpBundleError:
        return None  # it goes, whatever it was
    return None if anchor is None else anchor.certificate.public_key()


def _make(folder: Path, bounds: Bounds, now: dt.datetime, disk: Disk) -> Authority:
    path = folder / KEY
    # A key alone is what a run that was cut off left behind; the rest is made for it.
    key: Key = _noted(path) if is_there(path) else ec.generate_private_key(ec.SECP256R1())
    certificate = _self_signed(key, bounds, now)
    owner = FileOwnership.of(folder)
    if not is_there(path):
        # Without a place for the note, certificates can be made all the same; "certs trust", which
        # alone asks for it, says what is missing.
        with suppress(CmpBundleError):
            note(key.public_key(), disk)
        disk.write(path, private_pem(key), owner.with_mode(0o600))
    anchor = Anchor(folder / CERTIFICATE, certificate)
    disk.write(anchor.path, anchor.pem, owner.with_mode(0o644))
    return Authority(anchor, key, fresh=True)


def private_pem(key: Key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _self_signed(key: Key, bounds: Bounds, now: dt.datetime) -> x509.Certificate:
    public = key.public_key()
    subject = _subject(x509.SubjectKeyIdentifier.from_public_key(public).digest.hex()[:8])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now - _BEFORE + YEARS)
    )
    for value, critical in profile(public, bounds):
        builder = builder.add_extension(value, critical)
    return builder.sign(key, hashes.SHA256())


def profile(key: PublicKey, bounds: Bounds) -> tuple[tuple[x509.ExtensionType, bool], ...]:
    """The extensions of every authority of ours, and whether each is critical; in their order."""
    return (
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (usage(key_cert_sign=True, crl_sign=True), True),
        # For the system's store, which otherwise trusts it for mail and code as well.
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (bounds.extension, True),
        (x509.SubjectKeyIdentifier.from_public_key(key), False),
    )


def usage(**wanted: bool) -> x509.KeyUsage:
    """The uses named, and no other."""
    all_of_them = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in all_of_them})


def _pointer_to(issuer: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    """What tells certificates of one issuer's name apart: the identifier that it has itself."""
    try:
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier.value)


def _subject(tag: str) -> x509.Name:
    # People meet this name in a browser's settings, perhaps years later. The tag keeps two
    # authorities of one person apart: NSS gives certificates of one subject a single nickname.
    user_at_host = f"{desktop_user().name}@{platform.node()}"[
        : _LONGEST - len(f"cmp-bundle  {tag}")
    ]
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, user_at_host),
            x509.NameAttribute(NameOID.COMMON_NAME, f"cmp-bundle {user_at_host} {tag}"),
        ]
    )


def _noted(path: Path) -> Key:
    key = _key(path)
    if not is_noted(key.public_key()):
        raise CmpBundleError(
            "authority-foreign",
            f"there is no {CERTIFICATE} beside this key, and it was not made here: whoever made it"
            " may have a copy",
            file=path,
            hint=f"put its {CERTIFICATE} back, or make new ones: cmp-bundle certs ca --new",
        )
    return key


def _key(path: Path) -> Key:
    if path.stat().st_mode & OTHERS:
        raise CmpBundleError(
            "loose-permissions",
            "other users can read or change this key, and anybody who has it can pose as your"
            " servers",
            file=path,
            hint=f"chmod 600 {word(path)}; if that has no effect, use another folder",
        )
    key = key_in(path)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise CmpBundleError(
            "T120",
            "is a key that browsers do not accept: it is neither EC nor RSA",
            file=path,
        )
    return key


def _make_folder(folder: Path, disk: Disk) -> None:
    if folder.is_dir():
        if folder.stat().st_mode & stat.S_IWOTH:
            raise CmpBundleError(
                "loose-permissions",
                "everybody can write to this folder, so keys are not safe in it",
                file=folder,
                hint=f"chmod 700 {word(folder)}",
            )
        return
    if not folder.parent.is_dir():
        raise CmpBundleError("no-file", "this folder does not exist", file=folder.parent)
    # With sudo in somebody's folder, what is made there stays theirs.
    disk.make_folder(folder, FileOwnership.of(folder.parent).with_mode(0o700))
