"""A leg that a phone began: it called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.practice import session_timer
from cmp_bundle.practice.dialog import Dialog, contact
from cmp_bundle.practice.leg import Leg
from cmp_bundle.practice.message import answer

if TYPE_CHECKING:
    from cmp_bundle.practice.leg import CallHandler, PhoneLine
    from cmp_bundle.practice.transaction import ServerTransaction


class IncomingLeg(Leg):
    """Rings, is answered or refused, once each. ``offer`` is what the phone described, or empty.

    Raises MalformedError and TooShortError.
    """

    def __init__(
        self, line: PhoneLine, handler: CallHandler, user: str, transaction: ServerTransaction
    ) -> None:
        super().__init__(line, handler, user)
        request = transaction.request
        self._terms, self._headers = session_timer.asked(request)
        self.dialog = Dialog.of_request(request, self.tag)
        self.transaction = transaction
        self.offer = request.body
        self.can_update = request.lists("UPDATE", "allow")
        line.adopt(self)

    @property
    def free(self) -> bool:
        return not self.transaction.unanswered and super().free

    def ring(self) -> None:
        self.transaction.respond(
            answer(self.transaction.request, 180, contact(self.user), tag=self.tag)
        )

    def answer(self, sdp: str) -> None:
        if self.transaction.unanswered:
            self._timer.run(self._terms)
            self._succeed(self.transaction, sdp, self._headers)

    def refuse(self, status: int, *headers: tuple[str, str], reason: str | None = None) -> None:
        """The handler hears no more of it."""
        if not self.over:
            self.over = True
            self.line.drop(self)
            self.transaction.respond(
                answer(self.transaction.request, status, *headers, tag=self.tag, reason=reason)
            )

    def hang_up(self) -> None:
        if self.transaction.unanswered:
            self.refuse(480)
        else:
            super().hang_up()

    def waits_for(self, transaction: ServerTransaction) -> bool:
        return transaction is self.transaction or super().waits_for(transaction)

    def cancelled(self, transaction: ServerTransaction) -> None:
        if transaction is self.transaction:
            self._end(487, bye=False)
        else:
            super().cancelled(transaction)

    def _end(self, status: int | None, *, bye: bool) -> None:
        if self.transaction.unanswered:
            # Cancelled, or a BYE before there was an answer (RFC 3261 section 15.1.2).
            self._refuse(self.transaction, 487)
            status, bye = 487, False
        super()._end(status, bye=bye)
