"""The synthetic call: whether each account registers and calls, found out by doing it.

As a browser phone does it, over the real WebSocket, but without media: nothing is ever sent to
the addresses that the server names. A phone that is in use is not disturbed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from cmp_bundle.checks import call_findings
from cmp_bundle.checks.digest import ChallengeError
from cmp_bundle.checks.line import Line, LineError
from cmp_bundle.checks.offer import Candidate, candidates, offer
from cmp_bundle.checks.sip_client import ANSWER, NoAnswerError, SipClient
from cmp_bundle.checks.websocket import ask, unchecked
from cmp_bundle.practice.media.sdp import SdpError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.checks.sip_client import Answered
    from cmp_bundle.findings import Finding

#: Seconds for all of one account, but for the last words.
_ACCOUNT = 30.0
#: Seconds until the server answers a call; a STUN server that is silent costs it three and more.
_SLOW = 3.0
#: Seconds that a call is held to see whether the server keeps it. Asterisk waits half a second
#: for sound before it goes on behind Answer().
_HELD = 1.0
#: Accounts, one after another, that had no answer at all: then the others are not tried.
_MOST_SILENT = 8


@dataclass(frozen=True)
class Proof:
    """What came of one account.

    ``registered`` and ``answered`` say what worked, ``findings`` what did not, or will surprise.
    ``candidates`` are where the server wants its media, ``contacts`` how many phones were
    registered before, ``seconds`` the time from the INVITE to its answer (0 without one).
    """

    account: str
    registered: bool = False
    answered: bool = False
    findings: tuple[Finding, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    contacts: int = 0
    seconds: float = 0.0


def prove(
    base: str,
    path: str,
    accounts: Sequence[Account],
    extension: str,
    *,
    at_once: int = 8,
    progress: Callable[[int], None] | None = None,
) -> tuple[Proof, ...]:
    """Register each of ``accounts`` and call ``extension``; one proof for each, in their order.

    ``base`` is ``https://host:port``, ``path`` that of the WebSocket. ``progress`` is told after
    each how many are done. To be called where no event loop runs.

    The certificate is not looked at, so ``base`` should be this machine or one that is reached
    safely: who can pass itself off as the server gets a digest to guess passwords by.
    """
    handshake = ask(base, path)
    if not handshake.open:
        return tuple(
            Proof(one.id, findings=(call_findings.no_line(one, handshake),)) for one in accounts
        )
    run = _Run(base, path, extension, at_once, progress or (lambda _: None))
    return asyncio.run(run.all(accounts))


@dataclass
class _Run:
    base: str
    path: str
    extension: str
    at_once: int
    progress: Callable[[int], None]
    done: int = 0
    #: Calls that are still to be held.
    to_hold: int = field(init=False)
    silent: int = 0

    def __post_init__(self) -> None:
        self.to_hold = self.at_once
        self.context = unchecked()
        # As for the upgrade: what Asterisk serves is its own affair.
        self.context.set_ciphers("DEFAULT:@SECLEVEL=0")
        self.url = f"wss{self.base.removeprefix('https')}{self.path}"
        host = urlsplit(self.base).hostname or ""
        self.host = f"[{host}]" if ":" in host else host

    async def all(self, accounts: Sequence[Account]) -> tuple[Proof, ...]:
        proofs: dict[int, Proof] = {}
        waiting = iter(enumerate(accounts))
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self.at_once, len(accounts))):
                group.create_task(self._one_after_another(waiting, proofs))
        return tuple(proofs[index] for index in range(len(accounts)))

    async def _one_after_another(
        self, waiting: Iterator[tuple[int, Account]], proofs: dict[int, Proof]
    ) -> None:
        for index, account in waiting:
            proofs[index] = await self._proof(account)
            self.done += 1
            self.progress(self.done)

    async def _proof(self, account: Account) -> Proof:
        trial = _Trial(account, self.extension)
        if not (account.password or account.ha1):
            trial.found(call_findings.no_password(account))
        elif self.silent >= _MOST_SILENT:
            trial.found(call_findings.not_tried(account))
        else:
            trouble = await self._tried(account, trial)
            if trouble is not None:
                trial.found(trouble)
            self.silent = 0 if trial.heard else self.silent + 1
        return trial.proof

    async def _tried(self, account: Account, trial: _Trial) -> Finding | None:
        """Why it came to no end, where it did not."""
        try:
            async with asyncio.timeout(_ACCOUNT):
                line = await Line.open(self.url, self.context, ANSWER)
                try:
                    await self._register_and_call(SipClient(line, account, self.host), trial)
                finally:
                    await line.close()
        except TimeoutError:
            return call_findings.failed(account, f"took longer than {_ACCOUNT:.0f} s")
        except LineError as error:
            return call_findings.failed(account, str(error))
        except ChallengeError as error:
            return call_findings.challenge(account, error.realms)
        except NoAnswerError as error:
            return call_findings.no_answer(account, error.method, self.extension, ANSWER)
        return None

    async def _register_and_call(self, client: SipClient, trial: _Trial) -> None:
        query = await client.bindings()
        trial.registration(query)
        contacts = len(query.response.contacts) if query.response.success else 0
        trial.learned(contacts=contacts)
        if query.response.success and not contacts:
            async with client.bound() as bound:
                trial.registration(bound)
        if not trial.may_call:
            return
        began = time.monotonic()
        async with client.call(self.extension, _an_offer()) as called:
            trial.call(called, time.monotonic() - began)
            if called.response.success and self.to_hold > 0:
                self.to_hold -= 1
                if not await client.stays(_HELD):
                    # Another account may be in another context, with an echo that stays.
                    self.to_hold += 1
                    trial.found(call_findings.ended(trial.account, self.extension))


class _Trial:
    """A proof as it comes about."""

    def __init__(self, account: Account, extension: str) -> None:
        self.proof = Proof(account.id)
        self.heard = False
        self.may_call = False
        self.account = account
        self._extension = extension

    def learned(self, **values: Any) -> None:
        self.proof = replace(self.proof, **values)

    def found(self, finding: Finding) -> None:
        self.learned(findings=(*self.proof.findings, finding))

    def registration(self, answered: Answered) -> None:
        """Of each REGISTER in turn."""
        self.heard = True
        success = answered.response.success
        self.learned(registered=success)
        if not success:
            self.found(call_findings.registration(self.account, answered.response.status))
        elif not answered.challenged and not self.proof.findings:
            self.found(call_findings.unguarded(self.account))
        # Who may not register may call, and who it is was proven; a password is refused once only.
        self.may_call = success or answered.response.status in (403, 404)

    def call(self, answered: Answered, seconds: float) -> None:
        response = answered.response
        self.learned(answered=response.success, seconds=seconds)
        if not response.success:
            self.found(call_findings.call(self.account, self._extension, response.status))
            return
        if seconds > _SLOW:
            self.found(call_findings.slow(self.account, self._extension, seconds))
        try:
            found = candidates(response.body)
        except SdpError:
            found = None
        if found is None:
            self.found(call_findings.no_sound(self.account, self._extension))
        elif not found:
            self.found(call_findings.no_candidates(self.account, self._extension))
        else:
            self.learned(candidates=found)


def _an_offer() -> str:
    fingerprint = secrets.token_bytes(32).hex(":").upper()
    return offer(secrets.randbits(62), secrets.token_hex(4), secrets.token_hex(12), fingerprint)
