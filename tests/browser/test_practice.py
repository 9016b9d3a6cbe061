"""The practice PBX with real browsers: the built-in phone in the dev server, as people try it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cmp_bundle.bundle.build import Built, Live, build
from cmp_bundle.bundle.client import client
from cmp_bundle.devserver.built_files import FOLDER
from cmp_bundle.devserver.pbx import InnerPbx
from cmp_bundle.phone.builtin import read_builtin
from cmp_bundle.phone.model import Phone
from cmp_bundle.practice.account import PracticeAccount
from cmp_bundle.practice.pbx import PracticePbx
from cmp_bundle.settings.model import Settings
from tests.unit.devserver.running import serving

from . import launch
from .bidi import Page
from .launch import Browser
from .phone_page import connect, fill_in, open_phone, pictures_move, value
from .phones import ABOUT, MESSAGE, OWN, dial, idle, press, rings, sees, talk, told

pytestmark = pytest.mark.browser

ACCOUNTS = (
    PracticeAccount("alice", password="wonder1and", display_name="Alice"),
    PracticeAccount("bob", password="bui1der", display_name='Bob "the builder"'),
    PracticeAccount("carol", password="cr1stmas"),
)


def _builtin(number: int) -> Built:
    phone = Phone.of(read_builtin(), source="builtin")
    live = Live((f"/__cmp/page.js?live-{number}", "/livereload.js"), FOLDER.format(number=number))
    return build(phone, Settings(), client(), live=live)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where the phone is, with a practice PBX behind it."""
    pbx = PracticePbx(ACCOUNTS)
    with serving(_builtin, pbx=InnerPbx(pbx)) as running:
        yield running.url
        # Waited for: what a call had open would stay so when the loop ends.
        asyncio.run_coroutine_threadsafe(pbx.aclose(), running.loop).result(30)


@pytest.fixture(scope="module")
def browsers() -> Iterator[Callable[[str], Browser]]:
    """Starts a browser when it is first asked for, once for all tests here."""
    with contextlib.ExitStack() as stack:
        running: dict[str, Browser] = {}

        def browser(name: str) -> Browser:
            if name not in running:
                running[name] = stack.enter_context(launch.browsing(name))
            return running[name]

        yield browser


@pytest.fixture
def browser(browser_name: str, browsers: Callable[[str], Browser]) -> Browser:
    return browsers(browser_name)


class Phones:
    """Opens phones, each in a tab of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.open: list[Page] = []

    def new(self, browser: Browser) -> Page:
        page = browser.page()
        self.open.append(page)
        open_phone(page, f"{self.url}/cmp2k")
        return page

    def of(self, browser: Browser, account: str) -> Page:
        """A phone that is connected and can be called."""
        page = self.new(browser)
        fill_in(page, account, "")
        connect(page)
        return page

    def close(self, page: Page) -> None:
        """As a person closes a tab."""
        self.open.remove(page)
        page.session.send("browsingContext.close", context=page.context, promptUnload=True)


@pytest.fixture
def phones(url: str) -> Iterator[Phones]:
    made = Phones(url)
    yield made
    errors = [line for page in made.open for line in page.log if line.startswith("error")]
    for page in list(made.open):
        made.close(page)
    assert not errors


def answered(page: Page) -> None:
    page.wait(f"{ABOUT} === 'In the call'", "the call to be answered")


#: Packets of sound that have come so far.
SOUND = """(async () => {
  let packets = 0;
  for (const peer of window.testPeers) {
    if (peer.connectionState === "closed") continue;
    for (const row of (await testStats(peer)).values())
      if (row.type === "inbound-rtp" && row.kind === "audio") packets += row.packetsReceived;
  }
  return packets;
})()"""


def hears(page: Page) -> None:
    before = page.eval(SOUND)
    page.wait(f"{SOUND}.then((n) => n > {before} + 10)", "sound to arrive")


def test_an_echo_again_and_again(phones: Phones, browser: Browser) -> None:
    alice = phones.of(browser, "alice")
    for _ in range(2):
        dial(alice, "246")
        answered(alice)
        assert pictures_move(alice, at_least=2) == 2
        hears(alice)
        assert alice.eval(OWN) == 1
        press(alice, "#call")
        idle(alice)
        assert alice.eval(MESSAGE) == ""


def test_four_echoes(phones: Phones, browser: Browser) -> None:
    alice = phones.of(browser, "alice")
    dial(alice, "247")
    answered(alice)
    sees(alice, 4)
    assert pictures_move(alice, at_least=5) == 5
    press(alice, "#call")
    idle(alice)
    dial(alice, "246")
    sees(alice, 1)


def test_being_called_back(phones: Phones, browser: Browser) -> None:
    alice = phones.of(browser, "alice")
    for ending in ("#call", "#decline"):
        dial(alice, "248")
        told(alice, "248 hung up")
        rings(alice, "Practice")
        if ending == "#call":
            press(alice, "#call")
            answered(alice)
            sees(alice, 1)
        press(alice, ending)
        idle(alice)


def test_numbers_that_do_not_answer(phones: Phones, browser: Browser) -> None:
    alice = phones.of(browser, "alice")
    dial(alice, "249")
    told(alice, "249 is busy")
    for button in ("#decline", "#call"):  # Cancel, and Ringing
        dial(alice, "250")
        alice.wait(f"{ABOUT} === 'Ringing'")
        press(alice, button)
        idle(alice)
        assert alice.eval(MESSAGE) == ""
    dial(alice, "251")
    told(alice, "There is no 251")
    dial(alice, "carol")
    told(alice, "carol cannot be reached now")


def test_a_wrong_password(phones: Phones, browser: Browser) -> None:
    page = phones.new(browser)
    fill_in(page, "alice", accountPassword="wrong")
    press(page, "#connect")
    told(page, "does not accept this ID and password")
    page.wait(f"{value('connect')} === 'Connect'")
    fill_in(page, "alice")
    connect(page)
    dial(page, "246")
    sees(page, 1)


def test_one_calls_the_other_and_both_can_end_it(phones: Phones, browser: Browser) -> None:
    alice, bob = phones.of(browser, "alice"), phones.of(browser, "bob")
    talk(alice, bob, "bob", "Alice")
    for page in (alice, bob):
        sees(page, 1)
    press(alice, "#call")
    idle(alice)
    told(bob, "Alice hung up")
    talk(bob, alice, "alice", 'Bob "the builder"')
    sees(alice, 1)
    press(alice, "#call")
    idle(alice)
    told(bob, "alice hung up")
    dial(alice, "bob")
    rings(bob, "Alice")
    press(alice, "#call")
    idle(alice)
    told(bob, "Missed call from Alice")
    dial(alice, "bob")
    rings(bob, "Alice")
    press(bob, "#decline")
    idle(bob)
    alice.wait(f"{value('call')} === 'Call'", "the call to be over")


def test_whoever_closes_the_tab_hangs_up(phones: Phones, browser: Browser) -> None:
    alice, bob = phones.of(browser, "alice"), phones.of(browser, "bob")
    talk(alice, bob, "bob", "Alice")
    sees(alice, 1)
    phones.close(bob)
    told(alice, "bob hung up")
    dial(alice, "bob")
    told(alice, "bob cannot be reached now")


def test_chromium_and_firefox_see_each_other(
    phones: Phones, browsers: Callable[[str], Browser], browser_name: str
) -> None:
    names = ["chromium", "firefox"]
    if any(launch.missing(name) for name in names):
        pytest.skip("one of the two is missing")
    names.sort(key=lambda name: name != browser_name)
    alice, bob = (phones.of(browsers(n), a) for n, a in zip(names, ("alice", "bob"), strict=True))
    talk(alice, bob, "bob", "Alice")
    for page in (alice, bob):
        sees(page, 1)
        hears(page)
    press(bob, "#call")
    told(alice, "bob hung up")


#: What the tests' browsers are told about addresses, and a person's are not.
AS_INSTALLED = {
    "media.peerconnection.ice.loopback": False,
    "media.peerconnection.ice.obfuscate_host_addresses": True,
}
UNUSUAL = ("--allow-loopback-in-peer-connection", "--disable-features=WebRtcHideLocalIpsWithMdns")


def test_a_browser_as_it_is_installed(
    phones: Phones, browser_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = [a for a in launch.CHROMIUM_ARGS if a not in UNUSUAL]
    monkeypatch.setattr(launch, "CHROMIUM_ARGS", arguments)
    prefs = AS_INSTALLED if browser_name == "firefox" else None
    with contextlib.closing(launch.start(browser_name, tmp_path, prefs)) as browser:
        alice = phones.of(browser, "alice")
        dial(alice, "247")
        sees(alice, 4)
        press(alice, "#call")
        idle(alice)
        dial(alice, "248")
        rings(alice, "Practice")
        press(alice, "#call")
        sees(alice, 1)
        phones.close(alice)
