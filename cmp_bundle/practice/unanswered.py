"""Numbers that never answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.practice.leg import CallHandler

if TYPE_CHECKING:
    from cmp_bundle.practice.incoming import IncomingLeg


class Busy(CallHandler):
    """Has no time."""

    def start(self, leg: IncomingLeg) -> None:
        leg.refuse(486)


class RingsForEver(CallHandler):
    """Nobody is there, until the caller gives up."""

    def start(self, leg: IncomingLeg) -> None:
        leg.ring()
