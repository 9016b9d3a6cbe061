"""Passwords without sending them (RFC 3261 section 22, RFC 2617: MD5, since JsSIP knows no other)."""

from __future__ import annotations

import enum
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.model import ha1
from cmp_bundle.practice import grammar
from cmp_bundle.practice.account import REALM
from cmp_bundle.practice.grammar import quoted

if TYPE_CHECKING:
    from cmp_bundle.practice.account import PracticeAccount
    from cmp_bundle.practice.clock import Clock
    from cmp_bundle.practice.message import SipRequest

#: Seconds for which a challenge may be answered.
NONCE_LIFE: Final = 120.0

_COUNT_DIGITS: Final = 8


class Verdict(enum.Enum):
    RIGHT = "right"
    #: Nothing was tried.
    MISSING = "missing"
    #: Right, but for a challenge that is too old, or for the second time.
    STALE = "stale"
    WRONG = "wrong"


def _realm(account: PracticeAccount | None) -> str:
    return REALM if account is None else account.realm


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Digests:
    """Challenges and the answers to them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        #: How often each challenge was answered right, and when it was made.
        self._counts: dict[str, tuple[int, float]] = {}

    def challenge(self, account: PracticeAccount | None, *, stale: bool = False) -> tuple[str, str]:
        """The header of a 401; an account that there isn't is challenged like any other."""
        text = (
            f'Digest realm={quoted(_realm(account))}, nonce="{self._nonce()}", '
            f'algorithm=MD5, qop="auth"{", stale=true" if stale else ""}'
        )
        return "WWW-Authenticate", text

    def judge(self, request: SipRequest, account: PracticeAccount | None) -> Verdict:
        """Whether the request shows that who sent it knows the account's password.

        Raises MalformedError.
        """
        offers = (grammar.credentials(v) for v in request.headers.all("authorization"))
        given = next((o for o in offers if o and o.get("realm") == _realm(account)), None)
        if given is None:
            return Verdict.MISSING
        issued = self._issued(given.get("nonce", ""))
        count = given.get("nc", "")
        if (
            account is None
            or given.get("username") != account.login
            or given.get("algorithm", "MD5").upper() != "MD5"
            or given.get("qop") != "auth"
            or len(count) != _COUNT_DIGITS
            or not self._matches(request.method, given, account)
        ):
            return Verdict.WRONG
        if issued is None:
            return Verdict.STALE
        try:
            number = int(count, 16)
        except ValueError:
            return Verdict.WRONG
        nonce = given["nonce"]
        if number <= self._counts.get(nonce, (0, 0.0))[0]:
            return Verdict.STALE
        self._forget_old()
        self._counts[nonce] = (number, issued)
        return Verdict.RIGHT

    def _matches(self, method: str, given: dict[str, str], account: PracticeAccount) -> bool:
        secret = account.ha1
        if secret is None:
            secret = ha1(account.login, account.realm, account.password or "")
        asked = _md5(f"{method}:{given.get('uri', '')}")
        parts = (given.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        expected = _md5(":".join((secret.lower(), *parts, asked)))
        return hmac.compare_digest(expected.encode(), given.get("response", "").lower().encode())

    def _nonce(self) -> str:
        """The time and a random number, signed: so none has to be kept that nobody answers."""
        text = f"{int(self._clock.time() * 1000):x}-{secrets.token_hex(8)}"
        return f"{text}-{self._signature(text)}"

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode(), hashlib.sha256).hexdigest()[:32]

    def _issued(self, nonce: str) -> float | None:
        """When this nonce was issued; None if too long ago, or not here."""
        text, _, signature = nonce.rpartition("-")
        if not hmac.compare_digest(self._signature(text).encode(), signature.encode()):
            return None
        issued = int(text.partition("-")[0], 16) / 1000
        return issued if self._clock.time() - issued <= NONCE_LIFE else None

    def _forget_old(self) -> None:
        oldest = self._clock.time() - NONCE_LIFE
        # They were put in about as they were made: what is old is in front.
        while self._counts:
            nonce = next(iter(self._counts))
            if self._counts[nonce][1] > oldest:
                return
            del self._counts[nonce]
