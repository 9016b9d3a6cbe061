"""Session descriptions, as browsers write them (RFC 8866, RFC 8829)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

#: What each direction lets its author do: send, receive.
_SENDS: Final = frozenset({"sendrecv", "sendonly"})
_RECEIVES: Final = frozenset({"sendrecv", "recvonly"})
DIRECTIONS: Final = _SENDS | _RECEIVES | {"inactive"}

#: Nobody describes more than this; a description that does is not worth the time.
_MOST_SECTIONS = 64
_MOST_CODECS = 128
_LAST_TYPE = 127

_MEDIA = re.compile(r"(\S+) (\d{1,5})(?:/\d+)? (\S+) (\S.*)")
_RTPMAP = re.compile(r"(\d{1,3}) (\S+)")
_NUMBERED = re.compile(r"(\d{1,3}|\*) (.+)")
#: Parsing of ICE attributes (RFC 8839 section 5.4).
_UFRAG = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD = re.compile(r"[A-Za-z0-9+/]{22,256}")


class SdpError(ValueError):
    """A description that cannot be read, or that nothing can be made of."""


def direction(*, sends: bool, receives: bool) -> str:
    """The attribute that says so."""
    if sends:
        return "sendrecv" if receives else "sendonly"
    return "recvonly" if receives else "inactive"


@dataclass(frozen=True)
class Codec:
    """One payload type. ``name`` is as in ``VP8/90000`` or ``opus/48000/2``."""

    payload: int
    name: str
    parameters: str = ""
    feedback: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """The name alone, in lower case."""
        return self.name.partition("/")[0].lower()


@dataclass(frozen=True)
class Transport:
    """What a section says of the way to its author: ICE and DTLS."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    setup: str


@dataclass(frozen=True)
class Section:
    """One ``m=`` line and what belongs to it."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    mid: str
    direction: str
    codecs: tuple[Codec, ...]
    rtcp_mux: bool
    bundle_only: bool
    transport: Transport | None
    candidates: tuple[str, ...]

    @property
    def refused(self) -> bool:
        """Whether its author wants nothing of it (RFC 9143 section 6 on ``bundle-only``)."""
        return self.port == 0 and not self.bundle_only

    @property
    def sends(self) -> bool:
        return not self.refused and self.direction in _SENDS

    @property
    def receives(self) -> bool:
        return not self.refused and self.direction in _RECEIVES


@dataclass(frozen=True)
class Description:
    """A whole session description. ``bundle`` holds the mids that share one transport."""

    sections: tuple[Section, ...]
    bundle: tuple[str, ...]


def parse(text: str) -> Description:
    """Read a description. Raises SdpError."""
    blocks: list[list[tuple[str, str]]] = [[]]
    for line in text.splitlines():
        letter, equals, value = line.partition("=")
        if not equals or len(letter) != 1:
            if line.strip():
                raise SdpError("a line of the session description has no type")
            continue
        if letter == "m":
            blocks.append([])
        blocks[-1].append((letter, value.strip()))
    session, *media = blocks
    if not session or session[0] != ("v", "0"):
        raise SdpError("this is not a session description")
    if len(media) > _MOST_SECTIONS:
        raise SdpError("the session description has too many sections")
    common = _Attributes(session)
    sections = tuple(_section(block, common, index) for index, block in enumerate(media))
    groups = (group.split() for group in common.all("group"))
    bundle = next((tuple(words[1:]) for words in groups if words[:1] == ["BUNDLE"]), ())
    return Description(sections, bundle)


class _Attributes:
    """The ``a=`` lines of one block."""

    def __init__(self, lines: list[tuple[str, str]]) -> None:
        self._pairs = [
            (name, value)
            for letter, text in lines
            if letter == "a"
            for name, _, value in (text.partition(":"),)
        ]

    def all(self, name: str) -> list[str]:
        return [value for key, value in self._pairs if key == name]

    def first(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)

    def direction(self) -> str | None:
        return next((key for key, _ in self._pairs if key in DIRECTIONS), None)


def _section(lines: list[tuple[str, str]], session: _Attributes, index: int) -> Section:
    match = _MEDIA.fullmatch(lines[0][1])
    if match is None:
        raise SdpError("a media line cannot be read")
    kind, port, protocol, formats = match.groups()
    attributes = _Attributes(lines[1:])
    return Section(
        kind=kind,
        port=int(port),
        protocol=protocol,
        formats=tuple(formats.split()),
        mid=attributes.first("mid") or f"#{index}",
        direction=attributes.direction() or session.direction() or "sendrecv",
        codecs=_codecs(formats.split(), attributes) if "RTP/" in protocol else (),
        rtcp_mux=attributes.first("rtcp-mux") is not None,
        bundle_only=attributes.first("bundle-only") is not None,
        transport=_transport(attributes, session),
        candidates=tuple(attributes.all("candidate")),
    )


def _codecs(formats: list[str], attributes: _Attributes) -> tuple[Codec, ...]:
    if len(formats) > _MOST_CODECS:
        raise SdpError("a media line has too many formats")
    # The two that need no rtpmap (RFC 3551 table 4).
    names = {"0": "PCMU/8000", "8": "PCMA/8000"}
    names |= {m[1]: m[2] for m in map(_RTPMAP.fullmatch, attributes.all("rtpmap")) if m}
    parameters = {m[1]: m[2] for m in map(_NUMBERED.fullmatch, attributes.all("fmtp")) if m}
    feedback = [(m[1], m[2]) for m in map(_NUMBERED.fullmatch, attributes.all("rtcp-fb")) if m]
    return tuple(
        Codec(
            payload=int(number),
            name=names[number],
            parameters=parameters.get(number, ""),
            feedback=tuple(value for about, value in feedback if about in (number, "*")),
        )
        for number in dict.fromkeys(formats)
        if number in names and number.isascii() and number.isdigit() and int(number) <= _LAST_TYPE
    )


def _transport(attributes: _Attributes, session: _Attributes) -> Transport | None:
    def value_of(name: str) -> str | None:
        return attributes.first(name) or session.first(name)

    ufrag, password = value_of("ice-ufrag"), value_of("ice-pwd")
    prints = attributes.all("fingerprint") or session.all("fingerprint")
    pairs = tuple((words[0], words[1]) for words in map(str.split, prints) if len(words) == 2)  # noqa: PLR2004 an algorithm and a value
    if ufrag is None or password is None or not pairs:
        return None
    if not _UFRAG.fullmatch(ufrag) or not _PASSWORD.fullmatch(password):
        raise SdpError("the ICE credentials cannot be read")
    return Transport(ufrag, password, pairs, value_of("setup") or "actpass")
