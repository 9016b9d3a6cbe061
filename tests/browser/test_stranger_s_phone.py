"""The attack: a stranger's phone in ``serve`` that is after the developer's page, in real browsers.

Its page tries all that a page of the same machine can: fetching, frames, windows, sockets, what a
browser keeps or tells of where it has been. It is told the developer's port, which it could find
by trying them all; and at last even the secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from websockets.typing import Subprotocol

from tests.serving import Serve, serve, until
from tests.unit.bundle.phones import FILES
from tests.unit.cli.test_serve import accounts

from .bidi import Page
from .launch import Browser

pytestmark = pytest.mark.browser

REGISTER = (
    "REGISTER sip:localhost SIP/2.0\r\nVia: SIP/2.0/WSS x;branch=z9hG4bK1\r\nTo: <sip:carol@localhost>\r\n"
    "From: <sip:carol@localhost>;tag=1\r\nCall-ID: one\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)

#: attack(where, secret): everything that was got, by how it was tried.
ATTACK = """
"use strict";
const loot = {};
const soon = (ms) => new Promise((done) => setTimeout(done, ms, "nothing"));
const trying = [];
function attempt(name, how) {
  trying.push((async () => {
    try { loot[name] = JSON.stringify(await Promise.race([how(), soon(3000)])) ?? "nothing"; }
    catch (error) { loot[name] = `failed: ${error.name}`; }
  })());
}
const listen = (url) => new Promise((done) => {
  const socket = new WebSocket(url);
  socket.onmessage = ({ data }) => done(data);
  socket.onclose = () => done("closed");
});
const element = (tag, attributes) => new Promise((done) => {
  const made = document.createElement(tag);
  made.onload = () => done(tag === "iframe" ? made.contentDocument?.documentElement.innerHTML ?? null : "loaded");
  made.onerror = () => done("refused");
  Object.assign(made, attributes);
  document.body.append(made);
});
const read = async (answer) => { const a = await answer; return `${a.status} ${a.type} ${await a.text()}`; };
const old = ["/", "/__cmp/state", "/__cmp/qr/0", "/__cmp/", "/state", "/accounts", "/news", "/qr/0"];

window.attack = async (where, secret) => {
  const root = secret ? `/${secret}` : "";
  const opened = ["/", "/state"].map((path) => window.open(`https://${where}${root}${path}`));
  for (const path of old) attempt(`own ${path}`, () => read(fetch(path)));
  for (const path of ["/__cmp/events", "/livereload", "/news"])
    attempt(`own socket ${path}`, () => listen(`wss://${location.host}${path}`));
  for (const path of old) {
    const url = `https://${where}${root}${path}`;
    for (const mode of ["cors", "no-cors"]) for (const credentials of ["omit", "include"])
      attempt(`${mode} ${credentials} ${path}`, () => read(fetch(url, { mode, credentials })));
    attempt(`frame ${path}`, () => element("iframe", { src: url }));
    attempt(`picture ${path}`, () => element("img", { src: url }));
    attempt(`script ${path}`, () => element("script", { src: url }));
  }
  attempt("script dev.js", () => element("script", { src: `https://${where}${root}/dev.js` }));
  attempt("style dev.css", () => element("link", { rel: "stylesheet", href: `https://${where}${root}/dev.css` }));
  attempt("socket", () => listen(`wss://${where}${root}/news`));
  for (const [script, scope] of [["worker.js", "/"], ["worker.js", undefined], ["/livereload.js", "/"], ["/__cmp/page.js", "/"]])
    attempt(`worker ${script} ${scope}`, async () =>
      (await navigator.serviceWorker.register(script, scope ? { scope } : {})).scope);
  await Promise.all(trying);
  opened.forEach((it, number) => {
    try { loot[`window ${number}`] = it ? `${it.document.documentElement.innerHTML} ${it.location.href}` : "none"; }
    catch (error) { loot[`window ${number}`] = `failed: ${error.name}`; }
  });
  window.ambient();
  attempt("databases", async () => (await indexedDB.databases?.()) ?? []);
  attempt("caches", () => caches.keys());
  attempt("locks", () => navigator.locks.query());
  attempt("workers", async () => (await navigator.serviceWorker.getRegistrations()).map((r) => r.scope));
  await Promise.all(trying);
  opened.forEach((it) => it?.close());
  return loot;
};

window.ambient = () => {
  const value = (name, get) => {
    try { loot[name] = JSON.stringify(get()) ?? "nothing"; } catch (error) { loot[name] = `failed: ${error.name}`; }
  };
  value("referrer", () => document.referrer);
  value("opener", () => (window.opener ? String(window.opener.location.href) : "none"));
  value("name", () => window.name);
  value("entries", () => window.navigation?.entries().map((entry) => entry.url));
  value("activation", () => window.navigation?.activation?.from?.url);
  value("performance", () => performance.getEntries().map((entry) => entry.name));
  value("cookies", () => document.cookie);
  value("local", () => ({ ...localStorage }));
  value("session", () => ({ ...sessionStorage }));
  value("state", () => history.state);
  return loot;
};
"""

#: A page that no policy of the bundle's reaches.
EVIL = '<!doctype html><meta charset="utf-8"><title>A phone</title><body><script src="attack.js"></script>'


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Serve]:
    phone = {
        **FILES,
        "two.js": 'location.replace("evil.html")',
        "evil.html": EVIL,
        "attack.js": ATTACK,
        "worker.js": "onfetch = () => {};",
    }
    for name, text in phone.items():
        path = tmp_path / "phone" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    accounts(tmp_path, "alice", "bob")
    with (
        serve(tmp_path, "--practice", "--source", "phone") as made,
        made.socket("/ws", subprotocols=[Subprotocol("sip")]) as line,
    ):
        line.send(REGISTER)
        line.recv(60)
        yield made


def desk(browser: Browser, running: Serve) -> Page:
    """The developer's page, as its user opens it: with one click."""
    page = browser.page()
    page.goto(running.page)
    page.wait("document.getElementById('live').textContent === 'connected'")
    shown = page.eval("document.body.innerText")
    assert all(text in shown for text in ("alice", "bob", "carol"))
    return page


def newest(browser: Browser, before: set[str]) -> Page:
    """The tab that was not there before."""

    def found() -> set[str]:
        tree = browser.session.send("browsingContext.getTree", maxDepth=0)
        return {context["context"] for context in tree["contexts"]} - before

    return Page(browser.session, until(found).pop())


def tabs(browser: Browser) -> set[str]:
    tree = browser.session.send("browsingContext.getTree", maxDepth=0)
    return {context["context"] for context in tree["contexts"]}


def business(running: Serve) -> list[str]:
    """What no phone may know: of others, of calls, of this machine's files."""
    rest = running.shown().partition(">bob</a>")[0].rpartition("#")[2]
    token = rest.partition('"')[0]
    assert len(token) == 22
    return ["bob", token, "REGISTER", "carol", str(running.folder)]


def test_a_stranger_s_phone_gets_nothing(running: Serve, browser: Browser) -> None:
    page = desk(browser, running)
    nobody_s = business(running)
    there = urlsplit(running.page)
    secret = there.path.strip("/")
    before = tabs(browser)
    page.eval(
        "[...document.querySelectorAll('.accounts a')].find((a) => a.textContent === 'alice').click()"
    )
    phone = newest(browser, before)
    phone.wait("location.pathname.endsWith('/evil.html') && typeof attack === 'function'")

    loot = phone.eval(f"attack({json.dumps(there.netloc)}, '')")
    got = json.dumps(loot)
    assert [text for text in (secret, *nobody_s) if text in got] == []
    told = phone.eval("listen(`wss://${location.host}/__cmp/events`)")
    assert json.loads(told).keys() == {"shown", "since", "trouble"}
    for name in ("cookies", "referrer", "name"):
        assert loot[name] == '""', name
    assert loot["opener"] == '"none"'
    for name in loot:
        if name.startswith("worker "):
            assert loot[name].startswith("failed: "), f"{name}: {loot[name]}"

    # Where it is, is no help: it would have to be the page itself.
    loot = phone.eval(f"attack({json.dumps(there.netloc)}, {json.dumps(secret)})")
    got = json.dumps(loot)
    assert [text for text in nobody_s if text in got] == []
    refused = {name for name in loot if name.startswith(("cors ", "frame ", "window "))}
    assert not {name for name in refused if "alice" in loot[name]}
    for name in ("script dev.js", "style dev.css", "picture /qr/0"):
        assert loot[name] in ('"refused"', '"nothing"'), f"{name}: {loot[name]}"
    assert "news" not in loot["socket"]
    assert running.developer("qr/0")[0] == running.developer("dev.js")[0] == 200, (
        "what was refused is there"
    )


def test_the_tab_that_showed_it_tells_the_next_page_nothing(
    running: Serve, browser: Browser
) -> None:
    page = desk(browser, running)
    secret = urlsplit(running.page).path.strip("/")
    assert secret not in page.eval("document.title")
    page.goto(f"{running.base}/static/cyber_mega_phone_2k/assets/live-1/evil.html")
    got = json.dumps(page.eval("ambient()"))
    assert secret not in got
    assert not [text for text in business(running) if text in got]
