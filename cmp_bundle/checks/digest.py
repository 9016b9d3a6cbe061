"""The answer to a challenge: that the password is known, without sending it (RFC 2617, MD5)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts.model import ha1
from cmp_bundle.practice import grammar
from cmp_bundle.practice.grammar import MalformedError, quoted

if TYPE_CHECKING:
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.practice.message import SipResponse

#: A challenge is answered once, and the answer is its first.
_COUNT = "00000001"

#: Where the challenge of each status stands, and where the answer goes.
_HEADERS = {
    401: ("www-authenticate", "Authorization"),
    407: ("proxy-authenticate", "Proxy-Authorization"),
}


class ChallengeError(Exception):
    """No challenge of an answer can be met with what the account has.

    ``realms`` are those of its MD5 challenges: where there are any, it is the HA1 that is for
    another one.
    """

    def __init__(self, realms: tuple[str, ...] = ()) -> None:
        super().__init__("no challenge can be answered")
        self.realms = realms


@dataclass(frozen=True)
class Challenge:
    """A digest by MD5 that a server asks for. ``header`` is the name of the answer."""

    header: str
    realm: str
    nonce: str
    opaque: str | None
    qop: bool

    def answer(self, account: Account, method: str, uri: str, client_nonce: str) -> tuple[str, str]:
        """The header that goes with the request."""
        first = account.ha1.lower() or ha1(account.user, self.realm, account.password)
        parts = [first, self.nonce]
        more = ""
        if self.qop:
            parts += [_COUNT, client_nonce, "auth"]
            more = f', qop=auth, nc={_COUNT}, cnonce="{client_nonce}"'
        if self.opaque is not None:
            more += f", opaque={quoted(self.opaque)}"
        response = _md5(":".join((*parts, _md5(f"{method}:{uri}"))))
        text = (
            f"Digest username={quoted(account.user)}, realm={quoted(self.realm)},"
            f" nonce={quoted(self.nonce)}, uri={quoted(uri)}, algorithm=MD5,"
            f' response="{response}"{more}'
        )
        return self.header, text


def challenge(response: SipResponse, account: Account) -> Challenge:
    """The challenge of ``response`` (401 or 407) that ``account`` can meet.

    Asterisk may offer several, of which a browser phone knows MD5 alone. Raises ChallengeError.
    """
    name, header = _HEADERS[response.status]
    found = [made for text in response.headers.all(name) if (made := _read(text, header))]
    for one in found:
        if not account.ha1 or account.realm == one.realm:
            return one
    raise ChallengeError(tuple(one.realm for one in found))


def is_stale(response: SipResponse) -> bool:
    """Whether a 401 or 407 says that the answer was right, and its challenge too old."""
    name, _ = _HEADERS[response.status]
    return any(
        told is not None and told.get("stale", "").lower() == "true"
        for told in map(_told, response.headers.all(name))
    )


def _told(text: str) -> dict[str, str] | None:
    try:
        return grammar.credentials(text)
    except MalformedError:
        return None


def _read(text: str, header: str) -> Challenge | None:
    """None for one that a phone cannot meet."""
    told = _told(text)
    if told is None or not {"realm", "nonce"} <= told.keys():
        return None
    if told.get("algorithm", "MD5").upper() != "MD5":
        return None
    offered = grammar.tokens([told["qop"]]) if "qop" in told else None
    if offered is not None and "auth" not in offered:
        return None
    return Challenge(
        header=header,
        realm=told["realm"],
        nonce=told["nonce"],
        opaque=told.get("opaque"),
        qop=offered is not None,
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
