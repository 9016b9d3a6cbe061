"""The answer to a challenge: that the password is known, without sending it (RFC 2617, MD5)."""

from __future__ import annotations

import hashlib
from contextlib import suppress
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
    """A challenge that cannot be met with what the account has.

    ``realm`` is what it is for, where only that stands against it: the account's HA1 is for
    another one.
    """

    def __init__(self, realm: str | None = None) -> None:
        super().__init__("the challenge cannot be answered")
        self.realm = realm


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
    """The challenge of a 401 or 407, to be met by ``account``. Raises ChallengeError.

    Asterisk may send several, one for each algorithm. JsSIP looks at the last one alone, and knows
    MD5 alone.
    """
    name, header = _HEADERS[response.status]
    told = _last(response, name)
    offered = grammar.tokens([told["qop"]]) if "qop" in told else None
    if (
        not {"realm", "nonce"} <= told.keys()
        or told.get("algorithm", "MD5").upper() != "MD5"
        or (offered is not None and "auth" not in offered)
    ):
        raise ChallengeError
    if account.ha1 and account.realm != told["realm"]:
        raise ChallengeError(told["realm"])
    return Challenge(
        header=header,
        realm=told["realm"],
        nonce=told["nonce"],
        opaque=told.get("opaque"),
        qop=offered is not None,
    )


def is_stale(response: SipResponse) -> bool:
    """Whether a 401 or 407 says that the answer was right, and its challenge too old."""
    name, _ = _HEADERS[response.status]
    return _last(response, name).get("stale", "").lower() == "true"


def _last(response: SipResponse, name: str) -> dict[str, str]:
    """The parameters of the last challenge; none where it cannot be read, or is no digest."""
    with suppress(MalformedError, IndexError):
        return grammar.credentials(response.headers.all(name)[-1]) or {}
    return {}


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
