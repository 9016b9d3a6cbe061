"""Real browsers, driven over WebDriver BiDi: Debian's Chromium and Firefox ESR.

One small client serves both, so that a test is written once. Chromium speaks BiDi through
chromedriver; Firefox speaks it itself.
"""

from __future__ import annotations

import atexit
import base64
import contextlib
import functools
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

#: How long anything in a browser may take before the test gives up on it.
PATIENCE = 60.0

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


class BrowserError(Exception):
    """A script that threw in the page, or a browser that did not do what it was asked."""


class Session:
    """A BiDi connection: commands answered by id, events collected as they come."""

    def __init__(self, socket: ClientConnection, process: subprocess.Popen[bytes]) -> None:
        self._socket = socket
        self.process = process
        self._next = 0
        self._answers: dict[int, dict[str, Any]] = {}
        self._arrived = threading.Condition()
        self._closed = False
        self.events: list[dict[str, Any]] = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            for text in self._socket:
                message = json.loads(text)
                with self._arrived:
                    if "id" in message and message["id"] is not None:
                        self._answers[message["id"]] = message
                    else:
                        self.events.append(message)
                    self._arrived.notify_all()
        except ConnectionClosed:
            pass  # it was killed; whoever asks it something is told
        finally:
            with self._arrived:
                self._closed = True
                self._arrived.notify_all()

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        self._next += 1
        number = self._next
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        with self._arrived:
            self._arrived.wait_for(lambda: number in self._answers or self._closed, PATIENCE)
            if number not in self._answers:
                why = "the browser is gone" if self._closed else f"no answer in {PATIENCE:.0f} s"
                raise BrowserError(f"{method}: {why}")
            answer = self._answers.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']}: {answer.get('message')}")
        result: dict[str, Any] = answer["result"]
        return result


class Page:
    """A tab."""

    def __init__(self, session: Session, context: str) -> None:
        self.session = session
        self.context = context

    def goto(self, url: str) -> None:
        try:
            self.session.send(
                "browsingContext.navigate", context=self.context, url=url, wait="complete"
            )
        except BrowserError as error:
            if "concurrent navigation" not in str(error):
                raise
        # A page that is opened by a link loads itself a second time.
        if "#" in url:
            self.wait("document.readyState === 'complete' && !document.querySelector('plaintext')")

    def reload(self) -> None:
        self.session.send("browsingContext.reload", context=self.context, wait="complete")

    def eval(self, expression: str) -> Any:
        """The JSON value of ``expression`` (awaited) in the page. Raises BrowserError."""
        # A value travels as JSON text, so that BiDi's own notation of values is never met.
        wrapped = f"(async () => JSON.stringify(await ({expression})))()"
        done = self.session.send(
            "script.evaluate",
            expression=wrapped,
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        if done["type"] == "exception":
            raise BrowserError(done["exceptionDetails"]["text"])
        text = done["result"].get("value")
        return None if text is None else json.loads(text)

    def wait(self, expression: str, what: str = "", patience: float = PATIENCE) -> Any:
        """Wait until ``expression`` is true in the page; its value. Raises BrowserError."""
        deadline = time.monotonic() + patience
        value = None
        while time.monotonic() < deadline:
            with contextlib.suppress(BrowserError):  # a navigation under way has no page yet
                value = self.eval(expression)
                if value:
                    return value
            time.sleep(0.05)
        raise BrowserError(f"waited {patience:.0f} s for {what or expression}\n{self.story()}")

    def fill(self, selector: str, text: str) -> None:
        s, t = json.dumps(selector), json.dumps(text)
        self.eval(
            f"(() => {{ const e = document.querySelector({s}); e.value = {t};"
            " e.dispatchEvent(new Event('input', {bubbles: true}));"
            " e.dispatchEvent(new Event('change', {bubbles: true})); })()"
        )

    def click(self, selector: str) -> None:
        """A real click with the mouse, as a person does it: hidden things can't be clicked."""
        s = json.dumps(selector)
        # The browser is told the element, not where it is: by the time of the click it may be
        # elsewhere, as when something above it has grown.
        done = self.session.send(
            "script.evaluate",
            expression=f"(() => {{ const e = document.querySelector({s});"
            " if (!e) throw new Error('nothing to click');"
            " e.scrollIntoView({block: 'center', behavior: 'instant'});"
            " const {width, height} = e.getBoundingClientRect();"
            " if (!(width * height)) throw new Error('no size: nobody could click it');"
            " return e; })()",
            target={"context": self.context},
            awaitPromise=False,
        )
        if done["type"] == "exception":
            raise BrowserError(f"{selector}: {done['exceptionDetails']['text']}")
        element = {"type": "element", "element": {"sharedId": done["result"]["sharedId"]}}
        pointer = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        actions = [{"type": "pointer", "id": "mouse", "actions": pointer}]
        self.session.send("input.performActions", context=self.context, actions=actions)

    def press(self, *keys: str) -> None:
        """Keys pressed and let go one after the other."""
        strokes = [{"type": kind, "value": k} for k in keys for kind in ("keyDown", "keyUp")]
        actions = [{"type": "key", "id": "keyboard", "actions": strokes}]
        self.session.send("input.performActions", context=self.context, actions=actions)

    def size(self, width: int, height: int) -> None:
        viewport = {"width": width, "height": height}
        self.session.send("browsingContext.setViewport", context=self.context, viewport=viewport)

    def screenshot(self, path: Path) -> None:
        data = self.session.send("browsingContext.captureScreenshot", context=self.context)["data"]
        path.write_bytes(base64.b64decode(data))

    @property
    def log(self) -> list[str]:
        """What this page wrote to the console, uncaught errors included."""
        return [
            f"{e['params']['level']}: {e['params']['text']}"
            for e in self.session.events
            if e.get("method") == "log.entryAdded"
            and e["params"]["source"].get("context") == self.context
        ]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The requests of this page, in order: url, status, fromCache, bodySize."""
        return [
            {"url": p["request"]["url"], "status": p["response"]["status"],
             "cached": p["response"]["fromCache"], "bytes": p["response"]["bodySize"],
             "time": p["timestamp"]}
            for e in self.session.events
            if e.get("method") == "network.responseCompleted"
            for p in (e["params"],)
            if p["context"] == self.context
        ]  # fmt: skip

    def story(self) -> str:
        return "console:\n  " + "\n  ".join(self.log[-40:])

    def close(self) -> None:
        self.session.send("browsingContext.close", context=self.context)


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
        made = session.send("browsingContext.create", type="tab")
        session.send(
            "browsingContext.navigate", context=made["context"], url="about:blank", wait="complete"
        )
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
