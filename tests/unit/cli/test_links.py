"""Links, sealed profiles and the look for secrets, in build and deploy, as somebody types them."""

from __future__ import annotations

import base64
import csv
import json
import re
import stat
import tomllib
from collections.abc import Callable
from urllib.parse import quote

import pytest

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.model import ha1
from cmp_bundle.accounts.profile import unseal
from cmp_bundle.cli.app import DONE
from tests.unit.deploy.trees import HTTP_CONF
from tests.unit.tls.made import odd

from .people import PJSIP, Desk

pytestmark = pytest.mark.slow

LINK = re.compile(r"https://pbx\.example\.com:8089/cmp2k#[A-Za-z0-9_-]{22}")
OWN = '[[account]]\nid = "alice"\npassword = "own-password"\ndial = "246"\n'
PUBLIC = "--i-know-this-is-public"


def opened(at: Desk, user: str) -> dict[str, object]:
    """The profile in the bundle that the link of ``user`` opens."""
    ring = keyrings.load(at.key)
    assert ring is not None
    token = ring.token(user)
    return unseal((at.folder / f"dist/p/{token.name}.bin").read_bytes(), token)


def test_a_build_seals_what_each_phone_needs(at: Desk) -> None:
    at("accounts", "import")
    said = at("build")
    assert "made the key of all links" in said
    assert "the sealed profiles of 2 accounts" in said
    assert opened(at, "alice") == {
        "id": "alice",
        "displayName": "Alice",
        "ha1": ha1("alice", "asterisk", "wonder1and"),
        "realm": "asterisk",
    }
    assert opened(at, "bob")["realm"] == "elsewhere"
    assert stat.S_IMODE(at.key.stat().st_mode) == 0o600
    before = at.content()
    assert at.json("build")["changed"] is False
    assert at.content() == before, "the same inputs, the same bytes"


def test_without_accounts_there_is_no_key(at: Desk) -> None:
    at("build")
    assert not at.key.exists()
    assert not (at.folder / "dist/p").exists()
    assert "there are no accounts" in at("links")


def test_ha1_wherever_the_realm_is_known(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at.write(OWN + '\n[[account]]\nid = "zoe"\npassword = "another-word"\n')
    at("build")
    assert opened(at, "alice")["ha1"] == ha1("alice", "asterisk", "own-password")
    assert opened(at, "zoe")["password"] == "another-word", "nothing tells her realm"
    at.pjsip.write_bytes(PJSIP + b"\n[global]\ntype=global\ndefault_realm=here\n")
    at("build")
    assert opened(at, "alice")["realm"] == "here"
    monkeypatch.setenv("CMP_BUNDLE_ACCOUNTS_REALM", "said")
    at("build")
    assert opened(at, "zoe")["ha1"] == ha1("zoe", "said", "another-word")
    assert opened(at, "alice")["realm"] == "here", "Asterisk's own word for her"
    # Where Asterisk cannot be looked at, a password is a password.
    monkeypatch.delenv("CMP_BUNDLE_ACCOUNTS_REALM")
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_ETC_DIR", "/nowhere")
    at("build")
    assert opened(at, "alice")["password"] == "own-password"


def test_a_build_gives_passwords_and_says_so(at: Desk) -> None:
    at.write('[[account]]\nid = "alice"\n\n[[account]]\nid = "zoe"\n', 0o644)
    assert "so that their users must type one: alice, zoe" in at("link", "alice", "--renew")
    assert "password" not in at.accounts.read_text(), "nothing but a build makes one"
    said = at("build")
    assert f"{at.accounts}: made and stored a password for 2 accounts" in said
    stored = tomllib.loads(at.accounts.read_text())["account"]
    assert stat.S_IMODE(at.accounts.stat().st_mode) == 0o600
    assert opened(at, "zoe")["password"] == stored[1]["password"]
    assert stored[1]["password"] not in at.printed
    assert "made and stored" not in at("build")


def test_a_pristine_phone_has_no_accounts(at: Desk) -> None:
    at.write('[[account]]\nid = "alice"\n')
    before = at.accounts.read_bytes()
    at("build", "--pristine")
    assert at.accounts.read_bytes() == before
    assert not (at.folder / "dist/p").exists()
    assert "a pristine phone holds no account" in at.refused(
        "build", "--pristine", "--plain", "alice", PUBLIC
    )


def test_links(at: Desk) -> None:
    at("accounts", "import")
    one = at.json("link", "alice")["link"]
    assert LINK.fullmatch(one)
    assert at.json("link", "alice")["link"] == one
    assert "no account 'zoe'" in at.refused("link", "zoe")
    listed = at.json("links")["links"]
    assert [row["id"] for row in listed] == ["alice", "bob"]
    assert listed[0]["link"] == one
    rows = list(csv.DictReader(at.run("links", "--csv").out.splitlines()))
    assert rows[0] == {"id": "alice", "display_name": "Alice", "link": one}
    at("links", "--csv", "--out", "all.csv")
    assert stat.S_IMODE((at.folder / "all.csv").stat().st_mode) == 0o600
    assert one in (at.folder / "all.csv").read_text()


def test_a_spreadsheet_runs_no_name(at: Desk) -> None:
    at.write('[[account]]\nid = "alice"\ndisplay_name = "=HYPERLINK(\\"http://x\\")"\n')
    row = next(csv.DictReader(at.run("links", "--csv").out.splitlines()))
    assert row["display_name"].startswith("'=")


def test_qr_codes(at: Desk) -> None:
    at("accounts", "import")
    assert "█" in at("link", "alice", "--qr")
    at("link", "alice", "--svg", "alice.svg")
    assert (at.folder / "alice.svg").read_text().startswith("<?xml")
    assert stat.S_IMODE((at.folder / "alice.svg").stat().st_mode) == 0o600


def test_a_link_needs_to_know_where(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    at("accounts", "import")
    monkeypatch.delenv("CMP_BUNDLE_SITE_URL")
    keys = at.root / "etc/asterisk/keys"
    hint = 'url = "https://pbx.example.com:8089" under [site]'
    (keys / "asterisk.pem").unlink()
    assert hint in at.refused("link", "alice")
    for names, url in [
        (("*.example.com",), None),
        (("localhost", "127.0.0.1"), "https://localhost:8089/"),
        (("localhost", "pbx.example.org"), "https://pbx.example.org:8089/"),
        (("2001:db8::7",), "https://[2001:db8::7]:8089/"),
    ]:
        (keys / "asterisk.pem").write_bytes(b"".join(odd(*names)))
        if url is None:
            assert hint in at.refused("link", "alice")
        else:
            done = at.run("link", "alice")
            assert url in done.out
            assert ("only on this machine" in done.err) == ("localhost:" in url)
    http = at.root / "etc/asterisk/http.conf"
    http.write_bytes(HTTP_CONF.replace(b"127.0.0.1:8089", b"0.0.0.0:443"))
    assert "https://[2001:db8::7]/cmp2k#" in at("link", "alice")
    http.write_bytes(HTTP_CONF.replace(b"tlsenable=yes", b"tlsenable=no"))
    assert "HTTPS is off" in at.refused("link", "alice")
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_ROOT", str(at.folder))
    assert "no Asterisk was found here" in at.refused("link", "alice")


def test_renewing_before_and_after_a_deploy(at: Desk) -> None:
    at("accounts", "import")
    one = at.json("link", "alice", "--renew")
    assert (one["built"], one["live"]) == (False, False)
    at("build")
    two = at.json("link", "alice", "--renew")
    assert (two["built"], two["live"]) == (True, False)
    at("deploy")
    before = at.profiles()
    three = at.json("link", "alice", "--renew")
    assert (three["built"], three["live"]) == (True, True)
    assert len({one["link"], two["link"], three["link"]}) == 3
    after = at.profiles()
    assert len(after) == len(before) == 2
    assert len(set(after) & set(before)) == 1, "alice's old one is gone"
    assert at.json("build")["changed"] is False


def test_an_asterisk_that_is_not_found_is_told(at: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who renews a link wants the old one dead, which it is not there."""
    at.write(OWN)
    at("build")
    monkeypatch.setenv("CMP_BUNDLE_ASTERISK_DATA_DIR", "/nowhere")
    said = at("link", "alice", "--renew")
    assert "nothing is changed on this machine's Asterisk, which cannot be looked at: " in said
    assert "[asterisk] data_dir is not a folder" in said


def test_removed_accounts_are_gone_from_every_release(at: Desk) -> None:
    at("accounts", "import")
    at.go_live()
    at("build", "--no-pack")
    at("deploy")
    assert len(at.profiles()) == 2
    at("accounts", "remove", "bob")
    assert "of accounts that were removed" in at.refused("deploy")
    at("build", "--no-pack")
    assert "1 of 2 links that worked until now will stop working\n" in at("deploy")
    assert len(at.profiles()) == 1
    at("rollback")
    assert len(at.profiles()) == 1
    assert len([p for p in at.static.rglob("*.bin") if re.fullmatch("[0-9a-f]{32}", p.stem)]) == 1
    at("accounts", "remove", "alice")
    at.go_live()
    assert at.profiles() == {}


def test_a_deploy_tells_of_accounts_that_changed_since(at: Desk) -> None:
    at("accounts", "import")
    at("build")
    at.pjsip.write_bytes(PJSIP.replace(b"Alice <246>", b"Alice B <246>"))
    at("accounts", "add", "zoe")
    told = [
        "the accounts were changed after the bundle was built; the next build includes the changes"
    ]
    assert at.json("deploy", "--dry-run")["notes"] == told
    assert at.json("deploy")["notes"] == told


def test_a_bundle_with_a_password_that_was_changed_since_is_not_deployed(at: Desk) -> None:
    """A run that was cut off, or an old archive: phones that were fine would be dead."""
    at("accounts", "import")
    at.go_live()
    before = at.profiles()
    at.pjsip.write_bytes(PJSIP.replace(b"wonder1and", b"something-else"))
    said = at.refused("deploy")
    assert "old passwords of alice: their phones would not work" in said
    assert "cmp-bundle build" in said
    assert at.profiles() == before
    at.go_live()
    assert at.profiles() != before


def test_plain_is_asked_for_twice(at: Desk) -> None:
    at.write(OWN + '\n[[account]]\nid = "bob"\npassword = "bobs-own-word"\n')
    said = at.refused("build", "--plain", "alice")
    assert "everybody who opens the page can read the account, its password or HA1" in said
    assert PUBLIC in said
    assert "needs --plain USER" in at.refused("build", PUBLIC)
    assert "no account 'zoe'" in at.refused("build", "--plain", "zoe", PUBLIC)
    said = at("build", "--plain", "alice", PUBLIC)
    assert "can read the HA1 of alice, which is as good as its password\n" in said
    page = (at.folder / "dist/index.html").read_text()
    assert ha1("alice", "asterisk", "own-password") in page
    assert "bobs-own-word" not in page
    assert PUBLIC in at.refused("deploy")
    at("deploy", PUBLIC)
    at.go_live()


TURN = 'ice = [{url = "turn:t.example.com", username = "all", credential = "turn-word"}]\n'


def test_plain_gives_the_shared_turn_credential_away(at: Desk) -> None:
    """It is everybody's, and nobody but the one account was named."""
    at.write(f'[defaults]\n{TURN}\n{OWN}\n[[account]]\nid = "bob"\npassword = "bobs-own-word"\n')
    assert "the credentials of its TURN servers, which other accounts may share" in at.refused(
        "build", "--plain", "alice", "--out", "dist"
    )
    said = at("build", "--plain", "alice", PUBLIC)
    assert "the credential of turn:t.example.com, which 2 accounts have" in said
    assert "turn-word" not in said
    assert "turn-word" in (at.folder / "dist/index.html").read_text()
    assert "the credentials of its TURN servers, if it has any" in at.refused("deploy")
    at.write(f"{OWN}\n{TURN}")
    assert "the credential of turn:t.example.com\n" in at("build", "--plain", "alice", PUBLIC)


PLANTS: dict[str, Callable[[str], bytes]] = {
    "plain": lambda s: s.encode(),
    "base64": lambda s: base64.b64encode(b"x" + s.encode()),
    "URL": lambda s: quote(s, safe="").encode(),
    "JSON": lambda s: json.dumps(s).encode(),
}


def test_a_deploy_finds_what_was_planted_in_dist(at: Desk) -> None:
    password, credential = "pa55 <w\u00f6rd>", 'turn & "cr\u00e9dential'
    at.write(
        f'[[account]]\nid = "alice"\npassword = "{password}"\nice = [{{ url = '
        f'"turn:t.example.com", username = "u", credential = {json.dumps(credential)} }}]\n'
    )
    at("build")
    page = (at.folder / "dist/index.html").read_bytes()
    ring = keyrings.load(at.key)
    assert ring is not None
    secrets = {
        "the password of alice": password,
        "the HA1 of alice": ha1("alice", "asterisk", password),
        "the key of all links": base64.b64encode(ring.key).decode(),
        "the link of alice": ring.token("alice").text,
        "the credential of turn:t.example.com": credential,
    }
    for what, secret in secrets.items():
        for form, plant in PLANTS.items():
            # A key in base64 that is encoded once more was left there by no accident.
            if what == "the key of all links" and form != "plain":
                continue
            at.edit("index.html", page + b"<!-- " + plant(secret) + b" -->")
            said = at.refused("deploy")
            assert f"index.html: holds {what}, and everybody could read it" in said, form
    assert at.run("deploy", PUBLIC).code != DONE, "which is for what --plain was built with"
    assert at.run("deploy", "--dry-run").code != DONE
    at.edit("index.html", page)
    at("deploy")


def test_a_deploy_where_there_are_no_accounts_looks_for_none(at: Desk) -> None:
    at.write(OWN)
    at("build")
    at.accounts.unlink()
    at("deploy")
    assert len(at.profiles()) == 1
