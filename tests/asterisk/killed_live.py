"""As tests/unit/deploy/killed.py, with a real Asterisk: what visitors get is asked over HTTPS.

``telling`` leaves out the steps that nobody sees anything of until the next.

python -m tests.asterisk.killed_live VERSION ACTION telling|all
"""

from __future__ import annotations

import gzip
import http.client
import json
import re
import sys
from collections.abc import Callable
from typing import Any

from cmp_bundle.checks import live
from cmp_bundle.files import Disk
from tests.testbed import roots
from tests.testbed.server import Asterisk, running
from tests.unit.cli.killed import chosen
from tests.unit.deploy.killed import killed_before, recover
from tests.unit.deploy.trees import Server, bundle

#: What is there before each action, and the action.
BEFORE = {"first deploy": (), "deploy": ("one",), "rollback": ("one", "two"), "undeploy": ("one",)}
ACT = {
    "first deploy": lambda s: s.deploy(bundle("one")),
    "deploy": lambda s: s.deploy(bundle("two")),
    "rollback": lambda s: s.roll_back(),
    "undeploy": lambda s: s.undeploy(),
}


def visit(pbx: Asterisk) -> str | None:
    """The version that somebody gets who opens /cmp2k; None for a 404. Raises when torn."""
    answer = live.get(pbx.url, "/cmp2k")
    if answer.status == http.client.NOT_FOUND:
        return None
    assert answer.location is not None
    page = live.get(pbx.url, answer.location)
    assert page.status == http.client.OK, f"{answer.location} answers with {page.status}"
    said = re.search(rb"version (\w+)", page.body)
    app = re.search(rb'data-app="([^"]+)"', page.body)
    assert said
    assert app
    base = answer.location.rpartition("/")[0]
    code = live.get(pbx.url, f"{base}/{app[1].decode()}")
    assert code.status == http.client.OK
    assert b'version="' + said[1] + b'"' in gzip.decompress(code.body), "a mixed page"
    return said[1].decode()


def main(version: str, action: str, how: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    with running(roots.RELEASES[version]) as pbx:

        def server(disk: Disk | None = None) -> Server:
            return Server(pbx.root, disk, command=tuple(pbx.command))

        prepare(server, action)
        steps: list[str] = []
        ACT[action](server(Disk(lambda name, _: steps.append(name))))
        prepared = False
        for number, _ in chosen(steps, how):
            if not prepared:
                prepare(server, action)
            step = killed_before(number, server, ACT[action])
            assert step is not None
            row = {"step": step.replace(str(pbx.base), ""), "found": visit(pbx)}
            recover(server())
            row["recovered"] = visit(pbx)
            prepared = row["recovered"] == (BEFORE[action] or (None,))[-1]
            told.append(row)
    return told


def prepare(server: Callable[[], Server], action: str) -> None:
    server().undeploy()
    for release in BEFORE[action]:
        server().deploy(bundle(release))


if __name__ == "__main__":
    print(json.dumps(main(*sys.argv[1:])))
