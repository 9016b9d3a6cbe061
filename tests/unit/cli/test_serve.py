"""``cmp-bundle serve`` as people run it: what it says, what it reads again, what it refuses."""

from __future__ import annotations

import base64
import datetime as dt
import html
import json
import os
import re
import signal
import socket
import ssl
import stat
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cmp_bundle.accounts import keyring
from cmp_bundle.accounts.profile import unseal
from cmp_bundle.accounts.token import Token
from cmp_bundle.commands.serving import _certificate
from cmp_bundle.files import Disk
from cmp_bundle.tls import machine
from cmp_bundle.tls.store import leaf_for
from tests import schemas
from tests.serving import Serve, serve, until
from tests.unit.bundle.phones import FILES, lay

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
SITE = "/static/cyber_mega_phone_2k"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a phone of the tests' own and settings that name it."""
    base = tmp_path / "preview"
    lay(base / "phone", FILES)
    (base / "cmp-bundle.toml").write_text('[phone]\nsource = "phone"\n')
    return base


def refused(folder: Path, *arguments: str, **environment: str) -> dict[str, str]:
    """What it says instead of starting."""
    command = [sys.executable, "-m", "cmp_bundle", "serve", "--json", "--port", "0", *arguments]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "", "HOME": str(folder)}
        | {"CMP_BUNDLE_STATE": os.environ["CMP_BUNDLE_STATE"]}
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    printed = json.loads(done.stdout)
    schemas.check(("serve",), printed)
    error: dict[str, str] = printed["error"]
    return error


def accounts(folder: Path, *names: str) -> None:
    text = "".join(f'[[account]]\nid = "{n}"\npassword = "the password of {n}"\n' for n in names)
    fresh = folder / "accounts.new"
    fresh.write_text(text)
    fresh.chmod(0o600)
    fresh.rename(folder / "accounts.toml")


def problem(running: Serve) -> str:
    """What the developer's page says of the last edit; nothing where it builds."""
    _, mark, rest = running.shown().partition("The last edit does not build</h2>")
    return html.unescape(rest.partition("</section>")[0]) if mark else ""


def test_it_says_where_it_is_and_ends_with_ctrl_c(folder: Path) -> None:
    with serve(folder) as running:
        assert running.url == f"https://localhost:{running.port}/cmp2k"
        assert re.fullmatch(r"https://127\.0\.0\.1:\d+/[\w-]{22}/", running.page)
        assert f"developer's page, for you only: {running.page} " in running.said
        page = running.get("/cmp2k")[1]["Location"]
        assert re.fullmatch(rf"{SITE}/index\.html\?v=live-\d{{13}}", page)
        certs = folder / "certs"
        assert stat.S_IMODE(certs.stat().st_mode) == 0o700
        assert stat.S_IMODE((certs / "this-machine.pem").stat().st_mode) == 0o600
        trusting = ssl.create_default_context(cafile=str(certs / "ca.pem"))
        for name in ("localhost", "127.0.0.1"):
            with (
                socket.create_connection(("127.0.0.1", running.port)) as plain,
                trusting.wrap_socket(plain, server_hostname=name) as line,
            ):
                assert line.version() in ("TLSv1.2", "TLSv1.3")
        assert running.stop() == 130
        assert running.said.rstrip().endswith("stopped")


def test_the_demo_account(folder: Path) -> None:
    """Filled in without a link, with a password of this run."""
    seen = set()
    for _ in range(2):
        with serve(folder, "--practice") as running:
            assert running.url == f"{running.base}/cmp2k"
            told = running.settings()
            assert told["profile"]["id"] == "demo"
            assert told["profile"]["extension"] == "246"
            seen.add(told["profile"]["password"])
            assert told["profile"]["password"] in running.shown()
            assert "246 echoes" in running.said
    assert len(seen) == 2
    assert not (folder / "cmp-bundle.key").exists(), "nobody has a link"


def test_what_goes_in_comes_out_again(folder: Path) -> None:
    """Edits of settings, of the phone's folder and of which folder it is."""
    settings = folder / "cmp-bundle.toml"
    with serve(folder) as running:
        assert running.settings()["account"]["extension"] == ""
        settings.write_text('[phone]\nsource = "phone"\n[account]\ndial = "300"\n')
        until(lambda: running.settings()["account"]["extension"] == "300")
        settings.write_text('[phone]\nsource = "phone"\n[account]\ndail = "4"\n')
        found = until(lambda: problem(running))
        assert f"<code>{settings}:4</code>" in found
        assert "did you mean dial?" in found
        assert running.settings()["account"]["extension"] == "300", "the last good page stays up"
        assert f"{settings}:4" in running.said
        (folder / "phone").rename(folder / "other")
        settings.write_text('[phone]\nsource = "other"\n')
        until(lambda: not problem(running))
        until(lambda: running.settings()["account"]["extension"] == "")
        (folder / "other/two.js").write_text("var edited")
        until(lambda: running.get(f"{SITE}/assets/live-1/two.js")[2] == b"var edited")
        settings.write_text('[phone]\nsource = "other"\n[serve]\npbx = "wss://x/ws"\n')
        until(lambda: "take effect at the next start" in running.said)


def test_what_goes_may_come_back(folder: Path) -> None:
    """The phone's folder, and the settings: without them there is no other phone to show."""
    settings = folder / "cmp-bundle.toml"
    phone, away = folder / "phone", folder / "away"
    with serve(folder) as running:
        phone.rename(away)
        assert "does not exist here" in until(lambda: problem(running))
        away.rename(phone)
        until(lambda: not problem(running))
        until(lambda: "the page builds again, unchanged" in running.said)
        (phone / "two.js").write_text("var edited")
        until(lambda: running.get(f"{SITE}/assets/live-1/two.js")[2] == b"var edited")
        assert running.said.count("does not exist here") == 1, "told once"
        kept = settings.read_text()
        settings.unlink()
        found = until(lambda: problem(running))
        assert f"<code>{settings}</code>" in found
        assert "this file does not exist" in found
        settings.write_text(kept)
        until(lambda: not problem(running))


def test_a_mode_that_is_fixed(folder: Path) -> None:
    accounts(folder, "alice")
    with serve(folder) as running:
        (folder / "accounts.toml").chmod(0o644)
        assert "chmod 600" in until(lambda: problem(running))
        (folder / "accounts.toml").chmod(0o600)
        until(lambda: not problem(running))


def test_accounts_come_and_go(folder: Path) -> None:
    accounts(folder, "alice", "bob")
    with serve(folder, "--practice") as running:
        link = running.url
        assert link.startswith(f"{running.base}/cmp2k#")
        assert "profile" not in running.settings()
        assert running.settings()["account"]["extension"] == "246"
        body = running.shown()
        assert link in body
        assert "the password of" not in body
        assert b"<svg" in running.developer("qr/1")[2]
        assert running.developer("qr/2")[0] == 404
        accounts(folder, "bob", "carol")
        until(lambda: "carol" in running.shown())
        assert link not in running.shown()
        accounts(folder, "bob", "bob")
        assert "accounts.toml:4" in until(lambda: problem(running))
        assert "carol" in running.shown()
        (folder / "accounts.toml").unlink()
        until(lambda: not problem(running))
        until(lambda: running.settings()["profile"]["id"] == "demo")


def test_accounts_of_a_file_that_is_named(folder: Path) -> None:
    accounts(folder, "alice")
    (folder / "accounts.toml").rename(folder / "others.toml")
    with serve(folder, "--practice", "--accounts-file", "others.toml") as running:
        assert "alice" in running.shown()


def sealed(running: Serve, link: str) -> bytes | None:
    """What the link opens, as it lies on the server; None where nothing does."""
    opening = Token(base64.urlsafe_b64decode(link.rpartition("#")[2] + "=="))
    status, _, body = running.get(f"{SITE}/p/{opening.name}.bin")
    return body if status == 200 else None


def test_links_are_of_a_key_for_trying(folder: Path) -> None:
    """The operator's key is neither made nor read, and no link outlives its run."""
    accounts(folder, "alice")
    key = folder / "links.key"
    settings = folder / "cmp-bundle.toml"
    settings.write_text(settings.read_text() + f'[links]\nkey = "{key}"\n')
    with serve(folder, "--pbx", "wss://localhost:1/ws") as running:
        assert not key.exists()
        first = running.url
        found = sealed(running, first)
        assert found is not None
        profile = unseal(found, Token(base64.urlsafe_b64decode(first.rpartition("#")[2] + "==")))
        assert profile["password"] == "the password of alice", "a PBX asks for the real one"
        assert "the password of alice" not in running.shown()
    ring, _ = keyring.load_or_make(key, Disk())
    key.chmod(0o644)  # which no other command would stand
    with serve(folder, "--pbx", "wss://localhost:1/ws") as running:
        assert running.url != first
        assert sealed(running, running.url) is not None
        assert sealed(running, first) is None
        real = f"{running.base}/cmp2k#{ring.token('alice').text}"
        assert sealed(running, real) is None
        assert ring.token("alice").text not in running.shown() + running.said + running.url


def test_no_secret_stands_in_a_process_s_arguments(folder: Path) -> None:
    """Every user can read those of every process."""
    accounts(folder, "alice")
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$@" > {folder}/new && mv {folder}/new {folder}/opened\n')
    program.chmod(0o755)
    with serve(folder, "--open", BROWSER=f"{program} %s") as running:
        address = until(
            lambda: (folder / "opened").exists() and (folder / "opened").read_text().strip()
        )
        token = running.url.rpartition("#")[2]
        secret = running.page.split("/")[-2]
        arguments = Path(f"/proc/{running.process.pid}/cmdline").read_text()
        for text in (address, arguments):
            assert token not in text
            assert secret not in text
        page = Path(address.removeprefix("file://"))
        assert stat.S_IMODE(page.parent.stat().st_mode) == 0o700
        assert f'content="0;url={running.url}"' in page.read_text()
    assert not page.exists()


def test_everybody_s_link_can_be_found(folder: Path) -> None:
    names = [f"phone{number}" for number in range(60)]
    accounts(folder, *names)
    with serve(folder, "--practice") as running:
        assert ">phone59</a>" not in running.shown()
        assert 'href="accounts"' in running.shown()
        everybody = running.developer("accounts")[2].decode()
        links = re.findall(r'href="(https:[^"]+)"', everybody)
        assert len(links) == 60
        assert sealed(running, links[59]) is not None


def test_what_is_new_at_each_start(folder: Path) -> None:
    """Besides the secret: the addresses of files, of which browsers keep those of the last run."""
    secrets, pages = set(), set()
    for _ in range(2):
        with serve(folder) as running:
            secrets.add(running.page.split("/")[-2])
            pages.add(running.get("/cmp2k")[1]["Location"])
    assert len(secrets) == len(pages) == 2
    assert all(len(secret) == 22 for secret in secrets)


def test_phones_come_back_here_whatever_the_settings_say(folder: Path) -> None:
    settings = folder / "cmp-bundle.toml"
    settings.write_text(
        '[phone]\nsource = "phone"\n[server]\nhost = "pbx.example"\nport = 8089\n'
        '[serve]\npbx = "wss://pbx.example:8089/ws"\n'
    )
    with serve(folder) as running:
        assert running.settings()["server"] == {"host": "", "port": 0, "path": ""}
    settings.write_text('[phone]\nsource = "phone"\n[server]\nhost = "pbx.example"\n')
    with serve(folder) as running:
        assert running.settings()["server"]["host"] == "pbx.example"


def test_edits_where_no_events_come(folder: Path) -> None:
    with serve(folder, "--poll", "--no-cache") as running:
        assert running.get(f"{SITE}/index.html")[1]["Cache-Control"] == "no-store"
        (folder / "phone/two.js").write_text("var edited")
        until(lambda: running.get(f"{SITE}/assets/live-1/two.js")[2] == b"var edited")


def test_a_browser_is_opened(folder: Path) -> None:
    opened = folder / "opened"
    program = folder / "browser"
    program.write_text(f'#!/bin/sh\necho "$1" > {opened}.new && mv {opened}.new {opened}\n')
    program.chmod(0o755)
    with serve(folder, "--open", BROWSER=f"{program} %s") as running:
        until(opened.exists)
        assert opened.read_text().strip() == running.url


def test_everybody_may_come_when_it_is_said(folder: Path) -> None:
    with serve(folder, "--host", "0.0.0.0") as running:
        reach = [n for n in machine.to_serve(everywhere=True) if n not in machine.LOCAL]
        for name in reach:
            assert name in running.said
            host = f"[{name}]" if ":" in name else name
            assert running.get("/cmp2k", Host=f"{host}:{running.port}")[0] == 302
        assert "everybody who reaches this machine" in running.said
        assert running.get("/cmp2k", Host=f"evil.example:{running.port}")[0] == 421
    with serve(folder) as running:
        name = next(n for n in reach if n[0].isdigit())
        assert running.get("/cmp2k", Host=f"{name}:{running.port}")[0] == 421
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((name, running.port), 5).close()
    with serve(folder, "--host", name) as running:
        assert f"everybody who reaches this machine can open the phone: {name}\n" in running.said
    with serve(folder, "--host", "[::1]") as running:
        assert "everybody" not in running.said
        assert running.url == f"https://[::1]:{running.port}/cmp2k"
        assert running.page.startswith("https://[::1]:")


def test_a_certificate_that_has_run_out_is_renewed(folder: Path) -> None:
    old = dt.datetime.now(dt.UTC) - dt.timedelta(days=400)
    leaf_for(folder / "certs", machine.to_serve(everywhere=False), old)
    before = (folder / "certs/this-machine.pem").read_bytes()
    authority = (folder / "certs/ca.pem").read_bytes()
    with serve(folder) as running:
        assert "it expired on" in running.said
    assert (folder / "certs/this-machine.pem").read_bytes() != before
    assert (folder / "certs/ca.pem").read_bytes() == authority
    with serve(folder) as running:
        assert "certificate" not in running.said


def test_whom_its_certificate_leaves_out(tmp_path: Path) -> None:
    """A public address of this machine, for which nobody has asked."""
    said: list[str] = []
    run: Any = SimpleNamespace(reporter=SimpleNamespace(note=said.append))
    preview: Any = SimpleNamespace(certs=tmp_path / "certs")
    names = ("localhost", "203.0.113.7", "2001:db8::7")
    _certificate(run, preview, names, ())
    assert said[-1] == (
        "the authority here cannot sign for 203.0.113.7, 2001:db8::7, so browsers warn there;"
        " make one that can: cmp-bundle certs ca --new --allow 203.0.113.7 --allow 2001:db8::7"
    )
    preview.certs = tmp_path / "other"
    _certificate(run, preview, names[:2], ("203.0.113.7",))
    assert "browsers will warn about it" in said[-1]


def test_keys_that_cannot_be_used(folder: Path) -> None:
    (folder / "certs").mkdir(mode=0o700)
    leaf = folder / "certs/this-machine.pem"
    for content in (b"", b"not a key\n", b"\xff\xfe"):
        leaf.write_bytes(content)
        leaf.chmod(0o600)
        error = refused(folder)
        assert error["file"] == str(leaf)
        assert error["hint"]
        assert leaf.read_bytes() == content, "it is somebody's, whatever it is"


def test_a_port_that_is_taken(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        error = refused(folder, "--port", str(port))
    assert str(port) in error["message"]
    assert "is in use" in error["message"]
    assert "--port 0" in error["hint"]


def test_an_address_of_another_machine(folder: Path) -> None:
    error = refused(folder, "--host", "203.0.113.9")
    assert "this machine cannot listen on 203.0.113.9" in error["message"]


def test_what_does_not_go_together(folder: Path) -> None:
    assert "two different" in refused(folder, "--practice", "--pbx", "wss://x/ws")["message"]
    assert "this machine only" in refused(folder, "--practice", "--host", "0.0.0.0")["message"]
    error = refused(folder, "--pbx", "wss://x/ws", "--pbx-ca", "phone/index.html")
    assert error["file"] == str(folder / "phone/index.html")
    (folder / "phone/index.html").write_text("<p>no phone")
    assert refused(folder)["file"] == "index.html"


def test_the_demo(tmp_path: Path) -> None:
    """As ``make demo`` runs it: one line with the link, and Ctrl-C is no failure."""
    environment = os.environ | {
        "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "CMP_BUNDLE_SITE_REDIRECT": "/x"
    }  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "tests.demo", "--port", "0"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as demo:
        assert demo.stdout is not None
        assert re.fullmatch(r"https://localhost:\d+/cmp2k\n", demo.stdout.readline())
        demo.send_signal(signal.SIGINT)
        assert demo.stdout.read() == ""
        assert demo.wait(30) == 0
    assert (tmp_path / "cmp-bundle-demo/certs/ca.pem").exists()


def test_the_practice_pbx_is_an_extra(folder: Path) -> None:
    (folder / "missing").mkdir()
    (folder / "missing/aiortc.py").write_text("raise ImportError('no aiortc')")
    error = refused(folder, "--practice", PYTHONPATH=str(folder / "missing"))
    assert error["hint"] == "pip install 'cmp-bundle[practice]'"
