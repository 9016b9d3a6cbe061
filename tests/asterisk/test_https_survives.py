"""HTTPS outlives cmp-bundle: no reload of ours meets a certificate that Asterisk cannot load."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cmp_bundle.asterisk import reader as conf
from cmp_bundle.asterisk.control import Control
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.installation import Installation, Named, find
from cmp_bundle.checks.reload import Look, look
from cmp_bundle.checks.websocket import Handshake, again, ask, base_url, without_pjsip
from cmp_bundle.tls.readable import asterisk
from tests.conftest import Cmp
from tests.testbed.roots import Release
from tests.testbed.server import PATIENCE, Asterisk
from tests.unit.tls import pairs

from .test_deploy_live import state

pytestmark = pytest.mark.asterisk


class Server:
    """A running Asterisk whose pair can be broken and fixed."""

    def __init__(self, pbx: Asterisk) -> None:
        self.pbx = pbx
        self.keys = pairs.Keys(pbx.etc / "pair", *pbx.user())
        self.keys.folder.mkdir()
        self.conf = pbx.etc / "http.conf"
        self.name(pairs.CERTIFICATE, pairs.KEY)
        self.heal()

    def name(self, certificate: str, key: str) -> None:
        """Let http.conf name these two of the folder of keys, and reload nothing."""
        folder = f"{self.pbx.inside}/etc/pair"
        lines = [line for line in self.conf.read_text().splitlines() if "tlscert" not in line]
        lines = [line for line in lines if "tlsprivate" not in line]
        at = lines.index("[general]") + 1
        lines[at:at] = [f"tlscertfile={folder}/{certificate}", f"tlsprivatekey={folder}/{key}"]
        self.conf.write_text("\n".join(lines) + "\n")

    def heal(self) -> None:
        """A good pair, and a reload that looks at it: only after http.conf was touched it does."""
        self.keys.clear()
        self.keys.put(*pairs.good())
        self.reload()
        assert self.answer().open

    def reload(self) -> None:
        """As anybody may ask for it who has edited http.conf."""
        now = time.time_ns()
        os.utime(self.conf, ns=(now, now))
        self.pbx.rx("module reload http")

    def answer(self) -> Handshake:
        return ask(base_url(f"127.0.0.1:{self.pbx.ports.https}"), "/ws")

    def installation(self) -> Installation:
        found = find(Named(root=self.pbx.root, command=tuple(self.pbx.command)))
        assert found is not None
        return found

    def look(self) -> Look:
        installation = self.installation()
        reader = asterisk(installation)
        assert reader is not None
        folder = (installation.control.directories() or {})["Running directory"]
        server = http_server(conf.read("http.conf", installation.files))
        return look(server, reader, dt.datetime.now(dt.UTC), folder=folder)


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Server]]:
    """Those that run already, by their version: what a test breaks in one is fixed for the next."""
    made: dict[str, Server] = {}
    yield made
    for server in made.values():
        server.pbx.remove()


@pytest.fixture
def server(asterisk_release: Release, servers: dict[str, Server]) -> Iterator[Server]:
    if asterisk_release.version not in servers:
        pbx = Asterisk.prepare(asterisk_release)
        try:
            pbx.start()
            servers[asterisk_release.version] = Server(pbx)
        except BaseException:
            pbx.remove()
            raise
    found = servers[asterisk_release.version]
    text = found.conf.read_text()
    yield found
    found.conf.write_text(text)
    found.heal()


@pytest.fixture
def deployed(server: Server, cmp: Cmp, bundles: dict[str, Path]) -> Iterator[Cmp]:
    """Two releases are there, the second is current."""
    cmp.aim(server.pbx)
    for bundle in bundles.values():
        cmp("deploy", str(bundle))
    yield cmp
    server.heal()
    cmp("undeploy")


def test_what_is_said_of_a_pair_is_what_asterisk_makes_of_it(server: Server) -> None:
    """Each is looked at, then reloaded by somebody else."""
    made: dict[str, tuple[pairs.Make, bool]] = {n: (m, True) for n, m in pairs.fine().items()}
    made |= {name: (make, False) for name, (make, _) in pairs.bad().items()}
    for name, (make, lives) in made.items():
        server.keys.clear()
        make(server.keys)
        said = server.look().hindrance
        server.reload()
        answer = server.answer()
        assert answer.open == lives, f"{name}: {answer}"
        assert (said is None) == lives, f"{name}: {said}"


def test_a_pipe_would_stop_every_reload(server: Server) -> None:
    server.keys.clear()
    pairs.pipe(server.keys)
    assert "is a pipe" in str(server.look().hindrance)
    os.utime(server.conf)
    waiting = subprocess.Popen(
        [*server.pbx.command, "-rx", "module reload http"], stdout=subprocess.DEVNULL
    )
    try:
        # Asterisk is at the other end of it, and waits there.
        end = _until(lambda: _writer(server.keys.key))
        assert waiting.poll() is None
        assert not server.answer().open
        os.close(end)
        assert waiting.wait(PATIENCE) == 0
    finally:
        waiting.kill()
        waiting.wait()


def _writer(pipe: Path) -> int | None:
    """An end to write into ``pipe`` where somebody reads from it."""
    try:
        return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
    except OSError:
        return None


def _until(found: Callable[[], int | None]) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        value = found()
        if value is not None:
            return value
        time.sleep(0.01)
    raise AssertionError("it did not happen")


def test_too_short_a_key_is_known_by_what_is_served(server: Server) -> None:
    """What OpenSSL takes depends on how it was set up, and that its server tells."""
    server.keys.clear()
    pairs.too_short(server.keys)
    assert "1024 bits" in str(server.look().hindrance)
    server.reload()
    answer = server.answer()
    served = server.keys.certificate.read_text() if answer.open else None
    installation = server.installation()
    reader = asterisk(installation)
    assert reader is not None
    found = look(
        http_server(conf.read("http.conf", installation.files)),
        reader,
        dt.datetime.now(dt.UTC),
        served=answer.certificate,
    )
    assert (found.hindrance is None) == (served is not None)


def test_a_list_of_ciphers_that_none_is_in(server: Server) -> None:
    text = server.conf.read_text()
    for wrong in ("NONSENSE", "TLS_AES_128_GCM_SHA256"):
        server.conf.write_text(f"{text}tlscipher={wrong}\n")
        assert "knows no cipher" in str(server.look().hindrance)
        server.reload()
        assert not server.answer().open
    for right in ("", "FOO:ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"):
        server.conf.write_text(f"{text}tlscipher={right}\n")
        assert server.look() == Look()
        server.reload()
        assert server.answer().open


def test_names_without_a_slash(server: Server) -> None:
    """They start from the folder that Asterisk was started in, which it tells."""
    relative = f"{server.pbx.inside}/etc/pair/".removeprefix("/")
    text = server.conf.read_text()
    server.conf.write_text(text.replace(f"/{relative}", relative))
    assert server.look() == Look()
    server.reload()
    assert server.answer().open
    server.conf.write_text(text.replace(f"={server.pbx.inside}/etc/pair/", "="))
    assert "is not there" in str(server.look().hindrance)
    server.reload()
    assert not server.answer().open
    server.conf.write_text("".join(x for x in text.splitlines(True) if "tlscert" not in x))
    assert server.look().hindrance is not None, "asterisk.pem, which nobody has"
    server.reload()
    assert not server.answer().open


def test_groups_are_those_of_the_process(server: Server) -> None:
    """Asterisk -U asterisk -G asterisk is in no other group, whatever /etc/group says."""
    reader = asterisk(server.installation())
    assert reader is not None
    assert reader.groups == ()
    assert (reader.uid, reader.gid) == server.pbx.user()


def test_what_heals(server: Server) -> None:
    """After HTTPS has died a good pair alone does not bring it back, nor does a reload alone."""
    server.keys.to_root(server.keys.key)
    server.pbx.rx("module reload http")
    before = server.answer()
    assert "HTTPS is dead" in str(before)
    server.keys.own(server.keys.key)
    server.pbx.rx("module reload http")
    assert "HTTPS is dead" in str(server.answer()), "http.conf is as it was, so it was not read"
    server.reload()
    assert again(before).open


def test_asking_leaves_nothing_in_asterisk_s_log(server: Server) -> None:
    before = len(server.pbx.log())
    for _ in range(10):
        assert server.answer().open
    assert server.pbx.log()[before:] == ""


def test_who_lets_phones_in(pbx: Asterisk) -> None:
    control = Control(tuple(pbx.command))
    base = base_url(f"127.0.0.1:{pbx.ports.https}")
    assert control.booted()
    assert ask(base, "/ws").open
    assert without_pjsip(control) is None
    pbx.rx("module unload res_pjsip_transport_websocket.so")
    assert ask(base, "/ws").status == 400
    assert "is not loaded" in str(without_pjsip(control))
    pbx.rx("module unload res_http_websocket.so")
    assert ask(base, "/ws").status == 404
    pbx.stop()
    assert not control.booted()


def test_chan_sip_lets_them_in_and_to_no_pjsip(pbx: Asterisk) -> None:
    """As Debian's 16 comes. To a phone the answer is the same."""
    if not any(pbx.root.glob("usr/lib/**/asterisk/modules/chan_sip.so")):
        pytest.skip(f"Asterisk {pbx.release.version} has no chan_sip")
    pbx.stop()
    modules = pbx.etc / "modules.conf"
    modules.write_text(modules.read_text() + "preload = chan_sip.so\n")
    (pbx.etc / "sip.conf").write_text(f"[general]\nudpbindaddr=127.0.0.1:{pbx.ports.ami}\n")
    pbx.start()
    assert ask(base_url(f"127.0.0.1:{pbx.ports.https}"), "/ws").open
    assert "chan_sip has the WebSocket" in str(without_pjsip(Control(tuple(pbx.command))))


#: A renewal went wrong in each of these ways.
BROKEN = (
    "key left to root",
    "no certificate",
    "key of another",
    "pass phrase",
    "folder of root's",
    "certificate in DER",
)


def test_a_pair_that_broke_since(server: Server, deployed: Cmp, bundles: dict[str, Path]) -> None:
    """Nobody's HTTPS ends by us: all three refuse, name the file, and change nothing."""
    for name in BROKEN:
        server.keys.clear()
        pairs.bad()[name][0](server.keys)
        before = state(server.pbx)
        for arguments in (("deploy", str(bundles["1"])), ("rollback",), ("undeploy",)):
            done = deployed.run(*arguments)
            what = f"{arguments[0]} with {name}: {done.stdout}{done.stderr}"
            assert done.returncode == 1, what
            assert str(server.keys.folder) in done.stderr, what
            assert "HTTPS for everybody" in done.stderr, what
            assert server.answer().open, what
            assert state(server.pbx) == before, what


def test_a_pair_that_is_good_again(server: Server, deployed: Cmp, bundles: dict[str, Path]) -> None:
    """What browsers alone have against it stands in no reload's way; and a deploy brings HTTPS back
    after somebody else's reload has ended it, http.conf untouched since.
    """
    server.keys.clear()
    pairs.fine()["expired"](server.keys)
    deployed("rollback")
    assert server.answer().open
    server.keys.to_root(server.keys.key)
    server.reload()
    assert not server.answer().open
    server.keys.put(*pairs.good())
    deployed("deploy", str(bundles["2"]))
    assert server.answer().open
