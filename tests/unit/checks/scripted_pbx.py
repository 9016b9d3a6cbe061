"""A PBX that a test scripts, written apart from the code under test."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Sequence

from tornado.websocket import WebSocketClosedError

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks import call
from cmp_bundle.checks.call import Proof
from tests.unit.practice.scripted import ANSWERS, Message, md5

#: What it says in answer to a message: at once, or after some seconds; None ends the line.
Say = str | bytes | tuple[float, str] | None
Answer = Callable[[Message], Sequence[Say]]

CHALLENGE = 'Digest realm="asterisk", nonce="{nonce}", opaque="o", algorithm=MD5, qop="auth"'

PASSWORD = "wonder1and"
ALICE = Account("alice", password=PASSWORD)

WELL = [
    "REGISTER", "REGISTER",  # who is there?
    "REGISTER", "REGISTER",  # here I am
    "REGISTER", "REGISTER",  # and gone
    "INVITE", "ACK", "INVITE", "ACK", "BYE",
]  # fmt: skip


class ScriptedPbx:
    """Answers as a good Asterisk does. ``on`` replaces its answer to a method, which may use it.

    ``heard`` has the messages of all lines.
    """

    def __init__(self) -> None:
        self.on: dict[str, Answer] = {}
        self.heard: list[Message] = []
        #: Contact headers that a REGISTER is answered with.
        self.bindings: list[str] = []
        self.challenge = CHALLENGE
        #: What it says first.
        self.greeting: list[Say] = []
        #: Set when it has heard this method so often.
        self.heard_enough = asyncio.Event()
        self.enough = ("", 0)
        #: Messages that it takes.
        self.most = 1_000_000
        self._nonces = itertools.count()

    def hear(self, text: str) -> Sequence[Say]:
        """What it says to this message."""
        message = Message(text)
        self.heard.append(message)
        if len(self.asked(self.enough[0])) == self.enough[1]:
            self.heard_enough.set()
        method = "answer" if message.status else message.start.split()[0]
        return self.on.get(method, self.well)(message)

    def methods(self) -> list[str]:
        """What was asked, and what was answered: ``INVITE``, ``488 INVITE``."""
        return [f"{m.status} {m.method}" if m.status else m.start.split()[0] for m in self.heard]

    def asked(self, method: str) -> list[Message]:
        return [m for m in self.heard if m.start.startswith(f"{method} ")]

    def well(self, message: Message) -> list[Say]:
        """What a good server says."""
        if message.status or message.start.startswith("ACK "):
            return []
        if message.method in ("REGISTER", "INVITE") and not self.proven(message):
            return [self.challenged(message)]
        if message.method == "REGISTER":
            if message.has("Contact"):
                gone = message["Expires"] == "0"
                self.bindings = [] if gone else [f"{message['Contact']};expires=60"]
            return [reply(message, 200, *(f"Contact: {b}" for b in self.bindings))]
        if message.method == "INVITE":
            return [reply(message, 100), answered(message)]
        return [reply(message, 200)]

    def challenged(self, message: Message) -> str:
        nonce = f"n{next(self._nonces)}"
        return reply(message, 401, f"WWW-Authenticate: {self.challenge.format(nonce=nonce)}")

    def proven(self, message: Message, password: str = PASSWORD) -> bool:
        if not message.has("Authorization"):
            return False
        told = dict(re.findall(r'(\w+)="?([^",]*)"?', message["Authorization"]))
        first = md5(f"{told.get('username')}:{told.get('realm')}:{password}")
        # A challenge that was damaged on its way may lack anything; without qop, so does its answer.
        parts = [told[name] for name in ("nonce", "nc", "cnonce", "qop") if name in told]
        asked = md5(f"{message.method}:{message.start.split()[1]}")
        return bool(told.get("response") == md5(":".join([first, *parts, asked])))


def reply(message: Message, status: int, *headers: str, body: str = "") -> str:
    """An answer as it should be."""
    to = message["To"]
    if ";tag=" not in to and status > 100:
        to += ";tag=pbx"
    copied = [f"{name}: {message[name]}" for name in ("Via", "From", "Call-ID", "CSeq")]
    lines = [f"SIP/2.0 {status} Whatever", *copied, f"To: {to}", *headers]
    return "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body])


def answered(message: Message, body: str = ANSWERS["chromium"]) -> str:
    """That a call was answered."""
    headers = ("Contact: <sip:there.example;transport=ws>", "Content-Type: application/sdp")
    return reply(message, 200, *headers, body=body)


def within(message: Message, method: str, number: int = 1, body: str = "") -> str:
    """A request of the server's in the call that ``message`` of the phone belongs to."""
    return asking(
        method, message["Call-ID"], to=message["From"], sender=message["To"], number=number, body=body
    )  # fmt: skip


def asking(
    method: str,
    call_id: str = "another",
    *,
    to: str = "<sip:alice@x>",
    sender: str = "<sip:z@y>;tag=2",
    number: int = 1,
    body: str = "",
) -> str:
    """A request of the server's, of a call of its own unless it is told another."""
    lines = (
        f"{method} sip:phone.invalid SIP/2.0",
        f"Via: SIP/2.0/WSS pbx.example;branch=z9hG4bK{method}{number}{call_id}",
        f"To: {to}", f"From: {sender}", f"Call-ID: {call_id}", f"CSeq: {number} {method}",
        "Contact: <sip:there.example;transport=ws>", f"Content-Length: {len(body)}",
    )  # fmt: skip
    return "\r\n".join((*lines, "", body))


class InMemory:
    """A connection to it, as tornado's are."""

    protocol = None

    def __init__(self, pbx: ScriptedPbx) -> None:
        self._pbx = pbx
        self._coming: asyncio.Queue[str | bytes | None] = asyncio.Queue()
        self._open = True
        self._say(pbx.greeting)

    async def write_message(self, text: str) -> None:
        if not self._open:
            raise WebSocketClosedError
        if len(self._pbx.heard) >= self._pbx.most:
            await asyncio.Event().wait()
        self._say(self._pbx.hear(text))

    async def read_message(self) -> str | bytes | None:
        return await self._coming.get()

    def close(self, code: int) -> None:
        assert code == 1000
        self._say([None])

    def _say(self, what: Sequence[Say]) -> None:
        for one in what:
            if isinstance(one, tuple):
                asyncio.get_running_loop().call_later(one[0], self._coming.put_nowait, one[1])
                continue
            self._open = self._open and one is not None
            self._coming.put_nowait(one)


class Jumping(asyncio.SelectorEventLoop):
    """Where nothing is to be done, the time is at once that of what comes next."""

    _scheduled: list[asyncio.TimerHandle]
    _ready: Sequence[asyncio.Handle]
    _jumped = 0.0

    def time(self) -> float:
        return self._jumped

    def _run_once(self) -> None:
        coming = [timer.when() for timer in self._scheduled if not timer.cancelled()]
        if coming and not self._ready:
            self._jumped = max(self._jumped, min(coming))
        super()._run_once()  # type: ignore[misc]


def try_all(
    accounts: Sequence[Account],
    *,
    at_once: int = 1,
    progress: Callable[[int], None] | None = None,
    stop: asyncio.Event | None = None,
    patience: float | None = None,
) -> tuple[tuple[Proof, ...], float]:
    """What comes of them, and after how many seconds. ``stop`` is when it is stopped, as by Ctrl-C.

    Raises CancelledError where it is.
    """
    run = call._Run(
        "https://pbx.example:8089",
        "/ws",
        lambda _: "246",
        at_once,
        progress,
        patience=patience,
    )

    async def main() -> tuple[tuple[Proof, ...], float]:
        task = asyncio.create_task(run.all(accounts))
        if stop is not None:
            await stop.wait()
            task.cancel()
        return await task, asyncio.get_running_loop().time()

    with asyncio.Runner(loop_factory=Jumping) as runner:
        return runner.run(main())


def tried(account: Account = ALICE) -> Proof:
    (proof,), seconds = try_all([account])
    assert seconds <= 30
    return proof


def codes(proof: Proof) -> list[str]:
    assert all(f.subject == proof.account and f.message and f.hint for f in proof.findings)
    return [f.code for f in proof.findings]
