"""One phone calls another: two calls that are told of each other, and media between browsers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.dialog import address
from cmp_bundle.practice.leg import CallHandler
from cmp_bundle.practice.outgoing import OutgoingLeg

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.practice.account import PracticeAccount
    from cmp_bundle.practice.incoming import IncomingLeg
    from cmp_bundle.practice.leg import Leg, PhoneLine
    from cmp_bundle.practice.message import SipRequest, SipResponse
    from cmp_bundle.practice.offer import Offer

#: Answers that say only that this phone could not be had; any other says more (RFC 3261 section
#: 16.7, step 6).
_SAYS_LITTLE: Final = frozenset({408, 480, 487, 503})
_UNAVAILABLE: Final = 480
_LEAST_FAILURE: Final = 400
_FOR_ALL: Final = 600
_PENDING: Final = 491


class Relay(CallHandler):
    """All phones of an account ring, at these ``places``, and whoever answers first has the call.

    Descriptions pass as they are. An ACK passes too: it may hold one, and a phone that has none
    yet cannot be offered anything new. ``hops`` is how much further the call may go.
    """

    def __init__(
        self,
        caller: PracticeAccount,
        callee: PracticeAccount,
        places: Sequence[tuple[PhoneLine, str]],
        hops: int,
    ) -> None:
        self._caller = caller
        self._callee = callee
        self._places = places
        self._hops = hops
        self._calling: IncomingLeg
        self._ringing: list[OutgoingLeg] = []
        self._talking: Leg | None = None
        self._statuses: list[int] = []
        self._rings = False

    def start(self, leg: IncomingLeg) -> None:
        self._calling = leg
        self._ringing = [
            OutgoingLeg(
                line,
                self,
                self._caller.id,
                uri=uri,
                caller=address(self._caller.id, self._caller.display_name),
                callee=address(self._callee.id, self._callee.display_name),
            )
            for line, uri in self._places
        ]
        for called in tuple(self._ringing):
            called.invite(leg.offer, self._hops)

    # While it rings.

    def on_ringing(self, leg: Leg) -> None:
        del leg
        if not self._rings:
            self._rings = True
            self._calling.ring()

    def on_answer(self, leg: Leg, sdp: str) -> None:
        self._talking = leg
        for other in self._take_ringing():
            if other is not leg:
                other.hang_up(elsewhere=True)
        self._calling.answer(sdp)

    def on_refusal(self, leg: Leg, status: int) -> None:
        self._ringing = [other for other in self._ringing if other is not leg]
        self._statuses.append(status)
        if status >= _FOR_ALL:
            # Section 16.7, step 5: nobody else is to be asked.
            for other in self._take_ringing():
                other.hang_up()
        if not self._ringing:
            self._calling.refuse(_best(self._statuses))

    # While it lasts.

    def on_ack(self, leg: Leg, sdp: str) -> None:
        other = self._other(leg)
        if other is not None:
            other.acknowledge(sdp)

    def on_offer(self, leg: Leg, offer: Offer) -> None:
        other = self._other(leg)
        if other is None or not other.free:
            offer.refuse(_PENDING)
            return

        def heard(response: SipResponse) -> None:
            if not response.success:
                offer.refuse(response.status)
                return
            offer.accept(response.body)
            if offer.method != "INVITE":
                # No ACK follows that could be passed on.
                other.acknowledge()

        other.ask(offer.method if other.can_update else "INVITE", offer.sdp, heard)

    def on_cancel(self, leg: Leg) -> None:
        other = self._other(leg)
        if other is not None:
            other.withdraw()

    def on_info(self, leg: Leg, request: SipRequest) -> None:
        other = self._other(leg)
        if other is not None:
            other.tell(request)

    def on_hangup(self, leg: Leg, status: int) -> None:
        del status
        other = self._other(leg)
        if other is not None:
            other.hang_up()
        for called in self._take_ringing():
            called.hang_up()

    def _other(self, leg: Leg) -> Leg | None:
        return self._talking if leg is self._calling else self._calling

    def _take_ringing(self) -> list[OutgoingLeg]:
        ringing, self._ringing = self._ringing, []
        return ringing


def _best(statuses: list[int]) -> int:
    """What the caller is told, out of what the phones said."""
    telling = [s for s in statuses if s >= _LEAST_FAILURE and s not in _SAYS_LITTLE]
    final = [s for s in telling if s >= _FOR_ALL]
    return min(final or telling, default=_UNAVAILABLE)
