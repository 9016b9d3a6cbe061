"""Kills a run at each of its steps, one after the other; prints what was left, as JSON.

A program of its own, so that it can fork: the child is stopped by SIGKILL right before its n-th
step, the parent looks at what a visitor would get, and lets another run bring things to an end.
How many steps there are is found by running until a child reaches its end.

    python -m tests.unit.deploy.killed ACTION FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from cmp_bundle.files import Disk

from .trees import Server, bundle, snapshot, tree, visit, with_profiles

#: What is there before each action, and the action.
ACTIONS: dict[str, tuple[Callable[[Server], Any], Callable[[Server], Any]]] = {
    "first deploy": (lambda _: None, lambda s: s.deploy(bundle("one"))),
    "deploy": (
        lambda s: [s.deploy(bundle(v), keep=2) for v in ("zero", "half", "one")],
        lambda s: s.deploy(bundle("two"), keep=2),
    ),
    "rollback": (
        lambda s: [s.deploy(bundle(v)) for v in ("one", "two")],
        lambda s: s.roll_back(),
    ),
    "profiles": (
        lambda s: s.deploy(with_profiles(bundle("one"), {"a.bin": b"old", "b.bin": b"b"})),
        lambda s: s.deploy(with_profiles(bundle("two"), {"a.bin": b"new"})),
    ),
    "undeploy": (lambda s: s.deploy(bundle("one")), lambda s: s.undeploy()),
}


def main(action: str, folder: Path) -> list[dict[str, Any]]:
    before, act = ACTIONS[action]
    prepared = tree(folder / "prepared")
    before(Server(prepared))
    done = folder / "done"
    shutil.copytree(prepared, done, symlinks=True)
    act(Server(done))
    told: list[dict[str, Any]] = []
    for number in range(10_000):
        root = folder / f"step-{number}"
        shutil.copytree(prepared, root, symlinks=True)
        make = partial(Server, root)
        step = killed_before(number, make, act)
        if step is None:
            return told
        row: dict[str, Any] = {"step": step.replace(str(root), ""), "found": visit(root)}
        # The recovery is killed as well, at each of its steps in turn, until one comes through.
        row["recoveries"] = [visit(root)]
        while killed_before(len(row["recoveries"]), make, recover):
            row["recoveries"].append(visit(root))
        recover(Server(root))
        row["recovered"] = visit(root)
        row["like"] = like(root, prepared, done)
        memory = Server(root).engine.journal.folder
        left = (*snapshot(root), *(p.name for p in memory.iterdir()))
        row["left"] = sorted(p for p in left if "partial" in p or "journal" in p)
        told.append(row)
        shutil.rmtree(root)
    raise AssertionError("it never ends")


def recover(server: Server) -> None:
    """What any next run does first."""
    with server.engine.alone():
        pass


def killed_before(
    number: int, make: Callable[[Disk], Server], act: Callable[[Server], Any]
) -> str | None:
    """Run ``act`` and kill it before its step ``number``; the step, None if it came to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        left = [number]

        def before(step: str, path: Path) -> None:
            if left[0] == 0:
                os.write(writing, f"{step} {path}".encode())
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1

        try:
            act(make(Disk(before)))
        except BaseException:  # noqa: BLE001 - a forked child must end here, whatever it was
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        step = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        assert os.WEXITSTATUS(status) == 0, "the run failed"
        return None
    assert os.WTERMSIG(status) == signal.SIGKILL
    return step


def like(root: Path, before: Path, after: Path) -> str:
    """Whether ``root`` is as it was before, or as it is after, apart from names with a time."""
    got = shape(root)
    return "before" if got == shape(before) else "after" if got == shape(after) else "neither"


def shape(root: Path) -> dict[str, Any]:
    """The tree with each release called by what it holds, so that two runs can be compared."""
    import re

    def anonymous(text: str) -> str:
        return re.sub(r"\d{8}T\d{6}-|(?<=v=)\d+-", "", text)

    return {
        anonymous(path): [
            anonymous(part.decode("latin-1") if isinstance(part, bytes) else str(part))
            for part in content
        ]
        for path, content in snapshot(root).items()
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
