"""Real firewalls let phones in when asked to, and shut again."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import _unreal
from tests.testbed import firewalls


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(firewalls.PROGRAMS))
def test_open_and_shut(kind: str, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        _unreal("not root: a firewall takes a network of its own")
    if shutil.which(firewalls.PROGRAMS[kind]) is None:
        _unreal(f"no {kind} on this machine")
    program = [sys.executable, "-m", "tests.testbed.firewalls", kind, str(tmp_path)]
    done = subprocess.run(
        [
            "unshare",
            "--net",
            "--mount",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child",
            *program,
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shut = [[f"{kind}: None"], []]
    opened = [[f"{kind}: 8089/tcp and 10000-10010/udp"], [8089]]
    replaced = [[f"{kind}: 8088/tcp and 10000-10010/udp"], [8088]]
    told = json.loads(done.stdout)
    assert told[:5] == [shut, opened, replaced, opened, shut]
    if kind == "nftables":
        assert not told[5:], "it is never off"
        return
    off = [[f"{kind}, which is off: 8089/tcp and 10000-10010/udp"], [8089, 8088]]
    assert told[5:] == [opened, off, [[], [8089, 8088]]], "nothing comes back with it"
