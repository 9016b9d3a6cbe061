"""A leg: one phone's part in one call, once the phone and this end know each other.

How a leg comes about is in ``incoming`` and ``outgoing``. Whoever owns the call tells its legs
what to do, and hears from them as their ``CallHandler``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from cmp_bundle.practice import session_timer
from cmp_bundle.practice.dialog import ALLOW, SDP, USER_AGENT, contact, described, new_tag
from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import SipRequest, SipResponse, answer
from cmp_bundle.practice.offer import Offer
from cmp_bundle.practice.session_timer import SessionTimer, TooShortError
from cmp_bundle.practice.transaction import cancel_of
from cmp_bundle.practice.unacknowledged import Unacknowledged

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock
    from cmp_bundle.practice.dialog import Dialog
    from cmp_bundle.practice.transaction import ClientTransaction, ServerTransaction


class PhoneLine(Protocol):
    """What a leg needs of the connection that its phone is at the end of."""

    @property
    def clock(self) -> Clock: ...

    @property
    def open(self) -> bool:
        """Whether the phone is still there."""

    def send(self, message: SipRequest | SipResponse) -> None: ...

    def ask(self, request: SipRequest, heard: Callable[[SipResponse], None]) -> ClientTransaction:
        """Send a request; ``heard`` gets its answers."""

    def adopt(self, leg: Leg) -> None:
        """Hand this leg what the phone sends in its dialog, and say when the phone is gone."""

    def drop(self, leg: Leg) -> None:
        """No more."""


class CallHandler:
    """What a call hears from its legs. What a call does not care for, it leaves as it is here."""

    def on_ringing(self, leg: Leg) -> None:
        """The phone that is called rings."""

    def on_answer(self, leg: Leg, sdp: str) -> None:
        """It was answered; ``leg.acknowledge`` is due."""

    def on_refusal(self, leg: Leg, status: int) -> None:
        """It was not, and that was all of the leg."""

    def on_ack(self, leg: Leg, sdp: str) -> None:
        """The phone has the answer that it was given, to its call or to a later offer."""

    def on_hangup(self, leg: Leg, status: int) -> None:
        """The leg is over, not by the handler: 200 after a conversation, 487 if cancelled before."""

    def on_offer(self, leg: Leg, offer: Offer) -> None:
        """The phone offers something new, or asks for an offer."""
        del leg
        offer.refuse(488)

    def on_cancel(self, leg: Leg) -> None:
        """The phone no longer asks."""

    def on_info(self, leg: Leg, request: SipRequest) -> None:
        """The phone sent an INFO, say a key that was pressed."""


class Leg:
    """``user`` is whom the phone takes this end for; ``over`` that the handler is done with it."""

    def __init__(self, line: PhoneLine, handler: CallHandler, user: str) -> None:
        self.line = line
        self.handler = handler
        self.user = user
        self.tag = new_tag()
        self.dialog: Dialog | None = None
        self.over = False
        self._timer = SessionTimer(line.clock, self._refresh, self._expire)
        #: What was described to the phone last.
        self._description = ""
        #: Whether the phone takes an UPDATE (RFC 3311).
        self.can_update = False
        #: What the phone asks, and what it is asked: one of the two at a time.
        self._offer: Offer | None = None
        self._asking: ClientTransaction | None = None
        #: The INVITE from here whose success wants an ACK, and the ACK sent last.
        self._success: int | None = None
        self._ack: SipRequest | None = None
        #: The success given to the phone that still lacks its ACK, and what waits for that.
        self._given: Unacknowledged | None = None
        self._bye_due = False

    @property
    def free(self) -> bool:
        """Whether neither end owes the other an answer or an ACK (RFC 3261 section 14)."""
        phone_waits = self._given is not None or (self._offer is not None and self._offer.open)
        return not phone_waits and self._asking is None and self._success is None

    # What the handler may do.

    def ask(self, method: str, sdp: str, heard: Callable[[SipResponse], None]) -> None:
        """Offer something new by INVITE or UPDATE; only where ``free``. ``heard`` gets the end of it.

        After the success of an INVITE ``acknowledge`` is due.
        """
        if self.dialog is None or self.over:
            return
        request = self._request(self.dialog, method, sdp)
        self._description = sdp or self._description

        def got(response: SipResponse) -> None:
            if not response.final:
                return
            if self._asking is None:
                self._repeated(response)
                return
            self._asking = None
            if response.success and method == "INVITE":
                self._success = request.cseq[0]
            if self.over:
                self.acknowledge()
                return
            self._learn(response)
            heard(response)
            self._see_whether_it_lives(response)

        self._asking = self.line.ask(request, got)

    def acknowledge(self, sdp: str = "") -> None:
        """Send the ACK that is due, if one is."""
        if self.dialog is None or self._success is None:
            return
        self._ack = self.dialog.ack(self._success, sdp)
        self._success = None
        self.line.send(self._ack)

    def withdraw(self) -> None:
        """Take back an offer that was made by INVITE."""
        asking = self._asking
        if asking is not None and asking.invite:
            asking.cancel(lambda: self._cancel(asking.request))

    def tell(self, request: SipRequest) -> None:
        """Pass on an INFO."""
        if self.dialog is not None and not self.over:
            kind = request.headers.first("content-type")
            headers = [("Content-Type", kind)] if kind else []
            info = self.dialog.request("INFO", *headers, body=request.body)
            self.line.ask(info, self._see_whether_it_lives)

    def hang_up(self) -> None:
        """End it, however far it has come. The handler hears no more of it."""
        if not self.over:
            self._end(None, bye=True)

    # What comes from the phone.

    def received(self, transaction: ServerTransaction) -> None:
        """A request in the dialog, other than ACK and CANCEL. Raises MalformedError."""
        request = transaction.request
        if self.over:
            # A BYE from here waits for an ACK; the phone's own makes it needless.
            bye = request.method == "BYE"
            transaction.respond(answer(request, 200 if bye else 481))
            if bye:
                self.lost()
        elif self.dialog is None or not self.dialog.in_order(request):
            # Section 12.2.2.
            transaction.respond(answer(request, 500, reason="Out of Order"))
        elif request.method == "BYE":
            transaction.respond(answer(request, 200))
            self._end(200, bye=False)
        elif request.method in ("INVITE", "UPDATE"):
            self._reoffered(transaction)
        elif request.method == "INFO":
            transaction.respond(answer(request, 200))
            self.handler.on_info(self, request)
        elif request.method == "OPTIONS":
            transaction.respond(answer(request, 200, ("Allow", ALLOW), ("Accept", SDP)))
        else:
            transaction.respond(answer(request, 405, ("Allow", ALLOW)))

    def waits_for(self, transaction: ServerTransaction) -> bool:
        """Whether it is this leg that has to answer."""
        return self._offer is not None and self._offer.transaction is transaction

    def cancelled(self, transaction: ServerTransaction) -> None:
        """The phone cancels a request that still wants its answer."""
        self._refuse(transaction, 487)
        self.handler.on_cancel(self)

    def acknowledgement(self, request: SipRequest) -> None:
        """An ACK for a success."""
        if self._given is None or request.cseq[0] != self._given.cseq:
            return
        self._stop_repeating()
        if self._bye_due:
            self._send_bye()
        elif not self.over:
            self.handler.on_ack(self, request.body)

    def lost(self) -> None:
        """The phone is gone."""
        self._bye_due = False
        self._stop_repeating()
        if self.over:
            self.line.drop(self)
        else:
            self._end(200, bye=False)

    # What both ways of coming about share.

    def _request(self, dialog: Dialog, method: str, sdp: str) -> SipRequest:
        headers = [contact(self.user), ("Allow", ALLOW), ("Supported", "timer"), *described(sdp)]
        return dialog.request(method, *headers, *self._timer.headers(), body=sdp)

    def _succeed(
        self, transaction: ServerTransaction, sdp: str, headers: list[tuple[str, str]]
    ) -> None:
        """Answer an INVITE or UPDATE with 200."""
        request = transaction.request
        always = (contact(self.user), ("Allow", ALLOW), ("Supported", "timer"))
        about = (("Server", USER_AGENT), *headers, *described(sdp))
        response = answer(request, 200, *always, *about, tag=self.tag, body=sdp)
        self._description = sdp or self._description
        if request.method == "INVITE":
            self._given = Unacknowledged(
                self.line.clock,
                request.cseq[0],
                lambda: transaction.respond(response),
                self._never_acknowledged,
            )
        transaction.respond(response)

    def _refuse(self, transaction: ServerTransaction, status: int) -> None:
        transaction.respond(answer(transaction.request, status, tag=self.tag))

    def _learn(self, message: SipRequest | SipResponse) -> None:
        """What a phone says of itself on the way. What cannot be read is left."""
        if isinstance(message, SipResponse) and not message.success:
            return
        try:
            if self.dialog is not None:
                self.dialog.refresh(message)
            if isinstance(message, SipResponse):
                self._timer.run(session_timer.answered(message))
        except MalformedError:
            return
        if message.headers.all("allow"):
            self.can_update = message.lists("UPDATE", "allow")

    def _end(self, status: int | None, *, bye: bool) -> None:
        """Over: ``status`` goes to the handler, None if that is who wanted it."""
        self.over = True
        self._timer.stop()
        if self._offer is not None:
            # Section 15.1.2.
            self._offer.refuse(487)
        self.withdraw()
        self.acknowledge()
        self._bye_due = bye
        if not bye:
            self._stop_repeating()
            self.line.drop(self)
        elif self._given is None:
            # Otherwise not before the ACK (section 15), and the leg stays where that finds it.
            self._send_bye()
        if status is not None:
            self.handler.on_hangup(self, status)

    def _send_bye(self) -> None:
        self._bye_due = False
        self._stop_repeating()
        if self.dialog is not None:
            self.line.ask(self.dialog.request("BYE"), lambda _any: None)
        self.line.drop(self)

    def _cancel(self, request: SipRequest, *headers: tuple[str, str]) -> None:
        self.line.ask(cancel_of(request, *headers), lambda _any: None)

    def _reoffered(self, transaction: ServerTransaction) -> None:
        request = transaction.request
        try:
            terms, headers = session_timer.asked(request)
        except TooShortError:
            minimum = ("Min-SE", str(session_timer.SHORTEST))
            transaction.respond(answer(request, 422, minimum))
            return
        if request.method == "UPDATE" and not request.body:
            # Nothing but a refresh.
            self._timer.run(terms)
            self._learn(request)
            self._succeed(transaction, "", headers)
        elif self._asking is not None or self._success is not None:
            # Both offer at once (section 14.2, RFC 3311 section 5.2).
            self._refuse(transaction, 491)
        elif not self.free:
            transaction.respond(answer(request, 500, ("Retry-After", "1")))
        else:
            self._timer.run(terms)
            self._learn(request)
            self._offer = Offer(transaction, headers, self._succeed, self._refuse)
            self.handler.on_offer(self, self._offer)

    def _repeated(self, response: SipResponse) -> None:
        """A success came again: its ACK is sent again (section 13.2.2.4)."""
        if response.success and self._ack is not None and self._ack.cseq[0] == response.cseq[0]:
            self.line.send(self._ack)

    def _stop_repeating(self) -> None:
        if self._given is not None:
            self._given.stop()
            self._given = None

    def _never_acknowledged(self) -> None:
        self._stop_repeating()
        if self.over:
            self._send_bye()
        else:
            self._end(200, bye=True)

    def _see_whether_it_lives(self, response: SipResponse) -> None:
        # Section 12.2.1.2: the other end has forgotten the call.
        if response.status in (408, 481) and not self.over:
            self._end(200, bye=True)

    def _refresh(self) -> None:
        """It is this end's turn to show that the call is alive (RFC 4028 section 7.4)."""
        if self.dialog is None or not self.free:
            self._timer.postpone()
        elif self.can_update:
            self.line.ask(self._request(self.dialog, "UPDATE", ""), self._refreshed)
        else:
            # The same description again changes nothing (RFC 3264 section 8).
            self.ask("INVITE", self._description, self._refreshed)

    def _refreshed(self, response: SipResponse) -> None:
        self.acknowledge()
        if not response.final or self.over:
            return
        if response.success:
            self._learn(response)
        else:
            self._timer.postpone()
        self._see_whether_it_lives(response)

    def _expire(self) -> None:
        self._end(200, bye=True)
