"""A phone that a test drives message by message, written apart from the code under test."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re
from dataclasses import dataclass
from pathlib import Path

from cmp_bundle.practice.pbx import PracticePbx

#: Descriptions that Chromium 156 and Firefox ESR 153 gave: an offer of sound and one picture, and
#: the answer to an offer of three more.
OFFERS = {
    name: (Path(__file__).parent / f"browsers/{name}-offer.sdp").read_text()
    for name in ("chromium", "firefox")
}
ANSWERS = {
    name: (Path(__file__).parent / f"browsers/{name}-answer.sdp").read_text() for name in OFFERS
}
PASSWORDS = {"alice": "wonder1and", "bob": "bui1der", "carol": "cr1stmas"}

#: Seconds of real time for something that needs the event loop.
PATIENCE = 20.0

_unique = itertools.count(1)


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


class Message:
    """One message as text, and what is in it. ``start`` is its first line."""

    def __init__(self, text: str) -> None:
        self.text = text
        head, _, self.body = text.partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [tuple(line.split(": ", 1)) for line in lines]

    def __getitem__(self, name: str) -> str:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) == 1, f"{name}: {found} in\n{self.text}"
        return found[0]

    def has(self, name: str) -> bool:
        return any(key.lower() == name.lower() for key, _ in self.headers)

    @property
    def status(self) -> int:
        """0 for a request."""
        return int(self.start[8:11]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        return self["CSeq"].split()[1]

    @property
    def number(self) -> int:
        return int(self["CSeq"].split()[0])

    @property
    def contact(self) -> str:
        found = re.search(r"<([^>]+)>", self["Contact"])
        assert found
        return found[1]

    def tag(self, header: str) -> str:
        found = re.search(r";tag=([^;\s]+)", self[header])
        return found[1] if found else ""

    @property
    def branch(self) -> str:
        found = re.search(r";branch=([^;\s]+)", self["Via"])
        assert found
        return found[1]

    def __repr__(self) -> str:
        return f"<{self.start} ({self.method})>"


@dataclass
class Dialog:
    """A call as the phone knows it."""

    call_id: str
    local: str
    remote: str
    target: str
    number: int

    def next(self) -> int:
        self.number += 1
        return self.number


class ScriptedPhone:
    """``heard`` are the messages to it that it has not looked at yet, ``login`` goes with its password."""

    def __init__(self, pbx: PracticePbx, name: str) -> None:
        self.name = self.login = name
        self.host = f"{name}{next(_unique)}.invalid"
        self.contact = f"sip:{name}-phone@{self.host};transport=ws"
        self.heard: list[Message] = []
        self.ended: list[tuple[int | None, str | None]] = []
        self._arrived = asyncio.Event()
        self.connection = pbx.connect(self._hear, lambda *how: self.ended.append(how))

    def _hear(self, text: str) -> None:
        self.heard.append(Message(text))
        self._arrived.set()

    # Saying.

    def say(self, text: str | bytes) -> None:
        self.connection.receive(text)

    def send(
        self,
        method: str,
        target: str,
        *more: str,
        to: str | None = None,
        sender: str | None = None,
        call_id: str | None = None,
        number: int = 1,
        branch: str | None = None,
        body: str = "",
    ) -> Message:
        """Say a request; ``more`` are header lines, which count before the usual ones."""
        lines = [
            f"Via: SIP/2.0/WSS {self.host};branch={branch or f'z9hG4bK{next(_unique)}'}",
            "Max-Forwards: 70",
            f"To: {to or f'<{target}>'}",
            f"From: {sender or f'<sip:{self.name}@localhost>;tag=from-{self.host}'}",
            f"Call-ID: {call_id or f'call-{next(_unique)}'}",
            f"CSeq: {number} {method}",
            f"Contact: <{self.contact}>",
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        named = {line.partition(":")[0] for line in more}
        lines = [line for line in lines if line.partition(":")[0] not in named]
        lines = [f"{method} {target} SIP/2.0", *lines, *more]
        return self._say(lines, body)

    def answer(self, request: Message, status: int, *more: str, body: str = "") -> None:
        to = request["To"]
        if ";tag=" not in to and status > 100:
            to += f";tag=to-{self.host}"
        lines = [
            f"SIP/2.0 {status} Whatever",
            f"Via: {request['Via']}",
            f"From: {request['From']}",
            f"To: {to}",
            f"Call-ID: {request['Call-ID']}",
            f"CSeq: {request['CSeq']}",
            f"Contact: <{self.contact}>",
            *more,
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        self._say(lines, body)

    def _say(self, lines: list[str], body: str) -> Message:
        text = "\r\n".join([*lines, f"Content-Length: {len(body.encode())}", "", body])
        self.say(text)
        return Message(text)

    # Hearing.

    def take(self) -> Message:
        """What it heard next, without waiting."""
        assert self.heard, "nothing was heard"
        return self.heard.pop(0)

    def only(self) -> Message:
        """The one thing that it heard."""
        message = self.take()
        assert not self.heard, self.heard
        return message

    async def hears(self) -> Message:
        """What it hears next."""
        async with asyncio.timeout(PATIENCE):
            while not self.heard:
                self._arrived.clear()
                await self._arrived.wait()
        return self.take()

    # What phones do.

    def credentials(
        self, challenge: Message, method: str, target: str, password: str | None = None
    ) -> str:
        """The header line that answers a 401."""
        asked = dict(re.findall(r'(\w+)="([^"]*)"', challenge["WWW-Authenticate"]))
        secret = PASSWORDS[self.name] if password is None else password
        first = md5(f"{self.login}:{asked['realm']}:{secret}")
        response = md5(
            f"{first}:{asked['nonce']}:00000001:cnonce:auth:" + md5(f"{method}:{target}")
        )
        return (
            f'Authorization: Digest algorithm=MD5, username="{self.login}", '
            f'realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{target}", '
            f'response="{response}", qop=auth, cnonce="cnonce", nc=00000001'
        )

    def register(self, *more: str, password: str | None = None, number: int = 1) -> Message:
        """Register, challenge and all; the last answer."""
        who = f"<sip:{self.name}@localhost>"
        call_id = f"register-{self.host}"
        self.send("REGISTER", "sip:localhost", *more, to=who, call_id=call_id, number=number)
        proof = self.credentials(self.only(), "REGISTER", "sip:localhost", password)
        number += 1
        self.send("REGISTER", "sip:localhost", proof, *more, to=who, call_id=call_id, number=number)
        return self.only()

    def invite(self, number: str, *more: str, body: str = OFFERS["chromium"]) -> Message:
        """Call, challenge and all; the INVITE that was sent last, without what comes of it."""
        target = f"sip:{number}@localhost"
        call_id = f"call-{next(_unique)}"
        first = self.send("INVITE", target, *more, call_id=call_id, body=body)
        challenge = self.only()
        self.acknowledge_refusal(first, challenge)
        proof = self.credentials(challenge, "INVITE", target)
        return self.send("INVITE", target, proof, *more, call_id=call_id, number=2, body=body)

    def cancel(self, invite: Message) -> None:
        self._alongside("CANCEL", invite, invite["To"])

    def acknowledge_refusal(self, invite: Message, answer: Message) -> None:
        self._alongside("ACK", invite, answer["To"])

    def _alongside(self, method: str, invite: Message, to: str) -> None:
        self.send(
            method,
            invite.start.split()[1],
            to=to,
            sender=invite["From"],
            call_id=invite["Call-ID"],
            number=invite.number,
            branch=invite.branch,
        )

    def acknowledge(self, answer: Message, body: str = "") -> Dialog:
        """The ACK of a success; the call."""
        dialog = self.caller_of(answer)
        self.within(dialog, "ACK", number=dialog.number, body=body)
        return dialog

    def caller_of(self, answer: Message) -> Dialog:
        """The call that the phone began, as this answer has it."""
        return Dialog(
            answer["Call-ID"], answer["From"], answer["To"], answer.contact, answer.number
        )

    def callee_of(self, invite: Message) -> Dialog:
        """The call that the phone has answered with 200."""
        local = f"{invite['To']};tag=to-{self.host}"
        return Dialog(invite["Call-ID"], local, invite["From"], invite.contact, 0)

    def within(
        self, dialog: Dialog, method: str, *more: str, number: int | None = None, body: str = ""
    ) -> Message:
        """Say a request within a call."""
        return self.send(
            method,
            dialog.target,
            *more,
            to=dialog.remote,
            sender=dialog.local,
            call_id=dialog.call_id,
            number=dialog.next() if number is None else number,
            body=body,
        )
