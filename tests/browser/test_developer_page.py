"""The developer's page in real browsers: what its buttons put into the clipboard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.serving import serve

from . import phone_page
from .bidi import Page
from .launch import Browser
from .phone_page import value
from .phones import front

pytestmark = pytest.mark.browser

CONTROL = "\ue009"  # WebDriver's name for the key


def pasted(page: Page) -> str:
    """What a person gets who pastes now, which no page has to be allowed."""
    page.eval(
        "(() => { const t = document.createElement('textarea'); t.id = 'pasted';"
        " document.body.prepend(t); t.focus(); })()"
    )
    strokes = [{"type": "keyDown", "value": CONTROL}, {"type": "keyDown", "value": "v"},
               {"type": "keyUp", "value": "v"}, {"type": "keyUp", "value": CONTROL}]  # fmt: skip
    actions = [{"type": "key", "id": "keyboard", "actions": strokes}]
    page.session.send("input.performActions", context=page.context, actions=actions)
    text = str(page.wait("document.getElementById('pasted').value", "something to be pasted"))
    page.eval("document.getElementById('pasted').remove()")
    return text


#: The time to read what a button says is over when the test says so, and no sooner. Until then no
#: news moves a button.
READING = "void (window.read = [], window.setTimeout = (then) => read.push(then))"
READ = "read.splice(0).forEach((then) => then())"


def says(words: str) -> str:
    return f"[...document.querySelectorAll('.copy')].some(e => e.textContent.includes({words!r}))"


def press_copy(page: Page) -> None:
    """By the page itself: news may come at any time and move the button."""
    page.eval(READING)
    page.eval("document.querySelector('.copy').click()")
    page.wait("read.length", "the button to say something")


def copied(page: Page, button: str) -> str:
    """What is pasted after a click on ``button``."""
    before = page.eval("read.length")
    page.click(button)
    page.wait(f"read.length > {before}", "something to be copied")
    assert page.eval(f"document.querySelector({button!r}).textContent") == "Copied"
    return pasted(page)


def test_what_is_copied_of_a_call(browser: Browser, tmp_path: Path) -> None:
    with serve(tmp_path, "--practice", "--source", "builtin") as running:
        phone = browser.page()
        phone_page.open_phone(phone, running.url)
        password = phone.eval(value("accountPassword"))
        phone_page.connect(phone)
        phone_page.call(phone)
        front(phone)
        phone.click("#call")
        phone.wait(f"{value('call')} === 'Call'")
        page = browser.page()
        page.goto(running.page)
        front(page)
        page.wait("document.querySelector('.calls .ladder')?.textContent.includes('BYE sip:')")
        press_copy(page)
        page.eval("document.querySelector('.calls details').open = true")
        shown = page.eval(
            "[...document.querySelectorAll('.calls .ladder pre')].map(e => e.textContent)"
        )

        everything = copied(page, ".calls .copy[data-copies=all]")
        assert everything == "\n\n".join(text.strip() for text in shown) + "\n"
        assert everything.startswith("INVITE sip:246@")
        assert "\nAuthorization: (masked)\n" in everything
        assert "\na=ice-pwd:(masked)\n" in everything
        assert "BYE sip:" in everything
        assert password not in everything
        assert "response=" not in everything

        page.eval("document.querySelector('.calls .ladder details').open = true")
        one = copied(page, ".calls .ladder details[open] .copy")
        assert one == shown[0].strip() + "\n"
        assert copied(page, ".calls .ladder details[open] .copy") == one, "while it says so"

        # Registering stands in a ladder of its own.
        page.eval("document.querySelectorAll('details').forEach(d => d.open = true)")
        registering = copied(page, ".copy[data-copies=all]")
        assert registering.startswith("REGISTER sip:")
        assert "\nAuthorization: (masked)\n" in registering
        assert "response=" not in registering
        page.eval(READ)
        assert not page.eval(says("Copied"))


@contextmanager
def refusing(browser: Browser, tmp_path: Path) -> Iterator[tuple[Page, Page]]:
    """A phone that is connected, and the developer's page where nothing may be copied."""
    with serve(tmp_path, "--practice", "--source", "builtin") as running:
        phone = browser.page()
        phone_page.open_phone(phone, running.url)
        phone_page.connect(phone)
        page = browser.page()
        page.goto(running.page)
        page.eval("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
        page.wait("document.querySelector('.copy') !== null")
        yield phone, page


def test_a_browser_that_lets_nothing_be_copied(browser: Browser, tmp_path: Path) -> None:
    with refusing(browser, tmp_path) as (_, page):
        press_copy(page)
        assert page.eval(says("by hand"))
        page.eval(READ)
        assert not page.eval(says("by hand"))


def test_news_waits_until_a_button_has_been_read(browser: Browser, tmp_path: Path) -> None:
    with refusing(browser, tmp_path) as (phone, page):
        ladders = "document.querySelectorAll('.ladder li').length"
        there = page.wait(ladders)
        press_copy(page)
        front(phone)
        phone.click("#connect")
        phone.wait(f"{value('connect')} === 'Connect'")
        fetched = (
            "new DOMParser().parseFromString(await (await fetch('state')).text(), 'text/html')"
        )
        for _ in range(2):
            page.wait(
                f"(async () => ({fetched}).querySelectorAll('.ladder li').length > {there})()"
            )
        assert page.eval(says("by hand"))
        page.eval(READ)
        page.wait(f"{ladders} > {there} && !{says('by hand')}")
