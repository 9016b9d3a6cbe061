"""A phone that speaks as little SIP over a WebSocket as a registration and a call need. No media."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import re

from websockets.asyncio.client import ClientConnection
from websockets.typing import Subprotocol

SIP = Subprotocol("sip")

#: Seconds that an answer may take: many phones share a processor with their PBX.
PATIENCE = 60

#: What a browser offers for sound alone; nothing ever comes from there.
OFFER = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "c=IN IP4 127.0.0.1\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=setup:actpass\r\n"
    "a=ice-ufrag:scripted\r\na=ice-pwd:scripted-scripted-scripted\r\n"
    f"a=fingerprint:sha-256 {':'.join(['AB'] * 32)}\r\n"
    "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\na=rtpmap:0 PCMU/8000\r\n"
)


def header(message: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", message, re.MULTILINE | re.IGNORECASE)
    assert found, message
    return found[1]


class Phone:
    """One phone on its ``line``. An answer that it does not expect fails the test."""

    def __init__(self, name: str, password: str, line: ClientConnection) -> None:
        self.name = name
        #: The user in the address at which it says that it is reached.
        self.contact = name
        self._password = password
        self._line = line
        self._count = itertools.count(1)

    async def register(self) -> None:
        call = f"r{next(self._count)}-{self.name}"
        await self._proven("REGISTER", "sip:pbx", f"<sip:{self.name}@pbx>", call)

    async def call(self, extension: str = "246") -> None:
        """Set up, talk for no time, hang up."""
        call = f"c{next(self._count)}-{self.name}"
        to = f"<sip:{extension}@pbx>"
        answer, number = await self._proven("INVITE", f"sip:{extension}@pbx", to, call, OFFER)
        to, there = header(answer, "To"), header(answer, "Contact").split("<")[1].split(">")[0]
        await self._send("ACK", there, to, call, number)
        await self._ask("BYE", there, to, call, next(self._count), wants="200")

    async def _proven(
        self, method: str, target: str, to: str, call: str, body: str = ""
    ) -> tuple[str, int]:
        """Ask, be challenged, ask again: the answer 200, and the number of what it answers."""
        number = next(self._count)
        answer, branch = await self._ask(method, target, to, call, number, body=body, wants="401")
        if method == "INVITE":
            await self._send("ACK", target, header(answer, "To"), call, number, branch=branch)
        challenge = header(answer, "WWW-Authenticate")
        number = next(self._count)
        proof = self._proof(challenge, method, target)
        answer, _ = await self._ask(
            method, target, to, call, number, proof=proof, body=body, wants="200"
        )
        return answer, number

    def _proof(self, challenge: str, method: str, target: str) -> str:
        """RFC 2617 with qop=auth where it is asked for, without where not; MD5."""
        told = dict(re.findall(r'(\w+)="?([^",]*)"?', challenge))
        key = _md5(f"{self.name}:{told['realm']}:{self._password}")
        what = _md5(f"{method}:{target}")
        more, between = "", told["nonce"]
        if "qop" in told:
            more = ', qop=auth, nc=00000001, cnonce="scripted"'
            between += ":00000001:scripted:auth"
        if "opaque" in told:
            more += f', opaque="{told["opaque"]}"'
        return (
            f'Authorization: Digest username="{self.name}", realm="{told["realm"]}",'
            f' nonce="{told["nonce"]}", uri="{target}", algorithm=MD5,'
            f' response="{_md5(f"{key}:{between}:{what}")}"{more}\r\n'
        )

    async def _ask(
        self,
        method: str,
        target: str,
        to: str,
        call: str,
        number: int,
        *,
        proof: str = "",
        body: str = "",
        wants: str,
    ) -> tuple[str, str]:
        """The final answer, which ``wants`` says, and the branch under which it was asked."""
        branch = await self._send(method, target, to, call, number, proof=proof, body=body)
        while True:
            message = await asyncio.wait_for(self._line.recv(), PATIENCE)
            text = message if isinstance(message, str) else message.decode()
            if not text.strip():
                continue  # Asterisk's keep-alive, every 90 s to each connection
            if text.startswith("OPTIONS "):
                continue  # whether it is still there; who does not answer is not rung
            assert header(text, "Call-ID") == call, f"somebody else's message: {text}"
            if not text.startswith("SIP/2.0 ") or header(text, "CSeq") != f"{number} {method}":
                continue
            if not text.startswith("SIP/2.0 1"):
                assert text.startswith(f"SIP/2.0 {wants}"), text
                return text, branch

    async def _send(
        self,
        method: str,
        target: str,
        to: str,
        call: str,
        number: int,
        *,
        branch: str = "",
        proof: str = "",
        body: str = "",
    ) -> str:
        branch = branch or f"z9hG4bK{self.name}-{call}-{number}-{method}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        await self._line.send(
            f"{method} {target} SIP/2.0\r\n"
            f"Via: SIP/2.0/WSS {self.name}.invalid;branch={branch};rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{self.name}@pbx>;tag={call}\r\nTo: {to}\r\n"
            f"Call-ID: {call}\r\nCSeq: {number} {method}\r\n"
            f"Contact: <sip:{self.contact}@{self.name}.invalid;transport=ws>;expires=600\r\n"
            f"{proof}{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        return branch


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
