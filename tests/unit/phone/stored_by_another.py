"""A process that stores a phone: started by tests, killed by them or left to run.

``killed ROOT TREE`` forks one child for every step that storing takes, kills it just before
that step, looks at what is left, and stores once more. ``steadily ROOT N`` stores and loads N
times. ``fetched ROOT ADDRESS COMMIT TREE`` fetches over https. The parent says when to begin.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

from cmp_bundle.files import Disk
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.pin import Pin
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent

FILES = {
    "index.html": PhoneFile(b"<title>a phone</title>"),
    "lib/deep/sip.js": PhoneFile(b"x" * 10_000),
    "serve.sh": PhoneFile(b"#!/bin/sh\n", executable=True),
}
PHONE = Phone.of(FILES, source="https://example.org/p.zip")
SOURCE = "a source"


def killed(root: Path) -> None:
    """Prints a line for each step: what it was, and what the cache then gave."""
    for step in range(1000):
        folder = root / str(step)
        asked, output = os.pipe()
        child = os.fork()
        if child == 0:
            store_until(step, folder, output)
            os._exit(0)
        os.close(output)
        with os.fdopen(asked, "rb") as heard:
            name = heard.read().decode()
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status):
            return
        cache = Cache(folder)
        left = cache.load(PHONE.tree)
        known = cache.recall(SOURCE)
        cache.store(PHONE)
        cache.remember(SOURCE, PHONE)
        result = {
            "step": name,
            "signal": os.WTERMSIG(status),
            "left": "nothing" if left is None else "all" if left == FILES else "something else",
            "known": None if known is None else known.tree,
            "after": cache.load(PHONE.tree) == FILES,
            "there": sorted(
                path.relative_to(folder).as_posix()
                for path in folder.rglob("*")
                if path.is_file() and path.parent.name != "sources"
            ),
        }
        print(json.dumps(result))


def store_until(step: int, folder: Path, output: int) -> None:
    done = 0

    def before(name: str, path: Path) -> None:
        nonlocal done
        if done == step:
            os.write(output, f"{name} {path.name}".encode())
            os.kill(os.getpid(), signal.SIGKILL)
        done += 1

    cache = Cache(folder, Disk(before))
    cache.store(PHONE)
    cache.remember(SOURCE, PHONE)


def steadily(root: Path, times: int) -> None:
    cache = Cache(root)
    sys.stdin.readline()
    for _ in range(times):
        cache.store(PHONE)
        cache.remember(SOURCE, PHONE)
        if cache.load(PHONE.tree) != FILES or cache.recall(SOURCE) is None:
            sys.exit("not what was stored")


def fetched(root: Path, address: str, commit: str, tree: str) -> None:
    pin = Pin("a/phone", commit, tree, archive=address, git="https://127.0.0.1:1/x.git")
    sys.stdin.readline()
    phone = fetch(parse("upstream", upstream=pin), Cache(root), Silent())
    print(phone.tree)


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["killed", where]:
            killed(Path(where))
        case ["steadily", where, many]:
            steadily(Path(where), int(many))
        case ["fetched", where, url, identity, content]:
            fetched(Path(where), url, identity, content)
