"""An account: one person's phone, and what it needs to call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_bundle.places import Place, Row


@dataclass(frozen=True)
class IceServer:
    """A STUN or TURN server: ``stun:…`` or ``turn:…`` URL, and TURN's user and password."""

    url: str
    username: str = ""
    credential: str = field(default="", repr=False)


@dataclass(frozen=True)
class Account:
    """One account. Empty fields are left to the server-wide settings, or to the page.

    ``auth_name`` is what it authenticates with where that is not ``id``. It has a ``password``,
    or a ``ha1`` with its ``realm``: MD5 of ``auth name:realm:password`` in hexadecimal.
    ``extension`` is the number at which others reach it, ``dial`` the one that its Call button dials.
    ``register`` is None where the server-wide setting counts. ``ice`` is None likewise.

    An account with a ``source`` has its auth name and password there (see source.py), and none
    in its own row. ``place`` is where the account was read, ``secret`` where its password or HA1
    stands.
    """

    id: str
    display_name: str = ""
    auth_name: str = ""
    password: str = ""
    ha1: str = ""
    realm: str = ""
    extension: str = ""
    dial: str = ""
    register: bool | None = None
    host: str = ""
    port: int = 0
    path: str = ""
    ice: tuple[IceServer, ...] | None = None
    source: str = ""
    place: Place | Row | None = None
    secret: Place | Row | None = None

    @property
    def user(self) -> str:
        """The name it authenticates with."""
        return self.auth_name or self.id

    def __repr__(self) -> str:
        # Tracebacks and test reports show values; a password is not to be among them.
        return f"Account(id={self.id!r})"


def ha1(user: str, realm: str, password: str) -> str:
    """What digest authentication needs instead of a password (RFC 2617, 3.2.2.2), in hex.

    Bytes of a configuration that are no UTF-8 are surrogate escapes, and count as what they are.
    """
    text = f"{user}:{realm}:{password}".encode("utf-8", "surrogateescape")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()


def with_ha1(account: Account, realm: str) -> Account:
    """``account`` with HA1 in place of its password, where ``realm`` is known and it has one.

    HA1 is good for this account at this realm; a password may be good for more.
    """
    if not realm or not account.password:
        return account
    digest = ha1(account.user, realm, account.password)
    return replace(account, password="", ha1=digest, realm=realm)
