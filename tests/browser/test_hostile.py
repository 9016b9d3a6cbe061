"""Thousands of hostile values, sealed and in the page's own settings, in real browsers.

Each value goes the way that it goes in life: through the sealing, a whole build, a link, and the
compiled overlay. A page that collects them opens a batch of links at a time, each in a frame.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from cmp_bundle.accounts.model import Account, IceServer
from cmp_bundle.settings.model import AccountSettings, Settings
from tests.unit.bundle.phones import phone

from .bidi import Page
from .launch import Browser
from .static_site import KEY, Phones, served, site

pytestmark = [pytest.mark.browser]

#: What runs if it is ever taken for code, and what breaks out of where it stands.
RUN = "top.ran=1"
PIECES = [
    f"</script><script>{RUN}</script>", "</SCRIPT\t>", "<script/src=//evil.example>", "<!--", "-->",
    "<!--<script>", "]]>", f"<img src=x onerror={RUN}>", f"<svg/onload={RUN}>", "</title>",
    "</textarea>", f'"><b onmouseover="{RUN}">', f"' autofocus onfocus='{RUN}", f"`${{{RUN}}}`",
    f'";{RUN};//', f"';{RUN};//", f"\\u0022;{RUN}//", f"javascript:{RUN}", "\\", "\\\\", "\\u003c",
    "\\x3c", "&lt;script&gt;", "&#60;", "&amp;", "&quot;", "%3Cscript%3E", "%00", "\0", "\x01\x1b[31m",
    "\x7f", "\x85", "\xa0", "\u00ad", "\u200b", "\u200d", "\u2028", "\u2029", "\ufeff", "\ufffe",
    "\uffff", "\u202e", "\u202d", "\u2066", "\u2069", "\u061c", "\u05d0\u05d1", "\u0645\u0631\u062d\u0628\u0627",
    "e\u0301", "\u0130\u0131", "\ufb03", "\U0001f511", "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "\U000e0041", "\U0010ffff", "\ud800", "\udfff", "\ud83d", "__proto__", "constructor", "toString",
    '{"id":"x"}', "[object Object]", "undefined", "null", "NaN", "true", "0", "-0", "1e309", "=1+1",
    "sip:x@evil.example", "ha1:", "ha1:r:0123456789abcdef0123456789abcdef", "#", "?", "/../", "@", ":",
    "${alert}", "{{7*7}}", "<%= 7 %>", "$&", "$1", "\\1", "' OR 1=1 --", "../../etc/passwd", " ", "  x  ",
]  # fmt: skip

FIELDS = ("id", "display_name", "auth_name", "password", "dial", "realm")
#: STUN and TURN servers of each account, with three values each.
SERVERS = 3
EACH = len(FIELDS) + 3 * SERVERS
COUNT = 10_000
#: Frames that are open at a time.
BATCH = 24


def values(seed: int) -> Iterator[str]:
    """One after the other, no two alike: numbered, so that each can be told from what is there."""
    random_ = random.Random(seed)
    for number in range(1_000_000):
        parts = [random_.choice(PIECES) for _ in range(random_.randint(1, 4))]
        if random_.random() < 0.3:
            parts.append("".join(chr(random_.choice(_CODES)) for _ in range(8)))
        if number % 500 == 7:
            parts.append(random_.choice(PIECES) * 3000)
        random_.shuffle(parts)
        yield f"{number}~{''.join(parts)}"


def _one_line(value: str) -> str:
    """As a form's field can hold it; two halves of a surrogate pair are what they make."""
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    return whole.replace("\n", "").replace("\r", "")


_CODES = [
    *range(1, 0x300),
    *range(0x2000, 0x2100),
    *range(0xD800, 0xE000),
    *range(0x1F600, 0x1F650),
]


def people(seed: int, count: int) -> list[Account]:
    """Accounts with ``count`` values in all."""
    source = map(_one_line, values(seed))
    made = []
    for number in range(-(-count // EACH)):
        one: dict[str, Any] = {name: next(source) for name in FIELDS}
        # A link is made from the bytes of an id, and half a surrogate pair has none.
        one["id"] = one["id"].encode("utf-8", "ignore").decode()
        ice = tuple(IceServer(next(source), next(source), next(source)) for _ in range(SERVERS))
        ha1 = f"{number:032x}" if number % 2 else ""
        one["realm"] = one["realm"] if ha1 else ""
        one["password"] = "" if ha1 else one["password"]
        made.append(Account(**one, ha1=ha1, ice=ice))
    return made


#: Opens each link in a frame, waits for what the overlay says, and reads the form.
COLLECTOR = """<!DOCTYPE html><meta charset="utf-8"><title>collector</title><script>
const read = (frame) => {
  const { document: page, cmpBundle: person } = frame.contentWindow;
  const value = (id) => page.getElementById(id).value;
  return {
    id: value("accountId"), name: value("accountName"), password: value("accountPassword"),
    extension: value("extension"), displayName: person.displayName, ice: person.ice,
    notice: page.querySelector(".cmp-notice span")?.firstChild.data ?? null,
    elements: page.querySelectorAll("*").length, href: frame.contentWindow.location.href,
  };
};
const ready = (frame, linked) => {
  const page = frame.contentDocument;
  return page?.readyState === "complete" && frame.contentWindow.cmpBundle
    && (!linked || page.querySelector(".cmp-notice"));
};
const open = (url) => new Promise((done) => {
  const frame = document.createElement("iframe");
  frame.src = url;
  document.body.append(frame);
  const look = () => {
    if (frame.contentWindow.location.href === "about:blank" || !ready(frame, url.includes("#"))) return setTimeout(look, 5);
    const found = read(frame);
    frame.remove();
    done(found);
  };
  look();
});
const collect = (urls) => Promise.all(urls.map(open));
</script><body>"""

WATCH = """() => {
  addEventListener('securitypolicyviolation', (event) => {
    (top.violations ??= []).push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
  });
}"""


def opened(browser: Browser, base: str) -> Page:
    page = browser.page()
    page.session.send("script.addPreloadScript", functionDeclaration=WATCH, contexts=[page.context])
    page.goto(f"{base}/collector.html")
    return page


def nothing_ran(page: Page) -> None:
    assert page.eval("top.ran ?? null") is None
    assert page.eval("top.violations ?? null") is None
    assert page.eval("document.title") == "collector"
    assert not [line for line in page.log if line.startswith("error")], page.story()


def expected(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.auth_name,
        "password": f"ha1:{account.realm}:{account.ha1}" if account.ha1 else account.password,
        "extension": account.dial,
        "displayName": account.display_name,
        "ice": [{"url": s.url, "username": s.username, "credential": s.credential}
                for s in account.ice or ()],
        "notice": f"This is the phone of {account.display_name}.",
    }  # fmt: skip


def collected(page: Page, urls: list[str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for at in range(0, len(urls), BATCH):
        found += page.eval(f"collect({json.dumps(urls[at : at + BATCH])})")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("count", [COUNT // 5, pytest.param(COUNT, marks=pytest.mark.soak)])
def test_thousands_of_values_in_sealed_profiles(browser: Browser, count: int) -> None:
    accounts = people(1, count)
    files = site("s", phone(), accounts, Settings())
    with served({**files, "collector.html": COLLECTOR.encode()}) as base:
        page = opened(browser, base)
        urls = [f"{base}/s/index.html?{n}#{KEY.token(a.id).text}" for n, a in enumerate(accounts)]
        elements = set()
        for account, found in zip(accounts, collected(page, urls), strict=True):
            elements.add(found.pop("elements"))
            assert found.pop("href").partition("#")[2] == "", "the token is gone"
            assert found == expected(account)
        assert len(elements) == 1, "no value has become an element"
        nothing_ran(page)


@pytest.mark.parametrize("source", ["builtin", "upstream"])
def test_hostile_values_in_real_phones(browser: Browser, source: str, phones: Phones) -> None:
    """Fewer, as these connect; their servers are their own page's, which has no socket."""
    accounts = people(2, 40 * EACH)
    files = site("s", phones(source), accounts, Settings())
    with served({**files, "collector.html": COLLECTOR.encode()}) as base:
        page = opened(browser, base)
        urls = [f"{base}/s/index.html?{n}#{KEY.token(a.id).text}" for n, a in enumerate(accounts)]
        for account, found in zip(accounts, collected(page, urls), strict=True):
            for name in ("elements", "href"):
                found.pop(name)
            assert found == expected(account)
        assert page.eval("top.ran ?? null") is None
        assert page.eval("top.violations ?? null") is None


def test_hostile_values_in_the_page_s_own_settings(browser: Browser) -> None:
    """They stand in the page itself, as inert JSON: what is there to break out of is there."""
    # Lone surrogates have no place in settings, which are read from UTF-8.
    source = (_one_line(v).encode("utf-8", "ignore").decode() for v in values(3))
    made = [
        AccountSettings(id=next(source), name=next(source), dial=next(source)) for _ in range(60)
    ]
    files: dict[str, bytes] = {}
    for number, account in enumerate(made):
        files |= site(f"s{number}", phone(), [], Settings(account=account))
    with served({**files, "collector.html": COLLECTOR.encode()}) as base:
        page = opened(browser, base)
        found = collected(page, [f"{base}/s{n}/index.html" for n in range(len(made))])
        assert [(f["id"], f["name"], f["extension"]) for f in found] == [
            (a.id, a.name, a.dial) for a in made
        ]
        assert len({f["elements"] for f in found}) == 1
        nothing_ran(page)
