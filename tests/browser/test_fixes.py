"""Each fix of upstream's phone: what it changes, and that without it nothing changes.

The phone is tried twice for each, as it is built and as it is built ``--without`` that fix: what
is seen must differ, so no test here can pass for another reason.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from cmp_bundle.bundle.build import build
from cmp_bundle.bundle.client import client, fixes
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent
from cmp_bundle.settings.model import BuildSettings, Settings
from tests.conftest import _unreal
from tests.testbed import roots
from tests.testbed.server import Asterisk

from . import launch
from .bidi import Page
from .phone_page import call, connect, fill_in, hang_up, value
from .phones import (
    ABOUT,
    DEAF,
    ENDLESS,
    FAR,
    MESSAGE,
    OWN,
    PEER,
    SHOWN,
    Browsers,
    Phones,
    dial,
    digits,
    furnish,
    idle,
    particular,
    press,
    quiet,
    sees,
    talk,
)

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.upstream]

#: What a page of these tests keeps account of before anything else runs in it.
WATCHED = """
  window.errors = [];
  addEventListener("error", (event) => errors.push(event.message));
  window.sockets = [];
  const W = WebSocket;
  window.WebSocket = class extends W {
    constructor(url, ...more) { super(url, ...more); sockets.push(url); }
  };
  window.timers = new Set();
  const set = setInterval, clear = clearInterval;
  window.setInterval = (does, every, ...more) => {
    const timer = set(does, every, ...more);
    if (every === 1000) timers.add(timer);
    return timer;
  };
  window.clearInterval = (timer) => { timers.delete(timer); clear(timer); };
  window.titles = [];
  addEventListener("DOMContentLoaded", () => {
    const title = document.querySelector("title");
    new MutationObserver(() => titles.push(document.title)).observe(title, {childList: true});
  });
  window.tried = 0;
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (...how) {
    tried++;
    return add.apply(this, how);
  };
"""


class Desk:
    """One server, and phones at it that were fixed more or less."""

    def __init__(self, pbx: Asterisk, browsers: Browsers, phone: Phone) -> None:
        self.pbx = pbx
        self.browsers = browsers
        self.phone = phone
        self._others: dict[str, Phones] = {}

    def site(self, name: str, phone: Phone, *without: str) -> str:
        """Put a bundle on the server; its page's address."""
        site = self.pbx.static / name
        if not site.exists():
            # Unpacked, because zopfli takes its time.
            how = BuildSettings(pack=False, without=without)
            furnish(site, build(phone, Settings(build=how), client()).bundle.files)
        return f"{self.pbx.url}/static/{name}/index.html"

    def phones(self, without: str | None, browser: str = "chromium") -> Phones:
        name = f"without-{without}" if without else "fixed"
        url = self.site(name, self.phone, *([without] if without else []))
        return Phones(self.pbx, self.browsers(browser), url)

    def alice(self) -> Page:
        """A fixed phone that is always there, to call and to be called."""
        return self._standing("alice")

    def _standing(self, account: str) -> Page:
        if account not in self._others:
            self._others[account] = self.phones(None)
            self._others[account].of(account)
        return self._others[account].open[0]

    def end(self) -> None:
        for phones in self._others.values():
            phones.end()


@pytest.fixture(scope="module")
def desk(upstream_cache: Any) -> Iterator[Desk]:
    reasons = (roots.why_not(), *map(launch.missing, ("chromium", "firefox")))
    for reason in filter(None, reasons):
        _unreal(reason)
    release = roots.RELEASES["22"]
    roots.build(release)
    phone = fetch(parse("upstream"), Cache(upstream_cache), Silent())
    with contextlib.ExitStack() as stack:
        pbx = particular(release)
        stack.callback(pbx.remove)
        pbx.start()
        made = Desk(pbx, Browsers(stack), phone)
        yield made
        made.end()


@dataclass
class Sight:
    """What somebody may look at: a fresh page of the phone, and how to get more."""

    desk: Desk
    phones: Phones
    without: str | None

    def page(self, before: str = "") -> Page:
        return self.phones.new(WATCHED + before)

    def of(self, account: str, before: str = "") -> Page:
        page = self.page(before)
        fill_in(page, account, "")
        connect(page)
        return page


#: What to look at for a fix, and what is seen there with it.
Look = Callable[[Sight], Any]
LOOKS: dict[str, tuple[Look, Any]] = {}


def sees_with(fix: str, expected: Any) -> Callable[[Look], Look]:
    def enter(look: Look) -> Look:
        assert fix not in LOOKS
        LOOKS[fix] = look, expected
        return look

    return enter


@sees_with("D1", "Answer")
def _rings(sight: Sight) -> Any:
    bob, alice = sight.of("bob"), sight.desk.alice()
    dial(alice, "bob")
    bob.wait(f"{value('call')} === 'Answer' || errors.length")
    seen = bob.eval(value("call"))
    press(alice, "#decline")
    idle(alice)
    return seen


@sees_with("D2", [True, True])
def _answers(sight: Sight) -> Any:
    bob, alice = sight.of("bob"), sight.desk.alice()
    dial(alice, "bob")
    bob.wait(f"{value('call')} === 'Answer'")
    declinable = bob.eval("!document.getElementById('decline').hidden")
    press(bob, "#call")
    seen = [declinable, bob.eval("Boolean(phone._rtc && phone._rtc.isEstablished())")]
    press(alice, "#call")
    idle(alice)
    return seen


@sees_with("D3", "Disconnect")
def _authenticates(sight: Sight) -> Any:
    page = sight.page()
    fill_in(page, "dave", accountPassword="secret", accountName="david")
    press(page, "#connect")
    return page.wait(f"/^(Disc|C)onnect$/.test({value('connect')}) && {value('connect')}")


@sees_with("D4", True)
def _connects_to_where_it_came_from(sight: Sight) -> Any:
    page = sight.page()
    fill_in(page)
    press(page, "#connect")
    page.wait("sockets.length")
    return page.eval("sockets[0] === `wss://${location.host}/ws`")


@sees_with("D5", True)
def _tells(sight: Sight) -> Any:
    page = sight.page()
    fill_in(page, accountPassword="wrong")
    press(page, "#connect")
    page.wait(f"{value('connect')} === 'Connect'")
    return page.eval(f"{MESSAGE}.includes('does not accept this ID and password')")


@sees_with("D6", 0)
def _gives_up(sight: Sight) -> Any:
    page = sight.page()
    page.eval(
        "void (window.agents = [], JsSIP.UA = class extends JsSIP.UA"
        " { constructor(how) { super(how); agents.push(this); } })"
    )
    fill_in(page, accountHost="localhost:1")  # nobody listens there
    for attempt in (1, 2):
        press(page, "#connect")
        page.wait(f"agents.length === {attempt} && {value('connect')} === 'Connect'")
    # Those that are not closed go on trying.
    return page.eval(
        "agents.filter((agent) => agent.status !== JsSIP.UA.C.STATUS_USER_CLOSED).length"
    )


@sees_with("D7", [True, []])
def _asks_for_tls(sight: Sight) -> Any:
    page = sight.page(
        "Object.defineProperty(window, 'isSecureContext', {value: false});"
        "delete Navigator.prototype.mediaDevices;"
    )
    told = page.eval(f"{MESSAGE}.includes('https')")
    fill_in(page)
    press(page, "#connect")
    return [told, page.eval("sockets")]


@sees_with("D8", 0)
def _clears_pictures(sight: Sight) -> Any:
    page = sight.of("bob")
    fill_in(page, "bob")
    call(page)
    page.wait(f"{OWN} === 1")
    sight.desk.pbx.rx("channel request hangup all")
    page.wait(f"{value('call')} === 'Call'")
    return page.eval("document.querySelectorAll('#media-views *').length")


@sees_with("D9", [False, False])
def _can_be_cancelled(sight: Sight) -> Any:
    page = sight.of("bob")
    dial(page, "250")
    page.wait(f"{value('call')} === 'Ringing'")
    call_button = "document.getElementById('call')"
    seen = [page.eval(f"{call_button}.disabled"),
            page.eval("document.getElementById('decline').hidden")]  # fmt: skip
    page.eval("phone.terminate()")
    return seen


@sees_with("D10", [True, False])
def _asks_alike(sight: Sight) -> Any:
    page = sight.of(
        "bob",
        "window.asked = [];"
        "const devices = navigator.mediaDevices, all = devices.enumerateDevices.bind(devices);"
        "devices.enumerateDevices = async () => (await all()).filter((d) => d.kind === 'audioinput');"
        "const ask = devices.getUserMedia.bind(devices);"
        "devices.getUserMedia = (wanted) => { asked.push(wanted); return ask(wanted); };",
    )
    # Upstream asks the system, and may be called before it has the answer.
    page.wait("phone.video === false", "the phone to know that there is no camera")
    dial(page, "sip:246@localhost")
    asked = page.wait("asked.length && asked[0]")
    page.wait(f"{value('call')} === 'Hangup'")
    return [bool(asked["audio"]), bool(asked.get("video"))]


@sees_with("D11", 0)
def _who_leaves_is_gone(sight: Sight) -> Any:
    # Chromium tells upstream that somebody left.
    with sight.desk.phones(sight.without, "firefox") as phones:
        page, alice = phones.of("bob"), sight.desk.alice()
        for person in (page, alice):
            dial(person, "300")
            person.wait(f"{value('call')} === 'Hangup'")
        sees(page, 1)
        press(alice, "#call")
        idle(alice)
        videos = (
            "testPeers.at(-1).getTransceivers().filter((t) => t.receiver.track.kind === 'video')"
        )
        # The first is one's own; nobody's comes back in it.
        page.wait(
            f"{videos}.slice(1).every((t) => /inactive|sendonly|stopped/.test(t.currentDirection))"
        )
        return page.eval(f"{SHOWN}.length")


@sees_with("D12", "nothing")
def _hangs_up_once(sight: Sight) -> Any:
    page = sight.of("bob")
    dial(page, "249")
    page.wait(f"{value('call')} === 'Call' && Boolean(phone._rtc)")
    return page.eval(
        "(() => { try { phone.terminate(); return 'nothing'; } catch ({ name }) { return name; } })()"
    )


@sees_with("D13", ["password", "current-password", "username", True, True])
def _hides_the_password(sight: Sight) -> Any:
    page = sight.page()
    return page.eval(
        "(({type, autocomplete, form}) => [type, autocomplete, accountId.autocomplete,"
        " Boolean(form?.querySelector('[type=submit]')), form !== null && form === accountId.form])"
        "(accountPassword)"
    )


@sees_with("D14", [0, "accountId", "block"])
def _empty_is_empty(sight: Sight) -> Any:
    page = sight.page()
    press(page, "#connect")
    page.wait(f"sockets.length || {MESSAGE}")
    focus = page.eval("document.activeElement.id")
    shown = page.eval("document.getElementById('account-modal').style.display")
    return [page.eval("sockets.length"), focus, shown]


@sees_with("D15", 0)
def _timers_end(sight: Sight) -> Any:
    page = sight.of("bob")
    fill_in(page, "bob")
    before = page.eval("timers.size")
    call(page)
    sees(page, 4)
    assert page.eval("timers.size") >= before + 4
    hang_up(page)
    return page.eval(f"timers.size - {before}")


@sees_with("D16", True)
def _words_are_styled(sight: Sight) -> Any:
    page = sight.of("bob")
    fill_in(page, "bob")
    call(page)
    page.wait(f"{OWN} === 1")
    return page.eval("document.querySelectorAll('.media-view > .media-overlay').length > 0")


@sees_with("D18", False)
def _sniffs_no_browser(sight: Sight) -> Any:
    return sight.page().eval("isChrome || isFirefox")


@sees_with("D19", 0)
def _tries_out_no_browser(sight: Sight) -> Any:
    return sight.of("bob").eval("tried")


@sees_with("D20", "Hangup")
def _sends_without_streams(sight: Sight) -> Any:
    page = sight.of("bob", "delete RTCPeerConnection.prototype.addStream;")
    dial(page, "246")
    return page.wait(f"/^(Hangup|Call)$/.test({value('call')}) && {value('call')}")


@sees_with("D21", 1)
def _shows_ones_own_picture(sight: Sight) -> Any:
    page = sight.of("bob", "delete RTCPeerConnection.prototype.getLocalStreams;")
    page.eval(
        "void (phone._ua.on('newRTCSession', ({session}) =>"
        " session.on('confirmed', () => (window.confirmed = true))))"
    )
    dial(page, "246")
    page.wait(f"window.confirmed || {value('call')} === 'Call'")
    return page.eval(OWN)


@sees_with("D22", 2)
def _one_box_for_each(sight: Sight) -> Any:
    bob, alice = sight.of("bob"), sight.desk.alice()
    talk(alice, bob, "bob", "Alice")
    sees(bob, 1)
    seen = bob.eval("document.querySelectorAll('.media-view').length")
    press(alice, "#call")
    idle(alice)
    return seen


@sees_with("D23", True)
def _sound_waits_for_no_picture(sight: Sight) -> Any:
    page, alice = sight.of("bob"), sight.desk.alice()
    for person in (page, alice):
        dial(person, "300")
        person.wait(f"{value('call')} === 'Hangup'")
    sees(page, 1)
    page.wait(
        "testStats(testPeers.at(-1)).then((rows) => [...rows.values()].some((row) =>"
        " row.type === 'inbound-rtp' && row.kind === 'audio' && row.packetsReceived > 50))"
    )
    seen = page.eval(
        "[...document.querySelectorAll('#media-views :is(audio, video)')].some((player) =>"
        " !player.muted && player.readyState > 1 && player.srcObject.getAudioTracks().length)"
    )
    press(alice, "#call")
    idle(alice)
    return seen


@sees_with("D24", [True, "Connect"])
def _leaves(sight: Sight) -> Any:
    page = sight.of("bob")
    page.eval("void dispatchEvent(new Event('pagehide'))")
    closed = page.eval("phone._ua.status === JsSIP.UA.C.STATUS_USER_CLOSED")
    if closed:
        page.wait(f"{value('connect')} === 'Connect'")
    return [closed, page.eval(value("connect"))]


@sees_with("D25", ["Alice", "alice is calling", True, True, 3])
def _comforts(sight: Sight) -> Any:
    bob, alice = sight.of("bob"), sight.desk.alice()
    dial(alice, "bob")
    bob.wait(f"{value('call')} === 'Answer'")
    seen = [bob.eval(what) for what in (PEER, ABOUT, "testTones > 0")]
    called = bob.eval("titles.includes('Alice is calling')")
    lists = bob.eval("document.querySelectorAll('.account-content select').length")
    press(alice, "#decline")
    idle(alice)
    return [*seen, called, lists]


@sees_with("D26", ["stun:127.0.0.1:1"])
def _uses_stun(sight: Sight) -> Any:
    page = sight.of("bob")
    page.eval("void (cmpBundle.ice = [{url: 'stun:127.0.0.1:1'}])")
    fill_in(page, "bob")
    call(page)
    return page.eval("testPeers.at(-1).getConfiguration().iceServers.flatMap((one) => one.urls)")


@sees_with("D28", True)
def _tells_a_lost_registration(sight: Sight) -> Any:
    page = sight.of("bob")
    page.eval(
        "void (phone.handle('unregistered', () => (window.lost = true)), phone._ua.unregister())"
    )
    page.wait("window.lost")
    return page.eval(f"{MESSAGE}.includes('no longer registered')")


@sees_with("D29", ["Disconnect", "Disconnect"])
def _connects_again(sight: Sight) -> Any:
    # Waiting is short, or the time that JsSIP has for an answer would be waited for.
    page = sight.page(DEAF)
    fill_in(page, "bob", "")
    seen = []
    # A server that never answers gives the connection up about when JsSIP does (seen).
    for unanswered in ("hasty = true, phone._ua.register()", "phone._ua.register(), deaf.close()"):
        if page.eval(value("connect")) == "Connect":
            connect(page)
        page.eval(
            "void (window.deaf = window.last, window.lost = false,"
            f" phone._ua.once('disconnected', () => (window.lost = true)), {unanswered})"
        )
        page.wait("window.lost", "the loss to be noticed")
        page.eval("void (window.hasty = false)")
        if sight.without is None:
            page.wait(f"{value('connect')} === 'Disconnect' && last !== deaf", "another connection")
            assert page.eval(MESSAGE) == ""
        seen.append(page.eval(value("connect")))
    return seen


def test_every_fix_is_looked_at() -> None:
    assert set(LOOKS) == {fix.id for fix in fixes() if not fix.instead}


@pytest.mark.parametrize("fix", LOOKS)
def test_it_fixes_and_without_it_nothing_does(desk: Desk, fix: str) -> None:
    look, expected = LOOKS[fix]
    for without in (None, fix):
        with contextlib.ExitStack() as stack:
            phones = desk.phones(without)
            stack.callback(phones.end)
            seen = look(Sight(desk, phones, without))
            if without is None:
                assert seen == expected
                assert not phones.errors()
            else:
                assert seen != expected, f"{seen} is seen without {fix} as well"


def test_in_a_call(desk: Desk) -> None:
    """Keypad, hold, and another camera."""
    with desk.phones(None) as phones:
        bob, alice = phones.of("bob", FAR), desk.alice()
        talk(bob, alice, "alice", "Bob")
        sees(bob, 1)
        press(alice, "#hold")
        alice.wait(f"{ABOUT} === 'On hold' && {value('hold')} === 'Resume'")
        press(alice, "#hold")
        alice.wait(f"{ABOUT} === 'In the call'")
        for page in (alice, bob):
            sees(page, 1)
        sent = "phone._rtc.connection.getSenders().map(({track}) => track?.id)"
        before = bob.eval(sent)
        options = "document.getElementById('camera').options"
        bob.wait(f"[...{options}].some((option) => option.text.includes('fake'))", "cameras' names")
        bob.eval(
            f"void (camera.value = {options}[0].value, camera.dispatchEvent(new Event('change')))"
        )
        bob.wait(f"{sent}.some((id) => !{before}.includes(id))", "another track to be sent")
        sees(alice, 1)
        assert bob.eval(OWN) == 1
        assert bob.eval("document.querySelector('#media-views video').hasAttribute('playsinline')")
        press(bob, "#call")
        idle(alice)
        dial(bob, "246")
        sees(bob, 4)
        press(bob, "#keypad-toggle")

        def strike() -> None:
            press(bob, "#keypad button")
            bob.press("9", "*")

        assert digits(desk.pbx, 3, strike) == "19*"
        hang_up(bob)
    quiet(desk.pbx)


def test_looking_for_ways_to_the_browser_does_not_hold_up_a_call(desk: Desk) -> None:
    with desk.phones(None) as phones:
        page = phones.of("bob", before=ENDLESS)
        fill_in(page, "bob")
        call(page)
        sees(page, 4)


#: What a later upstream might do about some defects itself, in place of what it does now.
FIXED_THERE = {
    "cyber_mega_phone.js": [
        ("username: this.name ? this.name : this.id,", "authorization_user: this.name || this.id,"),
        (
            "rtc.connection.ontrack = function",
            "let watch = (connection) => { connection.ontrack = function",
        ),
        ("rtc.connection.onremovestream = function", "connection.onremovestream = function"),
        (
            'if (data.originator === "remote") {',
            "};\nif (rtc.connection) watch(rtc.connection);\n"
            "else rtc.on('peerconnection', ({peerconnection}) => watch(peerconnection));\n"
            'if (data.originator === "remote") {\nthat._rtc = rtc;',
        ),
    ],
    "index.html": [
        ('node.value == "Answer") {', 'node.value == "Answer") {\nphone.answer();'),
        ('<div class="account-content">', '<div class="account-content"><form id="theirs">'),
        ('<input type="text" id="extension"/>', '<input type="text" id="extension"/></form>'),
        (
            '<input type="text" id="accountPassword" />',
            '<input type="password" id="accountPassword">',
        ),
        ("videoOverlay.classname", "videoOverlay.className"),
    ],
}


def test_what_a_later_upstream_fixes_itself_is_left_alone(desk: Desk) -> None:
    files = dict(desk.phone.files)
    for name, changes in FIXED_THERE.items():
        text = files[name].data.decode()
        for old, new in changes:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        files[name] = PhoneFile(text.encode())
    phone = Phone.of(files, source="a later upstream")
    with Phones(desk.pbx, desk.browsers("chromium"), desk.site("later", phone)) as phones:
        bob, alice = phones.new(WATCHED), desk.alice()
        assert bob.eval("accountPassword.form.id") == "theirs"
        fill_in(bob, "bob", "", accountName="bob")
        connect(bob)
        for _ in range(2):
            talk(alice, bob, "bob", "Alice")
            for page in (alice, bob):
                sees(page, 1)
            press(bob, "#call")
            idle(alice)
            idle(bob)
        assert bob.eval("errors") == []


def test_a_server_that_is_not_there_and_one_that_comes_back(desk: Desk) -> None:
    with desk.phones(None) as phones:
        page = phones.new()
        fill_in(page, "bob", "", accountHost="localhost:1")
        press(page, "#connect")
        page.wait(f"{MESSAGE}.includes('No connection to localhost:1')")
        assert page.eval("document.getElementById('message-link').href") == "https://localhost:1/ws"
        fill_in(page, "bob", "246", accountHost="")
        connect(page)
        assert page.eval(MESSAGE) == ""
        desk.pbx.stop()
        page.wait(f"{MESSAGE}.includes('Trying again')")
        desk.pbx.start()
        page.wait(f"{value('connect')} === 'Disconnect'", "the connection to come back")
        assert page.eval(MESSAGE) == ""
        call(page)
        sees(page, 4)
        # Browsers write down every connection that fails.
        assert all("WebSocket connection" in line for line in phones.errors())
        hang_up(page)
        phones.end()
