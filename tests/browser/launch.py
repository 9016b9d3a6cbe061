"""Starting Debian's Chromium and Firefox ESR, each on a profile of its own, and ending them.

Chromium speaks BiDi through chromedriver; Firefox speaks it itself.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from .bidi import PATIENCE, BrowserError, Page, Session

FIREFOX_PREFS = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.newtab.preload": False,
    "browser.safebrowsing.update.enabled": False,
    "browser.startup.homepage": "about:blank",
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
    "remote.active-protocols": 1,
}
CHROMIUM_ARGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-features=WebRtcHideLocalIpsWithMdns",
]


class Browser:
    """A running browser with a profile of its own; ``close`` ends it and all it started."""

    def __init__(self, name: str, session: Session, ending: contextlib.ExitStack) -> None:
        self.name = name
        self.session = session
        self._ending = ending
        events = ["log.entryAdded", "network.responseCompleted"]
        session.send("session.subscribe", events=events)

    def page(self) -> Page:
        made = self.session.send("browsingContext.create", type="tab")
        return Page(self.session, made["context"])

    def close(self) -> None:
        self._ending.close()

    def kill(self) -> None:
        """Let it vanish without a word, as when a machine loses its power."""
        _kill(self.session.process)
        self.close()


def missing(name: str) -> str | None:
    """Why ``name`` cannot be run here; None where it can."""
    needs = {"chromium": ["chromium", "chromedriver"], "firefox": ["firefox-esr"]}[name]
    lacking = [n for n in needs if shutil.which(n) is None]
    return f"{' and '.join(lacking)} not installed" if lacking else None


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _announced(process: subprocess.Popen[bytes], log: Path, pattern: str) -> str:
    """Wait until the process has written a line that matches; its first group."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = re.search(pattern, log.read_text(errors="replace"))
        if found:
            return found[1]
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise BrowserError(f"{process.args!r} did not start:\n{log.read_text(errors='replace')}")


def _spawn(command: list[str], log: Path, home: Path) -> subprocess.Popen[bytes]:
    env = os.environ | {"HOME": str(home), "XDG_CACHE_HOME": str(home)}
    with log.open("wb") as out:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env=env,
            start_new_session=True,
        )


def start(
    name: str, profile: Path, prefs: dict[str, Any] | None = None, *, believing: bool = True
) -> Browser:
    """Start ``chromium`` or ``firefox`` on ``profile`` (made if new). Raises BrowserError.

    The browser's HOME is ``profile``. ``believing``, it takes any certificate; otherwise it looks
    at them as a person's browser does.
    """
    profile.mkdir(parents=True, exist_ok=True)
    begin = {"chromium": _chromium, "firefox": _firefox}[name]
    with contextlib.ExitStack() as ending:
        session = begin(profile, prefs or {}, ending, believing)
        browser = Browser(name, session, ending)
        # From here on it is the browser's to end.
        browser._ending = ending.pop_all()
        return browser


def _chromium(
    profile: Path, prefs: dict[str, Any], ending: contextlib.ExitStack, believing: bool
) -> Session:
    log = profile / "driver.log"
    process = _spawn(["chromedriver", "--port=0"], log, profile)
    ending.callback(_kill, process)
    port = _announced(process, log, r"started successfully on port (\d+)")
    options = {"args": [*CHROMIUM_ARGS, f"--user-data-dir={profile / 'data'}"], "prefs": prefs}
    wanted = {"webSocketUrl": True, "acceptInsecureCerts": believing, "goog:chromeOptions": options}
    body = json.dumps({"capabilities": {"alwaysMatch": wanted}}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/session", body)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        made = json.load(answer)["value"]

    def end() -> None:
        # Asked to, so that the profile on disk (the HTTP cache too) is whole.
        gone = urllib.request.Request(
            f"http://127.0.0.1:{port}/session/{made['sessionId']}", method="DELETE"
        )
        with contextlib.suppress(OSError):
            urllib.request.urlopen(gone, timeout=PATIENCE).close()

    ending.callback(end)
    return Session(ending.enter_context(_connected(made["capabilities"]["webSocketUrl"])), process)


def _firefox(
    profile: Path, prefs: dict[str, Any], ending: contextlib.ExitStack, believing: bool
) -> Session:
    data = profile / "data"
    if not data.exists():
        shutil.copytree(_used_once(), data, symlinks=True)
    return _firefox_on(profile, prefs, ending, believing)


@functools.cache
def _used_once() -> Path:
    """A profile in which Firefox has done what it does in a new one alone: half of a start."""
    folder = Path(tempfile.mkdtemp(prefix="cmp-firefox-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    data = folder / "data"
    data.mkdir()
    with contextlib.ExitStack() as ending:
        session = _firefox_on(folder, {}, ending, True)
        Browser("firefox", session, ending).page().goto("about:blank")
    return data


def _firefox_on(
    profile: Path, prefs: dict[str, Any], ending: contextlib.ExitStack, believing: bool
) -> Session:
    data = profile / "data"
    lines = (
        f"user_pref({json.dumps(k)}, {json.dumps(v)});\n"
        for k, v in (FIREFOX_PREFS | prefs).items()
    )
    (data / "user.js").write_text("".join(lines))
    log = profile / "driver.log"
    command = ["firefox-esr", "--headless", "--no-remote", "--profile", str(data),
               "--remote-debugging-port", "0"]  # fmt: skip
    process = _spawn(command, log, profile)
    ending.callback(_kill, process)
    url = _announced(process, log, r"WebDriver BiDi listening on (ws://\S+)")
    session = Session(ending.enter_context(_connected(f"{url}/session")), process)
    session.send("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": believing}})

    def end() -> None:
        with contextlib.suppress(BrowserError, OSError, ConnectionClosed):
            session.send("browser.close")
            process.wait(PATIENCE)

    ending.callback(end)
    return session


def _connected(url: str) -> AbstractContextManager[ClientConnection]:
    # Screenshots are large, and a browser busy with a test may answer no ping for a while.
    return connect(url, max_size=None, ping_interval=None)


@contextlib.contextmanager
def browsing(name: str) -> Iterator[Browser]:
    """A browser with a fresh profile, thrown away at the end."""
    with tempfile.TemporaryDirectory(prefix="cmp-browser-", ignore_cleanup_errors=True) as folder:
        browser = start(name, Path(folder))
        try:
            yield browser
        finally:
            browser.close()
