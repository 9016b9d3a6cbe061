"""Who can be reached, and where (RFC 3261 section 10.3).

A browser's contact address leads nowhere: it is reached by the connection it registered over
(RFC 7118 section 5.2, RFC 5626), so each binding belongs to one and goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice import grammar

if TYPE_CHECKING:
    from cmp_bundle.practice.clock import Clock, Timer
    from cmp_bundle.practice.message import SipRequest

#: Seconds.
SHORTEST: Final = 10
LONGEST: Final = 3600
USUAL: Final = 300

#: Contacts of one account over one connection. A browser phone has one.
MOST_CONTACTS: Final = 4


class RefusedError(Exception):
    """What the answer to the REGISTER is instead of 200."""

    def __init__(self, status: int, *headers: tuple[str, str]) -> None:
        super().__init__(f"answered with {status}")
        self.status = status
        self.headers = headers


@dataclass(frozen=True)
class Binding:
    """Where an account can be reached: by the connection ``phone``, at its address ``uri``."""

    account: str
    phone: int
    uri: str
    call_id: str
    cseq: int
    expires: float


class Registrar:
    """The bindings of all accounts."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._bindings: dict[tuple[str, int, str], Binding] = {}
        self._timers: dict[tuple[str, int, str], Timer] = {}

    def bindings(self, account: str) -> list[Binding]:
        """Where this account can be reached now."""
        return [b for b in self._bindings.values() if b.account == account]

    def register(self, account: str, phone: int, request: SipRequest) -> list[tuple[str, str]]:
        """Do what a REGISTER asks; the headers of its 200.

        Raises RefusedError and MalformedError, and has then changed nothing.
        """
        default = grammar.seconds(request.headers.first("expires") or str(USUAL))
        if request.headers.all("contact") == ["*"]:
            if default != 0:
                raise RefusedError(400)
            for binding in self.bindings(account):
                self._drop(binding)
            return []
        changes = [
            (contact.uri.text, self._granted(contact.parameters.get("expires"), default))
            for contact in request.contacts
        ]
        self._check(account, phone, changes, request)
        for uri, seconds in changes:
            self._bind(account, phone, uri, seconds, request)
        now = self._clock.time()
        return [
            ("Contact", f"<{b.uri}>;expires={round(b.expires - now)}")
            for b in self.bindings(account)
        ]

    def drop_phone(self, phone: int) -> None:
        """The connection is gone, and all that was bound to it."""
        for binding in [b for b in self._bindings.values() if b.phone == phone]:
            self._drop(binding)

    @staticmethod
    def _granted(asked: str | None, default: int) -> int:
        seconds = default if asked is None else grammar.seconds(asked)
        if 0 < seconds < SHORTEST:
            raise RefusedError(423, ("Min-Expires", str(SHORTEST)))
        return min(seconds, LONGEST)

    def _check(
        self, account: str, phone: int, changes: list[tuple[str, int]], request: SipRequest
    ) -> None:
        """Raises RefusedError."""
        bindings = [b for b in self.bindings(account) if b.phone == phone]
        after = {b.uri for b in bindings} | {uri for uri, seconds in changes if seconds}
        if len(after - {uri for uri, seconds in changes if not seconds}) > MOST_CONTACTS:
            raise RefusedError(403)
        touched = {uri for uri, _ in changes}
        for binding in bindings:
            late = binding.call_id == request.call_id and binding.cseq >= request.cseq[0]
            if binding.uri in touched and late:
                # Older than what it would change (section 10.3, step 7).
                raise RefusedError(500)

    def _bind(self, account: str, phone: int, uri: str, seconds: int, request: SipRequest) -> None:
        key = (account, phone, uri)
        known = self._bindings.get(key)
        if not seconds:
            if known is not None:
                self._drop(known)
            return
        expires = self._clock.time() + seconds
        binding = Binding(account, phone, uri, request.call_id, request.cseq[0], expires)
        self._bindings[key] = binding
        if key in self._timers:
            self._timers[key].cancel()
        self._timers[key] = self._clock.call_later(seconds, lambda: self._drop(binding))

    def _drop(self, binding: Binding) -> None:
        key = (binding.account, binding.phone, binding.uri)
        self._timers.pop(key).cancel()
        del self._bindings[key]
