"""What the files say against what runs, and what the system around Asterisk keeps from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.answers.core import Process, modules
from cmp_bundle.asterisk.answers.dialplan import dialplan
from cmp_bundle.asterisk.answers.logger import LogChannel
from cmp_bundle.asterisk.conf_files import ConfFolder, Overlaid
from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.doctor.evidence import Evidence, Log, Phone, Written
from cmp_bundle.doctor.loaded_dialplan import not_loaded
from cmp_bundle.doctor.operation import CHECKS
from cmp_bundle.doctor.service import denials, hidden, properties
from cmp_bundle.doctor.written import written as look
from cmp_bundle.findings import Finding

from .evidence import evidence
from .living import RUNNING, live, machine, messages, outcomes, unknown


def written(folder: Path, **files: str) -> Written:
    """What stands in these files; of a name, _ stands for a dot."""
    etc = folder / "etc/asterisk"
    etc.mkdir(parents=True)
    (folder / "usr/share/asterisk/static-http").mkdir(parents=True)
    (etc / "asterisk.conf").write_text("[directories]\n")
    (etc / "http.conf").write_text("[general]\nenabled=yes\n")
    for name, text in files.items():
        (etc / name.replace("_", ".")).write_text(text)
    installation = find(Named(folder, command=("false",)))
    assert installation is not None
    found = look(installation)
    assert isinstance(found, Written), found
    return found


def phone(context: str = "phones") -> Phone:
    return Phone("alice", None, asked=True, loaded={"context": context})


TRANSPORT = "[transport-tls]\ntype=transport\nprotocol=tls\nbind=0.0.0.0\n"


@pytest.mark.parametrize(
    ("has", "found"),
    [
        ({"protocol": "tls", "bind": "0.0.0.0:5060"}, ()),
        ({"protocol": "tls", "bind": "0.0.0.0:5061"}, ()),
        ({"protocol": "tls", "bind": "0.0.0.0:5070"}, ("bind=0.0.0.0", "0.0.0.0:5070")),
        ({"protocol": "tcp", "bind": "0.0.0.0:5060"}, ("protocol=tls", "tcp")),
        ({}, ()),  # nothing was told of it
    ],
)
def test_a_transport_that_a_reload_leaves_as_it_is(
    has: dict[str, str], found: tuple[str, ...], tmp_path: Path
) -> None:
    here = live(transports={"transport-tls": has})
    told = evidence(written=written(tmp_path, pjsip_conf=TRANSPORT), live=here)
    text = " ".join(messages(CHECKS, "O101", told))
    assert [word for word in found if word not in text] == []
    assert bool(text) is bool(found)


def test_a_transport_that_was_not_loaded(tmp_path: Path) -> None:
    """The log says why."""
    line = "[Nov 28 11:06:42] ERROR[1] res_pjsip/config_transport.c: Transport 'transport-tls' could not be"
    told = evidence(
        written=written(tmp_path, pjsip_conf=TRANSPORT), live=live(), log=Log("/log", (line,))
    )
    (one,) = outcomes(CHECKS, "O101", told)
    assert isinstance(one, Finding)
    assert one.seen == line
    assert one.line == 1
    without = modules(
        RUNNING.replace("res_pjsip.so   it  0  Running", "res_pjsip.so it 0 Not Running")
    )
    assert messages(CHECKS, "O101", replace(told, live=live(modules=without))) == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("[general]\nrtpstart=10000\nrtpend=20000\n", False),
        ("[general]\nrtpstart=10001\nrtpend=20000\n", False),  # is made even
        ("[general]\nrtpstart=10000\nrtpend=15000\n", True),
        ("[general]\nrtpend=nonsense\n", False),
        ("[general]\n", False),
    ],
)
def test_ports_that_were_not_read(text: str, wrong: bool, tmp_path: Path) -> None:
    told = evidence(written=written(tmp_path, rtp_conf=text), live=live())
    assert bool(messages(CHECKS, "O101", told)) is wrong


def test_a_module_that_the_next_start_leaves_out(tmp_path: Path) -> None:
    text = "[modules]\nautoload=yes\nnoload => res_srtp.so\nnoload = pbx_gtkconsole.so\n"
    told = evidence(written=written(tmp_path, modules_conf=text), live=live())
    (message,) = messages(CHECKS, "O101", told)
    assert "res_srtp.so" in message
    assert messages(CHECKS, "O106", told) == []


PLAN = """\
[general]
[phones]
exten => 246,1,Answer
 same => n(again),Wait( 0.1 )
 same => n,GotoIf($[${turns} < 50]?again)
exten => _1XX,1,Dial(PJSIP/${EXTEN}, 60)
exten => 101,hint,PJSIP/alice
exten => 555/123,1,Busy()
exten => _8X-X,1,Echo()
include => more
"""
SHOWN = """\
[ Context 'phones' created by 'pbx_config' ]
  '246' =>          1. Answer()                                   [extensions.conf:3]
     [again]        2. Wait( 0.1 )                                [extensions.conf:4]
                    3. GotoIf($[${turns} < 50]?again)             [extensions.conf:5]
  '_1XX' =>         1. Dial(PJSIP/${EXTEN}, 60)                   [extensions.conf:6]
  '_8XX' =>         1. Echo()                                     [extensions.conf:9]
  Include =>        'more'                                        [pbx_config]

-= 3 extensions (5 priorities) in 1 context. =-
"""


def differs(plan: str, shown: str) -> str | None:
    nothing = ConfFolder(Path("/nowhere/etc"), Path("/nowhere"))
    files = Overlaid(nothing, {"/etc/extensions.conf": plan.encode()})
    found = not_loaded(reader.read("extensions.conf", files), "phones", dialplan(shown, "phones"))
    return f"{found.what}: {found.seen}" if found else None


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (PLAN, None),
        (PLAN.replace("0.1", "0.2"), "extension 246: '246' => 2. Wait( 0.1 )"),
        (f"{PLAN}exten => 777,1,Answer()\n", "extension 777: no '777'"),
        (f"{PLAN}exten => 246,4,Hangup()\n", "extension 246: '246' => 3 priorities"),
        # What cannot be told is not told.
        (f"{PLAN}exten => 246,again+5,Hangup()\n", None),
        (f"{PLAN}exten => ${{NUMBER}},1,Answer()\n", None),
        (f"{PLAN}exten => 888,hint,PJSIP/bob\n", None),
        ("[other]\nexten => 1,1,Answer()\n", None),
        ("[phones](!)\nexten => 1,1,Answer()\n", None),
    ],
)
def test_the_dialplan_that_runs(plan: str, says: str | None) -> None:
    assert differs(plan, SHOWN) == says


def test_others_may_have_added_steps() -> None:
    assert differs(PLAN, SHOWN.replace("[ext", "[x").replace("     [again]", "   ")) is None
    more = SHOWN.replace("  '_1XX'", "                    4. Hangup()   [AMI]\n  '_1XX'")
    assert differs(PLAN, more) is None


def test_a_context_that_is_not_there(tmp_path: Path) -> None:
    """Of a phone's own; what it includes may be left for later."""
    told = evidence(
        written=written(tmp_path, extensions_conf=PLAN),
        live=live(contexts={"phones": None, "more": None}),
        phones=(phone(),),
    )
    (message,) = messages(CHECKS, "O101", told)
    assert "phones" in message
    assert messages(CHECKS, "O101", replace(told, phones=(phone("else"),))) == []


AVC = (
    'type=AVC msg=audit(1795862000.123:456): avc:  denied  { read } for  pid=812 comm="asterisk"'
    ' name="https.pem" dev="dm-0" ino=1234 scontext=system_u:system_r:asterisk_t:s0'
    " tcontext=unconfined_u:object_r:user_home_t:s0 tclass=file permissive=0"
)


def test_what_selinux_refused() -> None:
    """Recorded."""
    found = denials(f"----\ntime->Sat Nov 28 10:00:00 2026\n{AVC}\n{AVC}\n")
    assert len(found) == 1
    (message,) = messages(CHECKS, "O102", evidence(machine=machine(refused=found)))
    assert "SELinux" in message
    assert messages(CHECKS, "O102", evidence(machine=machine(refused=()))) == []
    assert "ausearch" in unknown(CHECKS, "O102", evidence(machine=machine(refused=None)))


SYSTEMD = """\
ActiveState=active
MainPID=812
ProtectHome=yes
PrivateTmp=yes
InaccessiblePaths=-/etc/letsencrypt
TemporaryFileSystem=/srv:ro
"""


@pytest.mark.parametrize(
    ("path", "by"),
    [
        ("/root/pbx.pem", "ProtectHome=yes"),
        ("/home/me/pbx.pem", "ProtectHome=yes"),
        ("/tmp/pbx.pem", "PrivateTmp=yes"),
        ("/etc/letsencrypt/live/pbx/fullchain.pem", "InaccessiblePaths=-/etc/letsencrypt"),
        ("/srv/pbx.pem", "TemporaryFileSystem=/srv:ro"),
        ("/etc/asterisk/keys/pbx.pem", ""),
        ("/homes/pbx.pem", ""),
        ("", ""),
    ],
)
def test_what_systemd_hides(path: str, by: str) -> None:
    """Recorded."""
    assert hidden(properties(SYSTEMD), path) == by
    assert hidden({}, path) == ""


@pytest.mark.parametrize("value", ["no", "read-only"])
def test_what_is_there_to_be_read(value: str) -> None:
    """Recorded."""
    assert (
        hidden(properties(SYSTEMD.replace("ProtectHome=yes", f"ProtectHome={value}")), "/root/x")
        == ""
    )


HTTPS = """\
[general]
enabled=yes
tlsenable=yes
tlsbindaddr=0.0.0.0:8089
tlscertfile=/root/pbx.pem
"""


def test_a_certificate_that_the_service_cannot_see(tmp_path: Path) -> None:
    """Recorded."""
    told = evidence(
        written=written(tmp_path, http_conf=HTTPS), machine=machine(service=properties(SYSTEMD))
    )
    (message,) = messages(CHECKS, "O103", told)
    assert "/root/pbx.pem" in message
    assert "certificate" in message
    assert messages(CHECKS, "O103", replace(told, machine=machine())) == []


def of_process(files: int | None, phones: int) -> Evidence:
    return evidence(live=live(process=Process(files, 1, 1)), phones=(phone(),) * phones)


def test_files_for_so_many_phones() -> None:
    assert messages(CHECKS, "O104", of_process(1024, 90)) == []
    (message,) = messages(CHECKS, "O104", of_process(1024, 100))
    assert "1024 files" in message
    assert "100 phones" in message
    assert "tell" in unknown(CHECKS, "O104", of_process(None, 1))


def channel(kind: str, *levels: str, enabled: bool = True) -> LogChannel:
    return LogChannel("x", True, kind, enabled, frozenset(levels))


@pytest.mark.parametrize(
    ("channels", "kept"),
    [
        ((channel("File", "NOTICE", "WARNING", "ERROR"),), True),
        ((channel("Syslog", "WARNING", "ERROR"),), True),
        ((channel("Console", "NOTICE", "WARNING", "ERROR"),), False),
        ((channel("File", "VERBOSE"),), False),
        ((channel("File", "WARNING", "ERROR", enabled=False),), False),
        ((), False),
    ],
)
def test_a_log(channels: Any, kept: bool) -> None:
    assert bool(messages(CHECKS, "O105", evidence(live=live(log_channels=channels)))) is not kept


def test_modules_that_are_left_out(tmp_path: Path) -> None:
    text = "[modules]\nnoload = res_pjsip_registrar\nnoload => res_srtp.so\n"
    has = modules(RUNNING.replace("res_srtp", "x").replace("res_pjsip_registrar", "y"))
    told = evidence(written=written(tmp_path, modules_conf=text), live=live(modules=has))
    (message,) = messages(CHECKS, "O106", told)
    assert "res_pjsip_registrar, res_srtp" in message
    old = replace(told, live=live(modules={**has, "chan_sip": True}))
    assert messages(CHECKS, "O106", old) == [], "it has the phones"


@pytest.mark.parametrize(
    ("sip", "transports", "fight"),
    [
        ("[general]\n", {}, True),
        ("[general]\nudpbindaddr=0.0.0.0:5160\n", {}, False),
        ("[general]\n", {"transport-udp": {"protocol": "udp"}}, False),
    ],
)
def test_two_modules_for_one_port(
    sip: str, transports: dict[str, dict[str, str]], fight: bool, tmp_path: Path
) -> None:
    """Recorded: of 16, with chan_sip."""
    text = "[transport-udp]\ntype=transport\nprotocol=udp\nbind=0.0.0.0\n"
    has = modules(f"{RUNNING}chan_sip.so  it  0  Running  extended\n")
    told = evidence(
        written=written(tmp_path, pjsip_conf=text, sip_conf=sip),
        live=live("Asterisk 16.28.0", modules=has, transports=transports),
    )
    assert bool(messages(CHECKS, "O106", told)) is fight
