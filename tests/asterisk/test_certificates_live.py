"""Certificates for real Asterisks: installed, renewed, and the old one kept where the new is no good."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from websockets.asyncio.client import connect

from cmp_bundle.checks.websocket import ask, base_url
from tests.conftest import SIXTEEN_IN_SOAK, Cmp, _unreal
from tests.scripted_phone import SIP, Phone
from tests.testbed import acme
from tests.testbed.roots import Release
from tests.testbed.server import ACCOUNTS, Asterisk
from tests.unit.tls.lineage import Lineage, issued
from tests.unit.tls.made import DAY, NOW, private

from .test_deploy_live import state

pytestmark = pytest.mark.asterisk


def served(pbx: Asterisk) -> int | None:
    """The serial number of the certificate that phones see; None where HTTPS is dead."""
    answer = ask(base_url(f"127.0.0.1:{pbx.ports.https}"), "/ws")
    if answer.certificate is None:
        return None
    assert answer.open, answer
    return x509.load_der_x509_certificate(answer.certificate).serial_number


def serial_in(pem: bytes) -> int:
    """That of the first certificate of a file."""
    return x509.load_pem_x509_certificates(pem)[0].serial_number


@dataclass
class Desk:
    """A running Asterisk, and the folder that it is worked on from."""

    pbx: Asterisk
    cmp: Cmp


@pytest.fixture(scope="module")
def desks() -> Iterator[dict[str, Desk]]:
    """Those that are there already, by their version."""
    made: dict[str, Desk] = {}
    yield made
    for desk in made.values():
        desk.pbx.remove()


@pytest.fixture
def desk(
    asterisk_release: Release, desks: dict[str, Desk], tmp_path_factory: pytest.TempPathFactory
) -> Desk:
    if asterisk_release.version not in desks:
        pbx = Asterisk.prepare(asterisk_release)
        desk = Desk(pbx, Cmp(tmp_path_factory.mktemp("work")))
        try:
            pbx.start()
            aimed(desk.cmp, pbx)
        except BaseException:
            pbx.remove()
            raise
        desks[asterisk_release.version] = desk
    return desks[asterisk_release.version]


@pytest.fixture
def server(desk: Desk) -> Asterisk:
    return desk.pbx


def aimed(cmp: Cmp, pbx: Asterisk) -> None:
    """With settings of their own, and somebody who may call."""
    cmp.aim(pbx)
    (cmp.folder / "cmp-bundle.toml").write_text("")
    cmp("accounts", "add", "olive", "--extension", "101")


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    made = Lineage(tmp_path / "letsencrypt")
    made.renew()
    return made


@pytest.fixture
def at(desk: Desk, lineage: Lineage) -> Cmp:
    """The server has the certificate of the lineage."""
    desk.cmp("provision", "--certbot", str(lineage.folder))
    assert served(desk.pbx) == lineage.renewals[-1]
    return desk.cmp


def test_a_renewal(at: Cmp, server: Asterisk, lineage: Lineage) -> None:
    new = lineage.renew()
    install = ("certs", "install", "--certbot", str(lineage.folder))
    before = state(server)
    planned = at(*install, "--dry-run")
    assert planned["changed"]
    assert planned["reloads"] == ["module reload http"]
    assert state(server) == before
    assert served(server) == lineage.renewals[0]
    done = at(*install)
    assert done["changed"]
    assert not done["notes"]
    assert served(server) == new
    pem = server.etc / "cmp-bundle/https.pem"
    found = pem.stat()
    assert (found.st_uid, found.st_gid) == server.user()
    assert stat.S_IMODE(found.st_mode) == 0o640
    assert len(x509.load_pem_x509_certificates(pem.read_bytes())) == 2, "the intermediate as well"
    again = at(*install)
    assert not again["changed"]
    assert again["url"] == done["url"] == f"https://127.0.0.1:{server.ports.https}"
    changed = {path for path, was in before.items() if state(server).get(path) != was}
    assert changed == {str(pem)}


def _to(kind: str, put: Callable[[Path], object]) -> Callable[[Lineage], object]:
    """A good renewal, to one file of which something happens."""

    def break_it(lineage: Lineage) -> None:
        lineage.renew()
        path = (lineage.folder / f"{kind}.pem").resolve()
        path.unlink()
        put(path)

    return break_it


def _with_a_passphrase(lineage: Lineage) -> None:
    key, leaf, chain = issued("pbx.example")
    lineage.put(private(load_pem_private_key(key, None), b"secret"), leaf, chain)


def _authority_first(lineage: Lineage) -> None:
    key, leaf, chain = issued("pbx.example")
    lineage.put(key, chain, leaf)


def _in_der(path: Path) -> None:
    path.write_bytes(ssl.PEM_cert_to_DER_cert(issued("pbx.example")[1].decode()))


#: What can be wrong with a renewal, and what is said of it.
BROKEN: dict[str, tuple[Callable[[Lineage], object], str]] = {
    "key of another": (
        lambda la: la.put(issued("b.example")[0], *issued("pbx.example")[1:]),
        "does not belong to the certificate",
    ),
    "expired": (lambda la: la.renew(begin=NOW - 90 * DAY, end=NOW - DAY), "expired on"),
    "not yet": (lambda la: la.renew(begin=NOW + DAY), "is not valid before"),
    "other name": (lambda la: la.put(*issued("b.example")), "is for b.example, and not for"),
    "RSA 1024": (lambda la: la.renew(key=rsa.generate_private_key(65537, 1024)), "1024 bits"),
    "passphrase": (_with_a_passphrase, "has a passphrase"),
    "DER": (_to("fullchain", _in_der), "in DER"),
    "empty": (_to("fullchain", Path.touch), "is empty"),
    "empty key": (_to("privkey", Path.touch), "is empty"),
    "cut off": (_to("fullchain", lambda p: p.write_bytes(b"-----BEGIN CERTIFICATE-----\nMII")), ""),
    "a folder": (_to("privkey", Path.mkdir), "is a folder"),
    "a pipe": (_to("fullchain", os.mkfifo), "is a pipe or a device"),
    "no end": (_to("privkey", lambda p: p.symlink_to("/dev/zero")), "is a pipe or a device"),
    "no file": (_to("privkey", lambda p: p.symlink_to("gone")), "does not exist"),
    "authority first": (_authority_first, "must be the first"),
}


@SIXTEEN_IN_SOAK
def test_what_is_no_good_is_not_installed(at: Cmp, server: Asterisk, lineage: Lineage) -> None:
    before = state(server)
    for name, (break_it, said) in BROKEN.items():
        break_it(lineage)
        for command in ("certs", "install"), ("provision",):
            if name == "other name" and command == ("provision",):
                continue  # it takes another name, if that is named
            done = at.run(*command, "--certbot", str(lineage.folder))
            assert done.returncode == 1, f"{name}: {done.stdout}{done.stderr}"
            assert said in done.stderr, f"{name}: {done.stderr}"
        assert served(server) == lineage.renewals[0], name
        assert state(server) == before, name


@SIXTEEN_IN_SOAK
def test_phones_stay(at: Cmp, server: Asterisk, lineage: Lineage) -> None:
    """Fifty that are connected, one of which is registered and about to call."""
    new = lineage.renew()

    async def everybody() -> None:
        context = ssl._create_unverified_context()
        url = f"wss://127.0.0.1:{server.ports.https}/ws"
        async with contextlib.AsyncExitStack() as stack:
            lines = [
                await stack.enter_async_context(connect(url, ssl=context, subprotocols=[SIP]))
                for _ in range(50)
            ]
            phones = [Phone("alice", ACCOUNTS["alice"], line) for line in lines]
            await phones[0].register()
            await asyncio.to_thread(at, "certs", "install", "--certbot", str(lineage.folder))
            assert served(server) == new
            pongs = [await line.ping() for line in lines]
            await asyncio.wait_for(asyncio.gather(*pongs), 30)
            assert {line.close_code for line in lines} == {None}
            await phones[0].call()
            # One after the other takes half a minute on 16.
            await asyncio.gather(*(line.close() for line in lines))

    asyncio.run(everybody())


@pytest.mark.slow
@SIXTEEN_IN_SOAK
def test_killed_at_every_step(asterisk_release: Release) -> None:
    command = [sys.executable, "-m", "tests.asterisk.killed_certificate", asterisk_release.version]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert any(row["step"].startswith("reload") for row in rows)
    for row in rows:
        assert row["found"] in ("old", "new"), row
        assert row["recovered"] == row["file"], row
    assert {row["recovered"] for row in rows} == {"old", "new"}


def test_certbot_s_hook(at: Cmp, server: Asterisk, lineage: Lineage, tmp_path: Path) -> None:
    """Called as certbot does, without a terminal, a home, or a folder of its own."""
    told = at.run("certs", "hook", "certbot", lineage.name)
    assert told.returncode == 0, told.stderr
    assert "renewal-hooks/deploy/cmp-bundle" in told.stderr
    hook = tmp_path / "cmp-bundle"
    hook.write_text(told.stdout)
    hook.chmod(0o755)

    def renewed(folder: Path) -> subprocess.CompletedProcess[str]:
        # What tests alone set comes with certbot's own environment.
        environment = at.environment | {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "RENEWED_LINEAGE": str(folder),
            "RENEWED_DOMAINS": "pbx.example localhost",
            "CMP_BUNDLE_STATE": os.environ["CMP_BUNDLE_STATE"],
        }
        return subprocess.run(
            str(hook), shell=True, cwd="/", env=environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    new = lineage.renew()
    other = Lineage(lineage.config, "other.example")
    other.renew()
    done = renewed(other.folder)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert served(server) == lineage.renewals[0]
    done = renewed(lineage.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "signed by Test E5" in done.stdout
    assert served(server) == new
    lineage.renew(end=NOW - DAY / 2)
    done = renewed(lineage.folder)
    assert done.returncode == 1
    assert "error T111" in done.stderr
    assert served(server) == new


@SIXTEEN_IN_SOAK
@pytest.mark.usefixtures("own_network")
def test_certbot_itself(at: Cmp, server: Asterisk, tmp_path: Path) -> None:
    """From its first certificate, and by its own renewal."""
    if reason := acme.why_not():
        _unreal(reason)
    with acme.certbot(tmp_path) as certbot:
        certbot.first("pbx.example")
        folder = certbot.config / "live/pbx.example"
        at("provision", "--certbot", str(folder))
        first = serial_in((folder / "fullchain.pem").read_bytes())
        assert served(server) == first
        hook = certbot.config / "renewal-hooks/deploy/cmp-bundle"
        hook.write_text(at.run("certs", "hook", "certbot", "pbx.example").stdout)
        hook.chmod(0o755)
        said = certbot("renew", "--force-renewal", environment=at.environment)
        assert "shows it" in said, said
        new = serial_in((folder / "fullchain.pem").read_bytes())
        assert new != first
        assert served(server) == new


def test_https_that_is_dead_lives_again(at: Cmp, server: Asterisk, lineage: Lineage) -> None:
    """Somebody spoiled the file, and somebody else reloaded."""
    pem = server.etc / "cmp-bundle/https.pem"
    whole = pem.read_bytes()
    for spoilt in (b"", whole[: len(whole) // 2]):
        pem.write_bytes(spoilt)
        os.utime(server.etc / "http.conf")
        server.rx("module reload http")
        assert served(server) is None
        assert at("certs", "install", "--certbot", str(lineage.folder))["changed"]
        assert served(server) == lineage.renewals[-1]
    # The file is the right one, and what Asterisk has is not.
    new = lineage.renew()
    at("certs", "install", "--certbot", str(lineage.folder))
    right = pem.read_bytes()
    pem.write_bytes(whole)
    server.rx("module reload http")
    pem.write_bytes(right)
    assert served(server) == lineage.renewals[0]
    done = at("certs", "install", "--certbot", str(lineage.folder))
    assert done["reloads"] == ["module reload http"]
    assert served(server) == new


#: Debian's level is 2: on 3 Asterisk loads no RSA key of 2048 bits.
_STRICT = """\
openssl_conf = whole
[whole]
ssl_conf = ssl
[ssl]
system_default = strict
[strict]
CipherString = DEFAULT:@SECLEVEL=3
"""


def test_what_asterisk_alone_refuses_goes_back(
    asterisk_release: Release, cmp: Cmp, lineage: Lineage
) -> None:
    pbx = Asterisk.prepare(asterisk_release)
    try:
        (pbx.base / "openssl.cnf").write_text(_STRICT)
        pbx.environment["OPENSSL_CONF"] = f"{pbx.inside}/openssl.cnf"
        pbx.start()
        aimed(cmp, pbx)
        cmp("provision", "--certbot", str(lineage.folder))
        before = state(pbx)
        lineage.renew(key=rsa.generate_private_key(65537, 2048))
        done = cmp.run("certs", "install", "--certbot", str(lineage.folder))
        assert done.returncode == 1
        assert "error T113" in done.stderr, done.stderr
        assert "everything was put back" in done.stderr
        assert served(pbx) == lineage.renewals[0]
        assert state(pbx) == before
        pbx.stop()
        cmp.environment["CMP_BUNDLE_ASTERISK_ETC_DIR"] = f"{pbx.inside}/etc"
        new = lineage.renew()
        done = cmp("certs", "install", "--certbot", str(lineage.folder))
        assert done["url"] is None
        pbx.start()
        assert served(pbx) == new
    finally:
        pbx.remove()


def test_a_certificate_that_is_not_ours(cmp: Cmp, pbx: Asterisk, lineage: Lineage) -> None:
    aimed(cmp, pbx)
    before = state(pbx)
    for command in (("install", "--certbot", str(lineage.folder)), ("renew",)):
        done = cmp.run("certs", *command)
        assert done.returncode == 1
        assert "error certificate-elsewhere" in done.stderr, done.stderr
        assert "cmp-bundle provision --cert FILE --key FILE" in done.stderr
    assert state(pbx) == before


def test_from_packages_and_renewed(cmp: Cmp, packaged: Asterisk, lineage: Lineage) -> None:
    """Our own authority's, renewed by it; then one of a public authority, which it leaves alone."""
    aimed(cmp, packaged)
    cmp("provision", *([] if packaged.release.version == "22" else ["--restart"]))
    first = served(packaged)
    early = cmp("certs", "renew")
    assert not early["changed"]
    assert early["due"] > early["not_after"][:4]
    assert served(packaged) == first
    renewed = cmp("certs", "renew", "--if-older", "1")
    assert renewed["changed"], "the day before it was made counts"
    assert renewed["names"] == early["names"]
    assert served(packaged) not in (None, first)
    done = cmp("certs", "install", "--certbot", str(lineage.folder))
    assert served(packaged) == lineage.renewals[-1]
    assert "127.0.0.1" in done["notes"][0], "browsers will warn there"
    before = state(packaged)
    refused = cmp.run("certs", "renew", "--if-older", "0")
    assert refused.returncode == 1
    assert "error certificate-foreign" in refused.stderr
    assert "Test E5 signed this certificate" in refused.stderr
    assert state(packaged) == before
    cmp("provision", "--undo", "--restart")
    assert not (packaged.etc / "cmp-bundle").exists()
