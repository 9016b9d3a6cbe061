"""A plan is made of what the survey saw: while it is made nothing is looked at."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cmp_bundle.deploy.plan import Planned, to_deploy, to_roll_back, to_undeploy, to_update_profiles
from cmp_bundle.deploy.survey import Survey, survey

from .trees import Server, bundle, tree, with_profiles

#: What Python tells of before it asks the system (sys.audit); to find a path's state is not told.
_LOOKS = ("open", "os.listdir", "os.scandir", "os.link", "os.symlink", "os.mkdir", "os.rename",
          "os.remove", "subprocess.Popen", "socket.connect")  # fmt: skip

_watched = False
_seen: list[str] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watched and event in _LOOKS:
        _seen.append(f"{event} {arguments[:1]}")


@contextmanager
def watched() -> Iterator[list[str]]:
    global _watched  # noqa: PLW0603 - a hook can never be taken out again
    _seen.clear()
    _watched = True
    try:
        yield _seen
    finally:
        _watched = False


sys.addaudithook(_hook)

PLANS: dict[str, Callable[[Survey], Planned]] = {
    "deploy": lambda f: to_deploy(
        with_profiles(bundle("three"), {"a.bin": b"new"}),
        f,
        keep=1,
    ),
    "rollback": lambda f: to_roll_back(f, None),
    "profiles": lambda f: to_update_profiles(f, {"b.bin": b"b"}),
    "undeploy": to_undeploy,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", list(PLANS))
def test_nothing_is_opened(name: str, tmp_path: Path) -> None:
    server = Server(tree(tmp_path))
    server.deploy(with_profiles(bundle("one"), {"a.bin": b"a"}))
    server.deploy(bundle("two"))
    PLANS[name](server.found())  # what is imported or compiled the first time
    found = survey(server.installation, "cyber_mega_phone_2k", wanted=bundle("three").files)
    with watched() as seen:
        planned = PLANS[name](found)
    assert planned.steps
    assert seen == []


def test_the_watch_itself_sees(tmp_path: Path) -> None:
    with watched() as seen:
        (tmp_path / "a").write_bytes(b"")
        os.listdir(tmp_path)  # noqa: PTH208 - iterdir() asks scandir since Python 3.13
    assert any(s.startswith("open ") for s in seen)
    assert any(s.startswith("os.listdir") for s in seen)
