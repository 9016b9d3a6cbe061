"""Where a link's token is once its phone is there: what docs/links.md says, and nowhere else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.settings.model import BuildSettings, Settings, SiteSettings

from .bidi import Page
from .launch import Browser
from .static_site import KEY, Phones, served, site
from .token_places import TRACES, WORKER, WORKER_PAGE, places, seen_by_worker

pytestmark = [pytest.mark.browser]

# Without a password nothing connects, and somebody may look on in peace.
ALICE = Account(id="alice", display_name="Alice")
TOKEN = KEY.token("alice").text
BOX = ".cmp-notice input[type=checkbox]"
#: Only files are served here, and no redirect.
SITE = Settings(site=SiteSettings(redirect=""))
ELSEWHERE = {"other/worker.js": WORKER, "other/index.html": WORKER_PAGE}


def before(page: Page, script: str) -> None:
    page.session.send(
        "script.addPreloadScript", functionDeclaration=script, contexts=[page.context]
    )


def opened(page: Page, url: str) -> None:
    page.goto(url)
    page.wait("document.querySelector('.cmp-notice')?.textContent.includes('the phone of Alice')")


@pytest.mark.parametrize(
    ("source", "pack"), [("builtin", True), ("upstream", True), ("upstream", False)]
)
def test_where_a_token_is(browser: Browser, source: str, pack: bool, phones: Phones) -> None:
    settings = replace(SITE, build=BuildSettings(pack=pack))
    files = site("s", phones(source), [ALICE], settings) | ELSEWHERE
    with served(files) as base:
        page = browser.page()
        before(page, TRACES)
        opened(page, f"{base}/s/index.html#{TOKEN}")
        assert page.eval("testTraces.length") > 0
        assert places(page, TOKEN) == set()

        # In the page that is open already, or only just.
        page.goto(f"{base}/s/index.html")
        opened(page, f"{base}/s/index.html#{TOKEN}")
        assert places(page, TOKEN) == set()

        # For whom else the server's pages are the same origin.
        other = browser.page()
        other.goto(f"{base}/other/index.html")
        seen = seen_by_worker(other)
        assert any("/s/index.html" in address for address in seen)
        assert not any(TOKEN in address for address in seen)

        # What is remembered is there for every page of the server.
        page.click(BOX)
        assert places(other, TOKEN) == {"Storage.cmp-bundle link of /s/"}
        page.reload()
        page.wait(f"document.querySelector('{BOX}')?.checked")
        page.click(BOX)
        page.goto(f"{base}/other/index.html")
        page.session.send("browsingContext.traverseHistory", context=page.context, delta=-1)
        page.wait("location.pathname === '/s/index.html'")
        assert places(page, TOKEN) == set()


def test_a_page_that_is_loaded_once_cannot_hide_it(browser: Browser) -> None:
    """What a change of the address bar alone leaves behind: the tests above would find it."""
    with served(ELSEWHERE) as base:
        page = browser.page()
        page.goto(f"{base}/other/index.html#{TOKEN}")
        page.eval("history.replaceState(null, '', location.pathname)")
        found = places(page, TOKEN)
        assert found == {
            "PerformanceNavigationTiming.name",
            "NavigationHistoryEntry.url",
            "navigation",
        }
        other = browser.page()
        other.goto(f"{base}/other/index.html")
        assert any(TOKEN in address for address in seen_by_worker(other))


#: What a load that has the token in its address came to; at its end it tells the next one.
FIRST_LOAD = """() => {
  if (!location.hash) return;
  addEventListener("pagehide", () => {
    const ran = typeof CyberMegaPhone + typeof JsSIP;
    localStorage.setItem("first", JSON.stringify([ran, document.body?.innerText ?? ""]));
  });
}"""


def test_nothing_of_a_phone_is_begun_before(browser: Browser, phones: Phones) -> None:
    """Nothing of it runs or shows in the load that has the token in its address."""
    unpacked = replace(SITE, build=BuildSettings(pack=False))
    with served(site("s", phones("upstream"), [ALICE], unpacked)) as base:
        page = browser.page()
        before(page, FIRST_LOAD)
        opened(page, f"{base}/s/index.html#{TOKEN}")
        assert page.eval("JSON.parse(localStorage.first)") == ["undefinedundefined", ""]
