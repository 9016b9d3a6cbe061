"""Real browsers, as a person has them: after ``certs trust`` they open a page of ours unasked."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.tls.authority import authority_in
from tests.conftest import _unreal
from tests.unit.tls.made import NOW, odd
from tests.unit.tls.serving import serving, tunnel
from tests.unit.tls.test_authority import forged

from . import bidi, launch

pytestmark = pytest.mark.browser

#: All that ``certs trust`` can find; the program that changes the system's own store above all
#: is not among them.
PROGRAMS = ("certutil", "mkdir", "chromium")
NEEDED = ("certutil", "mkdir")


@dataclass
class Home:
    """A person's home with one browser profile; ``name`` is the browser's."""

    path: Path
    name: str
    programs: Path

    @property
    def certs(self) -> Path:
        return self.path / "certs"

    def run(self, *words: str) -> str:
        """``cmp-bundle certs …`` in a shell in which no other store can be found."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "SUDO_"))}
        done = subprocess.run(
            [sys.executable, "-m", "cmp_bundle", "certs", *words],
            cwd=self.path,
            env=environment | {"HOME": str(self.path), "PATH": str(self.programs)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def opens(self, *urls: str, through: int | None = None) -> list[bool]:
        """Whether the browser shows the page of each without a warning; ``through`` is a proxy."""
        prefs = _proxied(self.name, through) if through else None
        browser = launch.start(self.name, self.path, prefs, believing=False)
        try:
            return [_opens(browser, url) for url in urls]
        finally:
            browser.close()


def _proxied(name: str, port: int) -> dict[str, Any]:
    if name == "chromium":
        return {"proxy": {"mode": "fixed_servers", "server": f"127.0.0.1:{port}"}}
    return {
        "network.proxy.type": 1,
        "network.proxy.ssl": "127.0.0.1",
        "network.proxy.ssl_port": port,
    }


def _opens(browser: launch.Browser, url: str) -> bool:
    page = browser.page()
    try:
        page.goto(url)
    except bidi.BrowserError as error:
        # What either browser calls it; anything else is none of the certificate's doing.
        assert re.search("ERR_CERT_|SEC_ERROR_|SSL_ERROR_|MOZILLA_PKIX_", str(error)), error
        return False
    return bool(page.eval("document.title") == "here")


@pytest.fixture
def home(browser_name: str, tmp_path: Path) -> Home:
    programs, path = tmp_path / "programs", tmp_path / "home"
    programs.mkdir()
    for name in PROGRAMS:
        found = shutil.which(name)
        if found is not None:
            (programs / name).symlink_to(found)
        elif name in NEEDED:
            _unreal(f"{name} not installed")
    listed = path / ".mozilla/firefox"
    listed.mkdir(parents=True)
    if browser_name == "firefox":
        (listed / "profiles.ini").write_text(
            f"[Profile0]\nName=default\nIsRelative=0\nPath={path / 'data'}\n"
        )
    return Home(path, browser_name, programs)


def test_believed_within_its_bounds_and_forgotten(home: Home) -> None:
    """Started anew each time: a browser looks at its store when it starts."""
    home.run("issue", "localhost", "127.0.0.1", "*.pbx.localhost", "*.my_pbx.localhost")
    home.run("issue", "localhost", "--out", "other.pem")
    authority = authority_in(home.certs, NOW)
    assert authority is not None
    forgeries = {"good": ["x.localhost"], "bad": ["x.localhost", "bank.com"]}
    for name, hosts in forgeries.items():
        (home.path / f"{name}.pem").write_bytes(forged(authority, *hosts))
    with contextlib.ExitStack() as serves:
        port, other, good, bad = (
            serves.enter_context(serving(path))
            for path in (
                home.certs / "localhost.pem",
                *(home.path / f"{name}.pem" for name in ("other", "good", "bad")),
            )
        )
        names = ("localhost", "127.0.0.1", "a.pbx.localhost", "a.my_pbx.localhost")
        ours = [f"https://{name}:{port}/" for name in names]
        ours += [f"https://localhost:{other}/", f"https://x.localhost:{good}/"]
        # Names that the first is not for, and an authority that went out of its bounds.
        never = [f"https://{name}:{port}/" for name in ("b.localhost", "a.b.pbx.localhost")]
        never += [f"https://x.localhost:{bad}/"]

        assert home.opens(*ours) == [False] * len(ours), "nobody has told it yet"
        assert "trusts it now" in home.run("trust")
        assert home.opens(*ours, *never) == [True] * len(ours) + [False] * len(never)
        assert "no longer trusts it" in home.run("untrust")
        assert home.opens(*ours) == [False] * len(ours)


#: What an authority of a host called dev may vouch for that was asked for one public address.
GOOD = ("dev", "dev.local", "203.0.113.9", "192.168.7.1", "fd00::7")
#: What it may not: what is below its host's name, where others own domains, and other addresses.
BAD = ("bank.dev", "*.dev", "a.bank.dev", "203.0.113.7", "8.8.8.8", "2001:db8::7")


def test_no_top_level_domain_and_no_public_address(home: Home) -> None:
    """Each with a leaf of its own, signed around us with the authority's key."""
    home.run("ca", "--allow", "dev", "--allow", "203.0.113.9")
    authority = authority_in(home.certs, NOW)
    assert authority is not None
    with contextlib.ExitStack() as serves:
        urls = []
        for number, name in enumerate((*GOOD, *BAD)):
            pem = home.path / f"{number}.pem"
            pem.write_bytes(b"".join(odd(name, signer=authority)))
            port = serves.enter_context(serving(pem))
            host = name.replace("*", "any")
            urls.append(f"https://{f'[{host}]' if ':' in host else host}:{port}/")
        proxy = serves.enter_context(tunnel())
        (home.path / "data").mkdir()  # Firefox's profile, before it was ever started
        assert "trusts it now" in home.run("trust")
        opened = dict(zip((*GOOD, *BAD), home.opens(*urls, through=proxy), strict=True))
        assert opened == dict.fromkeys(GOOD, True) | dict.fromkeys(BAD, False)
