"""The whole chapter: from packages as they come to people who call each other, in five commands."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.asterisk import realtime_pbx, written_files
from tests.asterisk.test_deploy_live import state
from tests.conftest import SIXTEEN_IN_SOAK, Cmp, _unreal
from tests.testbed import databases, proxies, realtime, roots
from tests.testbed.server import Asterisk
from tests.unit.provision.held import content

from .bidi import Page
from .phones import ABOUT, Browsers, Phones, dial, hears, idle, press, quiet, sees, talk

pytestmark = [pytest.mark.asterisk, pytest.mark.browser]


def as_from_debian(pbx: Asterisk) -> None:
    """Root has all but the configuration."""
    pbx.install(data="root")


def as_from_source(pbx: Asterisk) -> None:
    """Asterisk's user has everything."""


def linked(pbx: Asterisk) -> None:
    """Its configuration lies somewhere else."""
    pbx.etc.rename(pbx.base / "conf")
    pbx.etc.symlink_to("conf")


FOUND: dict[str, Callable[[Asterisk], object]] = {
    "Debian": as_from_debian,
    "source": as_from_source,
    "linked": linked,
    "generated": written_files.write,
}
#: Asterisk's drivers that its packages load by themselves.
DRIVERS = [driver for driver in realtime_pbx.DRIVERS if driver != "pgsql"]


def on_both(names: list[str], *usual: tuple[str, str]) -> pytest.MarkDecorator:
    """Each with both versions; those that are not ``usual`` in long runs alone."""
    pairs = [(name, version) for name in names for version in ("22", "16")]
    return pytest.mark.parametrize(
        ("found", "asterisk_release"),
        [pytest.param(*pair, marks=[] if pair in usual else pytest.mark.soak) for pair in pairs],
        indirect=["asterisk_release"],
    )


@on_both(list(FOUND), ("Debian", "22"), ("Debian", "16"))
def test_from_packages_to_a_conference(
    found: str, cmp: Cmp, untouched: Asterisk, browsers: Browsers
) -> None:
    FOUND[found](untouched)
    untouched.start()
    before = state(untouched)
    five_commands(cmp, untouched)
    they_call_each_other(cmp, untouched, browsers)
    taken_back(cmp, untouched)
    assert state(untouched) == before


@on_both(DRIVERS, ("odbc-mariadb", "22"))
def test_with_rows(found: str, cmp: Cmp, untouched: Asterisk, browsers: Browsers) -> None:
    kind = realtime_pbx.DRIVERS[found]
    if reason := databases.why_not(kind):
        _unreal(reason)
    roots.complete(untouched.release)
    with contextlib.ExitStack() as stack:
        held = (
            realtime_pbx.file_database(untouched)
            if kind == "sqlite"
            else stack.enter_context(databases.running(kind))
        )
        realtime.fill(held.engine(), {})
        realtime_pbx.point(untouched, found, held)
        untouched.start()
        before, nothing = state(untouched), content(held)
        cmp.environment["CMP_BUNDLE_DATABASE_PASSWORD"] = held.password
        five_commands(cmp, untouched, "--database", held.url)
        assert list(content(held)["ps_endpoints"]) == ["alice", "bob", "carol"]
        they_call_each_other(cmp, untouched, browsers)
        taken_back(cmp, untouched)
        assert (state(untouched), content(held)) == (before, nothing)


def five_commands(cmp: Cmp, pbx: Asterisk, *how: str) -> None:
    """And one more account. Asterisk 16 is restarted, since chan_sip has the WebSocket."""
    cmp.aim(pbx)
    cmp("init")
    cmp("accounts", "add", "alice", "--extension", "101")
    cmp("accounts", "add", "bob", "--extension", "102")
    cmp("accounts", "add", "carol", "--extension", "103")
    cmp("provision", *how, *(["--restart"] if pbx.release.version == "16" else []))
    cmp("build", "--source", "builtin")
    cmp("deploy")


def taken_back(cmp: Cmp, pbx: Asterisk) -> None:
    cmp("undeploy")
    cmp("provision", "--undo", *(["--restart"] if pbx.release.version == "16" else []))


def they_call_each_other(cmp: Cmp, pbx: Asterisk, browsers: Browsers) -> None:
    """Three in turn, then the echo, then a conference, with pictures that move."""

    def phone(name: str, browser: str) -> Page:
        phones = stack.enter_context(Phones(pbx, browsers(browser), cmp("link", name)["link"]))
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
        quiet(pbx)
        for page in (alice, bob):
            dial(page, "246")
            sees(page, 4)
            hears(page)
            press(page, "#call")
            idle(page)
        # One after the other: who comes while Asterisk (16 and 22) still tells somebody of the one before
        # may stay unseen by that one (in one conference of fifteen on a busy machine).
        dial(alice, "249")
        alice.wait(f"{ABOUT} === 'In the call'")
        dial(bob, "249")
        for page in (alice, bob):
            sees(page, 1)
        dial(carol, "249")
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
