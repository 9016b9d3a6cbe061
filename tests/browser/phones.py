"""Phones in real browsers at real Asterisks, and what people do at two or three of them at once."""

from __future__ import annotations

import contextlib
import re
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self

from tests.testbed.roots import Release
from tests.testbed.server import PATIENCE, Asterisk

from . import launch
from .bidi import BrowserError, Page
from .launch import Browser
from .phone_page import FRAMES, connect, fill_in, open_phone, value, watch, watch_tones

#: Accounts that something is particular about: one that a browser has no media in common with,
#: one whose name for authentication is not its id.
PARTICULAR = """
[desk]
type=endpoint
context=phones
disallow=all
allow=ulaw
auth=desk
aors=desk

[desk]
type=auth
auth_type=userpass
username=desk
password=desk

[desk]
type=aor
max_contacts=1

[dave](webrtc)
auth=dave
aors=dave

[dave]
type=auth
auth_type=userpass
username=david
password=secret

[dave]
type=aor
max_contacts=5
"""

MESSAGE = "document.getElementById('message-text').textContent"
ABOUT = "document.getElementById('about').textContent"
PEER = "document.getElementById('peer').textContent"
_VIDEOS = "[...document.querySelectorAll('#media-views video')]"
#: One's own pictures, and those of others that are shown: in the built-in phone, and in upstream's.
OWN = (
    f"{_VIDEOS}.filter((v) => v.closest('.local') || v.srcObject.local)"
    ".filter((v) => v.srcObject.getVideoTracks().length).length"
)
SHOWN = (
    f"{_VIDEOS}.filter((v) => v.closest('.media-view')"
    " ? !v.srcObject.local && v.parentElement.style.display !== 'none'"
    " : !v.closest('.local, .unseen') && v.srcObject.getVideoTracks().length)"
)
#: A connection that reaches nobody and says so to nobody, once ``deaf`` is the one that was ``last``
#: used; where one is ``hasty``, waiting for an answer takes no time.
DEAF = """
  const later = setTimeout;
  window.setTimeout = (does, wait, ...more) =>
    later(does, window.hasty && wait > 20000 ? 100 : wait, ...more);
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (...data) {
    if (this !== window.deaf) send.apply(this, data);
    window.last = this;
  };
"""
#: A phone at the end of a long way, from now on: what it says to a call comes late. Asterisk (seen
#: in 16 and 22) forgets what it has to tell a phone that has not yet answered what it was told before.
FAR = """
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (data) {
    const answer = /^SIP.2.0 200 .*^CSeq: \\d+ INVITE/ms.test(data);
    setTimeout(() => send.call(this, data), answer ? 300 : 0);
  };
"""
#: How much has been heard of the others: it grows while there is sound, and it is played.
ENERGY = """(async () => {
  let energy = 0;
  for (const peer of testPeers) {
    if (peer.connectionState === 'closed') continue;
    for (const row of (await testStats(peer)).values())
      if (row.type === 'inbound-rtp' && row.kind === 'audio') energy += row.totalAudioEnergy || 0;
  }
  return energy;
})()"""

#: What was agreed about each picture of a page's last call, and what becomes of it.
PICTURES = """(async () => {
  const peer = testPeers.at(-1);
  const told = peer.getTransceivers().filter(({receiver}) => receiver.track.kind === 'video')
    .map((t) => `${t.direction}, agreed ${t.currentDirection}`);
  const counted = /^(frames(Sent|Encoded|Received|Decoded)|keyFrames|packets(Sent|Received)$|pli|active)/;
  for (const row of (await testStats(peer)).values())
    if (/bound-rtp$/.test(row.type) && row.kind === 'video')
      told.push(row.type + Object.entries(row).filter(([k]) => counted.test(k)).map(([k, v]) => ` ${k}=${v}`));
  return told;
})()"""

#: A machine without a camera, as browsers tell it.
NO_CAMERA = """
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) =>
    wanted.video ? Promise.reject(new DOMException("", "NotFoundError")) : ask(wanted);
"""


#: A browser that never comes to an end of looking for ways to itself.
ENDLESS = """
  const peer = RTCPeerConnection.prototype;
  const listen = peer.addEventListener;
  Object.defineProperty(peer, "iceGatheringState", {get: () => "gathering"});
  peer.addEventListener = function (type, heard, ...more) {
    if (type === "icegatheringstatechange") return;
    const some = (event) => (event.candidate || !event.isTrusted) && heard(event);
    listen.call(this, type, type === "icecandidate" ? some : heard, ...more);
  };
"""


def particular(release: Release) -> Asterisk:
    """An Asterisk with accounts of many kinds, not started yet."""
    pbx = Asterisk.prepare(release)
    # Neither tree can translate opus, and a conference without it translates.
    pjsip = (pbx.etc / "pjsip.conf").read_text()
    assert "allow=opus,ulaw,vp8" in pjsip
    (pbx.etc / "pjsip.conf").write_text(pjsip.replace("allow=opus,ulaw", "allow=ulaw,opus"))
    with (pbx.etc / "pjsip.conf").open("a") as more:
        more.write(PARTICULAR)
    with (pbx.etc / "http.conf").open("a") as more:
        more.write("enablestatic=yes\n")
    return pbx


class Browsers:
    """Starts a browser when it is first asked for, once for all tests of a module."""

    def __init__(self, ending: contextlib.ExitStack) -> None:
        self._ending = ending
        self._running: dict[str, Browser] = {}

    def __call__(self, name: str) -> Browser:
        if name not in self._running:
            self._running[name] = self._ending.enter_context(launch.browsing(name))
        return self._running[name]


class Servers:
    """Starts an Asterisk of a release when it is first asked for, once for all tests of a module."""

    def __init__(self, ending: contextlib.ExitStack, furnish: Callable[[Asterisk], None]) -> None:
        self._ending = ending
        self._furnish = furnish
        self._running: dict[Release, Asterisk] = {}

    def __call__(self, release: Release) -> Asterisk:
        if release not in self._running:
            pbx = particular(release)
            self._ending.callback(pbx.remove)
            self._furnish(pbx)
            pbx.start()
            self._running[release] = pbx
        return self._running[release]


class Phones:
    """Opens phones, each in a tab of its own."""

    def __init__(self, pbx: Asterisk, browser: Browser, url: str) -> None:
        self.pbx = pbx
        self.browser = browser
        self.url = url
        self.open: list[Page] = []

    def new(self, before: str = "") -> Page:
        """A phone as it is first seen; ``before`` runs before anything else in its page."""
        page = self._tab()
        if before:
            page.session.send(
                "script.addPreloadScript",
                functionDeclaration=f"() => {{ if (location.host) {{ {before} }} }}",
                contexts=[page.context],
            )
        open_phone(page, self.url)
        return page

    def by_link(self) -> Page:
        """A phone whose address is a link: it connects by itself."""
        page = self._tab()
        watch(page)
        page.goto(self.url)
        page.wait(f"{value('connect')} === 'Disconnect'", "the phone to connect")
        return page

    def _tab(self) -> Page:
        page = self.browser.page()
        self.open.append(page)
        watch_tones(page)
        return page

    def of(self, account: str, before: str = "") -> Page:
        """A phone that is connected and can be called."""
        page = self.new(before)
        fill_in(page, account, "")
        connect(page)
        return page

    def close(self, page: Page) -> None:
        """As a person closes a tab."""
        self.open.remove(page)
        page.session.send("browsingContext.close", context=page.context, promptUnload=True)

    def errors(self) -> list[str]:
        """What went wrong in the pages that are open."""
        return [line for page in self.open for line in page.log if line.startswith("error")]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failed: object) -> None:
        errors = self.errors()
        self.end()
        assert any(failed) or not errors, errors

    def end(self) -> None:
        """Hang up and close everything."""
        self.pbx.rx("channel request hangup all")
        for page in list(self.open):
            self.close(page)
        quiet(self.pbx)


def quiet(pbx: Asterisk) -> None:
    """Wait until no call is left."""
    deadline = time.monotonic() + PATIENCE
    while "0 active channels" not in pbx.rx("core show channels count"):
        assert time.monotonic() < deadline, pbx.rx("core show channels")
        time.sleep(0.05)


def registered(pbx: Asterisk, account: str) -> int:
    """How many phones are registered for an account."""
    contacts = pbx.rx("pjsip show contacts")
    return len(re.findall(rf"Contact:\s+{account}/", contacts))


def front(page: Page) -> None:
    """Bring its tab to the front: elsewhere Chromium takes 5 s for a click, and shows no picture."""
    page.session.send("browsingContext.activate", context=page.context)


def press(page: Page, button: str) -> None:
    front(page)
    page.click(button)


def dial(page: Page, extension: str) -> None:
    page.fill("#extension", extension)
    press(page, "#call")


def told(page: Page, words: str) -> None:
    """Wait for a message, with no call or picture left."""
    page.wait(f"{MESSAGE}.includes({words!r})", f"the message {words!r}")
    idle(page)


def rings(page: Page, caller: str) -> None:
    page.wait(f"{value('call')} === 'Answer'", "the phone to ring")
    assert page.eval(PEER) == caller


def idle(page: Page) -> None:
    page.wait(f"{value('call')} === 'Call'", "the call to be over")
    page.wait("document.querySelectorAll('#media-views *').length === 0", "no pictures")


def talk(caller: Page, callee: Page, name: str, answer_name: str) -> None:
    dial(caller, name)
    rings(callee, answer_name)
    press(callee, "#call")
    for page in (caller, callee):
        page.wait(f"{ABOUT} === 'In the call'")


def sees(page: Page, count: int) -> None:
    """Wait until exactly that many received pictures are shown, and as many move."""
    front(page)
    try:
        page.wait(
            f"{SHOWN}.length === {count} && {SHOWN}.every((v) => v.videoWidth > 0)",
            f"{count} pictures of others",
        )
        before = page.eval(FRAMES)
        moved = f"f.filter((n, i) => n > ({before}[i] ?? 0) + 2).length >= {count}"
        page.wait(f"{FRAMES}.then((f) => {moved})", f"{count} pictures to move")
    except BrowserError as error:
        for tab in page.session.send("browsingContext.getTree")["contexts"]:
            with contextlib.suppress(BrowserError):
                pictures = Page(page.session, tab["context"]).eval(PICTURES)
                error.add_note(f"{tab['context']}: {pictures}")
        raise


def hears(page: Page) -> None:
    """Wait until sound that is more than silence is played."""
    before = page.eval(ENERGY)
    page.wait(f"{ENERGY}.then((e) => e > {before} + 1e-6)", "sound from the other side")


def digits(pbx: Asterisk, count: int, press: Callable[[], None]) -> str:
    """The digits that Asterisk's echo hears, and so says back, while somebody presses keys.

    Those that come quickly are announced as received twice: when they come, and when Asterisk is
    done with the one before (``__ast_read`` in main/channel.c).
    """
    with socket.create_connection(("127.0.0.1", pbx.ports.ami), timeout=PATIENCE) as ami:
        events = ami.makefile("rw", newline="\r\n")
        login = f"Action: Login\r\nUsername: testbed\r\nSecret: {pbx.ami_secret}\r\n\r\n"
        ami.sendall(login.encode())
        heard = ""
        event = ""
        while len(heard) < count:
            line = events.readline()
            event += line
            if line.strip():
                continue
            if "Event: FullyBooted" in event:  # logged in
                press()
            if "Event: DTMFEnd" in event and "Direction: Sent" in event:
                heard += re.findall(r"Digit: (.)", event)[0]
            event = ""
    return heard


def furnish(site: Path, files: Mapping[str, bytes]) -> None:
    """Put a bundle where a web server serves it."""
    for name, data in files.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
