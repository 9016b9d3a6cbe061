"""Pairs of certificate and key, good and bad, as they come to lie in a server's folder of keys."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

from .made import DAY, NOW, odd, private, the_authority

CERTIFICATE = "pbx.crt"
KEY = "pbx.key"


@dataclass(frozen=True)
class Keys:
    """A folder of keys that belongs to a server's user."""

    folder: Path
    uid: int
    gid: int

    @property
    def certificate(self) -> Path:
        return self.folder / CERTIFICATE

    @property
    def key(self) -> Path:
        return self.folder / KEY

    def clear(self) -> None:
        """Back to an empty folder."""
        for path in self.folder.iterdir():
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self.folder.chmod(0o755)
        os.chown(self.folder, self.uid, self.gid)

    def put(self, key: bytes, certificate: bytes) -> None:
        for path, data in ((self.key, key), (self.certificate, certificate)):
            path.write_bytes(data)
            self.own(path)

    def own(self, path: Path) -> None:
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        path.chmod(0o640)

    def to_root(self, path: Path, mode: int = 0o600) -> None:
        os.chown(path, 0, 0)
        path.chmod(mode)


Make = Callable[[Keys], None]


@cache
def good() -> tuple[bytes, bytes]:
    return odd("pbx.example", "localhost")


def _plain(*pair: bytes) -> Make:
    return lambda keys: keys.put(*pair)


def _changed(change: Make) -> Make:
    """A good pair, to which something happens."""

    def make(keys: Keys) -> None:
        keys.put(*good())
        change(keys)

    return make


def _instead(name: str, put: Callable[[Path], object]) -> Make:
    def change(keys: Keys) -> None:
        (keys.folder / name).unlink()
        put(keys.folder / name)

    return _changed(change)


def _of(key: object) -> Make:
    return _plain(*odd("pbx.example", key=key))


def _traditional(key: bytes, password: bytes | None = None) -> bytes:
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.BestAvailableEncryption(password)
        if password
        else serialization.NoEncryption(),
    )


def _der_key(key: bytes) -> bytes:
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _der(certificate: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.decode())


def _pem(der: bytes) -> bytes:
    return ssl.DER_cert_to_PEM_cert(der).encode()


@cache
def fine() -> dict[str, Make]:
    """What Asterisk loads and serves (seen on 16 and 22), whatever browsers think of it."""
    key, certificate = good()
    signed_key, signed = odd("pbx.example", signer=the_authority())
    return {
        "good": _plain(key, certificate),
        "with its authority": _plain(signed_key, signed + the_authority().anchor.pem),
        "both in each": _plain(certificate + key, key + certificate),
        "RSA 2048": _of(rsa.generate_private_key(65537, 2048)),
        "Ed25519": _of(ed25519.Ed25519PrivateKey.generate()),
        "expired": _plain(*odd("pbx.example", begin=NOW - 2 * DAY, end=NOW - DAY)),
        "not valid yet": _plain(*odd("pbx.example", begin=NOW + DAY, end=NOW + 2 * DAY)),
        "without a name": _plain(*odd()),
        "saved by Windows": _plain(
            key.replace(b"\n", b"\r\n"), certificate.replace(b"\n", b"\r\n")
        ),
        "words before": _plain(b"Bag Attributes\n" + key, b"friendlyName: x\n" + certificate),
        "its old form": _plain(_traditional(key), certificate),
        "another key behind": _plain(key + odd("b.example")[0], certificate),
        "through links": _changed(_linked),
    }


@cache
def bad() -> dict[str, tuple[Make, str]]:
    """What ends HTTPS at a reload (seen on 16 and 22), and what is to be said of it."""
    key, certificate = good()
    other = odd("b.example")[0]
    signed_key, signed = odd("pbx.example", signer=the_authority())
    authority = the_authority().anchor.pem
    cut = _pem(_der(certificate)[:-30])
    return {
        "no certificate": (_changed(lambda keys: keys.certificate.unlink()), "is not there"),
        "no key": (_changed(lambda keys: keys.key.unlink()), "is not there"),
        "link to nowhere": (_instead(KEY, lambda p: p.symlink_to("gone.pem")), "is a symlink to"),
        "key left to root": (_changed(lambda keys: keys.to_root(keys.key)), "cannot read this"),
        "certificate left to root": (
            _changed(lambda keys: keys.to_root(keys.certificate)), "cannot read this",
        ),
        "folder of root's": (
            _changed(lambda keys: keys.to_root(keys.folder, 0o700)), "may not enter this folder",
        ),
        "behind a folder of root's": (_changed(_shut_away), "may not enter this folder"),
        "key of another": (_plain(other, certificate), "does not belong"),
        "another key before": (_plain(other + key, certificate), "does not belong"),
        "pass phrase": (
            _plain(private(serialization.load_pem_private_key(key, None), b"s3"), certificate),
            "passphrase",
        ),
        "old pass phrase": (_plain(_traditional(key, b"secret"), certificate), "passphrase"),
        "certificate in DER": (_plain(key, _der(certificate)), "in DER"),
        "key in DER": (_plain(_der_key(key), certificate), "no private key"),
        "key for a certificate": (_plain(key, key), "no certificate in PEM"),
        "certificate for a key": (_plain(certificate, certificate), "no private key"),
        "empty certificate": (_plain(key, b""), "is empty"),
        "empty key": (_plain(b"", certificate), "is empty"),
        "certificate cut off": (_plain(key, certificate[:200]), "damaged or incomplete"),
        "key cut off": (_plain(key[:100], certificate), "no private key"),
        "damaged inside": (_plain(key, cut), "damaged"),
        "damaged behind": (_plain(signed_key, signed + cut), "damaged"),
        "cut off behind": (_plain(signed_key, signed + certificate[:200]), "OpenSSL cannot use"),
        "indented": (
            _plain(key, b"".join(b" " + line for line in certificate.splitlines(keepends=True))),
            "",
        ),
        "UTF-16": (_plain(key, certificate.decode().encode("utf-16")), "no certificate in PEM"),
        "authority first": (_plain(signed_key, authority + signed), "must be the first"),
        "secp256k1": (_of(ec.generate_private_key(ec.SECP256K1())), "no browser takes"),
        "DSA": (_of(dsa.generate_private_key(2048)), "no browser takes"),
        "folder in its place": (_instead(CERTIFICATE, Path.mkdir), "is a folder"),
        # The root of a test need not have a /dev.
        "nothing in its place": (_instead(KEY, lambda p: p.symlink_to("/dev/null")), ""),
        "no end in its place": (_instead(KEY, lambda p: p.symlink_to("/dev/zero")), ""),
    }  # fmt: skip


def pipe(keys: Keys) -> None:
    """What stops Asterisk's reloads for good: it waits for somebody to write."""
    _instead(KEY, os.mkfifo)(keys)
    keys.own(keys.key)


def too_short(keys: Keys) -> None:
    """What OpenSSL loads on its security level 1, and nowhere else."""
    _of(rsa.generate_private_key(65537, 1024))(keys)


def _linked(keys: Keys) -> None:
    """As certbot has them."""
    archive = keys.folder / "archive"
    archive.mkdir()
    for path in (keys.certificate, keys.key):
        path.rename(archive / path.name)
        path.symlink_to(f"archive/{path.name}")


def _shut_away(keys: Keys) -> None:
    _linked(keys)
    keys.to_root(keys.folder / "archive", 0o700)
