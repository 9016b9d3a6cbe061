"""``kill -9`` before every step: old or new, and the next run tidies up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "old", "new"),
    [
        ("provision", [], ["alice"]),
        ("one more", ["alice"], ["alice", "bob"]),
        ("undo", ["alice"], []),
    ],
)
def test_old_or_new(action: str, old: list[str], new: list[str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.provision.killed", action, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) > 5, "so few steps? then they are not all announced"
    for row in rows:
        assert all(found in (old, new) for found in row["found"]), row
        assert row["like"] == ("after" if row["found"][-1] == new else "before"), row
        assert row["left"] == [], row
    assert {row["like"] for row in rows} == {"before", "after"}
