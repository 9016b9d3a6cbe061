"""The practice PBX: a registrar, numbers that answer, and phones that call one another.

It is for trying a phone on one machine, without an Asterisk: a B2BUA whose phones each come by
a WebSocket, echoes with real media, and nothing of dial plans.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.practice import grammar
from cmp_bundle.practice.account import DEMO
from cmp_bundle.practice.background import Background
from cmp_bundle.practice.call_back import CallBack
from cmp_bundle.practice.clock import LoopClock
from cmp_bundle.practice.connection import Connection
from cmp_bundle.practice.dialog import ALLOW, SDP, USER_AGENT, new_tag
from cmp_bundle.practice.digest import Digests, Verdict
from cmp_bundle.practice.echo import EchoCall, EchoFactory
from cmp_bundle.practice.incoming import IncomingLeg
from cmp_bundle.practice.leg import CallHandler
from cmp_bundle.practice.message import answer
from cmp_bundle.practice.registrar import RefusedError, Registrar
from cmp_bundle.practice.relay import Relay
from cmp_bundle.practice.session_timer import SHORTEST, TooShortError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cmp_bundle.practice.account import PracticeAccount
    from cmp_bundle.practice.clock import Clock
    from cmp_bundle.practice.transaction import ServerTransaction

#: What ``Require`` may ask for (RFC 3261 section 8.2.2.3).
_EXTENSIONS: Final = ("timer",)

#: Wrong passwords in a row, over one connection, from which the answer is 403: a phone that asks
#: its user again may do so once.
_PATIENCE: Final = 2

#: Close code for a server that goes away (RFC 6455 section 7.4.1).
_GOING_AWAY: Final = 1001


class _Busy(CallHandler):
    """Has no time."""

    def start(self, leg: IncomingLeg) -> None:
        leg.refuse(486)


class _RingsForEver(CallHandler):
    """Nobody is there, until the caller gives up."""

    def start(self, leg: IncomingLeg) -> None:
        leg.ring()


_Call = EchoCall | Relay | _Busy | _RingsForEver


class PracticePbx:
    """A PBX for ``accounts`` (by default demo, password demo), to be used in one event loop.

    A phone dials 246 for its echo, 247 for four, 248 to be called back, 249 for busy, 250 for a
    number that never answers, and the id of an account, which comes first where it is one of
    these. It may be made before the loop runs. Raises CmpBundleError where the extra
    ``practice`` isn't installed.

        pbx = PracticePbx([Account("alice", password="…")])
        connection = pbx.connect(say=socket.write, ended=socket.close)
        connection.receive(message)     # for each WebSocket message, text or bytes
        connection.closed()             # once the socket is
        await pbx.aclose()
    """

    def __init__(
        self, accounts: Iterable[PracticeAccount] = (DEMO,), *, clock: Clock | None = None
    ) -> None:
        self._accounts = {account.id: account for account in accounts}
        self._clock = clock or LoopClock()
        self._digests = Digests(self._clock)
        self._registrar = Registrar(self._clock)
        self._background = Background()
        self._factory = _factory(self._background)
        self._numbers = itertools.count(1)
        self._connections: dict[int, tuple[Connection, Callable[[int | None, str | None], None]]]
        self._connections = {}

    def connect(
        self, say: Callable[[str], None], ended: Callable[[int | None, str | None], None]
    ) -> Connection:
        """A phone's line: ``say`` gets each message for it, ``ended`` that there will be no more.

        ``ended`` is called with a WebSocket close code and a reason, and only by ``aclose``.
        """
        number = next(self._numbers)
        connection = Connection(number, self._clock, say, self._arrived, self._on_close)
        self._connections[number] = (connection, ended)
        return connection

    def admit(self, accounts: Iterable[PracticeAccount]) -> None:
        """From now on these are the accounts; calls go on, and who is gone is not found again."""
        self._accounts = {account.id: account for account in accounts}

    async def aclose(self) -> None:
        """Hang up all calls, let go of all phones."""
        for connection, ended in tuple(self._connections.values()):
            connection.hang_up()
            connection.closed()
            ended(_GOING_AWAY, "the practice PBX has stopped")
        await self._background.finish()

    def _on_close(self, connection: Connection) -> None:
        self._registrar.drop_phone(connection.number)
        del self._connections[connection.number]

    def _arrived(self, connection: Connection, transaction: ServerTransaction) -> None:
        """A request outside of any call. Raises MalformedError."""
        request = transaction.request
        unknown = [
            tag
            for tag in grammar.tokens(request.headers.all("require"))
            if tag.lower() not in _EXTENSIONS
        ]
        if unknown:
            _refuse(transaction, 420, ("Unsupported", ", ".join(unknown)))
        elif request.method == "OPTIONS":
            about = (("Allow", ALLOW), ("Accept", SDP), ("Supported", ", ".join(_EXTENSIONS)))
            transaction.respond(answer(request, 200, *about, tag=new_tag()))
        elif request.method == "REGISTER":
            self._register(connection, transaction)
        elif request.method == "INVITE":
            self._invite(connection, transaction)
        elif request.method in grammar.tokens([ALLOW]):
            # What only makes sense in a call that is no more, or never was.
            _refuse(transaction, 481)
        else:
            _refuse(transaction, 405, ("Allow", ALLOW))

    def _register(self, connection: Connection, transaction: ServerTransaction) -> None:
        request = transaction.request
        account = self._known(connection, transaction, request.to.uri.user)
        if account is None:
            return
        try:
            headers = self._registrar.register(account.id, connection.number, request)
        except RefusedError as refused:
            _refuse(transaction, refused.status, *refused.headers)
            return
        about = (("Server", USER_AGENT), *headers)
        transaction.respond(answer(request, 200, *about, tag=new_tag()))

    def _known(
        self, connection: Connection, transaction: ServerTransaction, name: str
    ) -> PracticeAccount | None:
        """The account of whoever sent the request; None if it was challenged or refused."""
        account = self._accounts.get(name)
        verdict = self._digests.judge(transaction.request, account)
        if verdict is Verdict.RIGHT:
            connection.mistakes = 0
            return account
        if verdict is Verdict.WRONG:
            connection.mistakes += 1
        if verdict is Verdict.WRONG and connection.mistakes >= _PATIENCE:
            _refuse(transaction, 403)
        else:
            challenge = self._digests.challenge(account, stale=verdict is Verdict.STALE)
            _refuse(transaction, 401, challenge)
        return None

    def _invite(self, connection: Connection, transaction: ServerTransaction) -> None:
        request = transaction.request
        caller = self._known(connection, transaction, request.from_.uri.user)
        if caller is None:
            return
        kind = (request.headers.first("content-type") or "").partition(";")[0].strip().lower()
        hops = grammar.seconds(request.headers.first("max-forwards") or "70")
        if request.body and kind != SDP:
            _refuse(transaction, 415, ("Accept", SDP))
        elif request.target.scheme not in ("sip", "sips"):
            _refuse(transaction, 416)
        elif hops == 0:
            _refuse(transaction, 483)
        elif connection.full:
            _refuse(transaction, 503, ("Retry-After", "5"))
        else:
            self._place(connection, transaction, caller, hops - 1)

    def _place(
        self,
        connection: Connection,
        transaction: ServerTransaction,
        caller: PracticeAccount,
        hops: int,
    ) -> None:
        """Raises MalformedError."""
        request = transaction.request
        dialled = request.target.user
        call = self._call(dialled, caller, hops)
        if call is None:
            known = dialled in self._accounts
            _refuse(transaction, 480 if known else 404)
            return
        try:
            leg = IncomingLeg(connection, call, dialled, transaction)
        except TooShortError:
            _refuse(transaction, 422, ("Min-SE", str(SHORTEST)))
            return
        transaction.respond(answer(request, 100))
        call.start(leg)

    def _call(self, dialled: str, caller: PracticeAccount, hops: int) -> _Call | None:
        """What comes of dialling this; None where there is nobody."""
        callee = self._accounts.get(dialled)
        if callee is not None:
            places = [
                (self._connections[binding.phone][0], binding.uri)
                for binding in self._registrar.bindings(callee.id)
            ]
            return Relay(caller, callee, places, hops) if places else None
        match dialled:
            case "246":
                return EchoCall(self._factory)
            case "247":
                return EchoCall(self._factory, pictures=4)
            case "248":
                return CallBack(self._factory, caller)
            case "249":
                return _Busy()
            case "250":
                return _RingsForEver()
        return None


def _refuse(transaction: ServerTransaction, status: int, *headers: tuple[str, str]) -> None:
    transaction.respond(answer(transaction.request, status, *headers, tag=new_tag()))


def _factory(background: Background) -> EchoFactory:
    """With media from aiortc, which takes half a second to import. Raises CmpBundleError."""
    try:
        from cmp_bundle.practice.media.session import (  # noqa: PLC0415
            EchoSession,
            new_certificate,
        )
    except ImportError as error:
        raise CmpBundleError(
            "practice-missing",
            f"the practice PBX needs aiortc, which is not installed ({error})",
            hint="pip install 'cmp-bundle[practice]'",
        ) from error
    certificate = new_certificate()
    return EchoFactory(lambda broken: EchoSession(certificate, broken), background)
