"""Transactions over a reliable transport (RFC 3261 section 17, RFC 6026).

Nothing is sent again by them: a WebSocket loses nothing while it is open, so timers A, E and G
never run, and D, I, J and K are zero. What gives up a lost partner (B, F, H, L, M) does run.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from cmp_bundle.practice.clock import GIVE_UP
from cmp_bundle.practice.message import Headers, SipRequest, SipResponse, answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.practice.clock import Clock, Timer


class State(enum.Enum):
    TRYING = "trying"
    PROCEEDING = "proceeding"
    COMPLETED = "completed"
    ACCEPTED = "accepted"
    TERMINATED = "terminated"


class _Transaction:
    """``ended`` is called once, when nothing more can come of it."""

    def __init__(self, request: SipRequest, clock: Clock, ended: Callable[[], None]) -> None:
        self.request = request
        self.state = State.TRYING
        self.invite = request.method == "INVITE"
        self._clock = clock
        self._ended = ended
        self._timer: Timer | None = None

    def stop(self) -> None:
        """Forget it in silence: the connection is gone."""
        self._wait(None)
        self.state = State.TERMINATED

    def _wait(self, give_up: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if give_up is None else self._clock.call_later(GIVE_UP, give_up)

    def _end(self) -> None:
        if self.state is not State.TERMINATED:
            self.stop()
            self._ended()


class ServerTransaction(_Transaction):
    """A request that came from a phone, until it has had its answer."""

    def __init__(
        self,
        request: SipRequest,
        send: Callable[[SipResponse], None],
        clock: Clock,
        ended: Callable[[], None],
    ) -> None:
        super().__init__(request, clock, ended)
        self._send = send
        self._last: SipResponse | None = None

    @property
    def unanswered(self) -> bool:
        """Whether a final answer is still owed."""
        return self.state in (State.TRYING, State.PROCEEDING)

    def respond(self, response: SipResponse) -> None:
        """Send an answer. After a final one only the same success may be sent again."""
        if self.state is State.ACCEPTED and response.success:
            self._send(response)
            return
        if not self.unanswered:
            return
        self._last = response
        # Before it is sent: whoever gets it may ask something new at once.
        if not response.final:
            self.state = State.PROCEEDING
        elif not self.invite:
            self._end()
        else:
            self.state = State.ACCEPTED if response.success else State.COMPLETED
            self._wait(self._end)
        self._send(response)

    def retransmitted(self) -> None:
        """The same request came again."""
        # A success is repeated by whoever gave it, not here (RFC 6026 section 7.1).
        if self._last is not None and self.state is not State.ACCEPTED:
            self._send(self._last)

    def acknowledged(self) -> None:
        """An ACK came for an answer that was no success."""
        if self.state is State.COMPLETED:
            self._end()


class ClientTransaction(_Transaction):
    """A request to a phone, until its answer is there.

    ``heard`` gets every answer, of an INVITE's successes the repeated ones too. Where none comes
    it gets a 408 made here.
    """

    def __init__(
        self,
        request: SipRequest,
        send: Callable[[SipRequest], None],
        clock: Clock,
        ended: Callable[[], None],
        heard: Callable[[SipResponse], None],
    ) -> None:
        super().__init__(request, clock, ended)
        self._send = send
        self._heard = heard
        self._cancel: Callable[[], None] | None = None

    def start(self) -> None:
        self._wait(self._give_up)
        self._send(self.request)

    def received(self, response: SipResponse) -> None:
        if self.state is State.ACCEPTED:
            if response.success:
                self._heard(response)
            return
        if self.state is State.TERMINATED:
            return
        if not response.final:
            first = self.state is State.TRYING
            self.state = State.PROCEEDING
            if self.invite and self._cancel is not None:
                if first:
                    self._cancel()
            elif self.invite:
                # It may ring for as long as somebody wants to wait.
                self._wait(None)
        elif self.invite and response.success:
            self.state = State.ACCEPTED
            self._wait(self._end)
        else:
            if self.invite:
                self._send(ack_of(self.request, response))
            self._end()
        self._heard(response)

    def cancel(self, send_cancel: Callable[[], None]) -> None:
        """Have the CANCEL sent as soon as it may be (RFC 3261 section 9.1); once is enough."""
        if self._cancel is not None or self.state not in (State.TRYING, State.PROCEEDING):
            return
        self._cancel = send_cancel
        # Who doesn't answer the INVITE after that never will.
        self._wait(self._give_up)
        if self.state is State.PROCEEDING:
            send_cancel()

    def _give_up(self) -> None:
        self._end()
        self._heard(answer(self.request, 408))


def ack_of(request: SipRequest, response: SipResponse) -> SipRequest:
    """The ACK of an INVITE whose answer is no success (RFC 3261 section 17.1.1.3)."""
    return _alongside(request, "ACK", ("To", response.headers.first("to") or ""))


def cancel_of(request: SipRequest, *headers: tuple[str, str]) -> SipRequest:
    """The CANCEL of an INVITE that was sent (RFC 3261 section 9.1)."""
    return _alongside(request, "CANCEL", ("To", request.headers.first("to") or ""), *headers)


def _alongside(request: SipRequest, method: str, *headers: tuple[str, str]) -> SipRequest:
    """A request to where this INVITE went, in the same transaction."""
    kept = ("via", "route", "from", "call-id", "max-forwards")
    pairs = [(name, value) for name, value in request.headers if name.lower() in kept]
    pairs.append(("CSeq", f"{request.cseq[0]} {method}"))
    return SipRequest(Headers((*pairs, *headers)), method, request.uri)
