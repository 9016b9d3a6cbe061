"""SIP messages as values: read from one WebSocket message each, and written (RFC 3261, RFC 7118)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice import grammar
from cmp_bundle.practice.grammar import MalformedError, NameAddr, Uri, Via

if TYPE_CHECKING:
    from collections.abc import Iterator

#: RFC 3261 section 7.3.3 and RFC 4028, the short names that matter here.
_SHORT: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "t": "to",
    "v": "via",
    "x": "session-expires",
}
_SINGLE: Final = ("from", "to", "call-id", "cseq")
_MOST_HEADERS: Final = 200
#: Characters. A call with twenty pictures comes to some 20,000.
_LONGEST: Final = 200_000

_FOLD: Final = re.compile(r"\r\n[ \t]+")
#: Nothing of this may get into another message, least of all a line's end.
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_REQUEST_LINE: Final = re.compile(r"(\S+) (\S+) SIP/(\d+\.\d+)", re.IGNORECASE)
_STATUS_LINE: Final = re.compile(r"SIP/2\.0 ([1-6]\d\d)(?: (.*))?", re.IGNORECASE)

PHRASES: Final = {
    100: "Trying",
    180: "Ringing",
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    491: "Request Pending",
    500: "Server Internal Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    505: "Version Not Supported",
}


class UnreadableError(ValueError):
    """Not a SIP message, or not one that could be answered: it is dropped."""


@dataclass(frozen=True)
class Headers:
    """Names and values in their order. Names are found whatever their case or short form."""

    pairs: tuple[tuple[str, str], ...] = ()

    def all(self, name: str) -> list[str]:
        return self._by_name.get(name.lower(), [])

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.pairs:
            low = name.lower()
            found.setdefault(_SHORT.get(low, low), []).append(value)
        return found


@dataclass(frozen=True)
class _Message:
    headers: Headers
    # What is said in a call is nobody's business in a log.
    body: str = field(default="", repr=False, kw_only=True)

    @cached_property
    def via(self) -> Via:
        return grammar.via(self._required("via"))

    @cached_property
    def from_(self) -> NameAddr:
        return grammar.address(self._required("from"))

    @cached_property
    def to(self) -> NameAddr:
        return grammar.address(self._required("to"))

    @cached_property
    def call_id(self) -> str:
        return self._required("call-id")

    @cached_property
    def cseq(self) -> tuple[int, str]:
        return grammar.cseq(self._required("cseq"))

    @cached_property
    def contacts(self) -> list[NameAddr]:
        return grammar.addresses(self.headers.all("contact"))

    def lists(self, option: str, name: str = "supported") -> bool:
        """Whether a comma-separated header has it."""
        return option in grammar.tokens(self.headers.all(name))

    def check(self) -> None:
        """See that all is there that every message must have. Raises MalformedError."""
        for name in _SINGLE:
            if len(self.headers.all(name)) > 1:
                raise MalformedError(f"there is more than one {name} header")
        _ = self.via, self.to
        if self.headers.first("contact") != "*":
            _ = self.contacts
        if not self.call_id or self.from_.tag is None:
            raise MalformedError("the Call-ID or the From tag is empty")
        length = self.headers.first("content-length")
        if length is not None and grammar.seconds(length) != len(self.body.encode()):
            raise MalformedError("the length of the body is not that of Content-Length")

    def _required(self, name: str) -> str:
        value = self.headers.first(name)
        if value is None:
            raise MalformedError(f"the {name} header is missing")
        return value

    def _text(self, first: str) -> str:
        lines = [first, *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"Content-Length: {len(self.body.encode())}")
        return "\r\n".join(lines) + "\r\n\r\n" + self.body


@dataclass(frozen=True)
class SipRequest(_Message):
    """Its head is checked where it was parsed with success, so it can be used without care."""

    method: str
    uri: str
    version: str = "2.0"

    @cached_property
    def target(self) -> Uri:
        return grammar.uri(self.uri)

    def check(self) -> None:
        """Raises MalformedError."""
        super().check()
        if self.cseq[1] != self.method:
            raise MalformedError("the CSeq header names another method")
        _ = self.target

    def __str__(self) -> str:
        return self._text(f"{self.method} {self.uri} SIP/2.0")


@dataclass(frozen=True)
class SipResponse(_Message):
    status: int
    reason: str

    @property
    def final(self) -> bool:
        return self.status >= 200  # noqa: PLR2004 where final answers begin

    @property
    def success(self) -> bool:
        return 200 <= self.status < 300  # noqa: PLR2004 RFC 3261 section 7.2

    def __str__(self) -> str:
        return self._text(f"SIP/2.0 {self.status} {self.reason}")


def parse(data: str | bytes) -> SipRequest | SipResponse:
    """Read one message; its ``check`` has still to be asked. Raises UnreadableError."""
    try:
        text = data.decode() if isinstance(data, bytes) else data
        text.encode()
    except UnicodeError:
        raise UnreadableError("not UTF-8") from None
    if len(text) > _LONGEST:
        raise UnreadableError("too long")
    head, end, body = text.lstrip("\r\n").partition("\r\n\r\n")
    if not end:
        raise UnreadableError("the headers have no end")
    first, *lines = _FOLD.sub(" ", head).split("\r\n")
    headers = _headers(lines)
    request, status = _REQUEST_LINE.fullmatch(first), _STATUS_LINE.fullmatch(first)
    if _CONTROL.search(first):
        raise UnreadableError("control characters in the first line")
    if status:
        return SipResponse(headers, int(status[1]), status[2] or "", body=_cut(body, headers))
    if request and grammar.is_token(request[1]):
        method, uri, version = request.groups()
        return SipRequest(headers, method, uri, version, body=_cut(body, headers))
    raise UnreadableError("neither a request nor a response")


def _headers(lines: list[str]) -> Headers:
    if len(lines) > _MOST_HEADERS:
        raise UnreadableError("too many headers")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not grammar.is_token(name.strip()) or _CONTROL.search(value):
            raise UnreadableError("a header cannot be read")
        pairs.append((name.strip(), value.strip()))
    return Headers(tuple(pairs))


def _cut(body: str, headers: Headers) -> str:
    """As much of the body as was announced: what comes after it is no part of the message.

    RFC 3261 section 18.3 on datagrams, which WebSocket messages are like (RFC 7118 section 5.4).
    """
    length = headers.first("content-length") or ""
    if not length.isascii() or not length.isdigit():
        return body
    return body.encode()[: int(length[:9])].decode(errors="replace")


def answer(
    request: SipRequest,
    status: int,
    *headers: tuple[str, str],
    tag: str | None = None,
    reason: str | None = None,
    body: str = "",
) -> SipResponse:
    """The answer to ``request`` (RFC 3261 section 8.2.6.2), with ``tag`` on its To if it had none."""
    copied = [("Via", value) for value in request.headers.all("via")]
    to = request.headers.first("to") or ""
    if tag is not None and request.to.tag is None:
        to = f"{to};tag={tag}"
    copied += [
        ("From", request.headers.first("from") or ""),
        ("To", to),
        ("Call-ID", request.headers.first("call-id") or ""),
        ("CSeq", request.headers.first("cseq") or ""),
    ]
    phrase = reason if reason is not None else PHRASES.get(status, "Answer")
    return SipResponse(Headers((*copied, *headers)), status, phrase, body=body)
