"""Calls that are answered here: the phone hears and sees itself."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.dialog import HOST
from cmp_bundle.practice.grammar import quoted
from cmp_bundle.practice.leg import CallHandler
from cmp_bundle.practice.media.sdp import SdpError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from cmp_bundle.practice.background import Background
    from cmp_bundle.practice.clock import Timer
    from cmp_bundle.practice.incoming import IncomingLeg
    from cmp_bundle.practice.leg import Leg
    from cmp_bundle.practice.media.session import EchoSession
    from cmp_bundle.practice.message import SipResponse
    from cmp_bundle.practice.offer import Offer

#: Seconds at most until an offer is made again that met one of the phone's, which owns the
#: Call-ID (RFC 3261 section 14.1).
_GLARE: Final = 2.0

_PENDING: Final = 491

#: Seconds until a call without media is hung up. A phone that hangs up lets go of its media first,
#: and its BYE is on the way.
_LEAVING: Final = 2.0


@dataclass(frozen=True)
class EchoFactory:
    """Where the media of calls are made. ``make`` gets what to call if they break."""

    make: Callable[[Callable[[], None]], EchoSession]
    background: Background


class EchoCall(CallHandler):
    """One phone and its echo, in so many pictures if it sends one."""

    def __init__(self, factory: EchoFactory, pictures: int = 1) -> None:
        self._factory = factory
        self._pictures = pictures
        self._turn = asyncio.Lock()
        self._leg: Leg
        self._session: EchoSession
        #: Whether the phone's next ACK holds the answer to an offer from here.
        self._offered = False
        self._hanging_up: Timer | None = None
        self._closed = False

    def start(self, leg: IncomingLeg) -> None:
        self._take(leg)
        self._do(self._answer(leg))

    def _take(self, leg: Leg) -> None:
        self._leg = leg
        self._session = self._factory.make(self._lost)

    # What the leg tells.

    def on_offer(self, leg: Leg, offer: Offer) -> None:
        del leg
        self._do(self._answer_again(offer))

    def on_ack(self, leg: Leg, sdp: str) -> None:
        self._do(self._agreed(leg, sdp))

    def on_hangup(self, leg: Leg, status: int) -> None:
        del leg, status
        self._close()

    # One after the other: descriptions follow upon each other.

    def _do(self, work: Coroutine[None, None, None]) -> None:
        self._factory.background.go(self._in_turn(work))

    async def _in_turn(self, work: Coroutine[None, None, None]) -> None:
        async with self._turn:
            try:
                await work
            except Exception:
                # Whatever it is, the phone does not wait for it.
                self._broken()
                raise

    async def _answer(self, leg: IncomingLeg) -> None:
        try:
            sdp = await self._described(leg.offer)
        except SdpError as error:
            # Section 20.43: 399 is for whoever reads the messages.
            leg.refuse(488, ("Warning", f"399 {HOST} {quoted(str(error))}"))
            self._close()
            return
        leg.answer(sdp)

    async def _answer_again(self, offer: Offer) -> None:
        try:
            sdp = await self._described(offer.sdp)
        except SdpError:
            offer.refuse(488)
            return
        offer.accept(sdp)

    async def _described(self, offer: str) -> str:
        """The answer to the phone's offer, or an offer where it asks for one."""
        self._offered = not offer
        return await (self._session.answer(offer) if offer else self._session.offer())

    async def _agreed(self, leg: Leg, sdp: str) -> None:
        if self._offered:
            self._offered = False
            await self._accept(leg, sdp)
        if self._pictures > 1 and self._session.sees:
            offer = await self._session.offer(self._pictures)
            # If it is not free, this comes again with the next ACK.
            if leg.free and not leg.over:
                leg.ask("INVITE", offer, lambda response: self._heard(leg, response))
            else:
                self._session.withdraw()

    def _heard(self, leg: Leg, response: SipResponse) -> None:
        """What the phone says to more pictures."""
        if response.success:
            # Sections that it refuses are not offered a second time.
            self._pictures = 1
            leg.acknowledge()
            self._do(self._accept(leg, response.body))
            return
        self._session.withdraw()
        if response.status == _PENDING:
            delay = random.uniform(0, _GLARE)  # noqa: S311 two ends that don't do the same
            leg.line.clock.call_later(delay, lambda: self.on_ack(leg, ""))
        else:
            self._pictures = 1

    async def _accept(self, leg: Leg, sdp: str) -> None:
        try:
            await self._session.accept(sdp)
        except SdpError:
            leg.hang_up()
            self._close()

    # The end.

    def _lost(self) -> None:
        if not self._closed:
            self._hanging_up = self._leg.line.clock.call_later(_LEAVING, self._broken)

    def _broken(self) -> None:
        self._leg.hang_up()
        self._close()

    def _close(self) -> None:
        if self._hanging_up is not None:
            self._hanging_up.cancel()
        if not self._closed:
            self._closed = True
            self._do(self._session.close())
