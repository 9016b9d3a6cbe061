"""Pages of strangers around the phone's, or with a hold on its window: they get nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.settings.model import AccountSettings, BuildSettings, Settings, SiteSettings

from .bidi import Page
from .launch import Browser
from .phone_page import value
from .static_site import KEY, Phones, served, site

pytestmark = [pytest.mark.browser]

ALICE = Account(id="alice", display_name="Alice", password="behind-the-looking-glass")
TOKEN = KEY.token("alice").text
#: Everybody's account is filled in where no link is; Call dials 246.
SITE = Settings(site=SiteSettings(redirect=""), account=AccountSettings(id="everybody", dial="246"))
NOTICE = "(document.querySelector('.cmp-notice')?.textContent ?? '')"
REFUSED = "This phone opens no account inside a page of another site."

#: In every page: counts its sockets, and who listens to messages from other windows.
WATCH = """() => {
  window.testSockets = 0;
  window.testListens = [];
  window.WebSocket = class extends WebSocket {
    constructor(...given) { super(...given); window.testSockets++; }
  };
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (...given) {
    if (this === window || this === undefined) window.testListens.push(given[0]);
    return listen.apply(this, given);
  };
}"""


def framing(url: str, sandbox: str = "") -> bytes:
    """A page with ``url`` in a frame that may use what the phone needs."""
    more = f' sandbox="{sandbox}"' if sandbox else ""
    allowed = 'allow="microphone; camera" width="800" height="600"'
    return f'<!DOCTYPE html><title>a game</title><iframe src="{url}" {allowed}{more}>'.encode()


def contexts(page: Page, context: str | None = None) -> list[dict[str, Any]]:
    about = {"root": context} if context else {}
    found: list[dict[str, Any]] = page.session.send("browsingContext.getTree", **about)["contexts"]
    return found


def innermost(page: Page, depth: int = 1) -> Page:
    """The frame in the frame … of ``page``."""
    (node,) = contexts(page, page.context)
    for _ in range(depth):
        (node,) = node["children"]
    return Page(page.session, node["context"])


def watched(browser: Browser) -> Page:
    page = browser.page()
    page.session.send("script.addPreloadScript", functionDeclaration=WATCH)
    return page


def fetched(browser: Browser) -> list[str]:
    """The sealed profiles that anybody asked for."""
    urls = (
        event["params"]["request"]["url"]
        for event in browser.session.events
        if event.get("method") == "network.responseCompleted"
    )
    return [url for url in urls if "/p/" in url]


@pytest.fixture(params=[("builtin", True), ("upstream", True), ("upstream", False)], ids=str)
def phone_site(request: pytest.FixtureRequest, phones: Phones) -> dict[str, bytes]:
    source, pack = request.param
    settings = replace(SITE, build=BuildSettings(pack=pack))
    return site("s", phones(source), [ALICE], settings)


@pytest.fixture
def phone_url(phone_site: dict[str, bytes]) -> Iterator[str]:
    """The phone's page; beside it, pages of the same server that show it."""
    own = {
        "own.html": framing(f"s/index.html#{TOKEN}"),
        "sandboxed.html": framing(f"s/index.html#{TOKEN}", "allow-scripts"),
    }
    with served(phone_site | own) as base:
        yield f"{base}/s/index.html"


def refuses(frame: Page) -> None:
    """Nothing is filled in, nothing connects, nothing is there to be pressed but the way out."""
    frame.wait(f"{NOTICE}.includes({json.dumps(REFUSED)})", REFUSED)
    frame.wait("document.readyState === 'complete'")
    assert frame.eval(value("accountId")) != "alice"
    assert frame.eval(value("accountId")) != "everybody"
    assert frame.eval(value("accountPassword")) == ""
    assert frame.eval(value("connect")) == "Connect"
    assert frame.eval("testSockets") == 0
    visible = "[...document.querySelectorAll('body > *')].filter((e) => e.checkVisibility())"
    assert frame.eval(f"{visible}.map((e) => e.className)") == ["cmp-notice cmp-alert"]
    way_out = frame.eval(
        "(({ pathname, hash, target, rel, textContent: text }) =>"
        " ({ pathname, hash, target, rel, text }))(document.querySelector('.cmp-notice a'))"
    )
    assert way_out == {
        "pathname": "/s/index.html",
        "hash": "",
        "target": "_blank",
        "rel": "noopener",
        "text": "Open this phone in its own window.",
    }


def test_a_stranger_s_frame_opens_nothing(browser: Browser, phone_url: str) -> None:
    link = f"{phone_url}#{TOKEN}"
    page = watched(browser)
    # It is remembered here: whoever frames the page without any link might hope for that.
    page.goto(link)
    page.wait(f"{value('accountId')} === 'alice'")
    page.click(".cmp-notice input[type=checkbox]")
    before = fetched(browser)
    # Another port is another origin; another name is another site too.
    elsewhere = phone_url.replace("127.0.0.1", "localhost")
    files = {
        "link.html": framing(link),
        "plain.html": framing(phone_url),
        "site.html": framing(f"{elsewhere}#{TOKEN}"),
        "nested.html": framing(phone_url.replace("s/index.html", "own.html")),
    }
    with served(files) as stranger:
        for name in files:
            page.goto(f"{stranger}/{name}")
            refuses(innermost(page, 2 if name == "nested.html" else 1))
    # A sandbox makes a stranger of a page of the same server as well.
    page.goto(phone_url.replace("s/index.html", "sandboxed.html"))
    refuses(innermost(page))
    assert fetched(browser) == before, "nobody can tell by the time it takes what is remembered"


def test_a_page_of_the_same_server_may_show_it(browser: Browser, phone_url: str) -> None:
    """It could do all that the phone's page can without a frame."""
    page = watched(browser)
    page.goto(phone_url.replace("s/index.html", "own.html"))
    frame = innermost(page)
    frame.wait(f"{value('accountId')} === 'alice'")
    assert frame.eval(value("accountPassword")) == ALICE.password


def test_who_opened_the_window_gets_nothing_of_it(browser: Browser, phone_url: str) -> None:
    with served({"page.html": b"<!DOCTYPE html><title>a shop</title>"}) as stranger:
        page = watched(browser)
        page.goto(f"{stranger}/page.html")
        page.eval(f"(window.held = open({json.dumps(f'{phone_url}#{TOKEN}')}), 0)")
        held = page.wait("held && !held.closed && held.length + 1")
        assert held == 1, "the phone has no frames to be counted"
        (opened,) = [
            c["context"] for c in contexts(page) if c.get("originalOpener") == page.context
        ]
        phone = Page(page.session, opened)
        phone.wait(f"{value('accountId')} === 'alice'")
        tried = ["document", "localStorage", "name", "performance", "navigation", "cmpBundle"]
        tried += ["location.href", "location.hash", "history.state", "document.cookie"]
        for what in tried:
            got = page.eval(
                f"(() => {{ try {{ return [typeof held.{what}]; }} catch (e) {{ return e.name; }} }})()"
            )
            assert got == "SecurityError", what
        fields = f"[{value('accountId')}, {value('accountPassword')}, {value('extension')}]"
        before = phone.eval(fields)
        for message in ({"type": "connect"}, "alice", None, {"data": {"token": TOKEN}}):
            page.eval(f"held.postMessage({json.dumps(message)}, '*')")
        assert phone.eval(fields) == before
        assert "message" not in phone.eval("testListens")
        assert phone.eval("window.onmessage") is None
        # What remains: it may close the window, or put another page in its place.
        page.eval(f"(held.location = {json.dumps(f'{stranger}/page.html')}, 0)")
        phone.wait("document.title === 'a shop'")


@pytest.mark.parametrize("phone_source", ["builtin"], indirect=True)
def test_a_pristine_phone_is_as_it_came(
    browser: Browser, phones: Phones, phone_source: str
) -> None:
    """Nothing of ours runs in it, so nothing keeps it out of frames; nor is anything filled in."""
    settings = replace(SITE, build=BuildSettings(pristine=True))
    with (
        served(site("s", phones(phone_source), [ALICE], settings)) as base,
        served({"page.html": framing(f"{base}/s/index.html#{TOKEN}")}) as stranger,
    ):
        page = watched(browser)
        page.goto(f"{stranger}/page.html")
        frame = innermost(page)
        frame.wait(
            "document.readyState === 'complete' && document.getElementById('connect') !== null"
        )
        assert frame.eval(NOTICE) == ""
        assert frame.eval(value("accountId")) == ""
