"""A number that hangs up and calls back, so that being called can be tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.dialog import address
from cmp_bundle.practice.echo import EchoCall
from cmp_bundle.practice.outgoing import OutgoingLeg

if TYPE_CHECKING:
    from cmp_bundle.practice.account import PracticeAccount
    from cmp_bundle.practice.clock import Timer
    from cmp_bundle.practice.echo import EchoFactory
    from cmp_bundle.practice.incoming import IncomingLeg
    from cmp_bundle.practice.leg import Leg

#: Seconds until the call, and for how long it rings.
PAUSE: Final = 3.0
RINGS: Final = 60.0


class CallBack(EchoCall):
    """The first call: over as soon as it stands, since a phone that talks is busy."""

    def __init__(self, factory: EchoFactory, caller: PracticeAccount) -> None:
        super().__init__(factory)
        self._caller = caller
        self._described_as = ""

    def start(self, leg: IncomingLeg) -> None:
        self._described_as = leg.offer
        super().start(leg)

    def on_ack(self, leg: Leg, sdp: str) -> None:
        del sdp
        leg.hang_up()
        self.on_hangup(leg, 200)

    def on_hangup(self, leg: Leg, status: int) -> None:
        super().on_hangup(leg, status)
        if status == 200:  # noqa: PLR2004 it was not cancelled
            leg.line.clock.call_later(PAUSE, lambda: self._call(leg))

    def _call(self, first: Leg) -> None:
        if first.dialog is None or not first.line.open:
            return
        second = _Second(self._factory)
        leg = OutgoingLeg(
            first.line,
            second,
            first.user,
            # Where the phone says that it is, registered or not.
            uri=first.dialog.target,
            caller=address(first.user, "Practice"),
            callee=address(self._caller.id, self._caller.display_name),
        )
        second.invite(leg, self._described_as)


class _Second(EchoCall):
    """The call back."""

    _rings: Timer

    def invite(self, leg: OutgoingLeg, knowing: str) -> None:
        """``knowing`` is how the phone described itself before."""
        self._take(leg)
        self._do(self._invite(leg, knowing))
        self._rings = leg.line.clock.call_later(RINGS, self._broken)

    def on_answer(self, leg: Leg, sdp: str) -> None:
        self._rings.cancel()
        leg.acknowledge()
        self._do(self._accept(leg, sdp))

    def on_refusal(self, leg: Leg, status: int) -> None:
        self.on_hangup(leg, status)

    async def _invite(self, leg: OutgoingLeg, knowing: str) -> None:
        offer = await self._session.offer(knowing=knowing)
        if not leg.over:
            leg.invite(offer)

    def _close(self) -> None:
        self._rings.cancel()
        super()._close()
