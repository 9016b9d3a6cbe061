"""The built-in phone with real browsers and real Asterisks, as people use it.

It is tried as compiled, not as bundled, under the content security policy of a bundle.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import cmp_bundle

from ..testbed.roots import Release
from ..testbed.server import PATIENCE, Asterisk
from . import bidi
from .bidi import Browser, Page
from .phone_page import FRAMES, call, connect, fill_in, hang_up, open_phone, pictures_move, value

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

COMPILED = Path(cmp_bundle.__file__).parent / "client/phone"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob: data: mediastream:; connect-src 'self' wss:"
)
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
OWN = "document.querySelectorAll('.tile.local video').length"
SHOWN = "[...document.querySelectorAll('.tile:not(.local):not(.unseen) video')]"


def _prepare(release: Release) -> Asterisk:
    pbx = Asterisk.prepare(release)
    # Neither tree can translate opus, and a conference without it translates.
    pjsip = (pbx.etc / "pjsip.conf").read_text()
    assert "allow=opus,ulaw,vp8" in pjsip
    (pbx.etc / "pjsip.conf").write_text(pjsip.replace("allow=opus,ulaw", "allow=ulaw,opus"))
    with (pbx.etc / "pjsip.conf").open("a") as more:
        more.write(PARTICULAR)
    with (pbx.etc / "http.conf").open("a") as more:
        more.write("enablestatic=yes\nredirect=/cmp2k /static/phone/index.html\n")
    site = pbx.static / "phone"
    shutil.copytree(COMPILED, site)
    page = (site / "index.html").read_text()
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    (site / "index.html").write_text(page.replace("<head>", f"<head>{meta}", 1))
    return pbx


@pytest.fixture(scope="module")
def servers() -> Iterator[Callable[[Release], Asterisk]]:
    """Starts an Asterisk of a release when it is first asked for, once for all tests here."""
    with contextlib.ExitStack() as stack:
        running: dict[Release, Asterisk] = {}

        def server(release: Release) -> Asterisk:
            if release not in running:
                running[release] = _prepare(release)
                stack.callback(running[release].remove)
                running[release].start()
            return running[release]

        yield server


@pytest.fixture
def pbx(asterisk_release: Release, servers: Callable[[Release], Asterisk]) -> Asterisk:
    return servers(asterisk_release)


@pytest.fixture(scope="module")
def browsers() -> Iterator[Callable[[str], Browser]]:
    """Starts a browser when it is first asked for, once for all tests here."""
    with contextlib.ExitStack() as stack:
        running: dict[str, Browser] = {}

        def browser(name: str) -> Browser:
            if name not in running:
                running[name] = stack.enter_context(bidi.browsing(name))
            return running[name]

        yield browser


@pytest.fixture
def browser(browser_name: str, browsers: Callable[[str], Browser]) -> Browser:
    return browsers(browser_name)


class Phones:
    """Opens phones, each in a tab of its own."""

    def __init__(self, pbx: Asterisk, browser: Browser) -> None:
        self.pbx = pbx
        self.browser = browser
        self.open: list[Page] = []

    def new(self, before: str = "") -> Page:
        """A phone as it is first seen; ``before`` runs before anything else in its page."""
        page = self.browser.page()
        self.open.append(page)
        if before:
            page.session.send(
                "script.addPreloadScript",
                functionDeclaration=f"() => {{ if (location.host) {{ {before} }} }}",
                contexts=[page.context],
            )
        open_phone(page, f"{self.pbx.url}/cmp2k")
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


@pytest.fixture
def phones(pbx: Asterisk, browser: Browser) -> Iterator[Phones]:
    made = Phones(pbx, browser)
    yield made
    errors = [line for page in made.open for line in page.log if line.startswith("error")]
    pbx.rx("channel request hangup all")
    for page in list(made.open):
        made.close(page)
    quiet(pbx)
    assert not errors


#: For what the server's version has no part in.
ONCE = pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)


def quiet(pbx: Asterisk) -> None:
    """Wait until no call is left."""
    deadline = time.monotonic() + PATIENCE
    while "0 active channels" not in pbx.rx("core show channels count"):
        assert time.monotonic() < deadline, pbx.rx("core show channels")
        time.sleep(0.05)


def press(page: Page, button: str) -> None:
    """Click in the page's tab, which comes to the front for it: elsewhere Chromium takes 5 s."""
    page.session.send("browsingContext.activate", context=page.context)
    page.click(button)


def dial(page: Page, extension: str) -> None:
    page.fill("#extension", extension)
    press(page, "#call")


def told(page: Page, words: str) -> None:
    """Wait for a message, with no call or picture left."""
    page.wait(f"{MESSAGE}.includes({words!r})", f"the message {words!r}")
    assert page.eval(value("call")) == "Call"
    assert page.eval("document.querySelectorAll('#media-views *').length") == 0


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
    page.wait(f"{SHOWN}.length === {count} && {SHOWN}.every((v) => v.videoWidth > 0)")
    before = page.eval(FRAMES)
    moved = f"f.filter((n, i) => n > ({before}[i] ?? 0) + 2).length >= {count}"
    page.wait(f"{FRAMES}.then((f) => {moved})", f"{count} pictures to move")


def registered(pbx: Asterisk, account: str) -> int:
    """How many phones are registered for an account."""
    contacts = pbx.rx("pjsip show contacts")
    return len(re.findall(rf"Contact:\s+{account}/", contacts))


def test_the_echo_comes_with_pictures_again_and_again(phones: Phones) -> None:
    alice = phones.of("alice")
    for _ in range(2):
        fill_in(alice, extension="246")
        call(alice)
        assert pictures_move(alice, at_least=5) == 5
        assert alice.eval(OWN) == 1
        hang_up(alice)


def test_one_calls_the_other_and_both_can_end_it(phones: Phones) -> None:
    alice, bob = phones.of("alice"), phones.of("bob")
    dial(alice, "bob")
    rings(bob, "Alice")
    assert bob.eval(ABOUT) == "alice is calling"
    bob.wait("document.title === 'Alice is calling'", "the tab's title to call")
    alice.wait(f"{ABOUT} === 'Ringing'")
    press(bob, "#call")
    for page in (alice, bob):
        sees(page, 1)
        assert page.eval(value("call")) == "Hangup"
        assert page.eval(OWN) == 1
    assert not bob.eval("document.title").startswith("Alice")
    press(alice, "#call")
    idle(alice)
    assert alice.eval(MESSAGE) == ""
    told(bob, "Alice hung up")

    talk(bob, alice, "alice", "Bob")
    sees(alice, 1)
    press(alice, "#call")
    idle(alice)
    told(bob, "alice hung up")


def test_declining_and_cancelling(phones: Phones) -> None:
    alice, bob = phones.of("alice"), phones.of("bob")
    dial(alice, "bob")
    rings(bob, "Alice")
    press(bob, "#decline")
    told(alice, "bob is busy")
    idle(bob)
    assert bob.eval(MESSAGE) == ""
    for button in ("#decline", "#call"):  # Cancel, and Ringing
        dial(alice, "bob")
        rings(bob, "Alice")
        press(alice, button)
        idle(alice)
        told(bob, "Missed call from Alice")
    quiet(phones.pbx)


def test_a_third_caller_is_told_that_it_is_busy(phones: Phones) -> None:
    alice, bob, carol = (phones.of(name) for name in ("alice", "bob", "carol"))
    talk(alice, bob, "bob", "Alice")
    dial(carol, "bob")
    told(carol, "bob is busy")
    assert "Carol called meanwhile" in bob.eval(MESSAGE)
    sees(bob, 1)


def test_calls_that_come_to_nothing(phones: Phones) -> None:
    alice = phones.of("alice")
    for extension, words in (
        ("249", "249 is busy"),
        ("999", "There is no 999"),
        ("carol", "There is no carol, or no phone is connected there"),
        (" ", "not a number or an address"),
        ("sip:249@example.org", "249@example.org is busy"),
    ):
        dial(alice, extension)
        told(alice, words)


def test_an_endpoint_without_webrtc_is_explained(phones: Phones) -> None:
    page = phones.new()
    fill_in(page, "desk", "246", accountPassword="desk")
    connect(page)
    press(page, "#call")
    told(page, "webrtc=yes")


def test_a_wrong_password_is_told_once_and_ends_the_attempt(phones: Phones) -> None:
    page = phones.new("window.sockets = []; const W = WebSocket;"
                      "window.WebSocket = class extends W {"
                      "  constructor(...a) { super(...a); window.sockets.push(this); } };")  # fmt: skip
    fill_in(page, "alice", accountPassword="wrong")
    for attempt in (1, 2, 3):
        press(page, "#connect")
        page.wait(f"sockets.length === {attempt} && {value('connect')} === 'Connect'")
        told(page, "does not accept this ID and password")
    page.wait("sockets.every((s) => s.readyState === WebSocket.CLOSED)", "the sockets to close")
    assert registered(phones.pbx, "alice") == 0
    fill_in(page)
    connect(page)
    assert page.eval(MESSAGE) == ""
    assert page.eval("sockets.filter((s) => s.readyState === WebSocket.OPEN).length") == 1
    assert registered(phones.pbx, "alice") == 1


def test_the_authorization_name_is_used(phones: Phones) -> None:
    page = phones.new()
    fill_in(page, "dave", accountPassword="secret", accountName="david")
    connect(page)
    assert registered(phones.pbx, "dave") == 1
    press(page, "#connect")
    page.wait(f"{value('connect')} === 'Connect'")
    assert registered(phones.pbx, "dave") == 0


def test_without_registering_one_can_call_but_is_not_called(phones: Phones) -> None:
    page = phones.new()
    fill_in(page)
    page.eval("document.getElementById('accountRegister').checked = false")
    connect(page)
    assert registered(phones.pbx, "alice") == 0
    assert "cannot be called" in page.eval("document.getElementById('line').textContent")
    call(page)
    sees(page, 4)


def test_whoever_closes_the_tab_hangs_up(phones: Phones) -> None:
    alice, bob = phones.of("alice"), phones.of("bob")
    talk(alice, bob, "bob", "Alice")
    phones.close(bob)
    told(alice, "bob hung up")
    talk(alice, phones.of("bob"), "bob", "Alice")  # and calls again
    sees(alice, 1)


def test_people_join_a_conference_and_leave_it(phones: Phones) -> None:
    alice, bob, carol = (phones.of(name) for name in ("alice", "bob", "carol"))
    dial(alice, "300")
    alice.wait(f"{ABOUT} === 'In the call'")
    dial(bob, "300")
    for page in (alice, bob):
        sees(page, 1)
    dial(carol, "300")
    for page in (alice, bob, carol):
        sees(page, 2)
    press(bob, "#call")
    for page in (alice, carol):
        sees(page, 1)
    dial(bob, "300")
    for page in (alice, bob, carol):
        sees(page, 2)
    for page in (bob, carol):
        press(page, "#call")
        idle(page)
    alice.wait(f"{SHOWN}.every((v) => v.videoWidth === 0)", "every picture to go")


#: A machine without a camera, as browsers tell it.
NO_CAMERA = """
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = (wanted) =>
    wanted.video ? Promise.reject(new DOMException("", "NotFoundError")) : ask(wanted);
"""


def test_without_a_camera_one_is_heard_and_sees(phones: Phones) -> None:
    alice, bob = phones.of("alice"), phones.of("bob", before=NO_CAMERA)
    for caller, callee, name, shown in ((alice, bob, "bob", "Alice"), (bob, alice, "alice", "Bob")):
        talk(caller, callee, name, shown)
        sees(bob, 1)
        assert "There is no camera" in bob.eval(MESSAGE)
        assert bob.eval(OWN) == 0
        # A portrait stands for who is only heard.
        assert alice.eval(SHOWN + ".length") == 0
        assert alice.eval("document.querySelectorAll('.tile:not(.local):not(.unseen)').length") == 1
        press(caller, "#call")
        idle(callee)


@ONCE
def test_without_a_microphone_nobody_is_called(phones: Phones) -> None:
    for name, words in (
        ("NotAllowedError", "may not use the microphone"),
        ("NotFoundError", "no microphone"),
        ("NotReadableError", "Close other programs"),
    ):
        refuse = f"() => Promise.reject(new DOMException('', '{name}'))"
        alice = phones.of("alice", f"navigator.mediaDevices.getUserMedia = {refuse};")
        dial(alice, "246")
        told(alice, words)
        quiet(phones.pbx)


#: A browser that never comes to an end of looking for ways to itself.
ENDLESS = """
  const peer = RTCPeerConnection.prototype;
  const listen = peer.addEventListener;
  Object.defineProperty(peer, "iceGatheringState", {get: () => "gathering"});
  peer.addEventListener = function (type, heard, ...more) {
    if (type === "icegatheringstatechange") return;
    const some = (event) => event.candidate && heard(event);
    listen.call(this, type, type === "icecandidate" ? some : heard, ...more);
  };
"""


@ONCE
def test_looking_for_ways_to_the_browser_does_not_hold_up_a_call(phones: Phones) -> None:
    alice = phones.of("alice", before=ENDLESS)
    fill_in(alice, extension="246")
    begun = time.monotonic()
    call(alice)
    assert time.monotonic() - begun < 10
    sees(alice, 4)


@ONCE
def test_an_empty_form_sends_nothing(phones: Phones) -> None:
    page = phones.new("window.sockets = 0; const W = WebSocket;"
                      "window.WebSocket = class extends W {"
                      "  constructor(...a) { super(...a); window.sockets++; } };")  # fmt: skip
    press(page, "#connect")
    page.wait("document.getElementById('account-modal').open", "the account dialog")
    assert page.eval("document.activeElement.id") == "accountId"
    assert page.eval("document.getElementById('accountId-problem').textContent")
    assert page.eval(value("connect")) == "Connect"
    page.press("\ue00c")  # Escape
    page.wait("!document.getElementById('account-modal').open")
    fill_in(page, accountHost="two words")
    press(page, "#connect")
    page.wait("document.getElementById('accountHost-problem').textContent !== ''")
    assert page.eval("sockets") == 0


@ONCE
def test_a_page_without_tls_says_where_there_is_one(phones: Phones) -> None:
    # What a browser does to a page that came over plain http.
    page = phones.new(
        "Object.defineProperty(Navigator.prototype, 'mediaDevices', {value: undefined});"
    )
    page.wait(f"{MESSAGE}.includes('https pages only')")
    link = page.eval("document.getElementById('message-link').href")
    assert link == "https://localhost:8089/static/phone/index.html"


@ONCE
def test_a_server_that_is_not_there(pbx: Asterisk, browser: Browser) -> None:
    page = browser.page()
    open_phone(page, f"{pbx.url}/cmp2k")
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        host = f"localhost:{taken.getsockname()[1]}"
        fill_in(page, accountHost=host)
        for _ in range(2):
            press(page, "#connect")
            told(page, f"No connection to {host}")
            page.wait(f"{value('connect')} === 'Connect'")
    link = page.eval("document.getElementById('message-link').href")
    assert link == f"https://{host}/ws"
    page.close()


@ONCE
def test_a_server_that_comes_back_is_connected_again(pbx: Asterisk, browser: Browser) -> None:
    page = browser.page()
    open_phone(page, f"{pbx.url}/cmp2k")
    fill_in(page)
    connect(page)
    pbx.stop()
    page.wait(f"{value('connect')} === 'Connecting'")
    assert "Trying again" in page.eval(MESSAGE)
    assert page.eval("document.getElementById('call').disabled")
    pbx.start()
    page.wait(f"{value('connect')} === 'Disconnect'")
    assert page.eval(MESSAGE) == ""
    call(page)
    sees(page, 4)
    hang_up(page)
    page.close()
    quiet(pbx)


@ONCE
def test_by_keyboard_on_a_narrow_screen(phones: Phones) -> None:
    page = phones.of("alice")
    page.size(360, 640)
    page.eval("document.getElementById('extension').focus()")
    page.press("2", "4", "6", "\ue007")  # Enter
    sees(page, 4)
    assert page.eval("document.activeElement.id") == "panel", "what had the focus is hidden"
    assert page.eval("document.documentElement.scrollWidth") == 360
    heard = digits(phones.pbx, 4, lambda: page.press("5", "0", "*", "9"))
    assert heard == "50*9"
    press(page, "#keypad-toggle")
    assert digits(phones.pbx, 1, lambda: press(page, "#keypad button")) == "1"


def digits(pbx: Asterisk, count: int, press: Callable[[], None]) -> str:
    """The digits that Asterisk receives while somebody presses keys."""
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
            if "Event: DTMFEnd" in event and "Direction: Received" in event:
                heard += re.findall(r"Digit: (.)", event)[0]
            event = ""
    return heard


def test_muting_oneself_and_the_others(phones: Phones) -> None:
    alice = phones.of("alice")
    dial(alice, "246")
    sees(alice, 4)
    sent = "testPeers[testPeers.length - 1].getSenders()"
    sent += ".filter((s) => s.track).map((s) => s.track.enabled)"
    heard = f"{SHOWN}.map((v) => v.muted)"
    press(alice, "#mute-microphone")
    assert alice.eval(sent) == [False, True]
    press(alice, "#mute-camera")
    assert alice.eval(sent) == [False, False]
    press(alice, "#mute-sound")
    assert alice.eval(heard) == [True] * 4
    press(alice, "#mute-sound")
    assert alice.eval(heard) == [False] * 4
    press(alice, ".tile:not(.local):not(.unseen) button")
    assert alice.eval(heard) == [True, False, False, False]
    hang_up(alice)
    dial(alice, "246")  # nothing of it outlives the call
    sees(alice, 4)
    assert alice.eval(sent) == [True, True]
    assert alice.eval(heard) == [False] * 4
