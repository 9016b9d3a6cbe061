"""S: what the checks of calls say of values; "recorded" are those that no server here can be brought to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk.answers.calls import Channel
from cmp_bundle.asterisk.answers.core import modules
from cmp_bundle.asterisk.answers.media import Rtp
from cmp_bundle.asterisk.answers.pjsip import ListedEndpoint
from cmp_bundle.checks.call import Proof
from cmp_bundle.checks.call_findings import unconfirmed
from cmp_bundle.doctor import candidates, codecs, conversation, session, transport
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.findings import finding

from .calling import calls, phone, plan, written
from .living import RUNNING, live, machine
from .outcomes import found, unknown

CHECKS = (
    *session.CHECKS,
    *transport.CHECKS,
    *codecs.CHECKS,
    *conversation.CHECKS,
    *(one for one in candidates.CHECKS if one.codes == ("S109",)),
)

#: What a healthy server has, with an echo and a conference.
PLAN = plan(e246="Answer() StreamEcho(4)", _2XX="Dial(${PJSIP_DIAL_CONTACTS(alice)},20)")
LISTED = (ListedEndpoint("alice", whole=True, contacts=1),)


def given(**changed: Any) -> dict[str, Any]:
    """All that the checks need, of a healthy server."""
    echo = modules(f"{RUNNING}app_stream_echo.so   it  0  Running  core\n")
    running = {"contexts": PLAN, "listed": LISTED, "modules": echo, "opus": frozenset({"ulaw"})}
    running |= changed.pop("live", {})
    version = changed.pop("version", "Asterisk 22.11.0")
    healthy = calls("192.0.2.1")
    return {
        "phones": (phone(),),
        "live": live(version, **running),
        "written": written(),
        "machine": machine(),
        "calls": replace(healthy, long=healthy.proofs[0]),
    } | changed


def said(**changed: Any) -> dict[str, str]:
    return found(CHECKS, **given(**changed))


def test_a_healthy_server() -> None:
    assert said() == {}
    assert unknown(CHECKS, **given()).keys() == {"S117", "S118"}


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"webrtc": "no", "media_encryption": "no"}, "S101", "media_encryption: no"),
        ({"allow": "(g729)"}, "S102", "allow: (g729)"),
        ({"allow": ""}, "S102", "allow: (none)"),
        ({"transport": "t", "protocol": ""}, "S105", "'t'"),
        ({"transport": "t", "protocol": "tls"}, "S106", "protocol: tls"),
        ({"context": "nosuch"}, "S107", "'nosuch'"),
        ({"rtp_timeout": "30"}, "S112", "rtp_timeout: 30"),
        ({"rtp_timeout_hold": "300"}, "S112", "rtp_timeout_hold: 300"),
        ({"webrtc": "no", "dtls_auto_generate_cert": "No"}, "S114", "dtls_auto_generate_cert: No"),
        ({"webrtc": "no", "rtcp_mux": "false", "bundle": "no"}, "S115", "rtcp_mux: false"),
        ({"webrtc": "no", "ice_support": "false"}, "S116", "ice_support: false"),
        ({"dtmf_mode": "inband"}, "S119", "dtmf_mode: inband"),
        ({"callerid": '"J\ufffdrg" <101>'}, "S122", "no UTF-8"),
        ({"callerid": '"al\x01ice" <101>'}, "S122", "control character"),
    ],
)
def test_options(options: dict[str, str], code: str, words: str) -> None:
    (text,) = [text for one, text in said(phones=(phone(**options),)).items() if one == code]
    assert words in text
    assert "alice" in text


@pytest.mark.parametrize(
    "options",
    [
        {"dtmf_mode": "auto"},
        {"dtmf_mode": "auto_info"},
        {"allow": "(alaw)"},
        {"transport": "w", "protocol": "wss"},
        {"callerid": '"Jörg, \\"J\\" <x>" <101>'},
        {"webrtc": "no"},
        {"webrtc": "no", "dtls_auto_generate_cert": "No", "dtls_cert_file": "/a.pem"},
    ],
)
def test_options_that_work(options: dict[str, Any]) -> None:
    assert said(phones=(phone(**options),)) == {}


def test_a_transport_that_a_call_lacks_is_told_once() -> None:
    lacking = finding("S105", "the server has no transport", subject="alice")
    met = replace(given()["calls"], proofs=(Proof("alice", findings=(lacking,)),))
    assert "the server has no" in said(calls=met)["S105"]
    named = phone(transport="t", protocol="")
    assert "'t'" in said(calls=met, phones=(named,))["S105"]


def test_the_same_of_many_is_said_once() -> None:
    many = tuple(phone(f"p{number}", allow="(g729)") for number in range(9))
    (text,) = said(phones=many).values()
    assert "p0" in text
    assert "8 more: p1" in text


def test_srtp_and_the_echo() -> None:
    gone = {"modules": modules(RUNNING.replace("res_srtp", "res_other"))}
    told = said(live=gone)
    assert told.keys() == {"S103", "S110"}
    assert "246 in phones" in told["S110"]
    assert said(live=gone | {"contexts": plan(e246="Answer() Echo()")}).keys() == {"S103"}


@pytest.mark.parametrize(
    ("ports", "endpoints", "few"),
    [((10000, 10005), 2, True), ((10000, 10007), 2, False), ((10000, 10100), 300, False),
     ((10000, 10098), 300, True), ((10000, 10003), 0, False)],
)  # fmt: skip
def test_ports(ports: tuple[int, int], endpoints: int, *, few: bool) -> None:
    listed = tuple(ListedEndpoint(f"p{n}", whole=True, contacts=1) for n in range(endpoints))
    told = said(
        live={"rtp": Rtp(*ports, ice=True), "listed": listed},
        written=written(rtp=f"[general]\nrtpstart={ports[0]}\nrtpend={ports[1]}\n"),
    )
    assert ("S104" in told) is few
    assert "S104" not in said(live={"rtp": None})


def test_contexts() -> None:
    empty = said(live={"contexts": plan()})
    assert "no extension" in empty["S107"]
    dialling = (phone(account=Account("alice", dial="7777")),)
    assert "7777, which alice dials" in said(phones=dialling)["S107"]
    assert said(phones=(phone(account=Account("alice", dial="201")),)) == {}, "by a pattern"
    there = PLAN["phones"]
    assert there is not None
    elsewhere = {"phones": replace(there, looks_elsewhere=True)}
    assert said(phones=dialling, live={"contexts": elsewhere}) == {}, "a switch may know it"
    included = {"phones": replace(there, includes=("more",)), **plan("more", e7777="Answer()")}
    assert said(phones=dialling, live={"contexts": included}) == {}


def test_long_offers_are_decided_by_a_call() -> None:
    refused = Proof("alice", registered=True, answered=False)
    told = said(calls=replace(calls("192.0.2.1"), long=refused))
    assert "Chrome" in told["S108"]
    assert "S108" not in said(version="Asterisk 16.28.0"), "the call was answered"
    without = given(version="Asterisk 16.28.0", calls=calls("192.0.2.1"))
    assert "by its number" in unknown(CHECKS, **without)["S108"]
    assert "S108" not in unknown(CHECKS, **given(calls=calls("192.0.2.1")))


def test_acks_that_get_lost() -> None:
    """Recorded: it takes a proxy that drops them."""
    lost = unconfirmed(Account("alice"), "246")
    there = calls("192.0.2.1")
    met = replace(there, proofs=(replace(there.proofs[0], findings=(lost,)),))
    assert "again and again" in said(calls=met)["S113"]
    assert "again and again" in said(public_calls=met)["S113"], "by the proxy alone"
    assert said(public_calls=there) == {}
    unanswered = replace(there, proofs=(Proof("alice"),))
    assert "was answered" in unknown(CHECKS, **given(public_calls=unanswered))["S113"]


def test_too_many_addresses() -> None:
    """Recorded: 64 candidates of 80 addresses on 22."""
    many = [f"10.7.0.{number}" for number in range(64)]
    healthy = calls(*many)
    assert "64 addresses" in said(calls=replace(healthy, long=healthy.proofs[0]))["S109"]


@pytest.mark.parametrize(
    ("contacts", "register", "stale"), [(0, None, True), (1, None, False), (0, False, False)]
)
def test_stale_calls(contacts: int, register: bool | None, *, stale: bool) -> None:
    up = (Channel("PJSIP/alice-00000008", "alice", 4000), Channel("PJSIP/bob-1", "bob", 1))
    told = said(
        live={"listed": (ListedEndpoint("alice", whole=True, contacts=contacts),), "channels": up},
        phones=(phone(account=Account("alice", register=register)),),
    )
    assert ("PJSIP/alice-00000008, for 4000 s" in told.get("S111", "")) is stale


def test_defects_of_a_version() -> None:
    """Recorded: versions that are not here."""
    told = said(version="Asterisk 22.8.0", phones=(phone(allow="(g722|opus)"),))
    assert told.keys() == {"S119", "S120"}
    assert "allows g722" in told["S119"]
    assert said(version="Asterisk 22.8.0").keys() == {"S120"}
    assert said(version="Asterisk GIT-master") == {}


def test_opus_that_cannot_be_translated() -> None:
    nothing = {"opus": frozenset[str]()}
    assert "first codec of alice" in said(live=nothing)["S121"]
    assert said(live=nothing, phones=(phone(allow="(ulaw|opus|vp8)"),)) == {}
    assert said(live={"opus": None}) == {}


@pytest.mark.parametrize(
    ("steps", "most", "names"),
    [
        ({"e103": "Dial(PJSIP/alice,20)"}, "5", "103 in phones rings one"),
        ({"e103": "Dial(PJSIP/other&PJSIP/alice)"}, "5", "103 in phones rings one"),
        ({"e_ali.": "Dial(PJSIP/${EXTEN})"}, "5", "_ali. in phones rings one"),
        ({"e103": "Dial(PJSIP/alice,20)"}, "1", ""),
        ({"e103": "Dial(PJSIP/alice/sip:x@y,20)"}, "5", ""),
        ({"e103": "Dial(${PJSIP_DIAL_CONTACTS(alice)},20)"}, "5", ""),
    ],
)
def test_one_phone_alone_rings(steps: dict[str, str], most: str, names: str) -> None:
    told = said(live={"contexts": plan(**steps)}, phones=(phone(most=most),))
    assert ("S123" in told) is bool(names)
    assert names in told.get("S123", "")


def test_the_machine_s_own_name() -> None:
    assert "pbx" in said(machine=machine(name_resolves=False))["S124"]


def test_without_a_running_asterisk() -> None:
    off = Missing("Asterisk does not run here")
    told = unknown(CHECKS, **given(live={}) | {"live": off, "calls": off})
    assert {"S103", "S104", "S107", "S108", "S110", "S111", "S119", "S120", "S121"} <= told.keys()
    assert found(CHECKS, **given() | {"live": off, "calls": off}) == {}
