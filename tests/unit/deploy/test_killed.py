"""``kill -9`` before every step of every action: old or new, and the next run tidies up."""

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
        ("first deploy", None, "one"),
        ("deploy", "one", "two"),
        ("rollback", "two", "one"),
        ("profiles", "one", "two"),
        ("undeploy", "one", None),
    ],
)
def test_old_or_new(action: str, old: str | None, new: str | None, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.deploy.killed", action, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert len(rows) > 10, "so few steps? then they are not all announced"
    for row in rows:
        assert row["found"] in (old, new), row
        assert set(row["recoveries"]) | {row["recovered"]} <= {old, new}, row
        assert row["like"] in ("before", "after"), row
        assert row["left"] == [], row
        assert (row["recovered"] == new) == (row["like"] == "after"), row
    # Both ends are met: cut off early it is undone, cut off late it is finished.
    assert {row["like"] for row in rows} == {"before", "after"}
