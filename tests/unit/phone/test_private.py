"""Names of what nobody publishes."""

from __future__ import annotations

import pytest

from cmp_bundle.phone.private import is_private

PRIVATE = [
    ".env",
    ".env.local",
    ".ENV",
    "config/.env",
    "prod.env",
    ".npmrc",
    ".netrc",
    ".htpasswd",
    ".git/config",
    ".ssh/config",
    ".aws/credentials",
    "a/.ssh/id_rsa",
    "id_rsa",
    "keys/id_ed25519",
    "ID_RSA",
    "id_ecdsa_sk",
    "id_rsa.pub",
    "certs/ca.pem",
    "certs/ca-key.pem",
    "Certs/readme.txt",
    "a/certs/x",
    "server.key",
    "tls.PEM",
    "box.p12",
    "box.pfx",
    "box.jks",
    "putty.ppk",
    "pass.kdbx",
    "key.jwk",
    "cmp-bundle.toml",
    "CMP-BUNDLE.TOML",
    "cmp-bundle.office.toml",
    "accounts.toml",
    "accounts.csv",
    "Accounts.CSV",
    "accounts-old.toml",
    "pjsip.conf",
    "etc/asterisk/manager.conf",
    "index.html~",
    "index.html.bak",
    "page.BAK",
    "x.bak.html",
    "accounts.toml.bak",
    ".index.html.swp",
    "a.swp",
    "x.orig",
    "#page.html#",
    ".well-known/.hidden",
]

PUBLIC = [
    "index.html",
    "app.js",
    "css/phone.css",
    "lib/jssip.min.js",
    "img/a.png",
    "sounds/ring.mp3",
    "dist/phone.js",
    "accounts.js",
    ".well-known/security.txt",
    "keyboard.js",
    "key.html",
    "monkey.svg",
    "certs.html",
    "environment.js",
    "id.js",
    "id_card.png",
    "conf.js",
    "pem.js",
    "backup.html",
    "old/page.html",
    "manifest.json",
    "key",
    "certsx/a.js",
]


@pytest.mark.parametrize("path", PRIVATE)
def test_private(path: str) -> None:
    assert is_private(path)


@pytest.mark.parametrize("path", PUBLIC)
def test_public(path: str) -> None:
    assert not is_private(path)
