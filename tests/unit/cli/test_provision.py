"""``provision``, as somebody types it, where no Asterisk is running."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from cmp_bundle.provision import firewalls, nftables, system_program
from cmp_bundle.provision.firewall import Firewall, Ports
from tests.testbed.databases import Realtime
from tests.unit.deploy.trees import snapshot
from tests.unit.provision.fake_nft import FakeNft
from tests.unit.provision.held import content, empty, execute
from tests.unit.provision.servers import FILES, REALTIME

from .people import Desk


@pytest.fixture(name="at")
def _at(at: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    # The firewall of whoever runs the tests is nobody's business.
    monkeypatch.setattr(firewalls, "look", tuple)
    monkeypatch.setattr(firewalls, "remains", lambda _found: ())
    for name, data in FILES.items():
        path = at.root / "etc/asterisk" / name.replace("_conf", ".conf")
        path.write_bytes(data)
        path.chmod(0o640)
    at("accounts", "add", "alice", "--extension", "101")
    return at


def test_there_and_back(at: Desk) -> None:
    before = snapshot(at.root)
    shown = at("provision", "--dry-run")
    assert "+[alice](cmp-phone)" in shown
    assert "+password = …" in shown
    assert snapshot(at.root) == before
    assert "run this again once it runs" in at("provision")
    done = at.json("provision")
    assert (done["changed"], done["made"], done["present"]) == (False, [], ["alice"])
    assert "nothing was changed" in at("provision")
    assert "took away" in at("provision", "--undo")
    assert snapshot(at.root) == before
    assert "nothing to undo" in at("provision", "--undo")


def test_only_those_named(at: Desk) -> None:
    at("accounts", "add", "bob")
    assert at.json("provision", "bob")["made"] == ["bob"]
    assert "has no account 'carol'" in at.refused("provision", "carol")


def test_options_that_do_not_go_together(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "")
    assert "belong together" in at.refused("provision", "--cert", "a.pem")
    assert "goes with --restart" in at.refused("provision", "--undo", "--update")
    assert "the address where people open the phone" in at.refused("provision", "--proxy", "nginx")


@pytest.mark.parametrize(
    "address", ["8089", ":8089", "0.0.0.0", "pbx:8089", "0.0.0.0:99999", "::1"]
)
def test_an_address_that_asterisk_would_not_listen_on(at: Desk, address: str) -> None:
    assert "must be a numeric address" in at.refused("provision", "--https-address", address)


def test_a_certificate_of_one_s_own(at: Desk, tmp_path: Path) -> None:
    at("certs", "issue", "pbx.lan", "--out", str(tmp_path / "pbx.pem"))
    pem = str(tmp_path / "pbx.pem")
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    assert at.json("provision", "--cert", pem, "--key", pem)["made"] == ["alice"]
    written = (at.root / "etc/asterisk/cmp-bundle/https.pem").read_bytes()
    assert written == (tmp_path / "pbx.pem").read_bytes()
    at("certs", "issue", "other.lan", "--out", str(tmp_path / "other.pem"))
    said = at.refused("provision", "--cert", pem, "--key", str(tmp_path / "other.pem"))
    assert "does not belong" in said
    assert "none.pem" in at.refused("provision", "--cert", "none.pem", "--key", pem)


def test_the_lines_for_a_proxy(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "https://phone.example.com")
    (at.root / "etc/asterisk/http.conf").write_text("[general]\nprefix=pbx\n")
    for kind, line in {
        "nginx": "location = /pbx/ws {",
        "caddy": "phone.example.com {",
        "apache": 'ProxyPass "/pbx/ws" "ws://127.0.0.1:8088/pbx/ws" timeout=86400',
        "traefik": "Path(`/pbx/ws`)",
    }.items():
        assert line in at("provision", "--proxy", kind)
    assert "bindaddr = 127.0.0.1" in (at.root / "etc/asterisk/cmp-bundle/http.conf").read_text()
    assert at.json("provision", "--proxy", "nginx")["proxy"].startswith("# Inside the server block")
    assert "location = /pbx/ws {" in at("provision", "--proxy", "nginx", "--dry-run")


def test_an_address_that_is_taken_for_a_proxy_s(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "https://phone.example.com")
    (at.root / "etc/asterisk/http.conf").write_text("[general]\nenabled=yes\nbindaddr=127.0.0.1\n")
    said = "taken for a proxy's, and Asterisk gets no HTTPS"
    assert any(said in note for note in at.json("provision")["notes"])
    assert not any(said in n for n in at.json("provision", "--proxy", "nginx")["notes"])


def test_the_objects_for_a_file_of_one_s_own(at: Desk) -> None:
    text = at("accounts", "show", "alice", "--pjsip")
    assert text.startswith("[alice]\ntype = endpoint\n")
    assert "password = " in text
    assert at.json("accounts", "show", "alice")["pjsip"] is None
    assert "[bob]\ntype = auth\n" in at("accounts", "add", "bob", "--pjsip")
    row = json.dumps(at.json("accounts", "add", "carol", "--pjsip"))
    assert "type = auth" not in row, "for scripts, no secret"


def test_an_account_without_a_password_gets_one(at: Desk) -> None:
    at.write('[[account]]\nid = "dave"\nextension = "104"\n')
    shown = at("provision", "--dry-run")
    assert "+[dave](cmp-phone)" in shown
    assert "+exten => 104,1," in shown
    assert "password" not in at.accounts.read_text()
    assert at.json("provision")["made"] == ["dave"]
    assert "password = " in at.accounts.read_text()


def test_the_account_file_of_another_folder(at: Desk, tmp_path: Path) -> None:
    at("provision")
    other = tmp_path / "other.toml"
    at("accounts", "add", "bob", "--accounts-file", str(other))
    said = at.refused("provision", "--accounts-file", str(other))
    assert (
        f"the endpoints here are those of {at.accounts}, and alice of them is not in {other}"
        in said
    )


def test_what_cannot_even_be_looked_for(at: Desk) -> None:
    long = "x" * 300
    for words in (("--sql", long), ("--database", f"sqlite:////tmp/{long}")):
        said = at.refused("provision", "--database", "sqlite://", *words)
        assert "cannot be read: file name too long" in said


@pytest.mark.slow
def test_what_is_deployed_cannot_be_opened_any_more(at: Desk) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("provision")
    at("build")
    at("deploy")
    assert "/cmp2k stays deployed, and nobody can open it" in at("provision", "--undo")
    at("undeploy")
    assert not (at.root / "etc/asterisk/cmp-bundle").exists()


def test_a_firewall(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named in a dry run, with the ports that will be asked for."""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    (note,) = at.json("provision", "--dry-run", "--firewall")["notes"]
    assert "no firewall is at work" in note
    monkeypatch.setattr(firewalls, "look", lambda: (Firewall("firewalld"),))
    plan = ("provision", "--dry-run", "--https-address", "0.0.0.0:7443")
    (note,) = [note for note in at.json(*plan)["notes"] if "firewalld" in note]
    assert "need 7443/tcp and 10000-20000/udp open;" in note
    shown = at(*plan, "--firewall")
    assert "make     firewall (firewalld): open for 7443/tcp and 10000-20000/udp" in shown


def test_a_firewall_that_is_open_for_others(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    before = Ports.needed(443, (5000, 31000))
    found = (Firewall("ufw", opened=before), Firewall("firewalld", active=False, opened=Ports()))
    monkeypatch.setattr(firewalls, "look", lambda: found)
    plan = ("provision", "--dry-run")
    (note,) = [note for note in at.json(*plan)["notes"] if "ufw" in note]
    assert "and cmp-bundle has it open for 443/tcp and 5000-31000/udp;" in note
    shown = at(*plan, "--firewall")
    assert (
        "change   firewall (ufw): open for 8089/tcp and 10000-20000/udp"
        " (now open for 443/tcp and 5000-31000/udp)" in shown
    )
    shown = at(*plan, "--undo")
    assert "firewall (ufw): closed (now open for 443/tcp and 5000-31000/udp)" in shown
    assert "firewall (firewalld, which is off): closed (now open for no port)" in shown


@pytest.mark.slow
def test_the_ports_that_are_opened_are_told(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What decides is in files that Asterisk's user may write."""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    rtp = at.root / "etc/asterisk/rtp.conf"
    nft = FakeNft()
    monkeypatch.setattr(system_program, "answer", nft.answer)
    monkeypatch.setattr(firewalls, "look", lambda: (nftables.look() or Firewall("ufw"),))
    shown = at("provision", "--firewall")
    assert "opened nftables for 8089/tcp and 10000-20000/udp\n" in shown
    assert nft.opened == {"tcp 8089", "udp 10000-20000"}
    assert "nothing was changed" in at("provision", "--firewall")
    rtp.write_text("[general]\nrtpstart=11000\nrtpend=12000\n")
    (done,) = at.json("provision", "--firewall", "--dry-run")["firewalls"]
    assert done == {
        "kind": "nftables",
        "opened": "8089/tcp and 11000-12000/udp",
        "closed": "8089/tcp and 10000-20000/udp",
    }
    shown = at("provision", "--firewall")
    assert f"opened nftables for {done['opened']}, instead of {done['closed']}\n" in shown
    rtp.write_text("[general]\n\nrtpstart=1\nrtpend=65535\n")
    said = at.refused("provision", "--firewall")
    assert "rtp.conf:3: rtpstart is 1, and no firewall is opened below 1024" in said
    assert nft.opened == {"tcp 8089", "udp 11000-12000"}
    nft.stubborn = True
    said = at.refused("provision", "--undo")
    assert "nftables cannot be closed for 8089/tcp and 11000-12000/udp: nft delete rule" in said
    nft.stubborn = False
    shown = at("provision", "--undo")
    assert "closed nftables for 8089/tcp and 11000-12000/udp\n" in shown
    assert nft.opened == set()


def test_a_port_of_the_system_s_own(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    http = at.root / "etc/asterisk/http.conf"
    http.write_text("[general]\n")
    at("provision")
    http.write_text(
        "[general]\ntlsenable=yes\ntlsbindaddr=0.0.0.0:22\ntlscertfile=/etc/asterisk/cmp-bundle/https.pem\n"
    )
    monkeypatch.setattr(firewalls, "look", lambda: (Firewall("ufw"),))
    (at.root / "etc/asterisk/cmp-bundle/http.conf").unlink()
    said = at.refused("provision", "--firewall", "--dry-run")
    assert "http.conf:3: HTTPS is on port 22, and no firewall is opened for one below 1024" in said


def test_a_build_before_it_is_still_good(at: Desk) -> None:
    """The realm is known by then, and the same password is written as its HA1."""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("build")
    at("provision")
    at("deploy")


@pytest.fixture
def held(at: Desk, tmp_path: Path) -> Realtime:
    """A database that the Asterisk takes endpoints from."""
    for name, data in REALTIME.items():
        path = at.root / "etc/asterisk" / name.replace("_conf", ".conf")
        path.write_bytes(data)
        path.chmod(0o640)
    return empty(tmp_path / "realtime.sqlite3")


@pytest.mark.slow
def test_rows_there_and_back(at: Desk, held: Realtime) -> None:
    before = (snapshot(at.root), content(held))
    shown = at("provision", "--database", held.url, "--dry-run")
    assert f"make     {held.url} ps_auths: row of alice" in shown
    assert (snapshot(at.root), content(held)) == before
    assert at.json("provision", "--database", held.url)["made"] == ["alice"]
    assert content(held)["ps_endpoints"]["alice"]["webrtc"] == "yes"
    done = at.json("provision", "--database", held.url)
    assert (done["changed"], done["present"]) == (False, ["alice"])
    at("accounts", "add", "bob")
    shown = at("provision", "--database", held.url, "--undo", "--dry-run")
    assert f"remove   {held.url} ps_endpoints" in shown
    assert "took away" in at("provision", "--undo"), "the database is remembered"
    assert (snapshot(at.root), content(held)) == before


@pytest.mark.slow
def test_new_passwords_of_rows_that_are_ours(at: Desk, held: Realtime) -> None:
    """They are in the rows at once, which stay ours."""
    before = (snapshot(at.root), content(held))
    at("provision", "--database", held.url)
    old = content(held)["ps_auths"]["alice"]
    done = at.json("accounts", "rotate", "alice")
    assert done["not_in_asterisk"] == []
    new = content(held)["ps_auths"]["alice"]
    assert new["password"] != old["password"]
    assert new["password"] in at.accounts.read_text()
    assert not at.json("provision", "--database", held.url)["changed"]
    assert "took away" in at("provision", "--undo")
    assert (snapshot(at.root), content(held)) == before


def test_the_database_of_the_settings(
    at: Desk, held: Realtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path in them is seen from them, whatever folder somebody is in."""
    relative = os.path.relpath(str(held.path), at.folder)
    (at.folder / "cmp-bundle.toml").write_text(f'[provision]\ndatabase = "sqlite:///{relative}"\n')
    settings = ("--config", str(at.folder / "cmp-bundle.toml"))
    monkeypatch.chdir("/")
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNTS_FILE", str(at.accounts))
    assert at.json("provision", *settings)["made"] == ["alice"]
    assert "took away" in at("provision", "--undo", *settings)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--echo", "_X."), "not beginning with _"),
        (("--conference", "h"), "a meaning to Asterisk"),
        (("--context", "globals"), "no contexts"),
        (("--context", ""), "the name of a context"),
        (("--database", "mariadb://asterisk@127.0.0.1:3306"), "the name of the database"),
        (("--database", "postgresql://asterisk@host:x/asterisk"), "must look like"),
    ],
)
def test_what_asterisk_or_a_driver_would_stumble_over(
    words: tuple[str, ...], said: str, at: Desk
) -> None:
    assert said in at.refused("provision", *words)


@pytest.mark.slow
def test_a_certificate_that_is_no_good_any_more(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "https://one.lan:8089")
    at("provision")
    pem = at.root / "etc/asterisk/cmp-bundle/https.pem"
    first = pem.read_bytes()
    monkeypatch.setenv("CMP_BUNDLE_SITE_URL", "https://two.lan:8089")
    said = at("provision")
    assert "is not for one.lan" not in said
    assert "two.lan" in said
    assert "cmp-bundle provision --update" in said
    assert pem.read_bytes() == first
    at("provision", "--update")
    assert pem.read_bytes() != first
    assert "two.lan" not in at("provision")
    pem.write_bytes(b"x")
    assert "https.pem" in at("provision")
    assert pem.read_bytes() == b"x"
    at("provision", "--update")
    assert len(pem.read_bytes()) > 1000
    pem.unlink()
    assert "cmp-bundle provision" in at.refused("certs", "renew")
    at("provision")
    assert pem.exists()


def test_nothing_is_made_for_what_is_refused(at: Desk) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    path = at.root / "etc/asterisk/pjsip.conf"
    path.write_text("[cmp-phone](!)\n")
    assert "is there already" in at.refused("provision")
    assert not (at.folder / "certs").exists()


def test_an_address_for_https_that_comes_too_late(at: Desk) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("provision")
    later = ("--https-address", "127.0.0.1:7443")
    assert "already, and not at 127.0.0.1:7443" in at("provision", *later)
    at("provision", "--update", *later)
    written = (at.root / "etc/asterisk/cmp-bundle/http.conf").read_text()
    assert "tlsbindaddr = 127.0.0.1:7443" in written


@pytest.mark.slow
def test_the_line_that_somebody_took_out(at: Desk) -> None:
    """A phone that is deployed is not forgotten with it."""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("provision")
    at("build")
    at("deploy")
    ours = at.root / "etc/asterisk/cmp-bundle/http.conf"
    before = ours.read_bytes()
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("provision")
    assert ours.read_bytes() == before
    assert "cmp-bundle/http.conf" in (at.root / "etc/asterisk/http.conf").read_text()


def test_without_accounts(at: Desk) -> None:
    at("accounts", "remove", "alice")
    assert "next: cmp-bundle accounts add USER" in at("provision")


def test_a_database_that_cannot_be_used(at: Desk, held: Realtime) -> None:
    said = at.refused("provision", "--database", "mysql://me:s3cret@localhost/asterisk")
    assert "provision.database must not hold a password" in said
    assert "s3cret" not in said
    assert "must begin with one of mysql" in at.refused("provision", "--database", "oracle://a/b")
    assert "names no database" in at.refused("provision", "--database", "postgresql://")
    assert "does not exist" in at.refused("provision", "--database", "sqlite:////nowhere")
    at("provision", "--database", held.url)
    assert held.path is not None
    held.path.unlink()
    said = at.refused("provision", "--undo")
    assert "if that database is gone for good, remove " in said
    assert "provisioned.json" in said


#: The command line where SQLAlchemy is not installed.
BARE = """import sys
sys.modules["sqlalchemy"] = None
from cmp_bundle.cli import app
sys.exit(app.run(sys.argv[1:]))
"""


@pytest.mark.slow
def test_without_the_libraries_for_databases(at: Desk, held: Realtime) -> None:
    def run(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", BARE, *words]
        return subprocess.run(command, cwd=at.folder, capture_output=True, text=True, check=False)

    done = run("provision", "--database", held.url)
    assert "pip install 'cmp-bundle[database]'" in done.stderr, done
    assert run("provision").returncode == 0, "nothing of it is needed for a file"


def test_a_script_for_somebody_else(at: Desk, held: Realtime) -> None:
    before = (snapshot(at.root), content(held))
    at("accounts", "add", "bob", "--display-name", "it's %5 \\b; ^3B :c é")
    said = at("provision", "--database", held.url, "--sql", "rows.sql")
    assert "wrote the rows of alice, bob: rows.sql" in said
    script = at.folder / "rows.sql"
    assert script.stat().st_mode & 0o777 == 0o600
    assert (snapshot(at.root), content(held)) == before
    assert "already exists" in at.refused("provision", "--database", held.url, "--sql", "rows.sql")
    assert held.path is not None
    connection = sqlite3.connect(held.path)
    connection.executescript(script.read_text().replace(".bail on", ""))
    connection.close()
    asked = content(held)
    done = at.json("provision", "--database", held.url)
    assert (done["made"], done["present"]) == ([], ["alice", "bob"]), "they are ours now"
    execute(held, *(f"delete from {name}" for name in asked))
    at("provision", "--database", held.url)
    assert content(held) == asked


def test_a_script_where_nothing_can_be_looked_at(at: Desk, held: Realtime) -> None:
    done = at.json("provision", "--database", "mariadb://", "--sql", "a.sql")
    assert (done["made"], done["changed"]) == (["alice"], False)
    text = (at.folder / "a.sql").read_text()
    assert "SET SESSION sql_mode = 'STRICT_ALL_TABLES';" in text
    done = at.json("provision", "--database", "sqlite:////nowhere", "--sql", "b.sql")
    assert any("the columns are those that all versions" in note for note in done["notes"])
    at("provision", "--database", held.url)
    said = at("provision", "--database", held.url, "--sql", "c.sql")
    assert "have rows already" in said
    assert not (at.folder / "c.sql").exists()


def test_options_of_a_script(at: Desk) -> None:
    assert "needs to know what kind" in at.refused("provision", "--sql", "a.sql")
    for more in ("--undo", "--update", "--dry-run", "--firewall"):
        said = at.refused("provision", "--database", "mysql://", "--sql", "a.sql", more)
        assert "a script and nothing else" in said
