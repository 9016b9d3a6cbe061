"""The whole chapter: from packages as they come to people who call each other, in five commands."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from tests.conftest import SIXTEEN_IN_SOAK, Cmp, _unreal
from tests.testbed import proxies
from tests.testbed.server import Asterisk

from .bidi import Page
from .phones import Browsers, Phones, dial, hears, idle, press, quiet, sees, talk

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]


def test_from_packages_to_a_conference(cmp: Cmp, packaged: Asterisk, browsers: Browsers) -> None:
    cmp.aim(packaged)
    cmp("init")
    cmp("accounts", "add", "alice", "--extension", "101")
    cmp("accounts", "add", "bob", "--extension", "102")
    cmp("accounts", "add", "carol", "--extension", "103")
    cmp("provision", *(["--restart"] if packaged.release.version == "16" else []))
    cmp("build", "--source", "builtin")
    cmp("deploy")

    def phone(name: str, browser: str) -> Page:
        phones = stack.enter_context(Phones(packaged, browsers(browser), cmp("link", name)["link"]))
        return phones.by_link()

    with contextlib.ExitStack() as stack:
        alice, bob = phone("alice", "chromium"), phone("bob", "firefox")
        carol = phone("carol", "chromium")
        for caller, callee, number, name in (
            (alice, bob, "102", "alice"),
            (bob, carol, "103", "bob"),
            (carol, alice, "101", "carol"),
        ):
            talk(caller, callee, number, name)
            for page in (caller, callee):
                sees(page, 1)
                hears(page)
            press(caller, "#call")
            idle(callee)
        quiet(packaged)
        for page in (alice, bob):
            dial(page, "246")
            sees(page, 4)
            hears(page)
            press(page, "#call")
            idle(page)
        for page in (alice, bob, carol):
            dial(page, "249")
        for page in (alice, bob, carol):
            sees(page, 2)


@SIXTEEN_IN_SOAK
def test_through_a_proxy(cmp: Cmp, packaged: Asterisk, browsers: Browsers, tmp_path: Path) -> None:
    """The page, the link and the call, all through 443."""
    if reason := proxies.why_not("nginx"):
        _unreal(reason)
    cmp.aim(packaged)
    cmp.environment["CMP_BUNDLE_SITE_URL"] = "https://localhost"
    cmp("accounts", "add", "alice", "--extension", "101")
    restart = ["--restart"] if packaged.release.version == "16" else []
    lines = cmp("provision", "--proxy", "nginx", *restart)["proxy"]
    cmp("build", "--source", "builtin")
    cmp("deploy")
    link = cmp("link", "alice")["link"]
    assert link.startswith("https://localhost/cmp2k#")
    folder = tmp_path / "proxy"
    folder.mkdir()
    with (
        proxies.running("nginx", lines, folder),
        Phones(packaged, browsers("chromium"), link) as phones,
    ):
        page = phones.by_link()
        dial(page, "246")
        sees(page, 4)
        hears(page)
        press(page, "#call")
        idle(page)
