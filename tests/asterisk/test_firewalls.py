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
    shut, opened, again = json.loads(done.stdout)
    assert shut == [[kind, False], []]
    assert opened == [[kind, True], [8089]], "phones alone, and not the plain port"
    assert again == shut
