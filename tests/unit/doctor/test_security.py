"""What strangers can have: passwords, contexts, pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.accounts.model import ha1
from cmp_bundle.asterisk.answers.dialplan import Dialplan
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.checks.live import HttpAnswer
from cmp_bundle.doctor.evidence import Missing, Phone
from cmp_bundle.doctor.security import CHECKS, is_known, known
from cmp_bundle.findings import Finding
from cmp_bundle.places import Row

from .evidence import evidence
from .living import live, messages, outcomes, unknown
from .test_operation import written


@pytest.mark.parametrize(
    ("username", "password", "says"),
    [
        ("alice", "webrtc_client", "everybody"),
        ("alice", "SpiderWrench", "everybody"),
        ("1001", "1001", "own name"),
        ("alice", "Alice", "own name"),
        ("alice", "alice123", "own name"),
        ("alice", "Copper-90-finch", ""),
        ("", "", ""),
    ],
)
def test_a_password_that_everybody_knows(username: str, password: str, says: str) -> None:
    found = is_known(username, password, "", "")
    assert says in found
    assert bool(found) is bool(says)
    if password:
        digest = ha1(username, "pbx", password.lower())
        assert bool(is_known(username, "", digest, "pbx")) is bool(says)
        assert bool(is_known(username, "", f"MD5:{digest}", "pbx")) is bool(says)


def test_the_list() -> None:
    assert {"webrtc_client", "spiderwrench", "1234", "changeme"} <= known()
    assert all(word == word.lower().strip() for word in known())


WEAK = "[{0}]\ntype=endpoint\nauth={0}\naors={0}\n[{0}]\ntype=auth\nusername={0}\npassword=1234\n"


def test_the_password_is_never_shown(tmp_path: Path) -> None:
    found = evidence(written=written(tmp_path, pjsip_conf=WEAK.format("desk")), phones=())
    (message,) = messages(CHECKS, "X102", found)
    assert "desk" in message
    assert "1234" not in message


def test_many_are_told_once(tmp_path: Path) -> None:
    text = "".join(WEAK.format(f"desk{number}") for number in range(7))
    found = evidence(written=written(tmp_path, pjsip_conf=text), phones=())
    (message,) = messages(CHECKS, "X102", found)
    assert "desk0, desk1, desk2, desk3, desk4, …" in message


def test_what_only_the_running_server_has() -> None:
    """As of a database."""
    auth = {"username": "alice", "password": "1234", "md5_cred": "", "realm": ""}
    alice = Phone("alice", None, asked=True, loaded={}, auths={"alice": auth, "ghost": None})
    (message,) = messages(CHECKS, "X102", evidence(phones=(alice,)))
    assert "alice" in message
    assert unknown(CHECKS, "X102", evidence())


def test_another_password_comes_to_the_phone_as_well() -> None:
    auth = {"username": "o'hara", "password": "1234"}
    row = {("endpoint", "o'hara"): Row("[pbx] of res_odbc.conf", "ps_endpoints", "o'hara")}
    phone = Phone("o'hara", None, asked=True, loaded={}, auths={"a": auth})
    rotate = "cmp-bundle accounts rotate 'o'\"'\"'hara'"
    assert hint(phone) == f"cmp-bundle accounts import; then {rotate}"
    assert hint(replace(phone, homes=row)) == (
        f"cmp-bundle accounts import --database mysql://USER@HOST/NAME; then {rotate}"
    )
    assert hint(replace(phone, listed=True)) == rotate


def hint(phone: Phone) -> str | None:
    (one,) = outcomes(CHECKS, "X102", evidence(phones=(phone,)))
    assert isinstance(one, Finding)
    return one.hint


OPEN = "[lobby]\ntype=endpoint\ncontext=default\n"
PLAN = "[default]\nexten => 1,1,Answer()\n[inside]\n[other]\ninclude => default\n"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (OPEN, True),
        (OPEN.replace("context=default\n", ""), True),
        (OPEN.replace("default", "other"), True),
        (OPEN.replace("default", "inside"), False),  # where there is nothing
        (OPEN.replace("default", "dpma-invalid"), False),  # as FreePBX has one
        (f"{OPEN}auth=lobby\n", False),
        (f"{OPEN}acl=office\n", False),
        (f"{OPEN}outbound_auth=provider\n", False),  # of a provider, which has its own rules
        (f"{OPEN}identify_by=ip\n", False),
        (f"{OPEN}[lobby]\ntype=identify\nendpoint=lobby\nmatch=192.0.2.7\n", False),
        (OPEN.replace("lobby", "anonymous"), False),  # X103's
    ],
)
def test_an_endpoint_without_a_password(text: str, found: bool, tmp_path: Path) -> None:
    there = written(tmp_path, pjsip_conf=text, extensions_conf=PLAN)
    assert bool(messages(CHECKS, "X101", evidence(written=there, phones=()))) is found


def test_phones_are_told_of_elsewhere(tmp_path: Path) -> None:
    lobby = Phone("lobby", None, asked=True, loaded={})
    there = written(tmp_path, pjsip_conf=OPEN, extensions_conf=PLAN)
    told = evidence(written=there, phones=(lobby,))
    assert messages(CHECKS, "X101", told) == []


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        (("Dial(PJSIP/${EXTEN}@provider,60)",), True),
        (("Set(x=1)", "Dial(SIP/provider/${EXTEN:1})"), True),
        (("Dial(PJSIP/alice)",), False),
        (("Answer()", "Echo()"), False),
    ],
)
def test_what_strangers_reach(steps: tuple[str, ...], found: bool) -> None:
    contexts = {
        "strangers": Dialplan("strangers", {}, ("outward", "gone", "strangers")),
        "outward": Dialplan("outward", {"_X.": steps}, ("strangers",)),
        "gone": None,
    }
    here = live(guest_context="strangers", contexts=contexts)
    assert bool(messages(CHECKS, "X103", evidence(live=here))) is found
    nobody = live(contexts=contexts)
    assert messages(CHECKS, "X103", evidence(live=nobody)) == []


def test_other_pages() -> None:
    http = HttpStatus(
        secure="0.0.0.0:8089", paths=("/ws", "/static/...", "/ari/...", "/metrics/...")
    )
    (message,) = messages(CHECKS, "X104", evidence(live=live(http=http)))
    assert "/ari" in message
    assert "/metrics" in message
    restricted = HttpStatus(paths=http.paths, restrictions=("/ari", "/metrics"))
    assert messages(CHECKS, "X104", evidence(live=live(http=restricted))) == []


def test_a_restriction_counts_with_the_prefix() -> None:
    for path, told in (("/pbx/ari", False), ("/ari", True)):
        http = HttpStatus(prefix="/pbx", paths=("/ws", "/ari/..."), restrictions=(path,))
        assert bool(messages(CHECKS, "X104", evidence(live=live(http=http)))) is told


HEAD = "/static/phone/.git/HEAD"
CONFIG = "/static/phone/.git/config"


def pages(url: str) -> dict[str, HttpAnswer]:
    return {
        HEAD: HttpAnswer(200, None, b"ref: refs/heads/master\n"),
        CONFIG: HttpAnswer(200, None, f'[remote "origin"]\n\turl = {url}\n'.encode()),
    }


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://github.com/asterisk/cyber_mega_phone_2k.git", False),
        ("https://robot:sesame@github.com/asterisk/cyber_mega_phone_2k.git", True),
        ("git@git.example:phone.git", True),
        ("", True),
    ],
)
def test_a_repository_on_the_web(url: str, found: bool) -> None:
    told = evidence(live=live(), pages=pages(url))
    said = messages(CHECKS, "X105", told)
    assert bool(said) is found
    assert "sesame" not in " ".join(said)


def test_no_repository() -> None:
    for answer in (HttpAnswer(404, None, b"ref: refs/"), HttpAnswer(200, None, b"<html>")):
        assert messages(CHECKS, "X105", evidence(live=live(), pages={HEAD: answer})) == []
    assert unknown(CHECKS, "X105", evidence(live=live(), pages=Missing("HTTPS is dead")))


@pytest.mark.parametrize(
    ("plain", "found"), [("0.0.0.0:8088", True), ("127.0.0.1:8088", False), (None, False)]
)
def test_management_without_encryption(plain: str | None, found: bool) -> None:
    http = HttpStatus(plain=plain, paths=("/rawman", "/ws"))
    assert bool(messages(CHECKS, "X105", evidence(live=live(http=http), pages={}))) is found
