"""One account's end of a line: it asks, proves who it is, and answers what is asked of it.

Whatever happens, it owes the server a few words: an ACK for each final answer to an INVITE, a
CANCEL for a call that nobody waits for any longer, a BYE for one that was answered. Without them
Asterisk keeps the channel (seen: until it is started anew).
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_bundle import __version__
from cmp_bundle.checks.digest import ChallengeError, challenge, is_stale
from cmp_bundle.checks.line import LineError
from cmp_bundle.practice.dialog import Dialog, described, new_tag, new_via, uri
from cmp_bundle.practice.grammar import MalformedError
from cmp_bundle.practice.message import Headers, SipRequest, SipResponse, answer
from cmp_bundle.practice.transaction import ack_of, cancel_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Coroutine

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.checks.line import Line

#: Seconds for the final answer to one request.
ANSWER: Final = 10.0
#: Seconds from the first word on in which all is said, and the part of them in which something is asked.
ALL: Final = 30.0
_ASKING: Final = 2 / 3
#: Seconds until a server is asked again that says at once that it is too busy, and how often one account
#: does so. Asterisk says it where its queues are long, and works them off within a few seconds
#: (res_pjsip/pjsip_distributor.c).
_BUSY: Final = 1.0
_BUSY_TRIES: Final = 4
#: Seconds for the answer to last words, such as BYE.
_LAST_WORDS: Final = 5.0

#: Times that a server answers a call again before it is clear that no ACK reaches it, and seconds until
#: the next: Asterisk does so after 0.5, 1.5 and 3.5 s (seen on 16 and 22).
_LOST: Final = 2
_AGAIN: Final = 1.5

_ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO, NOTIFY"
_UNPROVEN: Final = (401, 407)
_UNAVAILABLE: Final = 503
#: The first, and one more because the answer to it was too old.
_MOST_CHALLENGES: Final = 2

#: What is said to requests of the server. Another call finds nobody here: this is no phone.
_ANSWERS: Final = {"BYE": 200, "OPTIONS": 200, "NOTIFY": 200, "INFO": 200, "INVITE": 480}


class NoAnswerError(Exception):
    """The server did not answer ``method`` in time; ``trying`` is whether it said that it would."""

    def __init__(self, method: str, *, trying: bool) -> None:
        super().__init__(f"no answer to {method}")
        self.method = method
        self.trying = trying


@dataclass(frozen=True)
class Answered:
    """The last request of an exchange with its final answer, the seconds between them, and whether it
    was challenged.
    """

    request: SipRequest
    response: SipResponse
    seconds: float
    challenged: bool


class SipClient:
    """``host`` is what the server is called in addresses, ``patience`` the seconds in which all is said.
    Each method raises LineError, NoAnswerError and ChallengeError.
    """

    def __init__(self, line: Line, account: Account, host: str, patience: float = ALL) -> None:
        self._line = line
        self._account = account
        self._host = host
        # As a browser's: it is reached by its connection alone (RFC 7118 section 5).
        self._here = f"{secrets.token_hex(6)}.invalid"
        self._contact = f"<{uri(account.id, self._here)};transport=ws>"
        self._registering = _Conversation(uri(account.id, host))
        self._dialog: Dialog | None = None
        self._ended = False
        #: Times that the server answered the call again.
        self._again = 0
        #: Whether something came in answer to the last request, before its final answer.
        self._trying = False
        self._busy_tries = _BUSY_TRIES
        self._began = asyncio.get_running_loop().time()
        self._all = patience
        self._asking = self._end = patience * _ASKING

    async def bindings(self) -> Answered:
        """Ask who is registered, and change nothing (RFC 3261 section 10.2.3)."""
        return await self._register()

    @asynccontextmanager
    async def bound(self) -> AsyncIterator[Answered]:
        """Register this end, and take exactly it away again."""
        refused = False
        try:
            answered = await self._register(("Contact", self._contact), ("Expires", "60"))
            refused = not answered.response.success
            yield answered
        finally:
            if not refused:
                await _to_the_end(self._unbind())

    @asynccontextmanager
    async def call(self, extension: str, description: str) -> AsyncIterator[Answered]:
        """Call, and hang up at the end where it was answered."""
        target = uri(extension, self._host)
        headers = (
            ("Contact", self._contact),
            ("Allow", _ALLOW),
            ("Supported", "timer"),
            # Where this end is killed, Asterisk sees it by this within 90 seconds.
            ("Session-Expires", "90"),
            *described(description),
        )
        try:
            yield await self._proven(
                "INVITE", target, _Conversation(target), *headers, body=description
            )
        finally:
            await _to_the_end(self._hang_up())

    async def _unbind(self) -> None:
        self._end = self._all
        with suppress(TimeoutError, NoAnswerError, ChallengeError, LineError):
            async with self._limit(ANSWER):
                await self._register(("Contact", self._contact), ("Expires", "0"))
        self._end = self._asking

    async def stays(self, seconds: float) -> bool:
        """Whether the server keeps the call for so long, or asks for something within it. If it answers
        once more meanwhile, that is acknowledged once more, and takes a little longer.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds) as limit:
                while not (self._ended or self.is_unconfirmed):
                    message = await self._line.receive()
                    if self._dialog is not None and _is_again(message, self._dialog):
                        self._again += 1
                        limit.reschedule(asyncio.get_running_loop().time() + _AGAIN)
                        await self._line.send(self._dialog.ack(message.cseq[0]))
                    if isinstance(message, SipRequest):
                        await self._serve(message)
                        if message.method in ("INVITE", "UPDATE"):
                            break
        return not self._ended

    @property
    def is_unconfirmed(self) -> bool:
        """Whether the server does not get the ACK to its answer."""
        return self._again >= _LOST

    async def _register(self, *headers: tuple[str, str]) -> Answered:
        return await self._proven("REGISTER", f"sip:{self._host}", self._registering, *headers)

    async def _proven(
        self,
        method: str,
        target: str,
        conversation: _Conversation,
        *headers: tuple[str, str],
        body: str = "",
    ) -> Answered:
        """Ask, and once more with what the challenge asks for.

        A refusal of that is the end: who tries again and again is locked out. A challenge that
        was only too old, and says so, is met a second time.
        """
        proof: tuple[tuple[str, str], ...] = ()
        challenges = 0
        while True:
            conversation.number += 1
            pairs = (
                new_via(self._here),
                ("Max-Forwards", "70"),
                ("From", f"<{uri(self._account.id, self._host)}>;tag={conversation.tag}"),
                ("To", f"<{conversation.to}>"),
                ("Call-ID", conversation.call_id),
                ("CSeq", f"{conversation.number} {method}"),
                ("User-Agent", f"cmp-bundle {__version__}"),
                *proof,
                *headers,
            )
            request = SipRequest(Headers(pairs), method, target, body=body)
            began = asyncio.get_running_loop().time()
            response = await self._exchange(request)
            seconds = asyncio.get_running_loop().time() - began
            if self._busy_tries and self._is_busy(response):
                self._busy_tries -= 1
                await asyncio.sleep(_BUSY)
                continue
            if response.status not in _UNPROVEN or challenges == _MOST_CHALLENGES:
                break
            if proof and not is_stale(response):
                break
            asked = challenge(response, self._account)
            proof = (asked.answer(self._account, method, target, secrets.token_hex(8)),)
            challenges += 1
        return Answered(request, response, seconds, bool(proof))

    def _is_busy(self, response: SipResponse) -> bool:
        """Whether the server may have time in a moment. A 503 that comes behind a 100 is what a
        dialplan says, Congestion() for one.
        """
        return response.status == _UNAVAILABLE and not self._trying

    async def _exchange(self, request: SipRequest) -> SipResponse:
        if self._is_overdue:
            raise self._too_slow()
        try:
            async with self._limit(ANSWER):
                await self._line.send(request)
                response = await self._final(request)
        except TimeoutError:
            trying = self._trying
            overdue = self._is_overdue
            await _to_the_end(self._withdraw(request))
            if overdue:
                raise self._too_slow() from None
            raise NoAnswerError(request.method, trying=trying) from None
        except asyncio.CancelledError:
            await _to_the_end(self._withdraw(request))
            raise
        await self._acknowledge(request, response)
        return response

    async def _final(self, request: SipRequest) -> SipResponse:
        self._trying = False
        while True:
            message = await self._line.receive()
            if isinstance(message, SipRequest):
                await self._serve(message)
            elif _belongs(message, request):
                if message.final:
                    return message
                self._trying = True

    async def _acknowledge(self, request: SipRequest, response: SipResponse) -> None:
        if request.method != "INVITE":
            return
        if not response.success:
            await self._line.send(ack_of(request, response))
            return
        try:
            self._dialog = Dialog.of_answer(request, response)
        except MalformedError:
            raise LineError("answers a call with something that is not SIP") from None
        await self._line.send(self._dialog.ack(request.cseq[0]))

    async def _withdraw(self, request: SipRequest) -> None:
        """From an INVITE that is not waited for any longer."""
        if request.method != "INVITE":
            return
        self._end = self._all
        # Who said that it would answer is believed: Asterisk does nothing while it waits for STUN.
        seconds = ANSWER if self._trying else _LAST_WORDS
        with suppress(TimeoutError, LineError):
            async with self._limit(seconds):
                await self._line.send(cancel_of(request))
                # It may have been answered meanwhile.
                await self._acknowledge(request, await self._final(request))

    async def _hang_up(self) -> None:
        dialog, self._dialog = self._dialog, None
        if dialog is None or self._ended:
            return
        self._end = self._all
        with suppress(TimeoutError, LineError):
            async with self._limit(_LAST_WORDS):
                bye = dialog.request("BYE")
                await self._line.send(bye)
                await self._final(bye)

    def _too_slow(self) -> LineError:
        return LineError(f"answers so slowly that {self._asking:.0f} s were not enough")

    @property
    def _is_overdue(self) -> bool:
        return asyncio.get_running_loop().time() >= self._began + self._end

    def _limit(self, seconds: float) -> asyncio.Timeout:
        """Of ``seconds``, and of what is left of the time for all."""
        now = asyncio.get_running_loop().time()
        return asyncio.timeout_at(min(now + seconds, self._began + self._end))

    async def _serve(self, request: SipRequest) -> None:
        """Answer what the server asks."""
        if request.method in ("ACK", "CANCEL"):
            return
        within = self._dialog is not None and _is_in(request, self._dialog)
        status = _ANSWERS.get(request.method, 405)
        if within and request.method in ("INVITE", "UPDATE"):
            # Of another stream there will be nothing here. Without one it refreshes a timer.
            status = 488 if request.body or request.method == "INVITE" else 200
        if within and request.method == "BYE":
            self._ended = True
        await self._line.send(answer(request, status, ("Allow", _ALLOW), tag=new_tag()))


class _Conversation:
    """What the requests of a registration, or of a call until it is answered, have in common."""

    def __init__(self, to: str) -> None:
        self.to = to
        self.call_id = secrets.token_hex(12)
        self.tag = new_tag()
        self.number = 0


async def _to_the_end(words: Coroutine[None, None, None]) -> None:
    """Say them all, also to whoever stops it meanwhile: they take a few seconds at the most."""
    saying = asyncio.ensure_future(words)
    try:
        await asyncio.shield(saying)
    except asyncio.CancelledError:
        await saying
        raise


def _is_in(request: SipRequest, dialog: Dialog) -> bool:
    found = (request.call_id, request.to.tag, request.from_.tag)
    return found == (dialog.call_id, dialog.local_tag, dialog.remote_tag)


def _is_again(message: SipRequest | SipResponse, dialog: Dialog) -> bool:
    """Whether it is an answer that was given to this call before."""
    return (
        isinstance(message, SipResponse)
        and message.success
        and message.cseq[1] == "INVITE"
        and message.call_id == dialog.call_id
    )


def _belongs(response: SipResponse, request: SipRequest) -> bool:
    return (
        response.via.branch == request.via.branch
        and response.cseq == request.cseq
        and response.call_id == request.call_id
    )
