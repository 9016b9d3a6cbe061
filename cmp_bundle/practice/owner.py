"""Who a leg works with: the call that owns it, and the connection that leads to its phone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock
    from cmp_bundle.practice.leg import Leg
    from cmp_bundle.practice.message import Request, Response
    from cmp_bundle.practice.transaction import ClientTransaction, ServerTransaction


class Line(Protocol):
    """What a leg needs of the connection that its phone is at the end of."""

    @property
    def clock(self) -> Clock: ...

    @property
    def open(self) -> bool:
        """Whether the phone is still there."""

    def send(self, message: Request | Response) -> None: ...

    def ask(self, request: Request, heard: Callable[[Response], None]) -> ClientTransaction:
        """Send a request; ``heard`` gets its answers."""

    def adopt(self, leg: Leg) -> None:
        """Hand this leg what the phone sends in its dialog, and say when the phone is gone."""

    def drop(self, leg: Leg) -> None:
        """No more."""


class Success(Protocol):
    """How a leg gives the success of a request."""

    def __call__(
        self, transaction: ServerTransaction, sdp: str, headers: list[tuple[str, str]]
    ) -> None: ...


class Offer:
    """A re-INVITE or UPDATE of the phone, to be accepted or refused once.

    ``sdp`` is empty where the phone asks for an offer.
    """

    def __init__(
        self,
        transaction: ServerTransaction,
        headers: list[tuple[str, str]],
        success: Success,
        refusal: Callable[[ServerTransaction, int], None],
    ) -> None:
        self.sdp = transaction.request.body
        self.method = transaction.request.method
        self.transaction = transaction
        self._headers = headers
        self._success = success
        self._refusal = refusal

    @property
    def open(self) -> bool:
        return self.transaction.unanswered

    def accept(self, sdp: str) -> None:
        """With an answer, or the offer that was asked for."""
        if self.open:
            self._success(self.transaction, sdp, self._headers)

    def refuse(self, status: int) -> None:
        if self.open:
            self._refusal(self.transaction, status)


class Owner:
    """What a call hears from its legs. What a call does not care for, it leaves as it is here."""

    def ringing(self, leg: Leg) -> None:
        """The phone that is called rings."""

    def answered(self, leg: Leg, sdp: str) -> None:
        """It was answered; ``leg.acknowledge`` is due."""

    def refused(self, leg: Leg, status: int) -> None:
        """It was not, and that was all of the leg."""

    def acknowledged(self, leg: Leg, sdp: str) -> None:
        """The phone has the answer that it was given, to its call or to a later offer."""

    def gone(self, leg: Leg, status: int) -> None:
        """The leg is over, not by the owner: 200 after a conversation, 487 if cancelled before."""

    def asked(self, leg: Leg, offer: Offer) -> None:
        """The phone offers something new, or asks for an offer."""
        del leg
        offer.refuse(488)

    def withdrawn(self, leg: Leg) -> None:
        """The phone no longer asks."""

    def told(self, leg: Leg, request: Request) -> None:
        """The phone sent an INFO, say a key that was pressed."""
