"""M: what the checks of sound say of values; "recorded" are those that no server here can be brought to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cmp_bundle.asterisk.answers.media import Rtp
from cmp_bundle.checks.call_findings import no_candidates
from cmp_bundle.doctor import candidates, media, transport
from cmp_bundle.doctor.evidence import Log, Missing, PjsipObject
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.places import Place
from cmp_bundle.provision.firewall import Firewall, Gate, Range

from .calling import calls, phone, written
from .living import live, machine
from .outcomes import found, unknown

CHECKS = (*media.CHECKS, *candidates.CHECKS, *(c for c in transport.CHECKS if "M119" in c.codes))
FROM_THERE = {"M101", "M108", "M109", "M112", "M117", "M118", "M121", "M122"}
PUBLIC = Reached("https://pbx.example:8089", "/ws", "/", addresses=("9.9.9.9",))
RTP = Rtp(10000, 20000, ice=True)


def given(**changed: Any) -> dict[str, Any]:
    version = changed.pop("version", "Asterisk 22.11.0")
    return {
        "phones": (phone(),),
        "live": live(version, **changed.pop("live", {})),
        "written": written(),
        "machine": machine(),
        "outside": PUBLIC,
        "calls": calls("9.9.9.9", "192.168.1.5"),
        "log": Log("/var/log/asterisk/messages.log", ()),
    } | changed


def said(**changed: Any) -> dict[str, str]:
    return found(CHECKS, **given(**changed))


def open_(**changed: Any) -> set[str]:
    """What is left open."""
    return set(unknown(CHECKS, **given(**changed)))


def test_a_healthy_server() -> None:
    assert said() == {}
    assert open_() == FROM_THERE, "and nothing else is left open"


def wall(*ranges: Range, unclear: bool = False) -> Firewall:
    return Firewall("nftables", gates=(Gate(frozenset(ranges), unclear=unclear),))


@pytest.mark.parametrize(
    ("firewall", "code"),
    [
        (wall(Range("udp", 10000, 20000)), ""),
        (wall(Range("udp", 1, 65535)), ""),
        (wall(Range("tcp", 1, 65535)), "M101"),
        (wall(Range("udp", 10000, 10100)), "M120"),
        (wall(Range("udp", 5060, 5061)), "M101"),
        (replace(wall(), active=False), ""),
    ],
)
def test_this_machine_s_firewall(firewall: Firewall, code: str) -> None:
    told = said(machine=machine(firewall=firewall))
    assert list(told) == [one for one in (code,) if one]
    assert "10000-20000" in told.get(code, "10000-20000")
    if not code:
        assert "M101" in open_(machine=machine(firewall=firewall)), "others may be on the way"


def test_rules_that_are_not_understood() -> None:
    told = given(machine=machine(firewall=wall(unclear=True)))
    assert found(CHECKS, **told) == {}
    assert "cannot be told" in unknown(CHECKS, **told)["M120"]


def test_the_range_that_nobody_chose() -> None:
    narrow = machine(firewall=wall(Range("udp", 10000, 20000)))
    told = said(machine=narrow, live={"rtp": Rtp(5000, 31000, ice=True)})
    assert "its built-in range" in told["M120"]


@pytest.mark.parametrize(
    ("addresses", "code"),
    [
        (("10.0.0.5",), "M102"),
        (("10.0.0.5", "fe80::1"), "M102"),
        (("172.17.0.2",), "M106"),
        (("172.18.0.2", "fe80::1"), "M106"),
        (("10.0.0.5", "1.1.1.1"), ""),
        (("2606:4700::1", "10.0.0.5"), ""),
        (("fe80::1",), ""),
        ((), ""),
    ],
)
def test_addresses_that_nobody_outside_reaches(addresses: tuple[str, ...], code: str) -> None:
    told = said(calls=calls(*addresses))
    told.pop("M116", None)
    assert list(told) == [one for one in (code,) if one]


@pytest.mark.parametrize("name", ["10.0.0.1", "192.0.2.9", "::1"])
def test_a_name_that_is_not_public(name: str) -> None:
    there = replace(PUBLIC, addresses=(name,))
    assert said(outside=there, calls=calls("10.0.0.5")) == {}


@pytest.mark.parametrize("odd", ["172.17.0.1", "fe80::1", "169.254.7.7"])
def test_addresses_beside_others(odd: str) -> None:
    assert odd in said(calls=calls("9.9.9.9", odd))["M116"]


@pytest.mark.parametrize(
    ("answers", "seconds", "words"),
    [
        (False, 9.2, "answered after 9 s"),
        (False, 0.2, ""),
        (True, 9.2, ""),
    ],
)
def test_stun(*, answers: bool, seconds: float, words: str) -> None:
    told = given(
        live={"rtp": replace(RTP, stun="192.0.2.77:3478"), "stun_answers": answers},
        written=written(rtp="[general]\nstunaddr=192.0.2.77\n"),
        calls=calls("9.9.9.9", seconds=seconds),
    )
    assert words in found(CHECKS, **told).get("M103", "")
    assert ("M103" in found(CHECKS, **told)) is bool(words)
    assert ("M103" in unknown(CHECKS, **told)) is (not answers and not words)


def test_stun_beside_a_fixed_address() -> None:
    text = "[general]\nstunaddr=192.0.2.77\n[ice_host_candidates]\n10.0.0.5 => 9.9.9.9\n"
    assert "10.0.0.5 => 9.9.9.9" in said(written=written(rtp=text))["M104"]
    assert said(written=written(rtp=text.replace("stunaddr=192.0.2.77", "stunaddr="))) == {}


@pytest.mark.parametrize(
    ("text", "open_then"),
    [
        ("stunaddr=stun.example:3478", True),
        ("stunaddr=192.0.2.77:3478", False),
        ("stunaddr=stun.example\nstunaddr_reresolve_ttl_0=yes", False),
        ("stunaddr=stun.example\nstunaddr_reresolve_ttl_0=no", True),
        ("", False),
    ],
)
def test_a_name_that_is_looked_up_once(text: str, *, open_then: bool) -> None:
    told = open_(written=written(rtp=f"[general]\n{text}\n"))
    assert ("M105" in told) is open_then


def test_turn() -> None:
    """Recorded: versions that are not here."""
    text = "[general]\nturnaddr=turn.example\n"
    older = {"version": "Asterisk 22.8.0", "written": written(rtp=text)}
    assert "turn.example" in said(**older)["M107"]
    assert "M107" not in said(version="Asterisk 22.10.0", written=written(rtp=text))
    assert "M107" not in said(version="Asterisk 22.8.0")


def test_defects_of_a_version() -> None:
    """Recorded: versions that are not here."""
    assert said(version="Asterisk 22.6.1").keys() == {"M113", "M114"}
    assert said(version="Asterisk 21.12.3").keys() == {"M113", "M114"}, "21 was never mended"
    assert said(version="Asterisk 20.15.0").keys() == {"M114", "M115"}
    assert said(version="Asterisk 22.10.1").keys() == {"M114"}


def test_ice_switched_off_is_said_once() -> None:
    account = given()["phones"][0].account
    silent = replace(calls().proofs[0], findings=(no_candidates(account, "246"),), answered=True)
    there = replace(calls(), proofs=(silent, silent))
    off = {"live": {"rtp": replace(RTP, ice=False)}, "calls": there}
    assert "ICE support: No" in said(**off)["M110"]
    assert "without an address for sound" in said(calls=there)["M110"], "whatever the reason is"


def test_a_certificate_for_dtls() -> None:
    told = given(phones=(phone(dtls_cert_file="/etc/asterisk/keys/dtls.pem"),))
    assert "/etc/asterisk/keys/dtls.pem" in unknown(CHECKS, **told)["M111"]


def test_an_address_for_outside_alone() -> None:
    def told(**options: str) -> dict[str, str]:
        place = Place("pjsip.conf", 3)
        kept = PjsipObject("transport", "t", {"type": "transport", **options}, place)
        return said(written=replace(written(), objects={("transport", "t"): kept}))

    address = {"external_media_address": "9.9.9.9"}
    assert "9.9.9.9" in told(protocol="wss", **address)["M119"]
    assert told(protocol="wss", local_net="10.0.0.0/8", **address) == {}
    assert told(protocol="udp", **address) == {}, "no browser comes that way"
    assert told(protocol="wss") == {}


def test_what_only_a_call_meets_with_the_log_s_words() -> None:
    """Recorded: no browser here does that."""
    line = "[x] WARNING[7] res_srtp.c: SRTP unprotect failed: replay check failed (index too old)"
    told = unknown(CHECKS, **given(log=Log("/log", (line,))))
    assert line in told["M118"]
    assert "no such line" in told["M112"]


def test_without_a_running_asterisk() -> None:
    off = Missing("Asterisk does not run here")
    told = given() | {"live": off, "calls": off}
    assert {
        "M101",
        "M102",
        "M103",
        "M106",
        "M107",
        "M110",
        "M113",
        "M114",
        "M115",
        "M116",
        "M120",
    } <= set(unknown(CHECKS, **told))
    assert found(CHECKS, **told) == {}
