"""Test calls to real Asterisks: each fault is told from the others, and nothing is left behind."""

from __future__ import annotations

import asyncio
import re
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from websockets.asyncio.client import connect

from cmp_bundle.accounts.model import Account, with_ha1
from cmp_bundle.checks.call import Proof, prove
from tests.asterisk.faulty_endpoints import EXTENSIONS, FAULTY, PASSWORD, Faulty, pjsip_conf
from tests.conftest import SIXTEEN_IN_SOAK
from tests.scripted_phone import SIP, Phone
from tests.serving import until
from tests.testbed.roots import Release
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

GOOD = [Account(name, password=PASSWORD) for name in ("good", "book", "messages")]


@dataclass
class Server:
    """One with all the faulty endpoints. ``proofs`` are those of all, and once made."""

    pbx: Asterisk
    made: dict[str, Proof] | None = None

    @property
    def version(self) -> int:
        return int(self.pbx.release.version)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.pbx.ports.https}"

    @property
    def proofs(self) -> dict[str, Proof]:
        if self.made is None:
            rows = [one for one in FAULTY if one.since <= self.version]
            accounts = [Account(one.name, password=one.password) for one in rows]
            found = prove(self.url, "/ws", [*accounts, Account("nobody", password="x")], "246")
            self.made = {proof.account: proof for proof in found}
        return self.made

    def prove(self, account: Account) -> Proof:
        (proof,) = prove(self.url, "/ws", [account], "246")
        return proof

    def contacts(self) -> list[str]:
        """Those of phones; what is in the configuration is not among them."""
        told = self.pbx.rx("database show registrar")
        return re.findall(r"^/registrar/contact/.*", told, re.MULTILINE)

    def channels(self) -> list[str]:
        return self.pbx.rx("core show channels concise").split()


def prepared(release: Release) -> Asterisk:
    pbx = Asterisk.prepare(release)
    (pbx.etc / "pjsip.conf").write_text(pjsip_conf(int(release.version)))
    with (pbx.etc / "extensions.conf").open("a") as conf:
        conf.write(EXTENSIONS)
    return pbx


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    made: dict[str, Server] = {}
    yield made
    for server in made.values():
        server.pbx.remove()


@pytest.fixture
def server(asterisk_release: Release, servers: dict[str, Server]) -> Server:
    if asterisk_release.version not in servers:
        pbx = prepared(asterisk_release)
        servers[asterisk_release.version] = Server(pbx)
        pbx.start()
    return servers[asterisk_release.version]


def codes(proof: Proof) -> tuple[str, ...]:
    return tuple(finding.code for finding in proof.findings)


@pytest.mark.parametrize("one", FAULTY, ids=lambda one: one.name)
def test_each_fault_is_told(server: Server, one: Faulty) -> None:
    if one.since > server.version:
        pytest.skip(f"Asterisk {server.version} has no such thing")
    proof = server.proofs[one.name]
    assert codes(proof) == one.codes, proof
    assert (proof.registered, proof.answered) == one.works
    assert bool(proof.candidates) is proof.answered
    assert proof.contacts == 0


def test_no_such_endpoint(server: Server) -> None:
    assert codes(server.proofs["nobody"]) == ("registration-refused",)


def test_of_all_that_nothing_is_left(server: Server) -> None:
    assert server.proofs
    assert server.channels() == []
    assert server.contacts() == []


def test_a_good_call_leaves_no_word_in_the_log(server: Server) -> None:
    before = len(server.pbx.log())
    proofs = prove(server.url, "/ws", GOOD * 3, "246", at_once=3)
    assert [codes(p) for p in proofs] == [()] * 9
    assert not re.findall(r".*(?:WARNING|ERROR|NOTICE).*", server.pbx.log()[before:])
    assert server.channels() == []
    assert server.contacts() == []


def test_the_candidates_are_those_of_asterisk(server: Server) -> None:
    first, last = server.pbx.ports.rtp
    for one in server.prove(GOOD[0]).candidates:
        assert one.kind == "host"
        assert first <= one.port <= last


def test_a_digest_in_place_of_the_password(server: Server) -> None:
    assert codes(server.prove(with_ha1(GOOD[0], "asterisk"))) == ()
    assert codes(server.prove(with_ha1(GOOD[0], "other"))) == ("R113",)


def test_a_phone_in_use_is_not_disturbed(server: Server) -> None:
    """There is room for one phone, and another would take its place."""
    asyncio.run(_beside_a_phone(server, "single"))


async def _beside_a_phone(server: Server, name: str) -> None:
    url = f"wss://localhost:{server.pbx.ports.https}/ws"
    context = ssl._create_unverified_context()
    async with connect(url, ssl=context, subprotocols=[SIP]) as line:
        await Phone(name, PASSWORD, line).register()
        before = server.contacts()
        assert len(before) == 1
        proof = await asyncio.to_thread(server.prove, Account(name, password=PASSWORD))
        assert codes(proof) == ()
        assert (proof.contacts, proof.registered, proof.answered) == (1, True, True)
        assert server.contacts() == before


#: Calls and says so, and would hold the call for long.
HOLDS = """\
import asyncio, signal, sys
from cmp_bundle.accounts.model import Account
from cmp_bundle.checks import call, sip_client

async def stays(client, seconds):
    print("held", flush=True)
    await asyncio.sleep(600)

signal.signal(signal.SIGINT, signal.default_int_handler)
sip_client.SipClient.stays = stays
call.prove(sys.argv[1], "/ws", [Account("book", password=sys.argv[2])], "246")
"""


@pytest.mark.parametrize(
    "how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.soak)], ids=str
)
def test_ended_in_the_middle(server: Server, how: signal.Signals) -> None:
    """By Ctrl-C it says goodbye. Where it is killed, Asterisk finds out within 90 seconds."""
    command = [sys.executable, "-c", HOLDS, server.url, PASSWORD]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as caller:
        assert caller.stdout
        assert caller.stdout.readline() == b"held\n"
        assert len(server.channels()) == 1
        caller.send_signal(how)
        _, said = caller.communicate()
    assert caller.returncode in (-how, 130), said
    if how is signal.SIGKILL:
        until(lambda: not server.channels(), 120)
    assert server.channels() == []
    assert server.contacts() == []


def _line(name: str, text: str, instead: str = "") -> Callable[[Asterisk], None]:
    """Takes a line of a file away, or puts another in its place."""

    def change(pbx: Asterisk) -> None:
        path = pbx.etc / name
        before = path.read_text()
        assert text in before
        path.write_text(before.replace(text, instead))

    return change


def _one_rtp_port(pbx: Asterisk) -> None:
    start = pbx.ports.rtp[0]
    (pbx.etc / "rtp.conf").write_text(f"[general]\nrtpstart={start}\nrtpend={start + 1}\n")


@SIXTEEN_IN_SOAK
@pytest.mark.parametrize(
    ("change", "found"),
    [
        pytest.param(_line("modules.conf", "load = res_srtp.so\n"), "call-incompatible", id="srtp"),
        pytest.param(_one_rtp_port, "call-incompatible", id="ports"),
        pytest.param(_line("modules.conf", "load = app_stream_echo.so\n"), "call-ended", id="echo"),
        pytest.param(
            _line("rtp.conf", "icesupport=yes", "icesupport=no"), "M110", id="ice"
        ),
        pytest.param(
            _line("rtp.conf", "icesupport=yes", "icesupport=yes\nstunaddr=127.0.0.1:9"),
            "call-unanswered", id="stun", marks=pytest.mark.soak,
        ),
        pytest.param(
            _line("modules.conf", "load = res_pjsip_transport_websocket.so\n"), "line-failed",
            id="websocket",
        ),
    ],
)  # fmt: skip
def test_faults_of_the_whole_server(
    asterisk_release: Release, change: Callable[[Asterisk], None], found: str
) -> None:
    pbx = prepared(asterisk_release)
    change(pbx)
    server = Server(pbx)
    try:
        pbx.start()
        assert codes(server.prove(Account("book", password=PASSWORD))) == (found,)
        assert server.channels() == []
        assert server.contacts() == []
    finally:
        pbx.remove()


@SIXTEEN_IN_SOAK
def test_a_stun_server_that_is_silent_costs_seconds(asterisk_release: Release) -> None:
    """With sound alone it is answered in time, if late."""
    pbx = prepared(asterisk_release)
    _line("rtp.conf", "icesupport=yes", "icesupport=yes\nstunaddr=127.0.0.1:9")(pbx)
    _line("pjsip.conf", "allow=opus,ulaw,vp8", "allow=opus,ulaw")(pbx)
    try:
        pbx.start()
        proof = Server(pbx).prove(Account("book", password=PASSWORD))
        assert codes(proof) == ("call-slow",)
        assert proof.answered
        assert 8 < proof.seconds < 10
    finally:
        pbx.remove()
