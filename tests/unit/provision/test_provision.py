"""Making a server ready: what comes where it is missing, what stays, and all of it back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.accounts import from_pjsip
from cmp_bundle.accounts.model import Account
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.survey import Abilities
from cmp_bundle.provision.wanted import Listener
from tests.unit.deploy.trees import bundle, pem, snapshot, visit

from .servers import ALICE, BOB, FILES, HTTP_CONF, ReadyServer, packaged

#: HTTPS that somebody else has set up, and nothing beside it.
THEIRS = b"[general]\ntlsenable=yes\ntlsbindaddr=127.0.0.1:9\ntlscertfile=/etc/asterisk/keys/asterisk.pem\n"


@pytest.fixture
def server(tmp_path: Path) -> ReadyServer:
    return packaged(tmp_path)


def test_an_endpoint_for_each_account(server: ReadyServer) -> None:
    assert server.provision().made == ("alice", "bob")
    found = from_pjsip.found(server.read("pjsip.conf"))
    assert found.findings == ()
    assert [e.webrtc for e in found.endpoints.values()] == [True, True]
    assert {e.transport for e in found.endpoints.values()} == {""}
    assert {e.video_streams for e in found.endpoints.values()} == {15}
    assert found.endpoints["alice"].display_name == "Alice"
    assert found.auths["alice"].password == "wonder;land"
    assert found.auths["bob"].ha1 == BOB.ha1
    assert not found.auths["bob"].older, "md5_cred counts on Asterisk 16, too"


def test_extensions_for_all(server: ReadyServer) -> None:
    server.provision()
    plan = server.read("extensions.conf").category("cmp-phones")
    assert plan
    names = [v.value.split(",")[0] for v in plan.variables if v.name == "exten"]
    assert names == ["246", "249", "101", "102"]


def test_https_with_our_certificate(server: ReadyServer) -> None:
    server.provision()
    made = http_server(server.read("http.conf"))
    assert str(made.tls_address) == "0.0.0.0:8089"
    assert made.certificate == made.key == "/etc/asterisk/cmp-bundle/https.pem"
    assert (server.root / made.certificate[1:]).read_bytes() == pem()


def test_a_second_time_changes_nothing(server: ReadyServer) -> None:
    server.provision()
    before = snapshot(server.root)
    assert not server.provision()
    assert snapshot(server.root) == before


def test_undo_leaves_everything_as_it_was(server: ReadyServer) -> None:
    before = snapshot(server.root)
    server.provision()
    assert server.undo().removed == ("alice", "bob")
    assert snapshot(server.root) == before
    assert not server.undo()


@pytest.mark.parametrize("first", ["undeploy", "undo"])
def test_beside_a_deploy_in_either_order(first: str, server: ReadyServer) -> None:
    before = snapshot(server.root)
    server.provision()
    ready = snapshot(server.root)
    server.deploy(bundle())
    assert not server.provision(), "what a deploy needs stays"
    assert visit(server.root) == "one"
    if first == "undeploy":
        server.undeploy()
        assert snapshot(server.root) == ready
        server.undo()
    else:
        server.undo()
        assert http_server(server.read("http.conf")).tls_address is None
        server.undeploy()
    assert snapshot(server.root) == before


def test_what_others_wrote_meanwhile_stays(server: ReadyServer) -> None:
    server.provision()
    path = server.root / "etc/asterisk/pjsip.conf"
    path.write_bytes(b"; on top\n" + path.read_bytes() + b"[later](!)\n")
    server.undo()
    assert path.read_bytes() == b"; on top\n" + FILES["pjsip_conf"] + b"[later](!)\n"


def test_an_account_more_and_one_that_left(server: ReadyServer) -> None:
    server.provision(ALICE)
    text = server.text("cmp-bundle/pjsip.conf")
    assert server.provision(ALICE, BOB).made == ("bob",)
    assert server.text("cmp-bundle/pjsip.conf").startswith(text), "alice's stays as it is"
    assert server.provision(BOB).removed == ("alice",)
    assert list(from_pjsip.found(server.read("pjsip.conf")).endpoints) == ["bob"]


def test_templates_that_were_made_for_another_asterisk(
    server: ReadyServer,
) -> None:
    """Nobody edited them: one that was not running could not say what it can do."""
    server.provision()
    path = server.root / "etc/asterisk/cmp-bundle/pjsip.conf"
    written = path.read_text()
    other = written.replace("opus,ulaw", "x").replace("ulaw,opus", "opus,ulaw")
    path.write_text(other)
    planned = server.provision()
    assert path.read_text() == written
    assert not any("the templates" in note for note in planned.notes)


def test_named_accounts_alone(server: ReadyServer) -> None:
    assert server.provision(ALICE, BOB, chosen=frozenset({"bob"})).made == ("bob",)
    assert server.provision(ALICE, BOB, chosen=frozenset({"alice"})).present == ("bob", "alice")


def test_what_is_in_our_file_stays_unless_updated(server: ReadyServer) -> None:
    server.provision()
    path = server.root / "etc/asterisk/cmp-bundle/pjsip.conf"
    edited = path.read_text().replace("max_video_streams = 15", "max_video_streams = 4")
    path.write_text(edited.replace('callerid = "Alice" <101>', "callerid = Queen"))
    (note,) = server.provision().notes
    assert "the templates, alice" in note
    assert "provision --update" in note
    assert "callerid = Queen" in path.read_text()
    assert server.provision(update=True).made == ("alice",)
    assert "max_video_streams = 15" in path.read_text()
    assert "Queen" not in path.read_text()


def test_somebody_else_s_endpoint_is_left_alone(tmp_path: Path) -> None:
    theirs = b"[alice]\ntype=endpoint\n"
    server = packaged(tmp_path, pjsip_conf=theirs)
    planned = server.provision()
    assert planned.made == ("bob",)
    codes = [finding.code for finding in planned.lacking]
    assert codes == ["S101", "V101", "R109"]
    assert "[alice]" not in server.text("cmp-bundle/pjsip.conf")
    assert "101,1" in server.text("cmp-bundle/extensions.conf"), "it is reached all the same"


def test_an_extension_that_is_taken(server: ReadyServer) -> None:
    planned = server.provision(context="internal", conference="101")
    assert planned.echo == ""
    assert [n.partition(" is")[0] for n in planned.notes] == ["246 in [internal]", "101"]
    assert "[internal](+)" in server.text("cmp-bundle/extensions.conf")


def test_what_answers_nobody_takes_no_extension(tmp_path: Path) -> None:
    """A hint, and what only another line goes to: both are in the packages' own extensions.conf."""
    plan = b"""[default]
exten => 101,hint,PJSIP/desk
exten => _X.,50000(std),Return()
exten => 102,2,Answer()
exten => 102,1(here),Answer()
"""
    server = packaged(tmp_path, extensions_conf=plan)
    notes = server.provision(context="default").notes
    assert [note for note in notes if "there already" in note] == [
        "102 in [default] is there already (/etc/asterisk/extensions.conf:5), so it is not bob's"
    ]


def test_a_range_of_ports_where_none_is_set(tmp_path: Path) -> None:
    server = packaged(tmp_path, rtp_conf=b"[general]\nicesupport=yes\n")
    server.provision()
    assert server.read("rtp.conf").last("general", "rtpend").value == "20000"  # type: ignore[union-attr]
    server.undo()
    assert server.text("rtp.conf") == "[general]\nicesupport=yes\n"


def test_connections_for_all_phones(server: ReadyServer) -> None:
    many = [replace(ALICE, id=f"phone{i}", extension="") for i in range(100)]
    server.provision(*many)
    assert http_server(server.read("http.conf")).session_limit == 250
    server.provision(*many[:60])
    assert http_server(server.read("http.conf")).session_limit == 250, "it never shrinks"


def test_their_listener_is_left_alone(tmp_path: Path) -> None:
    http = THEIRS + b"enable_status=no\n"
    server = packaged(tmp_path, http)
    assert server.provision().listener == "127.0.0.1:9"
    assert server.text("http.conf").encode() == http
    server.provision(listener=Listener("127.0.0.1:9", pem()))
    assert http_server(server.read("http.conf")).certificate.endswith("cmp-bundle/https.pem")


#: Of Asterisks that end with HTTPS alone when somebody asks for /httpstatus, and of those that do not.
ENDS, LIVES = Abilities(ends_by_status=True), Abilities(ends_by_status=False)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("http", "asterisk", "off"),
    [
        (HTTP_CONF, ENDS, True),
        (HTTP_CONF, LIVES, True),
        (THEIRS, ENDS, True),
        (THEIRS, Abilities(), True),
        (THEIRS, LIVES, None),
        (THEIRS + b"enabled=yes\nbindaddr=127.0.0.1\n", ENDS, None),
        (HTTP_CONF + b"enabled=yes\n", ENDS, None),
        (HTTP_CONF + b"enable_status=yes\n", ENDS, True),
        (HTTP_CONF + b"enable_status=yes\n", LIVES, False),
        (THEIRS + b"enable_status=yes\n", ENDS, True),
        (THEIRS + b"enable_status=yes\n", LIVES, False),
    ],
)  # fmt: skip
def test_the_page_of_the_state(
    http: bytes, asterisk: Abilities, off: bool | None, tmp_path: Path
) -> None:
    """Off where HTTPS is alone, by our own line; as it was said, or not said, everywhere else."""
    server = packaged(tmp_path, http)
    server.abilities = asterisk
    before = snapshot(tmp_path)
    planned = server.provision()
    enabled = None if off is None else not off
    assert http_server(server.read("http.conf")).status_enabled is enabled
    said = [note for note in planned.notes if ": enable_status = yes has no effect" in note]
    assert len(said) == (off is True and b"enable_status" in http)
    assert not server.provision(), "a second time"
    server.deploy(bundle())
    assert not server.provision(), "what a deploy writes anew"
    server.undeploy()
    server.undo()
    assert snapshot(tmp_path) == before


def test_no_page_of_the_state_behind_a_proxy(server: ReadyServer) -> None:
    """Plain HTTP is there, and it harms nobody."""
    server.provision(proxied=True)
    assert http_server(server.read("http.conf")).status_enabled is None


def test_the_page_of_the_state_once_it_is_said_otherwise(tmp_path: Path) -> None:
    """What was written for an Asterisk that ends stays when another one is there, until somebody asks
    for that page.
    """
    server = packaged(tmp_path, THEIRS)
    server.abilities = ENDS
    server.provision()
    server.abilities = LIVES
    assert not server.provision()
    path = tmp_path / "etc/asterisk/http.conf"
    asked = THEIRS + b"enable_status=yes\n"
    path.write_bytes(path.read_bytes().replace(THEIRS, asked))
    server.provision()
    assert path.read_bytes() == asked


REFUSED = {
    "template": ({"pjsip_conf": b"[cmp-aor](!)\n"}, "a template [cmp-aor] is there already"),
    "aor": ({"pjsip_conf": b"[alice]\ntype=aor\n"}, "the aor alice is there already"),
    "context": ({"extensions_conf": b"[cmp-ring]\n"}, "a context [cmp-ring] is there already"),
    "comment": ({"pjsip_conf": b";-- \n"}, "a block comment that begins here is never closed"),
    "refused": ({"pjsip_conf": b"[a](none)\n"}, "Asterisk would refuse this file"),
    "elsewhere": (
        {"sorcery_conf": b"[res_pjsip]\nendpoint=realtime,ps_endpoints\n"},
        "Asterisk takes each endpoint from realtime,ps_endpoints, and none from pjsip.conf",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_stands_against_it(name: str, tmp_path: Path) -> None:
    files, text = REFUSED[name]
    server = packaged(tmp_path, **files)
    before = snapshot(tmp_path)
    with pytest.raises(CmpBundleError) as caught:
        server.provision()
    assert text in caught.value.message
    assert snapshot(tmp_path) == before


def test_both_from_files_and_from_a_database(tmp_path: Path) -> None:
    sorcery = b"[res_pjsip]\nendpoint=realtime,ps_endpoints\nendpoint=config,pjsip.conf,criteria=type=endpoint\n"
    assert packaged(tmp_path, sorcery_conf=sorcery).provision().made == ("alice", "bob")


def test_without_a_new_endpoint_it_is_the_same_where_they_come_from(tmp_path: Path) -> None:
    sorcery = b"[res_pjsip]\nendpoint=realtime,ps_endpoints\n"
    server = packaged(tmp_path, sorcery_conf=sorcery)
    assert server.provision(Account("carol", source="mysql://asterisk@localhost/asterisk"))
    with pytest.raises(CmpBundleError, match="takes each endpoint from realtime"):
        server.provision(ALICE)


def test_accounts_that_are_somewhere_else_get_none(server: ReadyServer) -> None:
    sourced = Account("carol", source="pjsip.conf", extension="103")
    assert server.provision(ALICE, sourced).made == ("alice",)


def test_without_conferences_there_is_none(server: ReadyServer) -> None:
    server.provision()
    (server.root / "etc/asterisk/confbridge.conf").unlink()
    planned = server.provision()
    assert any("there is no conference" in note for note in planned.notes)
    assert "ConfBridge" not in server.text("cmp-bundle/extensions.conf")
    assert not (server.root / "etc/asterisk/cmp-bundle/confbridge.conf").exists()
    assert not server.provision()
