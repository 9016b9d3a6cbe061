"""What a phone offers within a call, to be accepted or refused once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.transaction import ServerTransaction


class Offer:
    """A re-INVITE or UPDATE of the phone, to be accepted or refused once.

    ``sdp`` is empty where the phone asks for an offer.
    """

    def __init__(
        self,
        transaction: ServerTransaction,
        headers: list[tuple[str, str]],
        success: Callable[[ServerTransaction, str, list[tuple[str, str]]], None],
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
