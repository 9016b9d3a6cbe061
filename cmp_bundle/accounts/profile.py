"""A profile: what a page fills itself in with, sealed so that only the link opens it.

    version (1 byte: 1) │ nonce (12) │ AES-256-GCM ciphertext with its tag (16 more)

The plaintext is JSON in UTF-8, filled up with spaces to a multiple of 64 bytes, so that its
length tells little. The nonce is derived from key and plaintext: the same profile gives the
same bytes in every build, and two different ones never share key and nonce.
"""

from __future__ import annotations

import hmac
import json
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cmp_bundle.accounts.model import ha1

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.accounts.token import Token

VERSION = b"\x01"
_NONCE_BYTES = 12
_BLOCK = 64
_NONCE = b"cmp-bundle profile nonce 1"


def content(account: Account) -> dict[str, Any]:
    """What a page is told of ``account``; what is empty is left out. See client/profile.ts."""
    server = {"host": account.host, "port": account.port, "path": account.path}
    profile: dict[str, Any] = {
        "id": account.id,
        "displayName": account.display_name,
        "name": account.auth_name,
        "password": account.password,
        "ha1": account.ha1,
        "realm": account.realm,
        # Not dial: the page of an earlier release, rolled back to, reads the same profiles.
        "extension": account.dial,
        "server": {name: value for name, value in server.items() if value},
    }
    profile = {name: value for name, value in profile.items() if value}
    if account.register is not None:
        profile["register"] = account.register
    if account.ice is not None:
        profile["ice"] = [{n: v for n, v in vars(server).items() if v} for server in account.ice]
    return profile


def lets_in_like(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether a server that takes what one ``content`` says takes what the other does.

    One may hold the password, and the other the HA1 that was made of it.
    """
    if one.get("name") != other.get("name"):
        return False
    realm = one.get("realm") or other.get("realm") or ""
    return realm == (other.get("realm") or realm) and _as_ha1(one, realm) == _as_ha1(other, realm)


def _as_ha1(profile: Mapping[str, Any], realm: str) -> str:
    if "password" in profile:
        return ha1(profile.get("name") or profile["id"], realm, profile["password"])
    return str(profile.get("ha1", ""))


def exposed(profile: Mapping[str, Any], everybody: Iterable[Account]) -> list[str]:
    """What in a ``content`` is nobody else's business, a phrase each; ``everybody`` may share it."""
    name = profile["id"]
    secrets = [f"the password of {name}"] if "password" in profile else []
    secrets += [f"the HA1 of {name}, which is as good as its password"] if "ha1" in profile else []
    credentials = [server.credential for a in everybody for server in a.ice or ()]
    for server in profile.get("ice", ()):
        if "credential" in server:
            users = credentials.count(server["credential"])
            shared = f", which {users} accounts have" if users > 1 else ""
            secrets.append(f"the credential of {server['url']}{shared}")
    return secrets


def seal(profile: dict[str, Any], token: Token) -> bytes:
    """The sealed profile: the same bytes for the same ``profile`` and ``token``."""
    text = json.dumps(profile, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    # A lone surrogate has no UTF-8; Python writes it as JSON does, \\ud800.
    plain = text.encode("utf-8", "backslashreplace")
    plain += b" " * (-len(plain) % _BLOCK)
    key = token.key
    nonce = hmac.digest(key, _NONCE + plain, "sha256")[:_NONCE_BYTES]
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, VERSION)


def unseal(sealed: bytes, token: Token) -> dict[str, Any]:
    """The profile again. Raises cryptography.exceptions.InvalidTag for another token's."""
    nonce, cipher = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    plain = AESGCM(token.key).decrypt(nonce, cipher, sealed[:1])
    found: dict[str, Any] = json.loads(plain)
    return found
