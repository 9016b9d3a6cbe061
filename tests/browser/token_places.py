"""Where in a browser a token can be found: everything that a page can reach is looked through."""

from __future__ import annotations

import json

from .bidi import Page

#: Every property of every object that leads anywhere from the window, from the accounts of the
#: page's load and from its history; getters are called. The places of strings that hold the token.
_CRAWL = r"""(token) => {
  const found = new Set(), seen = new Set(), waiting = [];
  const push = (object) => {
    if (object === null || !["object", "function"].includes(typeof object) || seen.has(object)) return;
    seen.add(object);
    waiting.push(object);
  };
  const look = (owner, name, value) => {
    if (typeof value !== "string") push(value);
    else if (value.includes(token)) found.add(`${Object.prototype.toString.call(owner).slice(8, -1)}.${String(name)}`);
  };
  push(window);
  push(performance.getEntries());
  if ("navigation" in window) push(navigation.entries());
  while (waiting.length) {
    const object = waiting.shift();
    const names = new Set();
    for (let owner = object; owner; owner = Object.getPrototypeOf(owner))
      for (const name of Reflect.ownKeys(owner)) names.add(name);
    for (const name of names) {
      let value;
      try { value = object[name]; } catch { continue; }
      look(object, name, value);
    }
    if (object instanceof Map || object instanceof Set) for (const value of object) push([value].flat());
  }
  return found;
}"""

#: What is only told to those who listen: every kind of entry, and the browser's own complaints.
_LISTEN = r"""(token) => {
  const heard = (observer, name, options) => new Promise((done) => {
    const made = new observer((list) => {
      const text = JSON.stringify(Array.isArray(list) ? list : list.getEntries());
      done(text.includes(token) ? [name] : []);
    }, options);
    made.observe(options);
    // What was kept for it is handed over before anything that is asked for after it.
    setTimeout(() => done([]), 200);
  });
  const kinds = (globalThis.PerformanceObserver?.supportedEntryTypes ?? [])
    .map((type) => heard(PerformanceObserver, type, { type, buffered: true }));
  const reports = globalThis.ReportingObserver
    ? [heard(ReportingObserver, "report", { buffered: true })] : [];
  return Promise.all([...kinds, ...reports]);
}"""

#: In a page before anything else of it: keeps what an error would tell of where it happened, each
#: time that anything of the page listens to anything.
TRACES = """() => {
  window.testTraces = [];
  const listen = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (...given) {
    window.testTraces.push({ stack: String(new Error(given[0]).stack) });
    return listen.apply(this, given);
  };
}"""


def places(page: Page, token: str) -> set[str]:
    """Of each place that a page can look at and has the token, the kind of thing that it is.

    Such as ``Location.href``; for what is told to listeners alone, the kind of entry.
    """
    wanted = json.dumps(token)
    found = page.wait(
        "document.readyState === 'complete' && (async () => {"
        f" const heard = await ({_LISTEN})({wanted});"
        f" return [[...({_CRAWL})({wanted})], ...heard]; }})()",
        "looking everywhere",
    )
    return {place for places in found for place in places}


#: A worker of a folder of its own, told to everybody of that folder who asks: the addresses of all
#: pages of the server that it can see.
WORKER = b"""
oninstall = () => skipWaiting();
onactivate = (event) => event.waitUntil(clients.claim());
onmessage = async ({ source }) => {
  const all = await clients.matchAll({ includeUncontrolled: true, type: "window" });
  source.postMessage(all.map(({ url }) => url));
};
"""
WORKER_PAGE = b"<!DOCTYPE html><title>another page of the server</title>"


def seen_by_worker(page: Page) -> list[str]:
    """The addresses that the worker beside ``page`` sees of its server's pages."""
    addresses: list[str] = page.eval(
        """(async () => {
          await navigator.serviceWorker.register("worker.js");
          const { active } = await navigator.serviceWorker.ready;
          return new Promise((done) => {
            navigator.serviceWorker.onmessage = ({ data }) => done(data);
            active.postMessage("");
          });
        })()"""
    )
    return addresses
