"""Endpoints for browsers without ``webrtc=yes``, and trunks with it (cases from the field)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.accounts import browsers, from_pjsip, from_wizard, import_plan
from cmp_bundle.accounts.conf_source import ConfSource
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.checks.contexts import WrittenDialplan
from cmp_bundle.checks.endpoints import surprises
from cmp_bundle.places import Place

HERE = Place("database", 1)
BY_HAND = {
    "media_encryption": "dtls",
    "dtls_auto_generate_cert": "yes",
    "ice_support": "yes",
    "rtcp_mux": "yes",
    "bundle": "yes",
}

TRUNK = """
[2001]
type=endpoint
aors=2001
auth=2001
webrtc=yes
max_video_streams=4
[2001]
type=auth
username=2001
password=Violet-23-heath
[2001]
type=aor
max_contacts=1
[carrier-in]
type=endpoint
webrtc=yes
aors=carrier-in
[carrier-in]
type=aor
contact=sip:sbc.example.net
[carrier-in]
type=identify
endpoint=carrier-in
match=198.51.100.7
[by-address]
type=endpoint
webrtc=yes
[any-name]
type=identify
endpoint=by-address
match=198.51.100.8
"""


def read(folder: Path, text: str, name: str = "pjsip.conf") -> Endpoints:
    (folder / name).write_text(text)
    return from_pjsip.found(reader.read(name, ConfFolder(folder)))


@pytest.mark.parametrize(
    ("option", "code"),
    [
        ("ice_support", "S116"),
        ("rtcp_mux", "S115"),
        ("bundle", "V106"),
        ("dtls_auto_generate_cert", "S114"),
    ],
)
def test_what_is_missing_of_options_by_hand_is_named(
    tmp_path: Path, option: str, code: str
) -> None:
    # bundle has rtcp_mux in itself.
    gone = (option, "bundle") if option == "rtcp_mux" else (option,)
    lines = [f"{name}={value}" for name, value in BY_HAND.items() if name not in gone]
    text = "\n".join(("[300]", "type=endpoint", "auth=300", "max_video_streams=4", *lines))
    found = read(tmp_path, text)
    assert found.endpoints["300"].webrtc
    (one, *_) = surprises(found.endpoints["300"], found)
    assert (one.code, one.subject) == (code, "300")
    assert option in one.message


def test_all_options_by_hand_are_for_browsers(tmp_path: Path) -> None:
    assert browsers.is_for_browsers(BY_HAND)
    assert browsers.missing(BY_HAND) == {}
    own = {**BY_HAND, "dtls_auto_generate_cert": "no", "dtls_cert_file": "/etc/asterisk/a.pem"}
    assert browsers.missing(own) == {}
    assert browsers.missing({"webrtc": "yes"}) == {}
    assert not browsers.is_for_browsers({"media_encryption": "sdes"})
    lines = "\n".join(f"{name}={value}" for name, value in BY_HAND.items())
    found = read(tmp_path, f"[300]\ntype=endpoint\n{lines}\n")
    assert found.endpoints["300"].webrtc


def test_an_import_leaves_trunks_out_and_says_so(tmp_path: Path) -> None:
    found = read(tmp_path, TRUNK)
    source = ConfSource("./pjsip.conf", ConfFolder(tmp_path), "pjsip.conf")
    offered = import_plan.candidates(source, found, (), "asterisk")
    assert [one.id for one in offered.accounts] == ["2001"]
    assert offered.findings == ()
    assert [(one.code, one.subject) for one in offered.left_out] == [
        ("trunk", "carrier-in"),
        ("trunk", "by-address"),
    ]
    named = import_plan.candidates(source, found, ("carrier-in",), "asterisk")
    assert [one.code for one in named.findings] == ["R109"], "who names it is told"


def test_a_wizard_with_hosts_is_a_trunk(tmp_path: Path) -> None:
    text = "[t]\ntype=wizard\nremote_hosts=a.example\nendpoint/webrtc=yes\n[p]\ntype=wizard\n"
    (tmp_path / "pjsip_wizard.conf").write_text(text)
    configuration = reader.read("pjsip_wizard.conf", ConfFolder(tmp_path))
    found = from_wizard.found(configuration, Endpoints({}, {}))
    assert [one.trunk for one in found.endpoints.values()] == [True, False]


@pytest.mark.parametrize(
    ("plan", "dial", "words"),
    [
        ("[phones]\nexten => _2XX,1,Echo()\n", "246", ""),
        ("[phones]\nexten => _2XX,1,Echo()\n", "", ""),
        ("[phones]\ninclude => more\n[more]\nexten => 246,1,Echo()\n", "246", ""),
        ("[phones]\nswitch => Realtime/x\n", "246", ""),
        ("[phones]\nexten => 1,1,Echo()\n", "246", "246, which alice dials"),
        ("[other]\nexten => 1,1,Echo()\n", "", "the context 'phones', which is not in"),
        ("[phones](!)\nexten => 1,1,Echo()\n", "", "the context 'phones', which is not in"),
        ("[a]\n#exec /bin/true\n", "", ""),
    ],
)
def test_a_context_that_is_not_in_the_dialplan(
    tmp_path: Path, plan: str, dial: str, words: str
) -> None:
    endpoint = read(tmp_path, "[alice]\ntype=endpoint\ncontext=phones\n").endpoints["alice"]
    (tmp_path / "extensions.conf").write_text(plan)
    found = list(WrittenDialplan(ConfFolder(tmp_path)).lacks(Account("alice", dial=dial), endpoint))
    assert [one.code for one in found] == (["S107"] if words else [])
    assert words in "".join(one.message for one in found)


def test_a_dialplan_that_may_be_elsewhere(tmp_path: Path) -> None:
    endpoint = read(tmp_path, "[alice]\ntype=endpoint\ncontext=phones\n").endpoints["alice"]

    def said() -> list[str]:
        plan = WrittenDialplan(ConfFolder(tmp_path))
        return [one.code for one in plan.lacks(Account("alice"), endpoint)]

    assert said() == [], "no extensions.conf"
    (tmp_path / "extensions.conf").write_text("[x]\n")
    assert said() == ["S107"]
    (tmp_path / "extensions.ael").write_text("context phones {\n}\n")
    assert said() == []
    (tmp_path / "extensions.ael").unlink()
    (tmp_path / "extconfig.conf").write_text("[settings]\nextensions.conf => odbc,asterisk\n")
    assert said() == []
