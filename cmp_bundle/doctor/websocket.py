"""The WebSocket that phones come through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from cmp_bundle.checks.websocket import missing
from cmp_bundle.doctor.aors import ASKED, into, number, own
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.together import for_all
from cmp_bundle.doctor.way import Part
from cmp_bundle.findings import Level, finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.evidence import Connects, Live, Missing, Phone, Written
    from cmp_bundle.doctor.reach import Reached
    from cmp_bundle.findings import Finding

#: Milliseconds that Asterisk waits for a phone to take a message, where nothing is said.
_PATIENCE: Final = 100

#: What has Asterisk ask, and forget those that do not answer.
_ASKING: Final = {"qualify_frequency": "60", "remove_unavailable": "yes"}

#: Seconds that a phone may be registered at the most, and be late in the background: its timers run once
#: a minute there.
_SHORT: Final = 180


def _modules(live: Live, phones: tuple[Phone, ...] | Missing) -> Iterator[Finding]:
    found = missing(live.runs)
    if found is not None and found.code == "W103" and phones == ():
        text = "chan_sip has the WebSocket for itself; no endpoint of PJSIP here would need it"
        yield replace(found, level=Level.NOTE, message=text)
    elif found is not None:
        yield found


def _upgrade(inside: Reached) -> Iterator[Finding]:
    if inside.stopped in (Part.WEB_SERVER, Part.WEBSOCKET):
        yield finding(
            "websocket-closed",
            f"{inside.base}{inside.path}, where phones connect to, {inside.trouble}",
            seen=inside.trouble,
        )


def _asked() -> Iterator[Unknown]:
    yield Unknown(
        "W104",
        "which sub-protocol a page asks for, its browser tells alone: a page of another make that does not"
        " ask for sip is answered with 400; the phones of cmp-bundle ask for it",
    )


def _address(connects: Connects, live: Live, written: Written) -> Iterator[Finding | Unknown]:
    """Where the settings send phones. A proxy may lead any address to the right one, so an answer from
    there counts more than what Asterisk itself would do.
    """
    if connects.handshake is not None and connects.handshake.open:
        return
    right = f"{live.http.prefix}/ws"
    plain = (live.http.plain or "").rpartition(":")[2]
    if connects.host or written.configured.our_http.plain:
        unknown = connects.handshake is None and (connects.path or connects.port)
        for code in ("W105", "W106") if unknown else ():
            yield Unknown(code, "phones connect to another host, or to a proxy: --url tells which")
        return
    for path, place in connects.paths:
        if path.rstrip("/") != right:
            yield finding(
                "W105",
                f"phones connect to the path {path}, and Asterisk's WebSocket is at {right}",
                place,
                f"[server] path = {right!r} in cmp-bundle.toml; then cmp-bundle deploy"
                if place is None
                else f"write path = {right!r}, or take it out; then cmp-bundle deploy",
                seen=str(connects.handshake or f"http show status: {right}"),
            )
    for port, place in connects.ports:
        if plain and str(port) == plain:
            yield finding(
                "W106",
                f"phones connect with TLS to the port {port}, where Asterisk has none",
                place,
                "write the port of HTTPS, usually 8089, or take it out; then cmp-bundle deploy",
                seen=f"http show status: Server Enabled and Bound to {live.http.plain}",
            )


def _impatient(written: Written) -> Iterator[Finding]:
    """The longest time of all transports for WebSockets counts."""
    found = [
        (number(one.options, "websocket_write_timeout"), one)
        for (kind, _), one in written.objects.items()
        if kind == "transport" and one.options.get("protocol", "").lower() in ("ws", "wss")
    ]
    times = [_PATIENCE if time is None else time for time, _ in found]
    if times and max(times) < _PATIENCE:
        one = found[0][1]
        yield finding(
            "W107",
            f"Asterisk gives a phone {max(times)} ms to take a message, and closes its connection then",
            one.places["websocket_write_timeout"],
            "write websocket_write_timeout=1000, and restart Asterisk",
            seen=f"websocket_write_timeout: {max(times)}",
        )


def _after_a_restart(phones: tuple[Phone, ...], live: Live) -> Iterator[Unknown]:
    there = sum(len(phone.contacts) for phone in phones)
    since = f" {live.process.up} s ago" if live.process.up is not None else ""
    yield Unknown(
        "W108",
        f"which phones were registered before Asterisk's last start{since}, nobody knows; {there} are now."
        " The phones of cmp-bundle come back by themselves",
    )


def _background(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    found = [(p, longest) for p in phones if (longest := number(own(p), "maximum_expiration"))]
    found = [(phone, longest) for phone, longest in found if longest < _SHORT]
    if found:
        first, longest = found[0]
        yield finding(
            "W109",
            f"a phone of {some([p.id for p, _ in found])} may lose its registration where its tab is in the"
            f" background: it has to register again within {longest} seconds",
            hint=for_all(into(first, {"maximum_expiration": str(ASKED)}), len(found)),
            seen=f"maximum_expiration: {longest}",
        )


def _half_open(phones: tuple[Phone, ...]) -> Iterator[Finding]:
    unasked = [p for p in phones if number(own(p), "qualify_frequency") == 0]
    if unasked:
        yield finding(
            "W110",
            f"Asterisk does not ask whether the phones of {some([p.id for p in unasked])} are still there: one whose laptop"
            " sleeps, or whose Wi-Fi changes, counts as registered until that expires",
            hint=for_all(into(unasked[0], _ASKING), len(unasked)),
            seen="qualify_frequency: 0",
        )


CHECKS = (
    Check(("W101", "W102", "W103"), ("live",), _modules, also=("phones",)),
    Check((), ("inside",), _upgrade),
    Check(("W104",), (), _asked),
    Check(("W105", "W106"), ("connects", "live", "written"), _address),
    Check(("W107",), ("written",), _impatient),
    Check(("W108",), ("phones", "live"), _after_a_restart),
    Check(("W109",), ("phones", "live"), lambda phones, _live: _background(phones)),
    Check(("W110",), ("phones", "live"), lambda phones, _live: _half_open(phones)),
)
