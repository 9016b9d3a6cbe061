"""What disturbs calls that come about: their end, digits, names, busy lines."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.accounts.remedy import remedy
from cmp_bundle.asterisk.defects import caveat, defects, upgrade
from cmp_bundle.asterisk.reloads import PJSIP, RTP
from cmp_bundle.doctor.calls import PORTS
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.together import together
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Calls, Live, Machine, Phone, Written
    from cmp_bundle.findings import Finding

#: Who has a range of so many has thought about it: not everybody calls at once.
_ENOUGH: Final = 100

#: What ends calls of a phone that is gone: after 90 seconds without an answer. Rows have no word
#: ``always`` for it, and files have both.
_ENDING: Final = {"timers": "forced", "timers_sess_expires": "90"}

#: Characters of a name that are shown.
_SHOWN: Final = 60

#: What a browser understands: RTP events, or whatever the other side does.
_DIGITS: Final = ("rfc4733", "auto", "auto_info", "")


def ports(live: Live, written: Written) -> Iterator[Finding]:
    if live.rtp is None:
        return
    rtp = written.files.get("rtp.conf")
    line = rtp.last("general", "rtpend") if rtp else None
    there = live.rtp.last - live.rtp.first + 1
    needed = PORTS * max(1, len(live.listed))
    if there < min(needed, _ENOUGH):
        yield finding(
            "S104",
            f"rtp.conf has {count(there, 'port')} for {count(len(live.listed), 'endpoint')}: if all call"
            f" at once, they need {needed}, and without a free port a call fails with 488",
            line.place if line else None,
            "widen it: rtpstart=10000 and rtpend=20000; open that range in the firewall, then"
            f" {RTP}",
            seen=f"rtp show settings: Port start: {live.rtp.first}, Port end: {live.rtp.last}",
        )


def stale(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    """Calls that were there before the doctor made any, of phones that are not."""
    registered = {one.name: one.contacts for one in live.listed if one.whole}
    for phone in phones:
        if registered.get(phone.id) != 0 or (phone.account and phone.account.register is False):
            continue
        up = [one for one in live.channels if one.endpoint == phone.id]
        if up:
            longest = max(up, key=lambda one: one.seconds)
            yield finding(
                "S111",
                f"{phone.id} has {count(len(up), 'call')}, and no phone of {phone.id} is registered: if"
                " none is in use, its line stays busy",
                phone.place,
                f"end it: asterisk -rx 'channel request hangup {longest.name}'; so that it ends by itself: "
                + remedy("endpoint", phone.id, phone.place, _ENDING),
                phone.id,
                seen=f"core show channels: {longest.name}, for {longest.seconds} s",
            )


def timeouts(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    for phone in phones:
        for name in ("rtp_timeout", "rtp_timeout_hold"):
            seconds = phone.option(name)
            if seconds.isdecimal() and int(seconds):
                held = name == "rtp_timeout_hold"
                made = finding(
                    "S112",
                    f"{name} of the endpoint {phone.id} ends a call that the other side has put on hold, once"
                    f" this one has sent nothing for {seconds} s"
                    if held
                    else f"{name} of the endpoint {phone.id} ends a call {seconds} s after one of its streams"
                    " falls silent, also one whose picture is switched off",
                    phone.place_of(name),
                    "timers end the calls of phones that are gone: "
                    + remedy("endpoint", phone.id, phone.place, {name: "0", **_ENDING}),
                    phone.id,
                    seen=f"{name}: {seconds}",
                )
                yield replace(made, level=Level.NOTE) if held else made


def digits(phones: tuple[Phone, ...], live: Live) -> Iterator[Finding]:
    known = next(defects(live.version, "S119"), None) if live.version else None
    for phone in phones:
        mode = phone.option("dtmf_mode").lower()
        if mode not in _DIGITS:
            yield finding(
                "S119",
                f"dtmf_mode={mode} of the endpoint {phone.id} takes away the way in which browsers send"
                " digits",
                phone.place_of("dtmf_mode"),
                remedy("endpoint", phone.id, phone.place, {"dtmf_mode": "rfc4733"}),
                phone.id,
                seen=f"dtmf_mode: {mode}",
            )
        elif known and live.version and "g722" in phone.codecs:
            yield finding(
                "S119",
                f"{known.what} ({caveat(live.version_text)}), and the endpoint {phone.id} allows g722",
                phone.place_of("allow"),
                upgrade(known, live.version),
                phone.id,
                seen=live.version_text,
            )


def changes(live: Live) -> Iterator[Finding]:
    if live.version is None:
        return
    for known in defects(live.version, "S120"):
        yield finding(
            "S120",
            f"{known.what} ({caveat(live.version_text)})",
            hint=upgrade(known, live.version),
            seen=live.version_text,
        )


def names(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    """Of a caller: Asterisk quotes what needs it, and sends all else as it stands (seen on 22)."""
    for phone in phones:
        text = phone.option("callerid")
        if any(c == "\ufffd" or unicodedata.category(c) == "Cs" for c in text):
            what = "bytes that are no UTF-8: a browser that it calls closes its connection"
        elif any(unicodedata.category(c) == "Cc" for c in text):
            what = "a control character: its calls reach no browser"
        else:
            continue
        shown = "".join(c if c.isprintable() else "?" for c in text)[:_SHOWN]
        yield finding(
            "S122",
            f"the caller id of the endpoint {phone.id} has {what}",
            phone.place_of("callerid"),
            f'write it in UTF-8: callerid="Name" <number>; then {PJSIP}',
            phone.id,
            seen=f"callerid: {shown}",
        )


def own_name(machine: Machine) -> Iterator[Finding]:
    if not machine.name_resolves:
        yield finding(
            "S124",
            f"this machine cannot look up its own name, {machine.name}: Asterisk tries it in each call,"
            " and calls begin late where that takes long",
            hint=f"write into /etc/hosts: 127.0.1.1 {machine.name}",
            seen=f"getent hosts {machine.name}: nothing",
        )


def unconfirmed(calls: Calls, public: Calls | Missing) -> Iterator[Finding | Unknown]:
    """Whether the ACK gets there, by all ways; what the shorter one met is told by session.py."""
    ways = [calls] if isinstance(public, Missing) else [calls, public]
    for way in ways[1:]:
        for proof in way.proofs:
            yield from (one for one in proof.findings if one.code == "S113")
    if not any(proof.answered for proof in ways[-1].proofs):
        yield Unknown("S113", f"no test call by {ways[-1].base} was answered")


def elsewhere() -> Iterator[Unknown]:
    yield Unknown("S117", "only the browser knows whether it lets the page have the microphone")
    yield Unknown("S118", "only the browser knows whether it plays sound before a click")


CHECKS = (
    Check(("S104",), ("live", "written"), ports),
    Check(("S111",), ("phones", "live"), lambda phones, live: together(stale(phones, live))),
    Check(("S112",), ("phones",), lambda phones: together(timeouts(phones))),
    Check(("S119",), ("phones", "live"), lambda phones, live: together(digits(phones, live))),
    Check(("S120",), ("live",), changes),
    Check(("S122",), ("phones",), lambda phones: together(names(phones))),
    Check(("S124",), ("machine",), own_name),
    Check(("S113",), ("calls",), unconfirmed, also=("public_calls",)),
    Check(("S117", "S118"), (), elsewhere),
)
