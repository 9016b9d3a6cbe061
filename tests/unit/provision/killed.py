"""As tests/unit/deploy/killed.py: a run that makes a server ready is killed at each of its steps.

python -m tests.unit.provision.killed ACTION FOLDER
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cmp_bundle.accounts import from_pjsip
from cmp_bundle.files import Disk
from tests.unit.deploy.killed import killed_before, recover
from tests.unit.deploy.trees import snapshot

from .servers import ALICE, BOB, ReadyServer, packaged

#: What is there before each action, and the action.
ACTIONS: dict[str, tuple[Callable[[ReadyServer], Any], Callable[[ReadyServer], Any]]] = {
    "provision": (lambda _: None, lambda s: s.provision(ALICE)),
    "one more": (lambda s: s.provision(ALICE), lambda s: s.provision(ALICE, BOB)),
    "undo": (lambda s: s.provision(ALICE), lambda s: s.undo()),
}


def main(action: str, folder: Path) -> list[dict[str, Any]]:
    before, act = ACTIONS[action]
    prepared, done = folder / "prepared", folder / "done"
    before(packaged(prepared))
    shutil.copytree(prepared, done)
    act(ReadyServer(done))
    told: list[dict[str, Any]] = []
    for number in range(10_000):
        root = folder / f"step-{number}"
        shutil.copytree(prepared, root)

        def make(disk: Disk, root: Path = root) -> ReadyServer:
            return ReadyServer(root, disk=disk)

        step = killed_before(number, make, act)  # type: ignore[arg-type]
        if step is None:
            return told
        found = [endpoints(root)]
        while killed_before(len(found), make, recover):
            found.append(endpoints(root))
        recover(ReadyServer(root))
        found.append(endpoints(root))
        after, got = (partial(snapshot, each) for each in (done, root))
        memory = ReadyServer(root).engine.journal.folder
        told.append(
            {
                "step": step.replace(str(root), ""),
                "found": found,
                "like": "after"
                if got() == after()
                else "before"
                if got() == snapshot(prepared)
                else "",
                "left": [p.name for p in memory.iterdir() if "journal" in p.name],
            }
        )
        shutil.rmtree(root)
    raise AssertionError("it never ends")


def endpoints(root: Path) -> list[str]:
    """What Asterisk would find. Whatever is cut off, it never meets a file that it refuses."""
    read = ReadyServer(root).read("pjsip.conf")
    assert not read.refused
    return list(from_pjsip.found(read).endpoints)


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
