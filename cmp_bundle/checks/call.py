"""The test call: whether each account registers and calls, found out by doing it.

As a browser phone does it, over the real WebSocket, but without media: to the addresses that the
server names, nothing is sent but a few packets of ICE, and these only where that is asked for. A phone
that is in use is not disturbed.
"""

from __future__ import annotations

import asyncio
import math
import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cmp_bundle.checks import call_findings
from cmp_bundle.checks.digest import ChallengeError
from cmp_bundle.checks.ice import IceEnd
from cmp_bundle.checks.line import Line, LineError
from cmp_bundle.checks.offer import Candidate, candidates, offer
from cmp_bundle.checks.sip_client import ALL, ANSWER, NoAnswerError, SipClient
from cmp_bundle.checks.websocket import ask, own_address, unchecked
from cmp_bundle.practice.media.sdp import SdpError

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Container, Iterator, Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.checks.sip_client import Answered
    from cmp_bundle.findings import Finding

#: Accounts that are tried at once. A thousand take 201 s one by one, 51 s four at once, 27 s eight
#: and 16 s sixteen (Asterisk 22, two cores). Each takes one of Asterisk's web sessions and some
#: of its RTP ports, which the phones in use must not lack.
AT_ONCE = 8

#: Attributes that a long offer has beside those of any: Chrome 136 and later has more than the 196 that
#: an older Asterisk can take (asterisk/asterisk#1240), and fewer than the 436 that a newer one can.
LONG = 200
#: Seconds until the server answers a call; a STUN server that is silent costs it three and more.
SLOW = 3.0
#: Seconds that a call is held to see whether the server keeps it. Without sound, Asterisk waits
#: half a second before it goes on behind Answer().
_HELD = 1.0
#: Calls that are held: the first ones, and one more for each that the server did not keep. To hold
#: all of five thousand would take ten minutes.
_MOST_HELD = 100
#: Seconds that an account takes at a server where all is well, and more.
_LONG = 5.0
#: Where there is a limit for all accounts: the part of it in which one is begun, and the part that is one's
#: at the most.
_BEGINNING = 0.4
_EACH = 0.6
#: Seconds for whatever comes at the end of that.
_LEAST = 1.0
#: Calls in which it is looked whether media would get through.
_MOST_HEARD = 2
#: Accounts, one after another, that took longer, came to no end or were refused: then no more are
#: tried. Programs such as fail2ban take many wrong passwords for an attack.
_MOST_VAIN = 8


@dataclass(frozen=True)
class Proof:
    """What came of one account.

    ``tried`` is False where it was left out: it has no password, which is a finding, or those before
    it all failed or took long, which is none. ``registered`` and ``answered`` say what worked,
    ``findings`` what did not, or will surprise. ``candidates`` are where the server wants its media,
    ``contacts`` how many phones were registered before, ``seconds`` the time from the INVITE to its
    answer (0 without one). ``media_reached`` is whether a packet got through by UDP between this machine
    and one of the candidates, None where that was not looked at.
    """

    account: str
    tried: bool = True
    registered: bool = False
    answered: bool = False
    findings: tuple[Finding, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    contacts: int = 0
    seconds: float = 0.0
    media_reached: bool | None = None


def prove(
    base: str,
    path: str,
    accounts: Sequence[Account],
    extension: str,
    *,
    callers: Container[str] | None = None,
    at_once: int = AT_ONCE,
    progress: Callable[[int], None] | None = None,
    address: str = "",
    patience: float | None = None,
    long: bool = False,
    media: bool = False,
    trusting: ssl.SSLContext | None = None,
) -> tuple[Proof, ...]:
    """Register each of ``accounts`` and call ``extension``, nobody if that is empty; one proof for
    each, in their order. ``callers`` are the ids of those who call it, all without it: where it is
    somebody's phone, that would ring.

    ``base`` is ``https://host:port``, or http where a proxy has the certificate, ``path`` that of the
    WebSocket. ``progress`` is told after each how many are done. To be called where no event loop
    runs. ``address`` is where ``base`` is, if its name need not be looked up; ``patience`` the seconds
    for all, after two fifths of which no other account is tried.

    Whether the server keeps a call that it answers is looked at in the first hundred calls, and in
    more if some are not kept: of many accounts, one of each context should stand in front. With
    ``long`` it is an offer of LONG more attributes, and no call is kept. With ``media`` it is looked in
    the first calls whether media would get through between the server and this machine.

    The certificate is looked at by ``trusting``. Without it, ``base`` should be this machine or one that
    is reached safely: who can pass itself off as the server gets a digest to guess passwords by.
    """

    def called(account: Account) -> str:
        return extension if callers is None or account.id in callers else ""

    run = _Run(
        base,
        path,
        called,
        at_once,
        progress,
        address=address,
        patience=patience,
        more=LONG if long else 0,
        to_hear=_MOST_HEARD if media else 0,
        trusting=trusting,
    )
    return asyncio.run(run.all(accounts))


class _Run:
    """All accounts of a server."""

    def __init__(
        self,
        base: str,
        path: str,
        called: Callable[[Account], str],
        at_once: int,
        progress: Callable[[int], None] | None,
        *,
        address: str = "",
        patience: float | None = None,
        more: int = 0,
        to_hear: int = 0,
        trusting: ssl.SSLContext | None = None,
    ) -> None:
        self._more = more
        #: Calls in which media is still to be looked at.
        self._to_hear = to_hear
        self._base = base
        self._path = path
        self._host = urlsplit(base).hostname or ""
        self._called = called
        self._at_once = at_once
        self._progress = progress
        self._address = address
        self._patience = patience
        #: Until when one more account is begun.
        self._beginning = math.inf
        self._context = trusting or unchecked()
        #: Calls that are still to be held.
        self._to_hold = 0 if more else _MOST_HELD
        #: Accounts, one after another, that were tried in vain.
        self._vain = 0

    async def all(self, accounts: Sequence[Account]) -> tuple[Proof, ...]:
        if self._patience is not None:
            self._beginning = _now() + self._patience * _BEGINNING
        proofs: dict[int, Proof] = {}
        waiting = iter(enumerate(accounts))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._at_once, len(accounts))):
                group.create_task(self._one_after_another(waiting, proofs))
        return tuple(proofs[index] for index in range(len(accounts)))

    async def _one_after_another(
        self, waiting: Iterator[tuple[int, Account]], proofs: dict[int, Proof]
    ) -> None:
        for index, account in waiting:
            proofs[index] = await self._proof(account)
            if self._progress is not None:
                self._progress(len(proofs))

    async def _proof(self, account: Account) -> Proof:
        trial = _Trial(account, self._called(account))
        if not (account.password or account.ha1):
            trial.learned(tried=False)
            trial.found(call_findings.no_password(account))
        elif self._vain >= _MOST_VAIN or _now() > self._beginning:
            trial.learned(tried=False)
        else:
            began = _now()
            trouble = await self._try(trial)
            if trouble is not None:
                trial.found(trouble)
            refused = any(f.code == "registration-refused" for f in trial.proof.findings)
            vain = trouble is not None or refused or _now() - began > _LONG
            self._vain = self._vain + 1 if vain else 0
        return trial.proof

    async def _try(self, trial: _Trial) -> Finding | None:
        """Register and call. What kept it from coming to an end."""
        account = trial.account
        url = f"ws{self._base.removeprefix('http')}{self._path}"
        end = math.inf if self._patience is None else _now() + self._patience * _EACH
        source = own_address(self._address or self._host)
        try:
            line = await Line.open(url, self._context, _left(end, ANSWER), source, self._address)
        except LineError as error:
            handshake = await asyncio.to_thread(
                ask,
                self._base,
                self._path,
                address=self._address,
                patience=_left(end, ANSWER),
            )
            if handshake.open:
                return call_findings.failed(account, str(error))
            return call_findings.no_line(account, handshake)
        try:
            host = f"[{self._host}]" if ":" in self._host else self._host
            try:
                client = SipClient(line, account, host, _left(end, ALL))
                await self._register_and_call(client, trial)
            finally:
                await line.close()
        except LineError as error:
            return call_findings.failed(account, str(error))
        except NoAnswerError as error:
            if error.method == "INVITE":
                return call_findings.unanswered(account, trial.extension, ANSWER, error.trying)
            return call_findings.failed(account, f"did not answer within {ANSWER:.0f} s")
        except ChallengeError as error:
            trial.found(call_findings.challenge(account, error.realm))
        return None

    async def _register_and_call(self, client: SipClient, trial: _Trial) -> None:
        query = await client.bindings()
        trial.registration(query)
        if query.response.success:
            # Those of the configuration have no end, and are no phones.
            contacts = sum("expires" in one.parameters for one in query.response.contacts)
            trial.learned(contacts=contacts)
            if not contacts:
                async with client.bound() as bound:
                    trial.registration(bound)
        if not (trial.may_call and trial.extension):
            return
        ice = self._ice()
        try:
            await self._call(client, trial, ice)
        finally:
            if ice is not None:
                ice.close()

    def _ice(self) -> IceEnd | None:
        """Where media is awaited in the next call."""
        if self._to_hear <= 0 or not self._address:
            return None
        self._to_hear -= 1
        return IceEnd.towards(self._address)

    async def _call(self, client: SipClient, trial: _Trial, ice: IceEnd | None) -> None:
        async with client.call(trial.extension, _any_offer(self._more, ice)) as called:
            trial.call(called)
            if called.response.success and ice is not None:
                body = called.response.body
                trial.learned(media_reached=await ice.reached(body, trial.proof.candidates))
            if called.response.success and self._to_hold > 0:
                self._to_hold -= 1
                if not await client.stays(_HELD):
                    self._to_hold += 1
                    trial.found(call_findings.ended(trial.account, trial.extension))
                elif client.is_unconfirmed:
                    trial.found(call_findings.unconfirmed(trial.account, trial.extension))


class _Trial:
    """A proof as it comes about."""

    def __init__(self, account: Account, extension: str) -> None:
        self.account = account
        self.proof = Proof(account.id)
        #: Whether the account's password, if it needs one, was not refused.
        self.may_call = False
        self.extension = extension

    def learned(self, **values: Any) -> None:
        self.proof = replace(self.proof, **values)

    def found(self, finding: Finding) -> None:
        self.learned(findings=(*self.proof.findings, finding))

    def registration(self, answered: Answered) -> None:
        """Of each REGISTER in turn."""
        status = answered.response.status
        self.learned(registered=answered.response.success)
        if not answered.response.success:
            self.found(call_findings.registration(self.account, status))
        elif not answered.challenged and not self.proof.findings:
            self.found(call_findings.unguarded(self.account))
        # Who is known, and may only not register, can call.
        self.may_call = answered.response.success or status in (403, 404)

    def call(self, answered: Answered) -> None:
        response, seconds = answered.response, answered.seconds
        self.learned(answered=response.success, seconds=seconds)
        if not response.success:
            self.found(call_findings.call(self.account, self.extension, response.status))
            return
        if seconds > SLOW:
            self.found(call_findings.slow(self.account, self.extension, seconds))
        try:
            found = candidates(response.body)
        except SdpError:
            found = None
        if found is None:
            self.found(call_findings.no_sound(self.account, self.extension))
        elif not found:
            self.found(call_findings.no_candidates(self.account, self.extension))
        else:
            self.learned(candidates=found)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _left(end: float, most: float) -> float:
    """Seconds until ``end``: ``most`` of them, and a few at the least."""
    return min(most, max(_LEAST, end - _now()))


def _any_offer(more: int = 0, ice: IceEnd | None = None) -> str:
    fingerprint = secrets.token_bytes(32).hex(":").upper()
    session = secrets.randbits(62)
    if ice is not None:
        return offer(session, ice.ufrag, ice.password, fingerprint, more, candidate=ice.candidate)
    return offer(session, secrets.token_hex(4), secrets.token_hex(12), fingerprint, more)
