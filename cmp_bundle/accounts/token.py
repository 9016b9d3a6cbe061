"""The token in a link, and what a page derives from it.

    key (32 bytes, the operator's)
      └─ HMAC-SHA256 over the account and its link's number, first 16 bytes ─► token
           ├─ HKDF-SHA256, "cmp-bundle profile name" ─► 16 bytes: the profile's file name
           └─ HKDF-SHA256, "cmp-bundle profile key"  ─► 32 bytes: its AES-256-GCM key

A link is the same in every build, until its number is raised: then the old one opens nothing.
docs/links.md has the format with test vectors.
"""

from __future__ import annotations

import base64
import hmac
from dataclasses import dataclass, field

#: The length of the operator's key and of a token, in bytes.
KEY_BYTES = 32
TOKEN_BYTES = 16

_LINK = b"cmp-bundle link 1"
_NAME = b"cmp-bundle profile name 1"
_KEY = b"cmp-bundle profile key 1"


@dataclass(frozen=True)
class Token:
    """128 bits that nobody can guess. Whoever has them has the account's profile."""

    value: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """As it stands in a link: 22 characters of base64url."""
        return base64.urlsafe_b64encode(self.value).rstrip(b"=").decode()

    @property
    def name(self) -> str:
        """The profile's file name: 32 hexadecimal digits. It tells nothing of the token."""
        return _derived(self.value, _NAME, 16).hex()

    @property
    def key(self) -> bytes:
        """The profile's AES-256-GCM key."""
        return _derived(self.value, _KEY, 32)


def token(key: bytes, account: str, number: int) -> Token:
    """The token of link ``number`` (from 1) of the account with this id."""
    text = b"\0".join((_LINK, account.encode(), str(number).encode()))
    return Token(hmac.digest(key, text, "sha256")[:TOKEN_BYTES])


def _derived(value: bytes, purpose: bytes, length: int) -> bytes:
    """HKDF-SHA256 without salt, for up to 32 bytes: two HMACs (RFC 5869, 2.2 and 2.3).

    No salt: the token is uniformly random already (3.1). Written out since cryptography's HKDF
    takes several times as long, which is seconds with a hundred thousand accounts.
    """
    extracted = hmac.digest(bytes(32), value, "sha256")
    return hmac.digest(extracted, purpose + b"\x01", "sha256")[:length]
