"""Dialogs: what two ends of a call know of each other (RFC 3261 section 12)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from cmp_bundle.practice.grammar import MalformedError, quoted
from cmp_bundle.practice.message import Headers, SipRequest, SipResponse

#: Names this end to browsers, which reach it by their connection only (RFC 7118 section 5).
HOST: Final = "practice.invalid"
USER_AGENT: Final = "cmp-bundle practice"
ALLOW: Final = "INVITE, ACK, CANCEL, BYE, OPTIONS, REGISTER, UPDATE, INFO"
SDP: Final = "application/sdp"

#: What may stand unescaped in an address's user (RFC 3261 section 25.1).
_SAFE: Final = "-_.!~*'()&=+$,"

_COOKIE: Final = "z9hG4bK"


def new_tag() -> str:
    return secrets.token_hex(6)


def new_via(host: str = HOST) -> tuple[str, str]:
    return "Via", f"SIP/2.0/WSS {host};branch={_COOKIE}{secrets.token_hex(10)}"


def contact(user: str) -> tuple[str, str]:
    """Where this end is to be reached as ``user``, which is an account or a number."""
    return "Contact", f"<{uri(user, HOST)};transport=ws>"


def uri(user: str, host: str) -> str:
    """The address of ``user``, which may be any text, at ``host``."""
    return f"sip:{quote(user, safe=_SAFE)}@{host}"


def address(user: str, name: str = "") -> str:
    """Whom a phone is told it talks to. Both may be any text."""
    uri_at_host = f"<{uri(user, HOST)}>"
    # A line's end would begin a header of its own.
    printable = "".join(c if c.isprintable() else " " for c in name).strip()
    return f"{quoted(printable)} {uri_at_host}" if printable else uri_at_host


def described(sdp: str | None) -> list[tuple[str, str]]:
    """The header that goes with such a body."""
    return [("Content-Type", SDP)] if sdp else []


@dataclass
class Dialog:
    """``local`` and ``remote`` are From and To as this end sends them, tags included.

    ``host`` and ``agent`` are what this end calls itself in Via and User-Agent.
    """

    call_id: str
    local: str
    remote: str
    local_tag: str
    remote_tag: str
    target: str
    routes: tuple[str, ...]
    local_cseq: int
    remote_cseq: int | None
    host: str = HOST
    agent: str = USER_AGENT

    @classmethod
    def of_request(cls, request: SipRequest, tag: str) -> Dialog:
        """As the one who is called. Raises MalformedError."""
        return cls(
            call_id=request.call_id,
            local=f"{request.headers.first('to')};tag={tag}",
            remote=request.headers.first("from") or "",
            local_tag=tag,
            remote_tag=request.from_.tag or "",
            target=_target(request),
            routes=tuple(request.headers.all("record-route")),
            # As good as any number below 2**31 (section 12.2.1.1).
            local_cseq=0,
            remote_cseq=request.cseq[0],
        )

    @classmethod
    def of_answer(cls, request: SipRequest, response: SipResponse) -> Dialog:
        """As the one who called. Raises MalformedError."""
        if response.to.tag is None:
            raise MalformedError("the answer's To has no tag")
        return cls(
            call_id=request.call_id,
            local=request.headers.first("from") or "",
            remote=response.headers.first("to") or "",
            local_tag=request.from_.tag or "",
            remote_tag=response.to.tag,
            target=_target(response),
            routes=tuple(reversed(response.headers.all("record-route"))),
            local_cseq=request.cseq[0],
            remote_cseq=None,
            host=request.via.sent_by,
            agent=request.headers.first("user-agent") or USER_AGENT,
        )

    @property
    def key(self) -> tuple[str, str, str]:
        return self.call_id, self.local_tag, self.remote_tag

    def request(self, method: str, *headers: tuple[str, str], body: str = "") -> SipRequest:
        """A new request to the other end."""
        self.local_cseq += 1
        return self._request(method, self.local_cseq, headers, body)

    def ack(self, cseq: int, body: str = "") -> SipRequest:
        """For the success of the INVITE with this number (section 13.2.2.4)."""
        return self._request("ACK", cseq, tuple(described(body)), body)

    def refresh(self, message: SipRequest | SipResponse) -> None:
        """Take a new address of the other end, where it gives one (section 12.2.2)."""
        if message.contacts:
            self.target = message.contacts[0].uri.text

    def in_order(self, request: SipRequest) -> bool:
        """Whether the request is newer than all before it; if so it is the newest now."""
        number = request.cseq[0]
        if self.remote_cseq is not None and number <= self.remote_cseq:
            return False
        self.remote_cseq = number
        return True

    def _request(
        self, method: str, cseq: int, headers: tuple[tuple[str, str], ...], body: str
    ) -> SipRequest:
        pairs = (
            new_via(self.host),
            ("Max-Forwards", "70"),
            *(("Route", route) for route in self.routes),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{cseq} {method}"),
            ("User-Agent", self.agent),
            *headers,
        )
        return SipRequest(Headers(pairs), method, self.target, body=body)


def _target(message: SipRequest | SipResponse) -> str:
    if len(message.contacts) != 1:
        raise MalformedError("there must be exactly one Contact")
    return message.contacts[0].uri.text
