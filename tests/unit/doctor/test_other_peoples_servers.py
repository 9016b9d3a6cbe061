"""What other people's servers have, and the doctor once said wrong words of, or none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.asterisk.answers.core import modules
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.asterisk.answers.logger import LogChannel
from cmp_bundle.asterisk.answers.media import Rtp
from cmp_bundle.asterisk.answers.pjsip import ListedEndpoint
from cmp_bundle.checks.call import Proof
from cmp_bundle.checks.reload import Look
from cmp_bundle.doctor import (
    certificate,
    conversation,
    media,
    operation,
    pictures,
    registration,
    security,
    session,
    websocket,
)
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Missing
from cmp_bundle.doctor.together import MOST, together
from cmp_bundle.findings import Finding, Level, finding
from cmp_bundle.places import Place

from . import servers
from .calling import calls, phone, plan
from .calling import written as of_files
from .evidence import evidence
from .files import in_files
from .living import RUNNING, live
from .outcomes import outcomes, unknown


def told(checks: tuple[Check, ...], code: str, **known: Any) -> list[Finding]:
    return [o for o in outcomes(checks, **known) if isinstance(o, Finding) and o.code == code]


DESK = "[desk]\ntype=endpoint\ncontext=x\n"
CHAN_SIP = f"{RUNNING}chan_sip.so  it  0  Running  extended\n".replace(
    "res_pjsip_transport_websocket", "other"
)


def test_no_endpoint_is_for_browsers(tmp_path: Path) -> None:
    """A warning: it may be meant so."""
    files = in_files(tmp_path, {"pjsip.conf": DESK})
    known = {
        "written": files,
        "live": live(listed=(ListedEndpoint("desk", whole=True, contacts=0),)),
    }
    (one,) = told(session.CHECKS, "S101", phones=(), **known)
    assert one.level is Level.WARNING
    assert "desk is not" in one.message
    assert told(session.CHECKS, "S101", phones=(phone(),), **known) == []
    many = {
        **known,
        "live": live(listed=tuple(ListedEndpoint(f"d{n}", True, 0) for n in range(200))),
    }
    assert told(session.CHECKS, "S101", phones=(), **many) == [], "not all were asked for"


def test_a_database_that_lists_nobody(tmp_path: Path) -> None:
    """As that of res_config_curl."""
    sorcery = "[res_pjsip]\nendpoint=realtime,ps_endpoints\n"
    files = in_files(tmp_path, {"sorcery.conf": sorcery})
    known = {"phones": (), "written": files, "live": live()}
    assert told(session.CHECKS, "S101", **known) == []
    assert "--account" in unknown(session.CHECKS, **known)["S101"]


@pytest.mark.parametrize(
    ("sip", "missing"),
    [
        ("[2001]\ntransport=ws,wss,udp\n", False),
        ("[2001]\navpf=yes\n", False),
        ("[2001]\ntransport=udp\n", True),
    ],
)
def test_phones_of_chan_sip(sip: str, missing: bool, tmp_path: Path) -> None:
    files = in_files(tmp_path, {"sip.conf": sip})
    known = {"phones": (), "written": files, "live": live(modules=modules(CHAN_SIP))}
    assert bool(told(session.CHECKS, "S101", **known)) is missing
    (one,) = told(websocket.CHECKS, "W103", **known)
    assert one.level is Level.NOTE
    assert (one.hint or "").startswith("write websocket_enabled = no into [general] of sip.conf")
    (one,) = told(websocket.CHECKS, "W103", **{**known, "phones": (phone(),)})
    assert one.level is Level.ERROR


@pytest.mark.parametrize(("kind", "of_all"), [("global", True), ("system", True), ("aor", False)])
def test_an_unknown_option_of_all_of_pjsip(kind: str, of_all: bool, tmp_path: Path) -> None:
    """Asterisk takes nothing of the object then (seen on 22)."""
    text = f"[all]\ntype={kind}\nuser_agent=x\nnat=yes\n"
    files = in_files(tmp_path, {"pjsip.conf": text})
    knows = {kind: frozenset({"type", "user_agent"})}
    found = told(registration.CHECKS, "R102", written=files, live=live(options=knows), phones=())
    assert [(o.level, str(o.place)) for o in found] == (
        [(Level.WARNING, "/etc/asterisk/pjsip.conf:4")] if of_all else []
    )


def test_tables_without_a_driver(tmp_path: Path) -> None:
    text = "[settings]\nvoicemail => mysql,general\nqueues => mysql,general\nx => none,y\n"
    files = in_files(tmp_path, {"extconfig.conf": text})
    (one,) = told(registration.CHECKS, "R118", written=files, live=live())
    assert one.level is Level.WARNING
    assert "res_config_mysql.so is not loaded" in one.message
    assert "voicemail, queues" in one.message
    there = live(modules=modules(f"{RUNNING}res_config_mysql.so  it  0  Running  core\n"))
    assert told(registration.CHECKS, "R118", written=files, live=there) == []


STUN = of_files(rtp="[general]\nstunaddr=stun.example\n")


def test_a_stun_server_without_an_address() -> None:
    """Newer ones wait for it, older ones ask nobody (seen on 22 and 16)."""
    rtp = Rtp(10000, 20000, ice=True)
    known = {"written": STUN, "calls": calls("9.9.9.9")}
    (old,) = told(media.CHECKS, "M103", live=live(rtp=rtp), **known)
    assert (old.level, "has not read the line" in old.message) == (Level.WARNING, True)
    waits = live(rtp=replace(rtp, unresolved="stun.example:3478"))
    nobody = replace(calls(), proofs=(Proof("alice", registered=True),))
    for made in (known["calls"], nobody, Missing("nobody was let in")):
        (quick,) = told(media.CHECKS, "M103", live=waits, **{**known, "calls": made})
        assert (quick.level, "has not read" in quick.message) == (Level.WARNING, False)
    known["calls"] = calls("9.9.9.9", seconds=9.1)
    broken = Proof("alice", findings=(finding("line-failed", "not within 10 s"),))
    late = replace(calls(), proofs=(broken,))
    (new,) = told(media.CHECKS, "M103", live=waits, **{**known, "calls": late})
    assert new.level is Level.ERROR
    (new,) = told(media.CHECKS, "M103", live=waits, **known)
    assert (new.level, "waits for it" in new.message) == (Level.ERROR, True)


def test_a_call_on_hold() -> None:
    (one,) = told(conversation.CHECKS, "S112", phones=(phone(rtp_timeout_hold="600"),))
    assert (one.level, "on hold" in one.message) == (Level.NOTE, True)
    (one,) = told(conversation.CHECKS, "S112", phones=(phone(rtp_timeout="60"),))
    assert (one.level, "on hold" in one.message) == (Level.WARNING, False)


def test_few_pictures_are_enough_where_there_are_no_more() -> None:
    two = (phone(max_video_streams="1"), phone("bob", max_video_streams="1"))
    known = {"phones": two, "written": of_files()}
    assert told(pictures.CHECKS, "V101", live=live(contexts=plan(e1="Answer()")), **known) == []
    echo = live(contexts=plan(e246="Answer() StreamEcho(4)"))
    (one,) = told(pictures.CHECKS, "V101", live=echo, **known)
    assert "alice, bob get 1 picture" in one.message
    assert "246" in one.message


WEAK = "[{0}]\ntype=endpoint\nauth={0}\n[{0}]\ntype=auth\nusername={0}\npassword={1}\n"


def test_weak_passwords_are_told_by_kind(tmp_path: Path) -> None:
    text = WEAK.format("a", "1234") + WEAK.format("b", "1234") + WEAK.format("c", "c")
    files = in_files(tmp_path, {"pjsip.conf": text})
    both, own = told(security.CHECKS, "X102", written=files, phones=())
    assert "each of the auths a, b is one that everybody knows" in both.message
    assert both.seen.count("pjsip.conf:") == 2
    assert (own.subject, "its own name" in own.message) == ("c", True)


@pytest.mark.parametrize(
    ("plain", "secure", "said"),
    [("127.0.0.1:8088", None, False), ("127.0.0.1:8088", "0.0.0.0:8089", True)],
)
def test_pages_that_a_proxy_alone_can_ask_for(plain: str, secure: str | None, said: bool) -> None:
    http = HttpStatus(plain=plain, secure=secure, paths=("/ws", "/manager"))
    assert bool(told(security.CHECKS, "X104", live=live(http=http))) is said


def test_a_log_without_warnings() -> None:
    some = LogChannel("messages", True, "File", True, frozenset({"ERROR", "NOTICE"}))
    (one,) = told(operation.CHECKS, "O105", live=live(log_channels=(some,)))
    assert "takes both" in one.message
    assert "ERROR, NOTICE" in one.seen
    (one,) = told(operation.CHECKS, "O105", live=live(log_channels=()))
    assert "no log file" in one.message


def test_files_of_certificates_are_as_asterisk_sees_them() -> None:
    gone = finding("T103", "is not there", Place("/srv/pbx/etc/asterisk/keys/a.pem"))
    files = servers.written(pair=Look(hindrance=gone))
    (one,) = told(certificate.CHECKS, "T103", written=files)
    assert str(one.place) == "/etc/asterisk/keys/a.pem"
    plain = servers.written(
        "[general]\nenabled=yes\nbindaddr=0.0.0.0\ntlsenable=yes\n", pair=Look(hindrance=gone)
    )
    (one,) = told(certificate.CHECKS, "T103", written=plain)
    assert "--url" in (one.hint or ""), "there may be a proxy"


def test_one_line_of_a_template_is_one_cause() -> None:
    line, other = Place("pjsip.conf", 7), Place("pjsip.conf", 9)

    def said(*of: tuple[str, Place | None]) -> list[tuple[str, str]]:
        each = [finding("S112", f"of {name}", where, subject=name) for name, where in of]
        found = together(each)
        return [(o.message, o.subject) for o in found if isinstance(o, Finding)]

    assert said(("a", line), ("b", line)) == [("of a; the same is so of b", "")]
    assert said(("a", line), ("b", other)) == [("of a", "a"), ("of b", "b")]
    assert said(("a", None), ("b", None)) == [("of a", "a"), ("of b", "b")]
    assert said(("a", line), ("a", line)) == [("of a", "a"), ("of a", "a")]
    many = said(*((f"n{n}", Place("pjsip.conf", n)) for n in range(MOST + 2)))
    assert [subject for _, subject in many] == [""]
    open_ = Unknown("S112", "why")
    assert list(together([open_])) == [open_]


def test_nothing_is_said_of_nothing() -> None:
    for module in (session, websocket, registration, media, pictures, security, operation):
        for check in module.CHECKS:
            assert not [o for o in check.outcomes(evidence()) if isinstance(o, Finding)]
