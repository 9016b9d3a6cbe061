"""The inside of SIP headers: addresses, parameters, credentials (RFC 3261 sections 20 and 25).

Written here because it reads what strangers send. Of the libraries for it, sipmessage 0.7 takes
twice the time for each parameter of an Authorization header that does not close: minutes for
thirty. Here each character is looked at once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

_URI = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):"
    r"(?:(?P<user>[^@:<>\"\s]+)(?::[^@<>\"\s]*)?@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)"
    r"(?P<port>:\d{1,5})?"
    r"(?P<rest>[;?][^<>\"\s]*)?"
)
_TOKEN = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_CSEQ = re.compile(r"(\d{1,10})[ \t]+(\S+)")
_VIA = re.compile(r"SIP\s*/\s*2\.0\s*/\s*(?P<transport>\S+)\s+(?P<sent_by>[^\s;,]+)")

#: CSeq numbers are less than this (RFC 3261 section 8.1.1.5).
_SEQUENCE_END: Final = 2**31


class MalformedError(ValueError):
    """A message whose answer is 400. The text says which part of it, never its value."""


@dataclass(frozen=True)
class Uri:
    """A SIP address; ``text`` is as it was written, ``user`` without its escapes."""

    text: str
    scheme: str
    user: str
    host: str


@dataclass(frozen=True)
class NameAddr:
    """What stands in From, To and Contact. Parameter names are in lower case."""

    name: str
    uri: Uri
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str | None:
        return self.parameters.get("tag") or None


@dataclass(frozen=True)
class Via:
    sent_by: str
    branch: str


def is_token(text: str) -> bool:
    return _TOKEN.fullmatch(text) is not None


def pieces(text: str, separator: str) -> list[str]:
    """``text`` cut at each separator outside of quotes and angle brackets, without blanks."""
    found: list[str] = []
    start = 0
    quoted = bracketed = escaped = False
    for index, char in enumerate(text):
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "<>":
            bracketed = char == "<"
        elif char == separator and not bracketed:
            found.append(text[start:index].strip())
            start = index + 1
    found.append(text[start:].strip())
    return found


def unquoted(text: str) -> str:
    """A quoted string's content, or the text as it is."""
    if len(text) > 1 and text[0] == text[-1] == '"':
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    return text


def quoted(text: str) -> str:
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def parameters(parts: list[str]) -> dict[str, str]:
    """Of ``name=value`` each; the first of a name counts, no value is an empty one."""
    found: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower(), unquoted(value.strip()))
    return found


def uri(text: str) -> Uri:
    """Raises MalformedError."""
    match = _URI.fullmatch(text)
    if match is None:
        raise MalformedError("an address cannot be read")
    return Uri(
        text=text,
        scheme=match["scheme"].lower(),
        user=unquote(match["user"] or ""),
        host=match["host"],
    )


def address(text: str) -> NameAddr:
    """One address with its parameters. Raises MalformedError."""
    inside, *rest = pieces(text, ";")
    name, bracket, enclosed = inside.rpartition("<")
    if bracket:
        if not enclosed.endswith(">"):
            raise MalformedError("an address has no closing bracket")
        return NameAddr(unquoted(name.strip()), uri(enclosed[:-1].strip()), parameters(rest))
    # Without brackets, parameters are the header's and not the address's (section 20.10).
    return NameAddr("", uri(inside), parameters(rest))


def addresses(values: list[str]) -> list[NameAddr]:
    """All that stand in the headers of one name. Raises MalformedError."""
    return [address(part) for value in values for part in pieces(value, ",")]


def via(text: str) -> Via:
    """The topmost of a Via header. Raises MalformedError."""
    first, *rest = pieces(pieces(text, ",")[0], ";")
    match = _VIA.fullmatch(first)
    branch = parameters(rest).get("branch", "")
    if match is None or not is_token(branch):
        raise MalformedError("the Via header cannot be read")
    return Via(match["sent_by"].lower(), branch)


def cseq(text: str) -> tuple[int, str]:
    """Number and method. Raises MalformedError."""
    match = _CSEQ.fullmatch(text)
    if match is None or int(match[1]) >= _SEQUENCE_END or not text.isascii():
        raise MalformedError("the CSeq header cannot be read")
    return int(match[1]), match[2]


def tokens(values: list[str]) -> list[str]:
    """Option tags or methods out of comma-separated headers."""
    return [word for value in values for word in (w.strip() for w in value.split(",")) if word]


def seconds(text: str) -> int:
    """A number of seconds, cut where it is longer than a life. Raises MalformedError."""
    if not text.isascii() or not text.isdigit():
        raise MalformedError("a number of seconds cannot be read")
    return min(int(text[:10]), 2**31)


def credentials(text: str) -> dict[str, str] | None:
    """The parameters of a digest; None for another scheme. Raises MalformedError."""
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    parts = pieces(rest, ",")
    if any("=" not in part for part in parts):
        raise MalformedError("the credentials cannot be read")
    return parameters(parts)
