"""Making real Asterisks ready that other people's phones are at already."""

from __future__ import annotations

import re

import pytest

from tests.asterisk import realtime_pbx
from tests.conftest import SIXTEEN_IN_SOAK, Cmp
from tests.testbed import realtime
from tests.testbed.server import Asterisk
from tests.unit.provision.held import execute

from .test_provision_live import ready, shown

pytestmark = [pytest.mark.asterisk, SIXTEEN_IN_SOAK]

CAROL = """
[carol]
type=endpoint
webrtc=yes
context=from-internal
allow=!all,opus,ulaw
auth=carol
aors=carol
[carol]
type=auth
username=carol
password=Copper-90-finch
[carol]
type=aor
max_contacts=2
"""
COLLEAGUES = """
[from-internal]
exten => _2XX,1,Set(DB(cmp/rang)=${EXTEN} by ${CHANNEL})
 same => n,Answer()
 same => n,Wait(3)
"""


def test_no_colleague_is_rung(cmp: Cmp, packaged: Asterisk) -> None:
    """Where somebody calls from, the number of the echo is a person's."""
    for name, text in (("extensions.conf", COLLEAGUES), ("pjsip.conf", CAROL)):
        with (packaged.etc / name).open("a") as file:
            file.write(text)
    for line in ("dialplan reload", "module reload res_pjsip.so"):
        packaged.rx(line)
    cmp.aim(packaged)
    cmp("accounts", "import")
    cmp("accounts", "add", "alice")
    tried = {t["id"]: (t["registered"], t["answered"]) for t in ready(cmp, packaged)["tried"]}
    assert tried == {"alice": (True, True), "carol": (True, None)}
    assert "not found" in packaged.rx("database get cmp rang")


def _has_other_passwords(pbx: Asterisk) -> None:
    """For all endpoints that cmp-bundle made."""
    ours = pbx.etc / "cmp-bundle/pjsip.conf"
    ours.write_text(re.sub("password = .*", "password = other", ours.read_text()))
    pbx.rx("module reload res_pjsip.so")


def test_one_who_cannot_register_is_no_reason_to_take_from_others(
    cmp: Cmp, packaged: Asterisk
) -> None:
    cmp.aim(packaged)
    cmp("accounts", "add", "alice")
    ready(cmp, packaged)
    _has_other_passwords(packaged)
    done = cmp.run("provision")
    assert done.returncode == 1
    assert "put back" not in done.stderr
    assert "to write it anew: cmp-bundle provision --update" in done.stderr
    cmp("accounts", "add", "dave")
    done = cmp.run("provision")
    assert done.returncode == 1
    assert "dave: endpoint written, registers, calls 246" in done.stdout
    assert "next: what is said above of alice" in done.stdout
    assert [t["answered"] for t in cmp("provision", "--update")["tried"]] == [True, True]


def test_where_none_works_not_all_are_tried(cmp: Cmp, packaged: Asterisk) -> None:
    """Nor is each of them told: eight failed one after another, and as many were on their way."""
    cmp.aim(packaged)
    (cmp.folder / "accounts.csv").write_text("\n".join(["id", *(f"a{n}" for n in range(20))]))
    ready(cmp, packaged)
    _has_other_passwords(packaged)
    done = cmp.run("provision")
    assert done.returncode == 1
    refused, left = 15, 5
    assert done.stderr.count("the server refuses the password of") == refused
    assert f"{left} accounts not tried (a15, a16, a17, a18, a19): those" in done.stderr
    assert f"a0, a1, … ({refused} accounts): endpoint as it was, does not register" in done.stdout
    assert "a15, a16, a17, a18, a19: endpoint as it was, not tried\n" in done.stdout


def test_a_phone_that_is_in_a_database_alone(prepared: Asterisk, cmp: Cmp) -> None:
    """An endpoint of its name in a file would take its place."""
    held = realtime_pbx.file_database(prepared)
    realtime.fill(held.engine(), {})
    realtime_pbx.point(prepared, "sqlite3", held)
    kinds = ("endpoint", "auth", "aor")
    both = "{0}=config,pjsip.conf,criteria=type={0}\n{0}=realtime,ps_{0}s\n"
    lines = "".join(both.format(kind) for kind in kinds)
    (prepared.etc / "sorcery.conf").write_text(f"[res_pjsip]\n{lines}")
    execute(
        held,
        "insert into ps_endpoints (id,context,auth,aors,allow)"
        " values ('desk','desk','desk','desk','ulaw')",
        "insert into ps_auths (id,auth_type,username,password)"
        " values ('desk','userpass','desk','Copper-90-finch')",
        "insert into ps_aors (id,max_contacts) values ('desk',1)",
    )
    prepared.start()
    cmp.aim(prepared)
    cmp("accounts", "add", "desk")
    done = cmp.run("provision")
    assert done.returncode == 1
    assert "Asterisk has an endpoint desk already, from realtime,ps_endpoints" in done.stderr
    assert shown(prepared, "endpoint", "desk")["context"] == "desk"
    cmp("accounts", "remove", "desk")
    cmp("accounts", "add", "alice")
    assert cmp("provision")["made"] == ["alice"]
