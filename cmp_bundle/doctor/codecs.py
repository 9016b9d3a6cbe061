"""What browsers and Asterisk can both speak."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.dialled import steps
from cmp_bundle.doctor.together import for_all, together
from cmp_bundle.findings import finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cmp_bundle.doctor.evidence import Live, Phone
    from cmp_bundle.findings import Finding

#: What all browsers have (RFC 7874, RFC 7742); VP9 and AV1 many.
_SOUND: Final = ("opus", "ulaw", "alaw", "g722")
VIDEO: Final = ("vp8", "h264", "vp9", "av1")


def _allowing(phone: Phone, codecs: Iterable[str]) -> str:
    """How it allows these alone, in this order."""
    return remedy("endpoint", phone.id, phone.place, {"disallow": "all", "allow": ",".join(codecs)})


def common(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    """By what is in force alone: in a file, allow and disallow come to something together."""
    for phone in phones:
        if phone.loaded is None or any(codec in _SOUND for codec in phone.codecs):
            continue
        allowed = phone.option("allow")
        yield finding(
            "S102",
            f"the endpoint {phone.id} allows no codec for sound that browsers have, so every call fails"
            " with 488",
            phone.place_of("allow"),
            _allowing(phone, ("opus", "ulaw", "vp8")),
            phone.id,
            seen=f"allow: {allowed or '(none)'}",
        )


def translation(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Opus first in a call with what has no Opus, or with Asterisk itself."""
    if live.opus is None or "ulaw" in live.opus:
        return
    found = [
        phone
        for phone in phones
        if next((codec for codec in phone.codecs if codec in _SOUND), "") == "opus"
    ]
    if found:
        first, names = found[0], [phone.id for phone in found]
        others = [codec for codec in first.codecs if codec != "ulaw"]
        yield finding(
            "S121",
            f"Asterisk cannot translate Opus, which is the first codec of {some(names)}: if they call a"
            " desk phone, a conference or an announcement, there is no sound",
            first.place_of("allow"),
            for_all(
                f"install codec_opus, or put ulaw first: {_allowing(first, ('ulaw', *others))}",
                len(found),
            ),
            seen="core show translation paths opus: To ulaw:8000 : No Translation Path",
        )


def pictures(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Asterisk passes pictures on as they are, so that all have to send the same."""
    shown = any(one and one.has_pictures for one in live.bridges.values())
    if not shown or not any(steps(live.contexts, "ConfBridge")):
        return
    several = [
        (phone, video)
        for phone in phones
        if len(video := [codec for codec in phone.codecs if codec in VIDEO]) > 1
    ]
    if several:
        first, video = several[0]
        sound = [codec for codec in first.codecs if codec not in VIDEO]
        yield finding(
            "V104",
            f"{some([one.id for one, _ in several])} may send pictures as {' or '.join(video)}, and Asterisk"
            " translates none of these: if two browsers of a conference choose different ones, they do not"
            " see one another",
            first.place_of("allow"),
            for_all(
                "allow one alone, the same for all: vp8, which every browser has: "
                + _allowing(first, (*sound, "vp8")),
                len(several),
            ),
            seen=f"allow: {first.option('allow')}",
        )


CHECKS = (
    Check(("S102",), ("phones", "live"), lambda phones, _live: together(common(phones))),
    Check(("S121",), ("phones", "live"), translation),
    Check(("V104",), ("phones", "live"), pictures),
)
