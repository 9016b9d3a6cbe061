"""accounts check, where phones are elsewhere than in pjsip.conf, or Asterisk loads less than is there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cmp_bundle.cli.app import MISTAKE
from tests.testbed import realtime

from .people import Desk

#: A phone in a file of one's own, and sorcery.conf that leads there (docs.asterisk.org, "Sorcery").
_WEB = """\
[401]
type=endpoint
aors=401
context=phones
auth=401
webrtc=yes
max_video_streams=4
[401]
type=auth
auth_type=userpass
username=401
password=Brook-55-heron
[401]
type=aor
max_contacts=1
"""
_SORCERY = "[res_pjsip]\n" + "".join(
    f"{kind}=config,pjsip_web.conf,criteria=type={kind}\n" for kind in ("endpoint", "auth", "aor")
)


def _elsewhere(at: Desk) -> None:
    (at.root / "etc/asterisk/pjsip_web.conf").write_text(_WEB)
    (at.root / "etc/asterisk/sorcery.conf").write_text(_SORCERY)


def _account(user: str, password: str) -> str:
    return f'[[account]]\nid = "{user}"\npassword = "{password}"\n'


def test_sorcery_is_followed_to_another_file(at: Desk) -> None:
    _elsewhere(at)
    at.write(_account("401", "Brook-55-heron"))
    assert "one account" in at("accounts", "check").replace("1 account", "one account")
    at.write(_account("401", "another-password"))
    assert "error R107: " in at.run("accounts", "check").out


def test_what_stands_in_a_file_that_does_not_count(at: Desk) -> None:
    """In pjsip.conf, while Asterisk takes endpoints from another file alone."""
    _elsewhere(at)
    for account in (
        _account("alice", "wonder1and"),
        '[[account]]\nid = "bob"\nsource = "pjsip.conf"\n',
    ):
        at.write(account)
        done = at.run("accounts", "check")
        assert done.code == MISTAKE
        assert "error R105: " in done.out
        assert "pjsip_web.conf" in done.out
        assert "sorcery.conf:2" in done.out
        assert "R101" not in done.out


def test_import_refuses_a_file_that_does_not_count(at: Desk) -> None:
    _elsewhere(at)
    said = at.run("accounts", "import")
    assert "R105" in said.out + said.err


def test_two_endpoints_of_one_name(at: Desk) -> None:
    at("accounts", "import")
    at.pjsip.write_text(at.pjsip.read_text() + "\n[alice]\ntype=endpoint\n")
    done = at.run("accounts", "check")
    assert done.code == MISTAKE
    assert "error duplicate-object: " in done.out
    assert "two objects of type=endpoint are named [alice]" in done.out


def test_an_aor_that_lets_nobody_in(at: Desk) -> None:
    at("accounts", "import")
    text = at.pjsip.read_text()
    at.pjsip.write_text(text.replace("max_contacts=5\n", ""))
    assert "error R110: " in at.run("accounts", "check").out
    at.pjsip.write_text(text.replace("aors=bob\n", "aors=bob,other\n").replace("[bob](phones)", ""))
    assert "error R111: " in at.run("accounts", "check").out


def test_a_database_beside_the_files_of_this_machine(at: Desk, tmp_path: Path) -> None:
    """Its endpoint is pinned to a transport that stands in pjsip.conf, or in ps_transports, or nowhere."""
    path = tmp_path / "realtime.db"
    url = f"sqlite:///{path}"
    engine = sa.create_engine(url)
    phone = {
        "id": "dora",
        "webrtc": "yes",
        "max_video_streams": 4,
        "auth": "dora",
        "aors": "dora",
        "context": "phones",
    }
    rows: dict[str, list[dict[str, Any]]] = {
        "ps_endpoints": [phone | {"transport": "transport-wss"}],
        "ps_auths": [{"id": "dora", "username": "dora", "password": "Own-word-17"}],
        "ps_aors": [{"id": "dora", "max_contacts": 1}],
    }
    realtime.fill(engine, rows)
    (at.root / "etc/asterisk/sorcery.conf").write_text(
        "[res_pjsip]\nendpoint=config,pjsip.conf,criteria=type=endpoint\nendpoint=realtime,ps_endpoints\n"
    )
    at.write(f'[[account]]\nid = "dora"\nsource = "{url}"\n')
    assert "transport" not in at("accounts", "check")
    with engine.begin() as connection:
        connection.execute(sa.text("update ps_endpoints set transport = 'transport-tls'"))
    assert (
        "error S106: " in at.run("accounts", "check").out
        or "S105" in at.run("accounts", "check").out
    )
    with engine.begin() as connection:
        connection.execute(sa.text("create table ps_transports (id text, protocol text)"))
        connection.execute(sa.text("insert into ps_transports values ('transport-tls', 'wss')"))
    assert "transport" not in at("accounts", "check")
    with engine.begin() as connection:
        connection.execute(sa.text("update ps_aors set max_contacts = null"))
    assert "error R110: " in at.run("accounts", "check").out
    engine.dispose()
