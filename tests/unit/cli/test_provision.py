"""``provision``, as somebody types it, where no Asterisk is running."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cmp_bundle.provision import firewall
from tests.unit.deploy.trees import snapshot
from tests.unit.provision.servers import FILES

from .people import Desk


@pytest.fixture(name="at")
def _at(at: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    # The firewall of whoever runs the tests is nobody's business.
    monkeypatch.setattr(firewall, "look", lambda: None)
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
    assert "takes effect when it starts" in at("provision")
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


def test_the_objects_for_a_file_of_one_s_own(at: Desk) -> None:
    text = at("accounts", "show", "alice", "--pjsip")
    assert text.startswith("[alice]\ntype = endpoint\n")
    assert "password = " in text
    assert at.json("accounts", "show", "alice")["pjsip"] is None
    assert "[bob]\ntype = auth\n" in at("accounts", "add", "bob", "--pjsip")
    row = json.dumps(at.json("accounts", "add", "carol", "--pjsip"))
    assert "type = auth" not in row, "for scripts, no secret"


def test_an_account_without_a_password_gets_one(at: Desk) -> None:
    at.write('[[account]]\nid = "dave"\n')
    assert at.json("provision")["made"] == ["dave"]
    assert "password = " in at.accounts.read_text()


def test_what_is_deployed_cannot_be_opened_any_more(at: Desk) -> None:
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("provision")
    at("build")
    at("deploy")
    assert "/cmp2k stays deployed, and nobody can open it" in at("provision", "--undo")
    at("undeploy")
    assert not (at.root / "etc/asterisk/cmp-bundle").exists()


def test_a_build_before_it_is_still_good(at: Desk) -> None:
    """The realm is known by then, and the same password is written as its HA1."""
    (at.root / "etc/asterisk/http.conf").write_text("[general]\n")
    at("build")
    at("provision")
    at("deploy")
