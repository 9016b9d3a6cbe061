"""Whether sound gets through: ports, STUN and TURN, encryption."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk.configuration import same_name
from cmp_bundle.asterisk.defects import caveat, defects, upgrade
from cmp_bundle.asterisk.reloads import RTP
from cmp_bundle.asterisk.values import is_true
from cmp_bundle.checks.call import SLOW
from cmp_bundle.doctor.candidates import only_private
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Calls, Live, Missing
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Level, finding
from cmp_bundle.provision.firewall import Range
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.doctor.evidence import Log, Machine, Phone, Written
    from cmp_bundle.findings import Finding
    from cmp_bundle.provision.firewall import Firewall

#: The built-in range, which most who open a firewall do not expect.
_BUILT_IN: Final = (5000, 31000)


#: The code, what it is, and Asterisk's words for it (the same in 16 to 23).
_IN_CALLS: Final = (
    ("M112", "a fingerprint that somebody changed", "Fingerprint provided by remote party"),
    ("M118", "a stream that begins anew", r"replay check failed \(index too old\)"),
)


def firewall(live: Live, machine: Machine) -> Iterator[Finding | Unknown]:
    """What this machine's firewall says of the ports. Of those on the way nobody can tell from here."""
    if live.rtp is None or machine.firewall is None:
        return
    needed = Range("udp", live.rtp.first, live.rtp.last)
    passes = machine.firewall.passes(needed)
    if passes is False:
        yield _shut(machine.firewall, needed)
    elif passes is None:
        rules = f"the rules of {machine.firewall}"
        yield Unknown("M120", f"from {rules} it cannot be told whether all of {needed} gets in")


def ports(
    live: Live | Missing, outside: Reached | Missing, calls: Calls | Missing
) -> Iterator[Finding | Unknown]:
    """Whether sound gets through to a machine elsewhere, if this is one."""
    if isinstance(live, Live):
        if live.rtp is not None:
            needed = Range("udp", live.rtp.first, live.rtp.last)
            yield Unknown(
                "M101",
                f"whether {needed} gets here from outside can only be seen from there: cmp-bundle doctor"
                " --url https://HOST:8089 on another machine",
            )
    elif isinstance(calls, Missing):
        yield Unknown("M101", calls.reason, calls.broken)
    elif not any(proof.media_reached for proof in calls.proofs):
        yield _from_elsewhere(calls, outside)


def _shut(wall: Firewall, needed: Range) -> Finding:
    """All of the ports, or some."""
    open_ports = {one for gate in wall.gates for one in (*gate.open, *gate.narrow)}
    some_of_it = [
        one
        for one in sorted(open_ports)
        if one.protocol == "udp" and one.first <= needed.last and needed.first <= one.last
    ]
    seen = f"rtp show settings: Port start: {needed.first}, Port end: {needed.last}"
    hint = f"cmp-bundle provision --firewall; or open {needed}"
    built_in = ", its built-in range," if (needed.first, needed.last) == _BUILT_IN else ""
    takes = f"Asterisk takes the ports {needed.numbers}{built_in} for sound"
    if not some_of_it:
        text = f"{takes}, and {wall.kind}, the firewall of this machine, lets none of them in"
        return finding("M101", f"{text}: calls are silent", hint=hint, seen=seen)
    has = ", ".join(map(str, some_of_it))
    text = f"{takes}, and {wall.kind}, the firewall of this machine, lets in {has} alone"
    return finding("M120", f"{text}: calls that get another port are silent", hint=hint, seen=seen)


def _from_elsewhere(calls: Calls, outside: Reached | Missing) -> Finding | Unknown:
    """Where no test call reached an address for sound."""
    deaf = [proof for proof in calls.proofs if proof.media_reached is False]
    if not deaf:
        reason = "no test call was answered with an address for sound"
        return Unknown("M101", reason, Part.SESSION)
    if isinstance(outside, Reached) and only_private(outside, calls):
        reason = "the addresses for sound are none that are reached from here"
        return Unknown("M101", reason, Part.MEDIA)
    named = some([f"{c.address}:{c.port}" for c in dict.fromkeys(deaf[0].candidates)])
    return finding(
        "M101",
        f"no UDP gets through between here and Asterisk's ports for sound ({named}), so calls from here"
        " are silent",
        hint="let UDP from rtpstart to rtpend of rtp.conf (asterisk -rx 'rtp show settings') into the"
        " server: in its firewall (cmp-bundle provision --firewall there), its router and its security"
        " group; if it is open, the network here lets no UDP out: try from another one",
        seen=f"no answer to a STUN binding request, and none from Asterisk: {named}",
    )


def no_stun(live: Live, written: Written, calls: Calls | Missing) -> Iterator[Finding]:
    """A server of which Asterisk has no address, where calls do not wait for it."""
    line = _line(written, "stunaddr")
    if line is None or live.rtp is None or live.rtp.stun:
        return
    lost = live.rtp.unresolved
    if lost and isinstance(calls, Calls) and _have_waited(calls):
        return
    read = "" if lost else ", or has not read the line"
    made = finding(
        "M103",
        f"Asterisk has no address of the STUN server {line.value}{read}; behind a router it does not learn its"
        " public address, and calls from outside may be silent",
        line.place,
        f"name a server that this machine's DNS knows, or take the line out; then {RTP}",
        seen=f"rtp show settings: Hostname: {lost}, lookup failed"
        if lost
        else "rtp show settings: no address at STUN",
    )
    yield replace(made, level=Level.WARNING)


def _have_waited(calls: Calls) -> bool:
    """Whether a call began late, or not within its time. Over an IPv6 socket none waits (seen on 22)."""
    return any(
        (one.answered and one.seconds >= SLOW) or any(f.code == "line-failed" for f in one.findings)
        for one in calls.proofs
    )


def stun(live: Live, written: Written, calls: Calls) -> Iterator[Finding | Unknown]:
    """Since 20.20, 22.10 and 23.4 it also waits for one whose name has no address (seen on 22)."""
    rtp = live.rtp
    if rtp is None or not (rtp.unresolved or (rtp.stun and not live.stun_answers)):
        return
    line = _line(written, "stunaddr")
    if rtp.unresolved and not _have_waited(calls):
        return  # see no_stun
    slow = max((one.seconds for one in calls.proofs if one.answered), default=None)
    what = f"the STUN server {rtp.stun} does not answer"
    seen = f"a binding request to {rtp.stun} had no answer"
    if rtp.unresolved:
        what = f"the STUN server {rtp.unresolved} has no address, and Asterisk waits for it all the same"
        seen = f"rtp show settings: Hostname: {rtp.unresolved}, lookup failed"
    if slow is not None and slow < SLOW and not rtp.unresolved:
        yield Unknown("M103", f"{what}, but calls begin at once")
        return
    yield finding(
        "M103",
        f"{what}: each call begins up to nine seconds late",
        line.place if line else None,
        f"take stunaddr out of rtp.conf, or name a server that answers; then {RTP}",
        seen=seen + (f"; the test call was answered after {slow:.0f} s" if slow else ""),
    )


def both(written: Written) -> Iterator[Finding]:
    stunaddr = _line(written, "stunaddr")
    file = written.files.get("rtp.conf")
    mapped = file.browse("ice_host_candidates") if file else ()
    if stunaddr and mapped:
        yield finding(
            "M104",
            "rtp.conf has stunaddr and [ice_host_candidates], which says already what the public address"
            " is: each call waits for a STUN server that nobody needs",
            stunaddr.place,
            f"take stunaddr out where the public address does not change, else the line at"
            f" {mapped[0].place}; then {RTP}",
            seen=f"stunaddr={stunaddr.value}; {mapped[0].name} => {mapped[0].value}",
        )


def looked_up_once(written: Written) -> Iterator[Unknown]:
    """A name whose answer may not be kept."""
    stunaddr = _line(written, "stunaddr")
    if stunaddr is None or _is_address(stunaddr.value):
        return
    again = _line(written, "stunaddr_reresolve_ttl_0")
    if again is None or not is_true(again.value):
        host = stunaddr.value.partition(":")[0]
        yield Unknown(
            "M105",
            f"whether {host} is looked up again depends on the TTL that its DNS gives: with 0 in dig"
            f" {host}, write stunaddr_reresolve_ttl_0=yes into rtp.conf (22.10, 20.20 and later)",
        )


def turn(live: Live, written: Written) -> Iterator[Finding]:
    line = _line(written, "turnaddr")
    if line is None or live.version is None:
        return
    for known in defects(live.version, "M107"):
        yield finding(
            "M107",
            f"{known.what} ({caveat(live.version_text)}), and it names {line.value}",
            line.place,
            f"{upgrade(known, live.version)}; or take turnaddr out: TURN is for browsers, in the page",
            seen=f"{live.version_text}; turnaddr={line.value}",
        )


def candidates(live: Live, written: Written) -> Iterator[Finding]:
    if live.rtp is not None and not live.rtp.ice:
        line = _line(written, "icesupport")
        yield finding(
            "M110",
            "ICE is switched off, so Asterisk names no address for sound and every call is silent",
            line.place if line else None,
            f"take icesupport=no out of rtp.conf; then {RTP}",
            seen="rtp show settings: ICE support: No",
        )


def no_candidates(calls: Calls, live: Live) -> Iterator[Finding]:
    """Where it is on, and there are none all the same."""
    if live.rtp is None or live.rtp.ice:
        for proof in calls.proofs:
            yield from (one for one in proof.findings if one.code == "M110")


def own_certificates(phones: tuple[Phone, ...]) -> Iterator[Unknown]:
    """The one that Asterisk makes for each call itself has never been the trouble."""
    for phone in phones:
        file = phone.option("dtls_cert_file")
        if file:
            yield Unknown(
                "M111",
                f"{phone.id} has {file} for DTLS: if calls end when they are answered, take it out, as"
                " Asterisk makes a certificate itself; its log then has: DTLS failure occurred",
            )


def by_version(live: Live) -> Iterator[Finding]:
    if live.version is None:
        return
    for code in ("M113", "M114", "M115"):
        for known in defects(live.version, code):
            yield finding(
                code,
                f"{known.what} ({caveat(live.version_text)})",
                hint=upgrade(known, live.version),
                seen=live.version_text,
            )


def in_calls(log: Log) -> Iterator[Unknown]:
    """What only a call with sound meets. A line of the log may be about what was mended since."""
    for code, what, pattern in _IN_CALLS:
        line = log.last(pattern)
        found = f"{log.path} has: {line}" if line else f"{log.path} has no such line of late"
        yield Unknown(code, f"only a call with sound meets {what}; {found}")


def elsewhere() -> Iterator[Unknown]:
    browser = "only the browser in that network can tell"
    yield Unknown(
        "M108", f"whether a user's network lets UDP out {browser}: the page's own diagnosis"
    )
    yield Unknown("M109", f"whether a browser hides its addresses {browser}; it does no harm")
    yield Unknown("M117", "only a call of some minutes, from behind the user's router, can tell")
    yield Unknown("M121", f"how long a browser collects addresses {browser}")
    yield Unknown("M122", "only a call over that VPN can tell whether its packets are too short")


def _line(written: Written, name: str) -> Variable | None:
    """The first of [general], which is the one that counts there before Asterisk 23, if it has a value."""
    file = written.files.get("rtp.conf")
    lines = file.browse("general") if file else ()
    found = next((one for one in lines if same_name(one.name, name)), None)
    return found if found and found.value else None


def _is_address(text: str) -> bool:
    host = text.partition(":")[0]
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


CHECKS = (
    Check(("M120",), ("live", "machine"), firewall),
    Check(("M101",), (), ports, also=("live", "outside", "calls")),
    Check(("M103",), ("live", "written", "calls"), stun),
    Check((), ("live", "written"), no_stun, also=("calls",)),
    Check(("M104",), ("written",), both),
    Check(("M105",), ("written",), looked_up_once),
    Check(("M107",), ("live", "written"), turn),
    Check(("M110",), ("live", "written"), candidates),
    Check((), ("calls", "live"), no_candidates),
    Check(("M111",), ("phones",), own_certificates),
    Check(("M113", "M114", "M115"), ("live",), by_version),
    Check(("M112", "M118"), ("log",), in_calls),
    Check(
        ("M108", "M109", "M117", "M121", "M122"),
        (),
        elsewhere,
    ),
)
