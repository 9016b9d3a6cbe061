"""A leg that begins here: a phone is called."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from cmp_bundle.practice import session_timer
from cmp_bundle.practice.dialog import (
    ALLOW,
    USER_AGENT,
    Dialog,
    contact,
    described,
    new_via,
)
from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.leg import Leg
from cmp_bundle.practice.message import Headers, SipRequest

if TYPE_CHECKING:
    from cmp_bundle.practice.leg import CallHandler, PhoneLine
    from cmp_bundle.practice.message import SipResponse
    from cmp_bundle.practice.transaction import ClientTransaction

#: Said to the phones that ring on in vain (RFC 3326).
_ELSEWHERE = ("Reason", 'SIP;cause=200;text="Call completed elsewhere"')


class OutgoingLeg(Leg):
    """Calls the phone at ``uri``; ``caller`` and ``callee`` are From and To without their tags."""

    def __init__(
        self,
        line: PhoneLine,
        handler: CallHandler,
        user: str,
        *,
        uri: str,
        caller: str,
        callee: str,
    ) -> None:
        super().__init__(line, handler, user)
        self._uri = uri
        self._caller = caller
        self._callee = callee
        self._inviting: ClientTransaction | None = None
        self._rang = False

    def invite(self, sdp: str, hops: int = 70) -> None:
        """Call it; without a description it is the phone that offers."""
        headers = (
            new_via(),
            ("Max-Forwards", str(hops)),
            ("From", f"{self._caller};tag={self.tag}"),
            ("To", self._callee),
            # A name of its own: JsSIP answers 482 to one that began in the same phone.
            ("Call-ID", secrets.token_hex(16)),
            ("CSeq", "1 INVITE"),
            contact(self.user),
            ("Allow", ALLOW),
            ("Supported", "timer"),
            ("User-Agent", USER_AGENT),
            *session_timer.proposal(),
            *described(sdp),
        )
        self._description = sdp
        request = SipRequest(Headers(headers), "INVITE", self._uri, body=sdp)
        self.line.adopt(self)
        self._inviting = self.line.ask(request, self._heard)

    def hang_up(self, *, elsewhere: bool = False) -> None:
        """``elsewhere`` tells the phone that another one took the call."""
        inviting = self._inviting
        if self.dialog is not None or inviting is None:
            super().hang_up()
        elif not self.over:
            self._over()
            headers = (_ELSEWHERE,) if elsewhere else ()
            inviting.cancel(lambda: self._cancel(inviting.request, *headers))

    def lost(self) -> None:
        if self.dialog is not None:
            super().lost()
        elif not self.over:
            self._over()
            self.handler.on_refusal(self, 503)

    def _heard(self, response: SipResponse) -> None:
        if self.dialog is not None:
            self._repeated(response)
        elif response.success:
            self._connected(response)
        elif self.over:
            return
        elif response.final:
            self._over()
            self.handler.on_refusal(self, response.status)
        elif response.status > 100 and not self._rang:  # noqa: PLR2004 100 says nothing of the phone
            self._rang = True
            self.handler.on_ringing(self)

    def _connected(self, response: SipResponse) -> None:
        inviting = self._inviting
        if inviting is None:
            return
        try:
            self.dialog = Dialog.of_answer(inviting.request, response)
        except MalformedError:
            if not self.over:
                self._over()
                self.handler.on_refusal(self, 500)
            return
        self._success = inviting.request.cseq[0]
        if self.over:
            # The answer and the CANCEL passed each other.
            self.acknowledge()
            self._send_bye()
            return
        self._learn(response)
        self.handler.on_answer(self, response.body)

    def _over(self) -> None:
        self.over = True
        self.line.drop(self)
