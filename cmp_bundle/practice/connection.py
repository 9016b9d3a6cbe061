"""One phone's connection: its transactions, and the legs of calls that it is the far end of."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.dialog import new_tag
from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import SipRequest, SipResponse, UnreadableError, answer, parse
from cmp_bundle.practice.transaction import ClientTransaction, ServerTransaction

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock
    from cmp_bundle.practice.leg import Leg

_log = logging.getLogger(__name__)

#: Without these there is nothing that an answer could be sent to.
_ANSWERABLE: Final = ("via", "from", "to", "call-id", "cseq")

#: Requests at a time that are being answered, or whose refusal is not acknowledged (for half a
#: minute, RFC 3261 section 17.2.1). A phone in a call has some five.
MOST_TRANSACTIONS: Final = 200

#: Calls at a time. A page that calls in a loop must not use up the machine's sockets.
MOST_LEGS: Final = 32


class Connection:
    """What a phone says goes to ``receive``; ``closed`` when its socket is.

    ``arrived`` gets each request that belongs to no call yet, ``on_close`` that the phone has gone.
    """

    def __init__(
        self,
        number: int,
        clock: Clock,
        say: Callable[[str], None],
        arrived: Callable[[Connection, ServerTransaction], None],
        on_close: Callable[[Connection], None],
    ) -> None:
        self.number = number
        self.clock = clock
        self.open = True
        #: Wrong passwords in a row.
        self.mistakes = 0
        self._say = say
        self._arrived = arrived
        self._on_close = on_close
        self._serving: dict[tuple[str, str, str], ServerTransaction] = {}
        self._asking: dict[tuple[str, str], ClientTransaction] = {}
        self._legs: list[Leg] = []

    @property
    def full(self) -> bool:
        """Whether it has as many calls as it may."""
        return len(self._legs) >= MOST_LEGS

    def receive(self, message: str | bytes) -> None:
        """One message of the phone, be it what it may."""
        if not self.open:
            return
        try:
            read = parse(message)
        except UnreadableError as error:
            _log.info("a message was dropped: %s", error)
            return
        if isinstance(read, SipResponse):
            self._answered(read)
        else:
            self._requested(read)

    def closed(self) -> None:
        """The phone's socket is closed: its calls end, and nobody can reach it."""
        if not self.open:
            return
        self.open = False
        for leg in tuple(self._legs):
            leg.lost()
        self._legs.clear()
        for transaction in (*self._serving.values(), *self._asking.values()):
            transaction.stop()
        self._serving.clear()
        self._asking.clear()
        self._on_close(self)

    def hang_up(self) -> None:
        """End all calls."""
        for leg in tuple(self._legs):
            if not leg.over:
                leg.handler.on_hangup(leg, 200)
                leg.hang_up()

    # What legs ask for.

    def send(self, message: SipRequest | SipResponse) -> None:
        if self.open:
            self._say(str(message))

    def ask(self, request: SipRequest, heard: Callable[[SipResponse], None]) -> ClientTransaction:
        key = (request.via.branch, request.method)

        def ended() -> None:
            self._asking.pop(key, None)

        transaction = ClientTransaction(request, self.send, self.clock, ended, heard)
        if self.open:
            self._asking[key] = transaction
            transaction.start()
        return transaction

    def adopt(self, leg: Leg) -> None:
        self._legs.append(leg)
        if not self.open:
            leg.lost()

    def drop(self, leg: Leg) -> None:
        if leg in self._legs:
            self._legs.remove(leg)

    # What the phone says.

    def _answered(self, response: SipResponse) -> None:
        try:
            response.check()
            transaction = self._asking.get((response.via.branch, response.cseq[1]))
        except MalformedError as error:
            _log.info("an answer was dropped: %s", error)
            return
        if transaction is not None:
            transaction.received(response)

    def _requested(self, request: SipRequest) -> None:
        try:
            request.check()
        except MalformedError as error:
            self._malformed(request, error)
            return
        if request.version != "2.0":
            self.send(answer(request, 505, tag=new_tag()))
            return
        method = "INVITE" if request.method == "ACK" else request.method
        key = (request.via.branch, request.via.sent_by, method)
        known = self._serving.get(key)
        if request.method == "ACK":
            self._acknowledged(request, known)
        elif request.method == "CANCEL":
            self._cancelled(request, self._serving.get((*key[:2], "INVITE")))
        elif known is not None:
            known.retransmitted()
        else:
            self._begin(request, key)

    def _malformed(self, request: SipRequest, error: MalformedError) -> None:
        if request.method == "ACK" or not all(map(request.headers.first, _ANSWERABLE)):
            _log.info("a request was dropped: %s", error)
            return
        reason = f"Bad Request: {error}"
        try:
            response = answer(request, 400, tag=new_tag(), reason=reason)
        except MalformedError:  # its To is what cannot be read
            response = answer(request, 400, reason=reason)
        self.send(response)

    def _begin(self, request: SipRequest, key: tuple[str, str, str]) -> None:
        def ended() -> None:
            self._serving.pop(key, None)

        if len(self._serving) >= MOST_TRANSACTIONS:
            self.send(answer(request, 503, ("Retry-After", "5"), tag=new_tag()))
            return
        transaction = ServerTransaction(request, self.send, self.clock, ended)
        self._serving[key] = transaction
        try:
            if request.to.tag is None:
                self._arrived(self, transaction)
                return
            leg = self._leg(request)
            if leg is None:
                transaction.respond(answer(request, 481))
            else:
                leg.received(transaction)
        except MalformedError as error:
            reason = f"Bad Request: {error}"
            transaction.respond(answer(request, 400, tag=new_tag(), reason=reason))

    def _acknowledged(self, request: SipRequest, known: ServerTransaction | None) -> None:
        if known is not None:
            known.acknowledged()
        leg = self._leg(request)
        if leg is not None:
            leg.acknowledgement(request)

    def _cancelled(self, request: SipRequest, inviting: ServerTransaction | None) -> None:
        """RFC 3261 section 9.2."""
        leg = next((g for g in self._legs if inviting is not None and g.waits_for(inviting)), None)
        tag = new_tag() if leg is None else leg.tag
        self.send(answer(request, 481 if inviting is None else 200, tag=tag))
        if leg is not None and inviting is not None and inviting.unanswered:
            leg.cancelled(inviting)

    def _leg(self, request: SipRequest) -> Leg | None:
        """Whom a request in a dialog is for."""
        key = (request.call_id, request.to.tag, request.from_.tag)
        return next((g for g in self._legs if g.dialog is not None and g.dialog.key == key), None)
