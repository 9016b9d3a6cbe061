"""Calls between people: the built-in phone and upstream's fixed one, bundled as users get them.

One of the phones is in Chromium and one in Firefox, so that each call is tried in both.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import client
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent
from cmp_bundle.settings.model import Settings
from tests.conftest import _unreal
from tests.testbed.roots import RELEASES, why_not
from tests.testbed.roots import build as build_root
from tests.testbed.server import Asterisk

from . import launch
from .bidi import BrowserError, Page
from .phone_page import connect, fill_in, value
from .phones import (
    ABOUT,
    MESSAGE,
    NO_CAMERA,
    OWN,
    SHOWN,
    Browsers,
    Phones,
    Servers,
    dial,
    furnish,
    hears,
    idle,
    press,
    quiet,
    registered,
    rings,
    sees,
    talk,
    told,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

#: How long a phone may take to notice that the other side is gone, in seconds.
NOTICING = 30.0


@dataclass
class Trio:
    """Three connected phones of one kind; Bob's is in another browser."""

    pbx: Asterisk
    chromium: Phones
    firefox: Phones
    alice: Page
    bob: Page
    carol: Page

    @property
    def phones(self) -> tuple[Page, Page, Page]:
        return self.alice, self.bob, self.carol

    def is_idle(self) -> bool:
        state = f"{value('call')} === 'Call' && {value('connect')} === 'Disconnect'"
        with contextlib.suppress(BrowserError):
            return all(page.eval(state) for page in self.phones)
        return False

    def end(self) -> None:
        self.chromium.end()
        self.firefox.end()


class Standing:
    """A server with a phone, and people at it for as long as all goes well."""

    def __init__(self, source: str, pbx: Asterisk, browsers: Browsers) -> None:
        self.source = source
        self.pbx = pbx
        self.browsers = browsers
        self._trio: Trio | None = None

    def phones(self, browser: str) -> Phones:
        url = f"{self.pbx.url}/static/{self.source}/index.html"
        return Phones(self.pbx, self.browsers(browser), url)

    def trio(self) -> Trio:
        if self._trio and not self._trio.is_idle():
            self.leave()
        if not self._trio:
            here, there = self.phones("chromium"), self.phones("firefox")
            people = here.of("alice"), there.of("bob"), here.of("carol")
            self._trio = Trio(self.pbx, here, there, *people)
        return self._trio

    def leave(self) -> None:
        """Everybody goes home."""
        if self._trio:
            self._trio.end()
        self._trio = None


@pytest.fixture(
    scope="module",
    params=[
        ("22", "builtin"),
        ("16", "builtin"),
        ("22", "upstream"),
        pytest.param(("16", "upstream"), marks=pytest.mark.soak),
    ],
    ids="-".join,
)
def standing(request: pytest.FixtureRequest, browsers: Browsers) -> Iterator[Standing]:
    """Each version and each phone, in turn; all four together in make soak."""
    version, source = request.param
    if reason := why_not():
        _unreal(reason)
    build_root(RELEASES[version])
    cache = request.getfixturevalue("upstream_cache") if source == "upstream" else Path("/nowhere")
    files = build(fetch(parse(source), Cache(cache), Silent()), Settings(), client()).bundle.files
    with contextlib.ExitStack() as stack:
        servers = Servers(stack, lambda pbx: furnish(pbx.static / source, files))
        made = Standing(source, servers(RELEASES[version]), browsers)
        yield made
        made.leave()


@pytest.fixture
def trio(standing: Standing) -> Iterator[Trio]:
    made = standing.trio()
    yield made
    errors = [*made.chromium.errors(), *made.firefox.errors()]
    if errors:
        standing.leave()
    assert not errors


def test_both_see_and_hear_and_either_ends_it(trio: Trio) -> None:
    """Again and again: no call leaves anything to the next."""
    for caller, callee, number, name in (
        (trio.alice, trio.bob, "bob", "Alice"),
        (trio.bob, trio.alice, "alice", "Bob"),
    ):
        tones = callee.eval("testTones")
        dial(caller, number)
        rings(callee, name)
        assert callee.eval(ABOUT) == f"{name.lower()} is calling"
        assert callee.eval("testTones") > tones, "it rings"
        callee.wait(f"document.title === '{name} is calling'", "the tab's title to call")
        caller.wait(f"{ABOUT} === 'Ringing'")
        press(callee, "#call")
        for page in (caller, callee):
            sees(page, 1)
            hears(page)
            assert page.eval(value("call")) == "Hangup"
            assert page.eval(OWN) == 1
        assert "is calling" not in callee.eval("document.title")
        press(caller, "#call")
        idle(caller)
        assert caller.eval(MESSAGE) == ""
        told(callee, f"{name} hung up")
        talk(caller, callee, number, name)
        press(callee, "#call")
        idle(callee)
        told(caller, f"{number} hung up")
    quiet(trio.pbx)


def test_declining_and_cancelling(trio: Trio) -> None:
    alice, bob = trio.alice, trio.bob
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
    quiet(trio.pbx)


def test_a_third_caller_is_told_that_it_is_busy(trio: Trio) -> None:
    alice, bob, carol = trio.phones
    talk(alice, bob, "bob", "Alice")
    dial(carol, "bob")
    told(carol, "bob is busy")
    bob.wait(f"{MESSAGE}.includes('Carol called meanwhile')")
    sees(bob, 1)
    press(bob, "#call")
    told(alice, "bob hung up")
    idle(bob)


def test_calls_that_come_to_nothing(trio: Trio) -> None:
    for extension, words in (
        ("249", "249 is busy"),
        ("999", "There is no 999"),
        ("dave", "There is no dave, or no phone is connected there"),
        (" ", "not a number or an address"),
        ("sip:249@example.org", "249@example.org is busy"),
    ):
        dial(trio.alice, extension)
        told(trio.alice, words)


def test_people_join_a_conference_and_leave_it(trio: Trio) -> None:
    alice, bob, carol = trio.phones
    dial(alice, "300")
    alice.wait(f"{ABOUT} === 'In the call'")
    dial(bob, "300")
    for page in (alice, bob):
        sees(page, 1)
    dial(carol, "300")
    for page in trio.phones:
        sees(page, 2)
    hears(alice)
    press(bob, "#call")
    for page in (alice, carol):
        sees(page, 1)
    dial(bob, "300")
    for page in trio.phones:
        sees(page, 2)
    for page in (bob, carol):
        press(page, "#call")
        idle(page)
    alice.wait(f"{SHOWN}.every((v) => v.videoWidth === 0)", "every picture to go")
    press(alice, "#call")
    idle(alice)


def test_without_a_camera_one_is_heard_and_sees(standing: Standing) -> None:
    standing.leave()
    with standing.phones("chromium") as here, standing.phones("firefox") as there:
        alice, bob = here.of("alice"), there.of("bob", before=NO_CAMERA)
        for caller, callee, name, shown in (
            (alice, bob, "bob", "Alice"),
            (bob, alice, "alice", "Bob"),
        ):
            talk(caller, callee, name, shown)
            sees(bob, 1)
            assert "There is no camera" in bob.eval(MESSAGE)
            assert bob.eval(OWN) == 0
            assert alice.eval(f"{SHOWN}.length") == 0
            hears(alice)
            press(caller, "#call")
            idle(callee)


#: Keeps what the browser's devices bring.
KEEP_TRACKS = """
  const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await ask(wanted);
    window.tracks = stream.getTracks();
    return stream;
  };
"""


def test_a_device_that_is_unplugged_in_a_call_is_told(standing: Standing) -> None:
    standing.leave()
    with standing.phones("chromium") as here:
        page = here.of("alice", before=KEEP_TRACKS)
        dial(page, "246")
        sees(page, 4)
        for kind, words in (("video", "do not see you"), ("audio", "do not hear you")):
            # What a browser does when its device goes.
            page.eval(
                f"tracks.filter((t) => t.kind === '{kind}')"
                ".forEach((t) => { t.stop(); t.dispatchEvent(new Event('ended')); })"
            )
            page.wait(f"{MESSAGE}.includes('{words}')")
        assert page.eval(ABOUT) == "In the call"
        press(page, "#call")
        idle(page)


def test_two_firefoxes_call_each_other(standing: Standing) -> None:
    standing.leave()
    with (
        standing.phones("firefox") as here,
        launch.browsing("firefox") as another,
        Phones(standing.pbx, another, here.url) as there,
    ):
        alice, bob = here.of("alice"), there.of("bob")
        for caller, callee, number, name in (
            (alice, bob, "bob", "Alice"),
            (bob, alice, "alice", "Bob"),
        ):
            talk(caller, callee, number, name)
            for page in (caller, callee):
                sees(page, 1)
                hears(page)
            press(callee, "#call")
            idle(callee)
            told(caller, f"{number} hung up")


def test_a_wrong_password_is_told_once_and_ends_the_attempt(standing: Standing) -> None:
    standing.leave()
    with standing.phones("firefox") as there:
        page = there.new(
            "window.sockets = []; const W = WebSocket;"
            "window.WebSocket = class extends W {"
            "  constructor(...a) { super(...a); window.sockets.push(this); } };"
        )
        fill_in(page, "alice", accountPassword="wrong")
        for attempt in (1, 2, 3):
            press(page, "#connect")
            page.wait(f"sockets.length === {attempt} && {value('connect')} === 'Connect'")
            told(page, "does not accept this ID and password")
        closed = "sockets.every((s) => s.readyState === WebSocket.CLOSED)"
        page.wait(closed, "the sockets to close")
        assert registered(standing.pbx, "alice") == 0
        fill_in(page)
        connect(page)
        assert page.eval(MESSAGE) == ""
        assert page.eval("sockets.filter((s) => s.readyState === WebSocket.OPEN).length") == 1
        assert registered(standing.pbx, "alice") == 1


def test_an_endpoint_without_webrtc_is_explained(standing: Standing) -> None:
    standing.leave()
    with standing.phones("chromium") as here:
        page = here.new()
        fill_in(page, "desk", "246", accountPassword="desk")
        connect(page)
        dial(page, "246")
        told(page, "webrtc=yes")


def test_whoever_closes_the_tab_hangs_up_and_whoever_vanishes_is_missed(
    standing: Standing, tmp_path: Path
) -> None:
    standing.leave()
    with standing.phones("chromium") as here, standing.phones("firefox") as there:
        alice, bob = here.of("alice"), there.of("bob")
        talk(alice, bob, "bob", "Alice")
        there.close(bob)
        told(alice, "bob hung up")
        victim = launch.start("firefox", tmp_path)
        try:
            bob = Phones(standing.pbx, victim, here.url).of("bob")
            talk(alice, bob, "bob", "Alice")  # and calls again
            sees(alice, 1)
        finally:
            victim.kill()
        alice.wait(f"{MESSAGE}.includes('Nothing has come from bob')", patience=NOTICING)
        press(alice, "#call")
        idle(alice)
