"""What is somebody else's, on a server that is made ready, or made for somebody else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from tests.unit.deploy.trees import snapshot

from .servers import ALICE, BOB, FILES, REALTIME, ReadyServer, packaged

DOOR = "[door]\ntype = endpoint\ncontext = doors\n"


@pytest.fixture
def server(tmp_path: Path) -> ReadyServer:
    return packaged(tmp_path)


def refusal(server: ReadyServer, *accounts: object, **how: object) -> CmpBundleError:
    """What a run says that changes nothing."""
    before = snapshot(server.root)
    with pytest.raises(CmpBundleError) as caught:
        server.provision(*accounts, **how)  # type: ignore[arg-type]
    assert snapshot(server.root) == before
    return caught.value


def test_objects_in_our_file_stay(server: ReadyServer) -> None:
    server.provision()
    path = server.root / "etc/asterisk/cmp-bundle/pjsip.conf"
    path.write_text(path.read_text() + DOOR)
    server.provision(ALICE)
    assert path.read_text().endswith(DOOR)
    assert "[bob]" not in path.read_text()
    line = path.read_text()[: -len(DOOR)].count("\n") + 1
    with pytest.raises(CmpBundleError) as caught:
        server.undo()
    assert str(caught.value).startswith(f"{path}:{line}: somebody added objects")
    path.write_text(path.read_text().replace(DOOR, ""))
    server.undo()
    assert not path.exists()


def test_a_remark_behind_an_account(server: ReadyServer) -> None:
    """It is no reason to write the account once more."""
    server.provision()
    path = server.root / "etc/asterisk/cmp-bundle/pjsip.conf"
    path.write_text(path.read_text().replace("[alice](cmp-phone)", "[alice](cmp-phone) ; desk"))
    planned = server.provision()
    assert not planned
    assert planned.different == ("alice",)


def test_an_account_that_somebody_wrote_as_well(server: ReadyServer) -> None:
    """Of two objects of a name, Asterisk loads neither, and no others."""
    server.provision()
    path = server.root / "etc/asterisk/pjsip.conf"
    path.write_text("[alice]\ntype=endpoint\n" + path.read_text())
    said = refusal(server)
    assert said.code == "duplicate-object"
    assert "[alice]" in str(said)


def test_accounts_of_another_folder(server: ReadyServer) -> None:
    """Nobody there knows of those who would lose their phones."""
    server.provision(accounts_file="/root/phones/accounts.toml")
    carol = replace(ALICE, id="carol")
    said = refusal(server, carol, accounts_file="/tmp/accounts.toml")
    assert "are those of /root/phones/accounts.toml, and alice, bob of them are not" in str(said)
    assert "provision --undo" in str(said.hint)
    moved = server.provision(ALICE, BOB, carol, accounts_file="/srv/accounts.toml")
    assert (moved.made, moved.removed) == (("carol",), ())
    gone = server.provision(BOB, carol, accounts_file="/srv/accounts.toml")
    assert gone.removed == ("alice",)


def test_a_phone_that_has_the_number_of_the_echo(tmp_path: Path) -> None:
    """It would ring, if those call who reach it."""
    endpoints = "[%s]\ntype=endpoint\ncontext=%s\n"
    contexts = {"alice": "sales", "carol": "inside", "dave": "nowhere", "eve": "patterns"}
    plan = b"""[sales]
exten => 246,1,Dial(PJSIP/desk)
[inside]
include => cmp-phones
[nowhere]
exten => 1,1,Answer()
[patterns]
include => cmp-phones
exten => _2XX,1,Dial(PJSIP/${EXTEN})
"""
    server = packaged(
        tmp_path,
        pjsip_conf="".join(endpoints % one for one in contexts.items()).encode(),
        extensions_conf=FILES["extensions_conf"] + plan,
    )
    accounts = [replace(ALICE, id=name, extension="") for name in (*contexts, "bob")]
    planned = server.provision(*accounts)
    assert planned.theirs == tuple(contexts)
    assert planned.callers == {"carol", "bob"}


def test_an_endpoint_that_is_in_no_file(tmp_path: Path) -> None:
    server = packaged(tmp_path, **REALTIME)
    said = refusal(server, loaded=frozenset({"alice"}))
    assert "Asterisk has an endpoint alice already, from realtime,ps_endpoints" in str(said)
    assert "sorcery.conf:3" in str(said)
    (note,) = [note for note in server.provision().notes if "nobody can be asked" in note]
    assert "sorcery.conf:3" in note


def test_plain_http_that_is_there_for_more_than_the_proxy(tmp_path: Path) -> None:
    server = packaged(tmp_path, b"[general]\nenabled=yes\nbindaddr=0.0.0.0\n")
    planned = server.provision(proxied=True)
    assert planned.plain == "127.0.0.1:8088"
    assert any("open at 0.0.0.0:8088 to more than the proxy" in note for note in planned.notes)


def test_a_prefix_that_is_more_than_a_path(tmp_path: Path) -> None:
    conf = b"[general]\nprefix = x {} location ~ ^/etc/ { root /\\; } location /y\n"
    said = refusal(packaged(tmp_path, conf), proxied=True)
    assert "http.conf:2: prefix has characters" in str(said)


def test_all_that_is_in_the_way_is_told_at_once(tmp_path: Path) -> None:
    server = packaged(
        tmp_path,
        pjsip_conf=b"[cmp-phone](!)\ntype=endpoint\n[alice]\ntype=aor\n",
        extensions_conf=b"[cmp-ring]\nexten => s,1,Hangup()\n",
        sorcery_conf=b"[res_pjsip]\nauth = realtime,ps_auths\n",
    )
    codes = [one.code for one in refusal(server).findings]
    assert sorted(codes) == ["in-the-way", "in-the-way", "in-the-way", "objects-elsewhere"]
