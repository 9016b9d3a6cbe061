"""The built-in phone with real browsers and real Asterisks, as people use it.

It is tried as compiled, not as bundled, under the content security policy of a bundle.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import cmp_bundle
from tests.testbed.roots import Release
from tests.testbed.server import Asterisk

from .launch import Browser
from .phone_page import (
    WHOLE_FRAMES,
    call,
    connect,
    fill_in,
    hang_up,
    open_phone,
    pictures_move,
    value,
)
from .phones import (
    ABOUT,
    DEAF,
    ENDLESS,
    FAR,
    MESSAGE,
    OWN,
    Browsers,
    Phones,
    Servers,
    dial,
    digits,
    idle,
    press,
    quiet,
    registered,
    sees,
    talk,
    told,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

COMPILED = Path(cmp_bundle.__file__).parent / "client/phone"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "media-src 'self' blob: data: mediastream:; connect-src 'self' wss:"
)


def _furnish(pbx: Asterisk) -> None:
    site = pbx.static / "phone"
    shutil.copytree(COMPILED, site)
    page = (site / "index.html").read_text()
    meta = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    (site / "index.html").write_text(page.replace("<head>", f"<head>{meta}", 1))
    with (pbx.etc / "http.conf").open("a") as more:
        more.write("redirect=/cmp2k /static/phone/index.html\n")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with contextlib.ExitStack() as stack:
        yield Servers(stack, _furnish)


@pytest.fixture
def pbx(asterisk_release: Release, servers: Servers) -> Asterisk:
    return servers(asterisk_release)


@pytest.fixture(scope="module")
def browsers() -> Iterator[Browsers]:
    with contextlib.ExitStack() as stack:
        yield Browsers(stack)


@pytest.fixture
def browser(browser_name: str, browsers: Browsers) -> Browser:
    return browsers(browser_name)


@pytest.fixture
def phones(pbx: Asterisk, browser: Browser) -> Iterator[Phones]:
    made = Phones(pbx, browser, f"{pbx.url}/cmp2k")
    yield made
    errors = made.errors()
    made.end()
    assert not errors


#: For what the server's version has no part in.
ONCE = pytest.mark.parametrize("asterisk_release", ["22"], indirect=True)


def test_the_echo_comes_with_pictures_again_and_again(phones: Phones) -> None:
    alice = phones.of("alice")
    for _ in range(2):
        fill_in(alice, extension="246")
        call(alice)
        assert pictures_move(alice, at_least=5) == 5
        assert alice.eval(OWN) == 1
        hang_up(alice)


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


@ONCE
def test_looking_for_ways_to_the_browser_does_not_hold_up_a_call(phones: Phones) -> None:
    alice = phones.of("alice", before=ENDLESS)
    fill_in(alice, extension="246")
    call(alice)
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
def test_a_connection_that_died_in_silence_is_made_again(phones: Phones) -> None:
    # A laptop that slept: what it sends reaches nobody, and no browser says so. Waiting is short here.
    page = phones.of("alice", DEAF)
    page.eval(
        # It is told for as long as it takes to connect again, which may be no time.
        "void (window.told = [], new MutationObserver(() => told.push(document.body.innerText))"
        ".observe(document.getElementById('message'),"
        " {attributes: true, characterData: true, childList: true, subtree: true}))"
    )
    page.eval("void (window.deaf = window.last, window.hasty = true)")
    page.eval("void dispatchEvent(new Event('online'))")
    page.wait("told.some((text) => text.includes('Trying again'))", "the loss to be noticed")
    page.wait(f"{value('connect')} === 'Disconnect' && last !== deaf", "another connection")
    assert page.eval(MESSAGE) == ""
    page.eval("void (window.hasty = false)")  # or Asterisk had to answer the call as quickly
    dial(page, "246")
    sees(page, 4)


@ONCE
def test_whole_frames_are_sent_for_as_long_as_a_picture_is_missing(phones: Phones) -> None:
    # StreamEcho hands on nobody's question for one, so a picture cannot begin without.
    none = 'Object.defineProperty(HTMLVideoElement.prototype, "videoWidth", {get: () => 0});'
    alice = phones.of("alice", none)
    dial(alice, "246")
    alice.wait(f"{WHOLE_FRAMES}.then((f) => f.some((n) => n > 3))", "whole frames")
    hang_up(alice)


@ONCE
def test_the_speaker_goes_back_to_the_usual_one(phones: Phones) -> None:
    page = phones.of(
        "alice",
        "window.sinks = []; HTMLMediaElement.prototype.setSinkId = async (id) => {"
        " window.sinks.push(id); };",
    )
    dial(page, "246")
    sees(page, 4)
    choose = (
        "(() => {{ const s = document.getElementById('speaker'); s.append(new Option('x', {0}));"
        " s.value = {0}; s.dispatchEvent(new Event('change')); return sinks[sinks.length - 1]; }})()"
    )
    assert page.eval(choose.format("'desk'")) == "desk"
    assert page.eval(choose.format("''")) == ""


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


def test_a_call_is_put_on_hold_and_taken_up_again(phones: Phones) -> None:
    alice, bob = phones.of("alice"), phones.of("bob", FAR)
    talk(alice, bob, "bob", "Alice")
    sees(bob, 1)
    pressed = "document.getElementById('hold').getAttribute('aria-pressed')"
    press(alice, "#hold")
    alice.wait(f"{ABOUT} === 'On hold' && {pressed} === 'true'")
    press(alice, "#hold")
    alice.wait(f"{ABOUT} === 'In the call' && {pressed} === 'false'")
    for page in (alice, bob):
        sees(page, 1)
    press(alice, "#call")
    idle(bob)


@ONCE
def test_muting_oneself_and_the_others(phones: Phones) -> None:
    alice = phones.of("alice")
    dial(alice, "246")
    sees(alice, 4)
    sent = "testPeers[testPeers.length - 1].getSenders()"
    sent += ".filter((s) => s.track).map((s) => s.track.enabled)"
    heard = (
        "[...document.querySelectorAll('.tile:not(.local):not(.unseen) audio')].map((a) => a.muted)"
    )
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
