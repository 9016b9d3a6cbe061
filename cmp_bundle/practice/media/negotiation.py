"""Offers and answers of an echo call: what is sent back, in how many pictures (RFC 3264, RFC 8843).

Each section of a description keeps its place and its codecs for the life of the call, whoever
offers: payload types that change from one offer to the next are what browsers answer with 488.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.practice.media.sdp import (
    Codec,
    Description,
    SdpError,
    Section,
    Transport,
    direction,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: What a section may be made of, the dearest last. VP8 costs a laptop least to make and to show,
#: and is what an Asterisk without more modules passes on.
_PREFERRED: Final = {"audio": ("opus", "pcmu", "pcma", "g722"), "video": ("vp8",)}
#: Repairs and wrappings of another codec. Lost packets are asked for again on their own stream.
_NOT_MEDIA: Final = frozenset(
    {"rtx", "red", "ulpfec", "flexfec-03", "cn", "telephone-event", "x-google-rtx"}
)
_FEEDBACK: Final = frozenset({"nack", "nack pli", "ccm fir", "goog-remb"})
_DIGITS: Final = "telephone-event"
_PROTOCOL: Final = "UDP/TLS/RTP/SAVPF"
_CNAME: Final = "practice"

#: What a call from here offers.
_OWN_CODECS: Final = {
    "audio": (
        Codec(111, "opus/48000/2", "minptime=10;useinbandfec=1"),
        Codec(0, "PCMU/8000"),
        Codec(8, "PCMA/8000"),
        Codec(110, "telephone-event/48000", "0-15"),
        Codec(101, "telephone-event/8000", "0-15"),
    ),
    "video": (Codec(96, "VP8/90000", "", tuple(sorted(_FEEDBACK))),),
}


@dataclass(frozen=True)
class Local:
    """The near end of the way, said in every section. ``candidates`` are as in ``a=candidate``."""

    ufrag: str
    password: str = field(repr=False)
    fingerprints: tuple[tuple[str, str], ...]
    candidates: tuple[str, ...]
    port: int


@dataclass(frozen=True)
class Echo:
    """Sound or pictures to send back: packets of these types, once as each of these sources."""

    payloads: frozenset[int] = frozenset()
    ssrcs: tuple[int, ...] = ()


@dataclass(frozen=True)
class MediaPlan:
    """What both sides agreed on."""

    audio: Echo = Echo()
    video: Echo = Echo()


@dataclass(frozen=True)
class _Slot:
    """One section: ``sends`` and ``receives`` are seen from here."""

    kind: str
    mid: str
    protocol: str
    formats: tuple[str, ...]
    codecs: tuple[Codec, ...] = ()
    #: Whether what is received here is what gets echoed; else it only carries a further picture.
    primary: bool = False
    sends: bool = False
    receives: bool = False
    ssrc: int = 0
    stream: str = ""

    @property
    def alive(self) -> bool:
        return bool(self.codecs)


def _ssrc() -> int:
    return secrets.randbelow(2**32 - 1) + 1


class Negotiation:
    """The descriptions of one call, from its first to its last.

    What raises SdpError leaves everything as it was before.
    """

    def __init__(self, local: Local, new_ssrc: Callable[[], int] = _ssrc) -> None:
        self._local = local
        self._new_ssrc = new_ssrc
        self._slots: tuple[_Slot, ...] = ()
        self._offered: tuple[_Slot, ...] | None = None
        self._version = 0
        self._session = secrets.randbelow(2**62)
        self.remote: Transport | None = None
        self.candidates: tuple[str, ...] = ()
        #: Whether this end opens the DTLS connection; None before that is settled.
        self.opens: bool | None = None

    @property
    def plan(self) -> MediaPlan:
        return MediaPlan(self._echo("audio"), self._echo("video"))

    @property
    def sees(self) -> bool:
        """Whether the phone sends a picture."""
        return _source(self._slots, "video")

    def answer(self, text: str) -> str:
        """The answer to the phone's offer, which ends an offer from here. Raises SdpError."""
        offer = parse(text)
        if len(offer.sections) < len(self._slots):
            raise SdpError("the offer leaves out sections of the one before")
        slots = self._taken(offer)
        setup = self._settle(offer, slots)
        if self.opens is None:
            # Whoever answers opens, unless told otherwise: it saves a round trip (RFC 8842
            # section 5.3).
            self.opens = setup != "active"
        self._slots, self._offered = slots, None
        return self._written(slots, "active" if self.opens else "passive")

    def offer(self, pictures: int = 1) -> str:
        """An offer with so many pictures, if the phone sends one; the first one offers one."""
        if self._slots:
            slots = [*self._slots, *self._further(pictures)]
        else:
            slots = [self._new_slot("audio", "0"), self._new_slot("video", "1")]
        self._offered = tuple(slots)
        # RFC 8842 section 5.2: whoever offers again leaves the roles to the other side, which
        # keeps them.
        return self._written(self._offered, "actpass")

    def accept(self, text: str) -> None:
        """Take the phone's answer to the offer made last. Raises SdpError."""
        offered, self._offered = self._offered, None
        if offered is None:
            raise SdpError("the answer belongs to no offer")
        answer = parse(text)
        if len(answer.sections) != len(offered):
            raise SdpError("the answer does not have as many sections as the offer")
        slots = tuple(map(_answered, offered, answer.sections))
        setup = self._settle(answer, slots)
        if self.opens is None:
            self.opens = setup == "passive"
        self._slots = _quiet(slots)

    def withdraw(self) -> None:
        """Forget the offer made last: the phone refused it (RFC 3264 section 8)."""
        self._offered = None

    def _echo(self, kind: str) -> Echo:
        slots = [s for s in self._slots if s.kind == kind and s.alive]
        if not _source(self._slots, kind):
            return Echo()
        payloads = (c.payload for s in slots for c in s.codecs if c.kind != _DIGITS)
        return Echo(frozenset(payloads), tuple(s.ssrc for s in slots if s.sends))

    def _further(self, pictures: int) -> list[_Slot]:
        """What is lacking to so many pictures, if there is one to show."""
        videos = [s for s in self._slots if s.kind == "video" and s.alive]
        source = next((s for s in videos if s.primary and s.receives), None)
        if source is None:
            return []
        taken = {s.mid for s in self._slots}
        further: list[_Slot] = []
        for number in range(sum(s.sends for s in videos) + 1, pictures + 1):
            mid = next(m for m in _mids(number) if m not in taken)
            slot = self._new_slot("video", mid, picture=number)
            further.append(replace(slot, codecs=source.codecs, protocol=source.protocol))
        return further

    def _taken(self, offer: Description) -> tuple[_Slot, ...]:
        """What becomes of each section that the phone offers."""
        slots: list[_Slot] = []
        for index, section in enumerate(offer.sections):
            before = self._slots[index] if index < len(self._slots) else None
            if before is not None and (before.mid, before.kind) != (section.mid, section.kind):
                before = None
            if before is not None and not before.alive:
                before = None
            alone = not any(s.alive for s in slots)
            others = (*slots, *self._slots[index + 1 :])
            has_primary = any(s.kind == section.kind and s.primary for s in others)
            codecs = _chosen(section, before)
            bundled = alone or {s.mid for s in slots if s.alive} | {section.mid} <= {*offer.bundle}
            if not codecs or not bundled or (before is None and has_primary):
                slots.append(
                    _Slot(section.kind, section.mid, section.protocol, section.formats[:1])
                )
                continue
            if before is None:
                before = self._new_slot(section.kind, section.mid)
            slots.append(
                replace(
                    before,
                    codecs=codecs,
                    protocol=section.protocol,
                    sends=section.receives,
                    receives=before.primary and section.sends,
                )
            )
        return _quiet(slots)

    def _settle(self, described: Description, slots: Iterable[_Slot]) -> str:
        """Take the other side's end of the way, or see that it is still the same; its ``setup``."""
        section = _transport_section(described, slots)
        if section.transport is None:
            raise SdpError("the description has no ICE or no DTLS, which every browser has")
        if self.remote is None:
            self.remote = section.transport
            self.candidates = section.candidates
        elif replace(section.transport, setup=self.remote.setup) != self.remote:
            raise SdpError("the practice PBX supports no ICE restart")
        return section.transport.setup

    def _new_slot(self, kind: str, mid: str, picture: int = 1) -> _Slot:
        """With the codecs of a call from here; beyond the first picture it only sends."""
        return _Slot(
            kind,
            mid,
            _PROTOCOL,
            (),
            _OWN_CODECS[kind],
            primary=picture == 1,
            sends=True,
            receives=picture == 1,
            ssrc=self._new_ssrc(),
            # Sound belongs to the first picture: a page shows one thing for each stream.
            stream=f"echo{picture}",
        )

    def _written(self, slots: tuple[_Slot, ...], setup: str) -> str:
        self._version += 1
        lines = [
            "v=0",
            f"o=- {self._session} {self._version} IN IP4 127.0.0.1",
            "s=practice",
            "t=0 0",
            " ".join(["a=group:BUNDLE", *(s.mid for s in slots if s.alive)]),
            "a=msid-semantic: WMS *",
        ]
        for slot in slots:
            lines += self._section(slot, setup) if slot.alive else _refusal(slot)
        return "".join(f"{line}\r\n" for line in lines)

    def _section(self, slot: _Slot, setup: str) -> list[str]:
        local = self._local
        lines = [
            f"m={slot.kind} {local.port} {slot.protocol} "
            + " ".join(str(c.payload) for c in slot.codecs),
            "c=IN IP4 127.0.0.1",
            f"a=mid:{slot.mid}",
            f"a={direction(sends=slot.sends, receives=slot.receives)}",
            "a=rtcp-mux",
            f"a=ice-ufrag:{local.ufrag}",
            f"a=ice-pwd:{local.password}",
            *(f"a=fingerprint:{name} {value}" for name, value in local.fingerprints),
            f"a=setup:{setup}",
        ]
        for codec in slot.codecs:
            lines.append(f"a=rtpmap:{codec.payload} {codec.name}")
            if codec.parameters:
                lines.append(f"a=fmtp:{codec.payload} {codec.parameters}")
            lines += (f"a=rtcp-fb:{codec.payload} {value}" for value in codec.feedback)
        if slot.sends:
            track = f"{slot.stream} {slot.kind}-{slot.mid}"
            lines += [
                f"a=msid:{track}",
                f"a=ssrc:{slot.ssrc} cname:{_CNAME}",
                f"a=ssrc:{slot.ssrc} msid:{track}",
            ]
        lines += (f"a=candidate:{candidate}" for candidate in local.candidates)
        return [*lines, "a=end-of-candidates"]


def _mids(number: int) -> Iterable[str]:
    """Names for a section, the plainest first."""
    yield f"echo{number}"
    yield from (f"echo{number}-{turn}" for turn in range(2, 1000))


def _refusal(slot: _Slot) -> list[str]:
    formats = " ".join(slot.formats) or "0"
    return [
        f"m={slot.kind} 0 {slot.protocol} {formats}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{slot.mid}",
        "a=inactive",
    ]


def _source(slots: Iterable[_Slot], kind: str) -> bool:
    return any(s.kind == kind and s.alive and s.primary and s.receives for s in slots)


def _quiet(slots: Iterable[_Slot]) -> tuple[_Slot, ...]:
    """The same, where nothing is said to be sent that the phone doesn't send itself."""
    slots = tuple(slots)
    return tuple(replace(s, sends=s.sends and _source(slots, s.kind)) for s in slots)


def _transport_section(described: Description, slots: Iterable[_Slot]) -> Section:
    for section, slot in zip(described.sections, slots, strict=True):
        if slot.alive:
            return section
    raise SdpError("no audio or video section has SAVPF, rtcp-mux and a usable codec")


def _chosen(section: Section, before: _Slot | None) -> tuple[Codec, ...]:
    """The codecs of a section that is taken: one, and the keys pressed; nothing if it isn't."""
    if section.refused or not section.rtcp_mux or "SAVPF" not in section.protocol:
        return ()
    if section.kind not in _PREFERRED:
        return ()
    media = [c for c in section.codecs if c.kind not in _NOT_MEDIA]
    wanted = (before.codecs[0].kind,) if before is not None else ()
    for kind in (*wanted, *_PREFERRED[section.kind]):
        media.sort(key=lambda codec, kind=kind: codec.kind != kind)  # type: ignore[misc]
        if media and media[0].kind == kind:
            break
    if not media:
        return ()
    codec = replace(media[0], feedback=tuple(f for f in media[0].feedback if f in _FEEDBACK))
    rate = codec.name.split("/")[1:2]
    digits = (c for c in section.codecs if c.kind == _DIGITS and c.name.split("/")[1:2] == rate)
    return (codec, *digits)


def _answered(slot: _Slot, section: Section) -> _Slot:
    """A section of our offer, after the phone's answer to it."""
    codecs = tuple(c for c in slot.codecs if str(c.payload) in section.formats)
    if section.refused or not codecs or not slot.alive:
        return replace(slot, codecs=(), formats=section.formats[:1], sends=False, receives=False)
    return replace(
        slot,
        codecs=codecs,
        sends=slot.sends and section.receives,
        receives=slot.receives and section.sends,
    )
