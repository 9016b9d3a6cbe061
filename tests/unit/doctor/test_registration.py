"""Registration, in values: what cannot be brought about on the servers of the test bed is recorded of
others, or follows Asterisk's source; each such test says so.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.accounts.model import Account, ha1
from cmp_bundle.asterisk.answers.acl import Rule
from cmp_bundle.asterisk.answers.core import modules
from cmp_bundle.asterisk.answers.pjsip import Contact, Identify
from cmp_bundle.asterisk.answers.realtime import Odbc
from cmp_bundle.asterisk.includes import OurHttp
from cmp_bundle.doctor.calls import calls
from cmp_bundle.doctor.evidence import Live, Missing, Phone, Written
from cmp_bundle.doctor.left_out import left_out
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.doctor.registration import CHECKS
from cmp_bundle.doctor.together import MOST
from cmp_bundle.doctor.way import Part

from .evidence import evidence
from .files import in_files
from .living import RUNNING, live, messages, unknown
from .living import outcomes as of_code
from .outcomes import found

SETTINGS = {"endpoint_identifier_order": "ip,username,anonymous", "default_realm": "asterisk"}

PJSIP = """\
[alice]
type=endpoint
webrtc=yes
context=phones
aors=alice
auth=alice
[alice]
type=aor
max_contacts=5
[alice]
type=auth
username=alice
password=Own-word-17
"""


def phone(name: str = "alice", aor: dict[str, str] | None = None, **loaded: str) -> Phone:
    """A healthy one, as 22.10 shows it."""
    auth = {"username": name, "password": "Own-word-17", "supported_algorithms_uas": "MD5"}
    return Phone(
        name,
        None,
        asked=True,
        loaded={
            "aors": name, "auth": name, "webrtc": "yes", "context": "phones", "identify_by": "username,ip",
            "acl": "", **loaded,
        },
        auths={name: auth},
        aors={name: {"max_contacts": "5", "remove_existing": "true", "maximum_expiration": "7200",
                     "qualify_frequency": "60", **(aor or {})}},
        account=Account(name, password="Own-word-17"),
    )  # fmt: skip


def running(text: str = "Asterisk 22.11.0", **known: Any) -> Live:
    return live(text, **({"settings": SETTINGS} | known))


@pytest.fixture
def files(tmp_path: Path) -> Written:
    return in_files(tmp_path, {"pjsip.conf": PJSIP})


def test_a_healthy_one(files: Written) -> None:
    one = replace(phone(), written=files.objects["endpoint", "alice"])
    assert found(CHECKS, phones=(one,), live=running(), written=files) == {}
    assert left_out(one, running(), files) is None


def test_many_of_a_kind_are_told_of_once(files: Written) -> None:
    phones = tuple(phone(f"u{n}", {"max_contacts": "0"}) for n in range(MOST + 3))
    (one,) = messages(CHECKS, "R110", evidence(phones=phones, live=running(), written=files))
    assert "the aor u0" in one
    assert f"of {MOST + 2} more: u1, u2" in one
    assert (
        len(of_code(CHECKS, "R110", evidence(phones=phones[:MOST], live=running(), written=files)))
        == MOST
    )


def test_without_pjsip_nothing_is_said_of_endpoints(files: Written) -> None:
    gone = Phone("alice", files.objects["endpoint", "alice"], asked=True, loaded=None)
    off = running(
        modules=modules(
            RUNNING.replace("res_pjsip.so   it  0  Running", "res_pjsip.so  it  0  Not Running")
        )
    )
    given = evidence(phones=(gone,), live=off, written=files)
    assert "res_pjsip.so" in unknown(CHECKS, "R101", given)
    assert "res_pjsip.so" in unknown(CHECKS, "R104", given)


@pytest.mark.parametrize(
    ("auth", "code", "words"),
    [
        ({"password": "another"}, "R107", "the password of alice"),
        ({"username": "al"}, "R107", "'al'"),
        ({"password": "", "md5_cred": ha1("alice", "asterisk", "Own-word-17")}, "", ""),
        ({"password": "", "md5_cred": ha1("alice", "pbx", "Own-word-17")}, "R107", "password of alice"),
        ({"realm": "pbx", "password": "", "md5_cred": ha1("alice", "asterisk", "Own-word-17")}, "R113", "'pbx'"),
        ({"realm": "anything"}, "", ""),
    ],
)  # fmt: skip
def test_passwords(auth: dict[str, str], code: str, words: str, tmp_path: Path) -> None:
    """Of an auth that stands in no file."""
    files = in_files(tmp_path, {})
    one = phone()
    options = {n: v for n, v in {**(one.auths["alice"] or {}), **auth}.items() if v}
    one = replace(one, auths={"alice": options})
    said = found(CHECKS, phones=(one,), live=running(), written=files)
    assert [*said] == ([code] if code else [])
    assert words in said.get(code, "")
    assert bool(left_out(one, running(), files)) == bool(code)
    assert "Own-word" not in str(said)


def test_a_password_that_was_changed_in_the_file_and_not_read(files: Written) -> None:
    """The account's is that of the file: what is to be done is a reload."""
    one = replace(phone(), written=files.objects["endpoint", "alice"])
    one = replace(one, auths={"alice": {"username": "alice", "password": "old-one"}})
    said = found(CHECKS, phones=(one,), live=running(), written=files)
    assert [*said] == ["R104"]
    assert "old-one" not in str(said)
    assert left_out(one, running(), files)


def test_an_object_that_comes_from_a_database_first(tmp_path: Path) -> None:
    """What the file says of it is not what is in force, and need not be."""
    sorcery = "[res_pjsip]\nendpoint=realtime,ps_endpoints\nendpoint=config,pjsip.conf,criteria=type=endpoint\n"
    files = in_files(tmp_path, {"pjsip.conf": PJSIP, "sorcery.conf": sorcery})
    one = replace(phone(context="other"), written=files.objects["endpoint", "alice"])
    given = evidence(phones=(one,), live=running(), written=files)
    assert of_code(CHECKS, "R104", given) == []


def test_a_digest_for_another_realm(files: Written) -> None:
    """The account's own, where it has no password."""
    account = Account("alice", ha1=ha1("alice", "pbx", "Own-word-17"), realm="pbx")
    one = replace(phone(), account=account)
    assert "'asterisk'" in found(CHECKS, phones=(one,), live=running(), written=files)["R113"]


def test_an_endpoint_known_by_its_address_is_not_open(files: Written) -> None:
    one = replace(phone(auth="", identify_by="ip"), auths={})
    assert "R109" not in found(CHECKS, phones=(one,), live=running(), written=files)
    assert "R109" in found(CHECKS, phones=(phone(auth=""),), live=running(), written=files)


def test_by_the_name_for_the_password(files: Written) -> None:
    """identify_by=auth_username, which the server has to allow as well."""
    one = phone(identify_by="auth_username")
    by_auth = {**SETTINGS, "endpoint_identifier_order": "ip,username,auth_username"}
    assert "R106" in found(CHECKS, phones=(one,), live=running(), written=files)
    assert "R106" not in found(CHECKS, phones=(one,), live=running(settings=by_auth), written=files)


def test_an_aor_of_a_domain(files: Written) -> None:
    one = phone(aors="alice@pbx.example")
    one = replace(one, aors={"alice@pbx.example": {"max_contacts": "1"}})
    assert found(CHECKS, phones=(one,), live=running(), written=files) == {}


GONE, THERE = Contact("sip:alice@192.0.2.1:5", "Unavail"), Contact("sip:alice@192.0.2.2:5", "Avail")


@pytest.mark.parametrize(
    ("contacts", "aor", "codes"),
    [
        ((THERE,), {"max_contacts": "1", "remove_existing": "false"}, {"R112"}),
        ((THERE,), {"max_contacts": "1"}, set()),
        ((THERE,), {"max_contacts": "2", "remove_existing": "false"}, set()),
        ((GONE,), {"max_contacts": "1", "remove_existing": "no", "remove_unavailable": "true"}, {"R124"}),
        ((GONE, THERE), {}, {"R123"}),
        ((Contact("sip:x", "NonQual"),), {}, set()),
    ],
)  # fmt: skip
def test_contacts(
    contacts: tuple[Contact, ...], aor: dict[str, str], codes: set[str], files: Written
) -> None:
    one = replace(phone(aor=aor), contacts=contacts)
    assert {*found(CHECKS, phones=(one,), live=running(), written=files)} == codes


def test_some_networks_alone(tmp_path: Path) -> None:
    """Nobody can say whether the phones are in them: no error, and nobody is tried from here."""
    text = PJSIP.replace("auth=alice\n", "auth=alice\ndeny=0.0.0.0/0\npermit=10.0.0.0/8\n", 1)
    files = in_files(tmp_path, {"pjsip.conf": text})
    one = replace(phone(), written=files.objects["endpoint", "alice"])
    given = evidence(phones=(one,), live=running(), written=files)
    assert "deny of alice lets alice in from some networks alone" in unknown(CHECKS, "R115", given)
    kept = left_out(one, running(), files)
    assert kept
    assert ("from this machine" in kept.reason, kept.broken) == (True, None)


def test_a_named_list(files: Written) -> None:
    """Recorded of 22 and 16."""
    office = (Rule(False, "0.0.0.0/0.0.0.0"), Rule(True, "10.0.0.0/255.0.0.0"))
    one = phone(acl="office")
    given = evidence(phones=(one,), live=running(acls={"office": office}), written=files)
    assert "acl office" in unknown(CHECKS, "R115", given)
    open_again = (*office, Rule(True, "0.0.0.0/0.0.0.0"))
    given = evidence(phones=(one,), live=running(acls={"office": open_again}), written=files)
    assert of_code(CHECKS, "R115", given) == []
    shut = running(acls={"office": office[:1]})
    assert (
        "lets nobody in"
        in messages(CHECKS, "R115", evidence(phones=(one,), live=shut, written=files))[0]
    )


def test_phones_in_the_network_of_a_trunk(files: Written) -> None:
    near = running(identifies=(Identify("of-trunk", "trunk", ("192.168.1.0/24",)),))
    given = evidence(phones=(phone(),), live=near, written=files)
    assert "192.168.1.0/24 is trunk" in unknown(CHECKS, "R116", given)
    assert left_out(phone(), near, files) is None


def test_a_trunk_of_one_address(files: Written) -> None:
    far = running(identifies=(Identify("of-trunk", "trunk", ("192.0.2.1/32", "X-From: trunk")),))
    assert of_code(CHECKS, "R116", evidence(phones=(phone(),), live=far, written=files)) == []


def test_phones_behind_a_proxy_on_this_machine(files: Written) -> None:
    """They all come from its address, which is that of a trunk."""
    local = running(identifies=(Identify("of-trunk", "trunk", ("127.0.0.1/32",)),))
    given = evidence(phones=(phone(),), live=local, written=files)
    assert "127.0.0.1/32 is trunk" in unknown(CHECKS, "R116", given)
    kept = left_out(phone(), local, files)
    assert kept
    assert ("for trunk" in kept.reason, kept.broken) == (True, None)
    configured: Any = replace(files.configured, our_http=OurHttp(plain="127.0.0.1:8088"))
    behind = replace(files, configured=configured)
    (said,) = messages(CHECKS, "R116", evidence(phones=(phone(),), live=local, written=behind))
    assert "every phone behind the proxy" in said


def test_names_come_first(files: Written) -> None:
    """Where the server looks for the name before the address, no address is in the way."""
    order = {**SETTINGS, "endpoint_identifier_order": "username,ip"}
    wide = running(settings=order, identifies=(Identify("of-trunk", "trunk", ("0.0.0.0/0",)),))
    assert of_code(CHECKS, "R116", evidence(phones=(phone(),), live=wide, written=files)) == []


SORCERY = "[res_pjsip]\nendpoint=config,pjsip.conf,criteria=type=endpoint\nendpoint=realtime,ps_endpoints\n"


def database(folder: Path, *lines: str, sorcery: str = SORCERY) -> Written:
    """With these lines in extconfig.conf."""
    text = "\n".join(("[settings]", *lines))
    return in_files(folder, {"pjsip.conf": PJSIP, "sorcery.conf": sorcery, "extconfig.conf": text})


def with_driver(name: str, text: str = "Asterisk 22.11.0", **known: Any) -> Live:
    running_ones = f"{RUNNING}res_config_{name}.so  it  0  Running  core\n"
    return running(text, modules=modules(running_ones), families={"ps_endpoints": (name,)}, **known)


def test_the_database_is_down(tmp_path: Path) -> None:
    """Of endpoints that only it may have nothing is said."""
    files = database(tmp_path, "ps_endpoints => odbc,phones,ps_endpoints")
    down = with_driver("odbc", odbc=(Odbc("phones", "pbx", 0, "2026-11-28 10:43:01"),))
    gone = Phone("dora", None, asked=True, loaded=None, account=Account("dora"))
    given = evidence(phones=(gone,), live=down, written=files)
    assert "behind phones" in messages(CHECKS, "R118", given)[0]
    assert "does not answer" in unknown(CHECKS, "R101", given)
    up = with_driver("odbc", odbc=(Odbc("phones", "pbx", 1),))
    given = evidence(phones=(gone,), live=up, written=files)
    assert of_code(CHECKS, "R118", given) == []
    assert "nor in the database" in messages(CHECKS, "R101", given)[0]
    nothing = evidence(phones=(gone,), live=with_driver("odbc"), written=files)
    assert "behind phones" in messages(CHECKS, "R118", nothing)[0]


def test_a_table_that_is_mapped_nowhere(tmp_path: Path) -> None:
    given = evidence(phones=(), live=running(), written=database(tmp_path))
    assert "extconfig.conf does not map" in messages(CHECKS, "R118", given)[0]


@pytest.mark.parametrize(("text", "bad"), [("22.2.0", True), ("22.3.0", False), ("20.12.0", True)])
def test_versions_that_forget_the_database(text: str, bad: bool, tmp_path: Path) -> None:
    """Recorded: asterisk/asterisk#1119 is about the driver for PostgreSQL alone."""
    files = database(tmp_path, "ps_endpoints => pgsql,asterisk,ps_endpoints")
    broken = with_driver("pgsql", f"Asterisk {text}", pgsql="Connected to x")
    given = evidence(phones=(phone(),), live=broken, written=files)
    if bad:
        assert "dbname" in messages(CHECKS, "R119", given)[0]
    else:
        assert "alembic" in unknown(CHECKS, "R119", given)


@pytest.mark.parametrize(("text", "bad"), [("22.5.0", True), ("22.6.0", False), ("20.15.2", True)])
def test_several_databases(text: str, bad: bool, tmp_path: Path) -> None:
    """Recorded: asterisk/asterisk#1305."""
    lines = ("ps_endpoints => odbc,one,ps_endpoints,1", "ps_endpoints => odbc,two,ps_endpoints,2")
    files = database(tmp_path, *lines)
    given = evidence(phones=(), live=with_driver("odbc", f"Asterisk {text}"), written=files)
    assert bool(messages(CHECKS, "R120", given)) == bad
    nameless = replace(with_driver("odbc", f"Asterisk {text}"), version=None)
    given = evidence(phones=(), live=nameless, written=files)
    assert "by number" in unknown(CHECKS, "R120", given)


def test_a_value_that_a_column_refuses(tmp_path: Path, files: Written) -> None:
    """Only whoever writes the row is told, by the database."""
    given = evidence(written=database(tmp_path / "x", "ps_endpoints => odbc,one,ps_endpoints"))
    assert "when it is written" in unknown(CHECKS, "R121", given)
    assert of_code(CHECKS, "R121", evidence(written=files)) == []


def test_nothing_of_databases_where_there_is_none(files: Written) -> None:
    given = evidence(phones=(phone(),), live=running("Asterisk 22.2.0"), written=files)
    for code in ("R118", "R119", "R120", "R121", "R122"):
        assert of_code(CHECKS, code, given) == []


def test_a_file_that_does_not_count(tmp_path: Path) -> None:
    """sorcery.conf leads to a file of its own; what is in there is what is written."""
    files = in_files(
        tmp_path,
        {
            "pjsip.conf": PJSIP,
            "pjsip_web.conf": PJSIP.replace("alice", "401"),
            "sorcery.conf": "[res_pjsip]\nendpoint=config,pjsip_web.conf,criteria=type=endpoint\n",
        },
    )
    assert ("endpoint", "401") in files.objects
    assert ("endpoint", "alice") in files.uncounted
    gone = Phone("alice", None, asked=True, loaded=None)
    given = evidence(phones=(gone,), live=running(), written=files)
    (said,) = messages(CHECKS, "R105", given)
    assert "alice" in said
    assert of_code(CHECKS, "R101", given) == []


def test_nobody_is_tried_who_would_be_refused() -> None:
    """And where that is everybody, the rest of the way is behind it."""
    there = Reached("https://127.0.0.1:8089", "/ws", "/")
    refused = Missing("she would be refused", Part.REGISTRATION)
    answer = calls(there, (phone(),), None, "246", left_out={"alice": refused})
    assert answer == refused
