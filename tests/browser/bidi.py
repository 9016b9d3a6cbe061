"""Real browsers, driven over WebDriver BiDi: one small client, so that a test is written once."""

from __future__ import annotations

import base64
import contextlib
import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection

#: How long anything in a browser may take before the test gives up on it.
PATIENCE = 60.0


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
