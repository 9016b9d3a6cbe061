"""Making real Asterisks ready that are as their packages leave them."""

from __future__ import annotations

import asyncio
import http.client
import re
import socket
import ssl
import tomllib
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from cmp_bundle.checks import live
from tests.asterisk import written_files
from tests.browser.phones import quiet
from tests.conftest import SIXTEEN_IN_SOAK, Cmp
from tests.scripted_phone import SIP, Phone
from tests.testbed.server import Asterisk

from .test_deploy_live import state

pytestmark = pytest.mark.asterisk

#: What every endpoint has, as Asterisk shows it.
ENDPOINT = {
    "webrtc": "yes",
    "direct_media": "false",
    "max_audio_streams": "1",
    "max_video_streams": "15",
    "dtmf_mode": "rfc4733",
    "timers": "always",
    "timers_sess_expires": "90",
    "transport": "",
    "context": "cmp-phones",
    "callerid": '"Alice" <101>',
}
AOR = {
    "max_contacts": "5",
    "remove_existing": "true",
    "remove_unavailable": "true",
    "qualify_frequency": "60",
}


@pytest.fixture
def at(cmp: Cmp, packaged: Asterisk) -> Cmp:
    """Two accounts, and an Asterisk that knows nothing of them."""
    cmp.aim(packaged)
    cmp("init")
    cmp("accounts", "add", "alice", "--display-name", "Alice", "--extension", "101")
    cmp("accounts", "add", "bob", "--extension", "102")
    return cmp


def ready(at: Cmp, pbx: Asterisk) -> dict[str, Any]:
    """Made ready; Asterisk 16 is restarted for it, since chan_sip has the WebSocket."""
    done: dict[str, Any] = at("provision", *([] if pbx.release.version == "22" else ["--restart"]))
    return done


#: What this machine lacks, and nobody wrote: a name that can be looked up, a folder for records.
ELSEWHERE = re.compile(r"getaddrinfo|Unable to lookup|cdr_csv")


def complaints(log: str) -> set[str]:
    """Warnings and errors, without their time and thread."""
    found = {m[1] for m in re.finditer(r"(?:WARNING|ERROR)\[\d+\](?:\[\S+\])? (.*)", log)}
    return {line for line in found if not ELSEWHERE.search(line)}


def shown(pbx: Asterisk, kind: str, name: str) -> dict[str, str]:
    text = pbx.rx(f"pjsip show {kind} {name}")
    return dict(re.findall(r"^ (\w+) +: (.*?) *$", text, re.MULTILINE))


def test_from_nothing_and_back(at: Cmp, packaged: Asterisk) -> None:
    before = state(packaged)
    log = len(packaged.log())
    done = ready(at, packaged)
    assert done["made"] == ["alice", "bob"]
    assert done["url"] == "https://127.0.0.1:8089"
    assert [(t["registered"], t["answered"]) for t in done["tried"]] == [(True, True)] * 2
    assert packaged.rx("core show channels concise").strip() == ""
    assert "alice" not in packaged.rx("pjsip show contacts"), "what was tried is signed off"
    endpoint = shown(packaged, "endpoint", "alice")
    assert {name: endpoint[name] for name in ENDPOINT} == ENDPOINT
    assert endpoint["allow"] in ("(opus|ulaw|vp8)", "(ulaw|opus|vp8)")
    aor = shown(packaged, "aor", "alice")
    assert {name: aor[name] for name in AOR} == AOR
    assert "Video Mode:           sfu" in packaged.rx("confbridge show profile bridge cmp-video")
    assert not at("provision")["changed"], "a second time"
    assert live.get(done["url"], "/httpstatus").status == http.client.NOT_FOUND
    assert packaged.rx("core show version").startswith("Asterisk "), "that request may end it"
    # What it says when it starts, it says when it is restarted.
    assert complaints(packaged.log()[log:]) <= complaints(packaged.log()[:log])
    at("provision", "--undo")
    assert state(packaged) == before
    assert "alice" not in packaged.rx("pjsip show endpoints")


def test_what_does_not_work_goes_back(at: Cmp, packaged: Asterisk) -> None:
    """The certificate is new, HTTPS is on, and yet no call is answered: nothing of it stays."""
    conf = packaged.etc / "modules.conf"
    conf.write_text(conf.read_text().replace("autoload=yes", "autoload=yes\nnoload=res_srtp.so"))
    packaged.stop()
    packaged.start()
    before = state(packaged)
    done = at.run("provision", "--restart")
    assert done.returncode == 1
    assert "look whether res_srtp.so is loaded" in done.stderr, done.stderr
    assert "everything was put back" in done.stderr
    assert state(packaged) == before
    assert "alice" not in packaged.rx("pjsip show endpoints")


@SIXTEEN_IN_SOAK
def test_a_port_that_asterisk_cannot_have(at: Cmp, packaged: Asterisk) -> None:
    before = state(packaged)
    restart = ["--restart"] if packaged.release.version == "16" else []
    with socket.create_server(("127.0.0.1", 0)) as other:
        for port in (other.getsockname()[1], 443):
            address = f"127.0.0.1:{port}"
            done = at.run("provision", "--https-address", address, *restart)
            assert done.returncode == 1
            assert f"Asterisk has no HTTPS at {address}: another program has" in done.stderr
            assert state(packaged) == before


def test_no_move_to_a_port_that_somebody_has(at: Cmp, packaged: Asterisk) -> None:
    ready(at, packaged)
    before = state(packaged)
    with socket.create_server(("127.0.0.1", 0)) as other:
        address = f"127.0.0.1:{other.getsockname()[1]}"
        done = at.run("provision", "--update", "--https-address", address)
    assert done.returncode == 1
    assert f"error T108: HTTPS stays at 0.0.0.0:{packaged.ports.https}: python" in done.stderr
    assert state(packaged) == before


def test_a_server_that_is_not_running(at: Cmp, packaged: Asterisk) -> None:
    at.environment["CMP_BUNDLE_ASTERISK_ETC_DIR"] = f"{packaged.inside}/etc"
    packaged.stop()
    done = at("provision")
    assert done["url"] is None
    assert done["tried"] == []
    packaged.start()
    assert [t["answered"] for t in ready(at, packaged)["tried"]] == [True, True]


#: What a phone may call itself that knows how Asterisk reads what is dialled.
HOSTILE = "a&Local/s&PJSIP/b"
#: A context that no phone is to reach, and a way to call all phones as recipes have it.
SECRET = """
[default](+)
exten => s,1,Set(DB(cmp/reached)=yes)
[recipe]
exten => 101,1,Dial(${PJSIP_DIAL_CONTACTS(alice)},2)
"""


@SIXTEEN_IN_SOAK
def test_a_phone_s_own_address_leads_nowhere_else(at: Cmp, packaged: Asterisk) -> None:
    plan = packaged.etc / "extensions.conf"
    plan.write_text(plan.read_text() + SECRET)
    packaged.rx("dialplan reload")
    ready(at, packaged)
    rows = tomllib.loads((at.folder / "accounts.toml").read_text())["account"]
    password = next(row["password"] for row in rows if row["id"] == "alice")

    def reached(context: str) -> bool:
        packaged.rx("database del cmp reached")
        packaged.rx(f"channel originate Local/101@{context} application Wait 1")
        quiet(packaged)
        return "Value: yes" in packaged.rx("database get cmp reached")

    async def attack() -> tuple[bool, bool]:
        context = ssl._create_unverified_context()
        url = "wss://127.0.0.1:8089/ws"
        async with connect(url, ssl=context, subprotocols=[SIP]) as line:
            phone = Phone("alice", password, line)
            phone.contact = HOSTILE
            await phone.register()
            ours = await asyncio.to_thread(reached, "cmp-phones")
            return ours, await asyncio.to_thread(reached, "recipe")

    assert asyncio.run(attack()) == (False, True), "the attack works, and not on ours"


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
def test_its_configuration_folder_is_a_link(at: Cmp, packaged: Asterisk) -> None:
    etc = packaged.etc
    etc.rename(packaged.base / "conf")
    etc.symlink_to("conf")
    before = state(packaged)
    assert at("provision")["made"] == ["alice", "bob"]
    at("provision", "--undo")
    assert state(packaged) == before


@pytest.mark.parametrize("asterisk_release", ["16"], indirect=True)
@pytest.mark.parametrize("users", [0, 1])
def test_the_websocket_of_chan_sip(users: int, at: Cmp, packaged: Asterisk, tmp_path: Path) -> None:
    """Nobody's Asterisk is restarted without being asked; and phones of chan_sip stay."""
    fresh = Cmp(tmp_path)
    fresh.environment |= at.environment
    assert "provision --restart" in fresh.run("init").stdout
    plan = packaged.etc / "extensions.conf"
    plan.write_text(plan.read_text() + "[talking]\nexten => s,1,Wait(60)\n")
    packaged.rx("dialplan reload")
    if users:
        conf = packaged.etc / "sip.conf"
        desk = "[desk]\ntype=friend\nhost=dynamic\nsecret=ab12cd34\n"
        conf.write_text(conf.read_text() + desk)
        packaged.rx("sip reload")
    before = state(packaged)
    done = at.run("provision")
    assert done.returncode == 1
    assert "takes a restart of Asterisk to change: nothing was changed" in done.stderr
    assert ("chan_sip stays" in done.stderr) == bool(users)
    assert state(packaged) == before
    packaged.rx("channel originate Local/s@talking application Wait 60")
    done = at.run("provision", "--restart")
    assert done.returncode == 1
    assert "channels are up" in done.stderr
    packaged.rx("channel request hangup all")
    quiet(packaged)
    assert len(at("provision", "--restart")["tried"]) == 2
    assert ("chan_sip.so" in packaged.rx("module show like chan_sip.so")) == bool(users)
    assert not at("provision")["changed"]
    at("provision", "--undo", "--restart")
    assert state(packaged) == before
    assert "chan_sip.so" in packaged.rx("module show like chan_sip.so")
    assert "Not Running" in packaged.rx("module show like res_pjsip_transport_websocket")


@SIXTEEN_IN_SOAK
def test_a_public_address_that_leads_here(at: Cmp, packaged: Asterisk) -> None:
    """Phones are told it beside the machine's own; and never by two ways."""
    assert "203.0.113.9" not in ready(at, packaged)["media"]
    before = state(packaged)
    at.environment["CMP_BUNDLE_PROVISION_PUBLIC_ADDRESS"] = "203.0.113.9"
    media = at("provision")["media"]
    assert {"203.0.113.9", "192.0.2.1"} <= set(media)
    assert not at("provision")["changed"]
    del at.environment["CMP_BUNDLE_PROVISION_PUBLIC_ADDRESS"]
    at("provision")
    assert state(packaged) == before
    conf = packaged.etc / "rtp.conf"
    conf.write_text(conf.read_text().replace("[general]", "[general]\nstunaddr=192.0.2.77", 1))
    at.environment["CMP_BUNDLE_PROVISION_PUBLIC_ADDRESS"] = "203.0.113.9"
    done = at.run("provision")
    assert done.returncode == 1
    assert "stunaddr asks a server for the public address" in done.stderr


def test_an_echo_that_is_somebody_else_s(at: Cmp, packaged: Asterisk) -> None:
    """What is at that number is not called."""
    plan = packaged.etc / "extensions.conf"
    plan.write_text(plan.read_text() + "[theirs]\nexten => 246,1,Set(DB(cmp/rang)=yes)\n")
    packaged.rx("dialplan reload")
    at.environment["CMP_BUNDLE_PROVISION_CONTEXT"] = "theirs"
    done = ready(at, packaged)
    assert [(t["registered"], t["answered"]) for t in done["tried"]] == [(True, None)] * 2
    assert any("246 in [theirs] is there already" in note for note in done["notes"])
    assert "Value" not in packaged.rx("database get cmp rang")


@pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)
def test_files_that_a_pbx_manager_writes(
    at: Cmp, packaged: Asterisk, bundles: dict[str, Path]
) -> None:
    """A signed module's own files are left alone wherever there is a place for others' lines."""
    conf = written_files.write(packaged)
    written = conf.read_text()
    for line in ("module reload http", "module reload res_pjsip.so"):
        packaged.rx(line)
    before = state(packaged)
    done = at("provision")
    assert [t["answered"] for t in done["tried"]] == [True, True]
    (note,) = [note for note in done["notes"] if "program writes it" in note]
    assert "pjsip.conf says that" in note, done["notes"]
    at("deploy", str(bundles["1"]))
    assert conf.read_text() == written
    assert "cmp-bundle/http.conf" in (packaged.etc / "http_custom.conf").read_text()
    assert "501" in packaged.rx("pjsip show endpoints")
    at("undeploy")
    at("provision", "--undo")
    assert state(packaged) == before
