"""Links: opened through the redirect, in a real browser, on a real Asterisk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import FIREFOX_IN_SOAK, SIXTEEN_IN_SOAK, Cmp
from tests.testbed.server import Asterisk

from . import launch, phone_page
from .bidi import Page
from .launch import Browser

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]

NOTICE = "(document.querySelector('.cmp-notice')?.textContent ?? '')"


def deployed(cmp: Cmp, pbx: Asterisk, source: str, *build: str) -> None:
    """Everybody of pjsip.conf has a phone on the server; Call dials 246."""
    cmp.aim(pbx)
    cmp.environment["CMP_BUNDLE_PHONE_SOURCE"] = source
    cmp.environment["CMP_BUNDLE_ACCOUNT_DIAL"] = "246"
    cmp("accounts", "import")
    cmp("build", *build)
    cmp("deploy")


def open_link(browser: Browser, url: str) -> Page:
    page = browser.page()
    page.goto(url)
    return page


def registered(page: Page, pbx: Asterisk, user: str) -> None:
    """Wait until the phone has registered, which nobody asked for but the link."""
    page.wait(f"{phone_page.value('connect')} === 'Disconnect'", "registering")
    assert f"{user}/" in pbx.rx("pjsip show contacts")


def says(page: Page, words: str) -> None:
    page.wait(f"{NOTICE}.includes({json.dumps(words)})", words)


def gone_from(page: Page, token: str) -> None:
    """No place that a page can look at has the token any more."""
    seen = {
        "address": "location.href",
        "history": "typeof navigation === 'object'"
        " ? navigation.entries().map((e) => e.url).join() : ''",
        "referrer": "document.referrer",
        "page": "document.documentElement.outerHTML",
        "storage": "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])",
        "timing": "performance.getEntriesByType('resource').map((e) => e.name).join()",
    }
    pairs = ", ".join(f"{name}: {expression}" for name, expression in seen.items())
    # One look, repeated where the page was just being left.
    for name, text in page.wait(f"document.readyState === 'complete' && {{{pairs}}}").items():
        assert token not in text, name


def sent(browser: Browser) -> str:
    """Every request line and header that the browser sent, fragments left out as on the wire."""
    parts: list[str] = []
    for event in browser.session.events:
        if event.get("method") == "network.responseCompleted":
            request: dict[str, Any] = event["params"]["request"]
            parts.append(request["url"].partition("#")[0])
            parts += [f"{h['name']}: {h['value'].get('value')}" for h in request["headers"]]
    return "\n".join(parts)


@SIXTEEN_IN_SOAK
def test_a_link_fills_in_and_registers(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    deployed(cmp, pbx, phone_source)
    log = pbx.base / "log/everything"
    (pbx.etc / "logger.conf").write_text(
        "[general]\n[logfiles]\neverything => notice,warning,error,verbose,debug\n"
    )
    pbx.rx("module reload logger")
    pbx.rx("core set debug 9 http")
    url = cmp("link", "alice")["link"]
    assert url.startswith(f"{pbx.url}/cmp2k#")
    token = url.partition("#")[2]

    # It was here before, so that the browser has the page; the link gets a tab of its own.
    open_link(browser, f"{pbx.url}/cmp2k").close()
    page = open_link(browser, url)
    registered(page, pbx, "alice")
    assert page.eval(phone_page.value("accountId")) == "alice"
    assert page.eval(phone_page.value("extension")) == "246"
    assert page.eval(phone_page.value("accountPassword")).startswith("ha1:asterisk:"), (
        "the password itself stays where it is"
    )
    says(page, "This is the phone of Alice.")
    assert page.eval("location.href") == f"{pbx.url}/cmp2k"
    gone_from(page, token)
    phone_page.call(page)
    phone_page.hang_up(page)

    # Away to another page of the server, and back: neither is told where from, or finds it.
    page.goto(f"{pbx.url}/static/cyber_mega_phone_2k/index.html")
    gone_from(page, token)
    for delta in (-1, 1, -1):
        browser.session.send("browsingContext.traverseHistory", context=page.context, delta=delta)
        gone_from(page, token)
    assert "/static/" in sent(browser)
    assert token not in sent(browser)
    text = log.read_text(errors="replace")
    assert "cmp2k" in text, "the server's log is as talkative as it can be"
    assert token not in text
    assert token not in pbx.log()


@SIXTEEN_IN_SOAK
@FIREFOX_IN_SOAK
def test_a_renewed_link_and_a_broken_one(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    deployed(cmp, pbx, phone_source)
    old = cmp("link", "alice")["link"]
    renewed = cmp("link", "alice", "--renew")
    assert renewed["live"]
    assert renewed["link"] != old
    page = open_link(browser, old)
    says(page, "This link is no longer valid")
    assert page.eval(phone_page.value("accountPassword")) == ""
    assert page.eval(phone_page.value("connect")) == "Connect"
    gone_from(page, old.partition("#")[2])
    page.close()

    for broken in (renewed["link"][:-3], renewed["link"] + "."):
        page = open_link(browser, broken)
        says(page, "This link is broken")
        assert page.eval("location.hash") == ""
        page.close()

    # In the page that is open already, where a browser changes nothing but the fragment.
    page = open_link(browser, f"{pbx.url}/cmp2k")
    page.wait("!document.getElementById('connect').disabled")
    page.goto(renewed["link"])
    registered(page, pbx, "alice")
    assert page.eval("location.href") == f"{pbx.url}/cmp2k"
    page.close()

    for file in pbx.static.glob(".*/p/*"):
        data = bytearray(file.read_bytes())
        data[40] ^= 1
        file.write_bytes(data)
    page = open_link(browser, renewed["link"])
    says(page, "Your account on this server is damaged")


@SIXTEEN_IN_SOAK
@FIREFOX_IN_SOAK
def test_a_password_that_is_changed_on_a_live_server(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    deployed(cmp, pbx, phone_source)
    url = cmp("link", "alice")["link"]
    page = open_link(browser, url)
    registered(page, pbx, "alice")
    before = page.eval(phone_page.value("accountPassword"))
    page.close()
    assert cmp("accounts", "rotate", "alice")["live"]
    assert "wonder1and" not in (pbx.etc / "pjsip.conf").read_text()
    assert cmp("link", "alice")["link"] == url
    page = open_link(browser, url)
    registered(page, pbx, "alice")
    assert page.eval(phone_page.value("accountPassword")) != before
    page.close()

    # The old password is worth nothing now: the server turns it away.
    page = browser.page()
    phone_page.open_phone(page, f"{pbx.url}/cmp2k")
    phone_page.fill_in(page)
    page.click("#connect")
    page.wait(f"{phone_page.value('connect')} === 'Connect'", "being turned away")


@SIXTEEN_IN_SOAK
@FIREFOX_IN_SOAK
@pytest.mark.parametrize("phone_source", ["builtin"], indirect=True)
def test_an_account_that_is_removed(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    deployed(cmp, pbx, phone_source)
    url = cmp("link", "bob")["link"]
    page = open_link(browser, url)
    registered(page, pbx, "bob")
    page.close()
    cmp.environment["CMP_BUNDLE_ACCOUNT_DIAL"] = "247"
    cmp("build")
    cmp("deploy")
    before = {p.name for p in pbx.static.rglob("*.bin") if "app-" not in p.name}
    cmp("accounts", "remove", "bob")
    refused = cmp.run("deploy")
    assert refused.returncode == 1
    assert "cmp-bundle build, then deploy again" in refused.stderr
    cmp("build")
    cmp("deploy")
    after = {p.name for p in pbx.static.rglob("*.bin") if "app-" not in p.name}
    assert len(before) == 4
    assert len(before - after) == 1
    for _ in range(2):
        page = open_link(browser, url)
        says(page, "This link is no longer valid")
        page.close()
        cmp("rollback", cmp("releases")["releases"][0]["release"])
    page = open_link(browser, cmp("link", "alice")["link"])
    registered(page, pbx, "alice")


@SIXTEEN_IN_SOAK
@pytest.mark.parametrize("phone_source", ["upstream"], indirect=True)
def test_remembering_is_asked_for(
    cmp: Cmp, pbx: Asterisk, browser_name: str, phone_source: str, tmp_path: Path
) -> None:
    deployed(cmp, pbx, phone_source)
    url = cmp("link", "alice")["link"]
    box = ".cmp-notice input[type=checkbox]"

    browser = launch.start(browser_name, tmp_path / "profile")

    def visit(address: str) -> Page:
        nonlocal browser
        browser.close()  # what it knows now is what is on its disk
        browser = launch.start(browser_name, tmp_path / "profile")
        page = open_link(browser, address)
        page.wait("!document.getElementById('connect').disabled")
        return page

    try:
        page = visit(url)
        registered(page, pbx, "alice")
        assert page.eval(f"document.querySelector('{box}').checked") is False
        page = visit(f"{pbx.url}/cmp2k")
        assert page.eval(phone_page.value("accountPassword")) == ""
        assert page.eval(NOTICE) == ""

        page = visit(url)
        registered(page, pbx, "alice")
        page.click(box)
        page = visit(f"{pbx.url}/cmp2k")
        registered(page, pbx, "alice")
        assert page.eval(f"document.querySelector('{box}').checked") is True
        # A link that is dead does not take the one that is remembered with it.
        page = visit(url[:-22] + "A" * 22)
        says(page, "no longer valid")
        page = visit(f"{pbx.url}/cmp2k")
        registered(page, pbx, "alice")
        page.click(box)
        page = visit(f"{pbx.url}/cmp2k")
        assert page.eval(phone_page.value("accountPassword")) == ""
    finally:
        browser.close()


@SIXTEEN_IN_SOAK
@FIREFOX_IN_SOAK
@pytest.mark.parametrize("phone_source", ["builtin"], indirect=True)
def test_a_plain_profile_is_filled_in_and_waits(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    plain = ("--plain", "alice", "--i-know-this-is-public")
    cmp.aim(pbx)
    cmp("accounts", "import")
    cmp("build", "--source", phone_source, *plain)
    refused = cmp.run("deploy")
    assert refused.returncode == 1
    assert "--i-know-this-is-public" in refused.stderr
    cmp("deploy", "--i-know-this-is-public")
    page = open_link(browser, f"{pbx.url}/cmp2k")
    page.wait(f"{phone_page.value('accountId')} === 'alice'")
    assert page.eval(phone_page.value("connect")) == "Connect"
    assert "alice/" not in pbx.rx("pjsip show contacts")
    page.click("#connect")
    registered(page, pbx, "alice")


@SIXTEEN_IN_SOAK
def test_a_link_on_a_page_without_tls_is_taken_along(
    cmp: Cmp, pbx: Asterisk, browser: Browser, phone_source: str
) -> None:
    deployed(cmp, pbx, phone_source)
    url = cmp("link", "alice")["link"]
    page = browser.page()
    # What a browser does to a page that came over plain http.
    plain = (
        "Object.defineProperty(window, 'isSecureContext', {value: false});"
        "delete Navigator.prototype.mediaDevices; delete Crypto.prototype.subtle;"
    )
    page.session.send(
        "script.addPreloadScript",
        functionDeclaration=f"() => {{ {plain} }}",
        contexts=[page.context],
    )
    page.goto(url)
    link = page.wait("document.getElementById('message-link')?.href", "the way to https")
    assert link.endswith(f"/cmp2k#{url.partition('#')[2]}")
    assert page.eval(NOTICE) == "", "the connection has nothing to do with it"
