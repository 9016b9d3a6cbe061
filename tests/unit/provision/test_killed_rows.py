"""``kill -9`` before every step, rows in a database among them: old or new, and the next run tidies up."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from .killed_rows import ACTIONS_IN_A_FILE


def killed(action: str, folder: Path, *database: str) -> None:
    """All that is asked of an action, wherever it is cut off."""
    command = [sys.executable, "-m", "tests.unit.provision.killed_rows", action, str(folder)]
    done = subprocess.run([*command, *database], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    for row in rows:
        assert row["rows"] != "neither", row
        assert row["recovered"] != "neither", row
        assert row["left"] == [], row
    steps = [row["step"] for row in rows]
    told = [row["rows"] for row in rows]
    new = told.index("new")
    assert told == ["old"] * new + ["new"] * (len(rows) - new)
    at = [step.startswith("rows ") for step in steps].index(True)
    between = steps[at + 1 : new]
    assert between, "what is remembered is written before they are committed"
    assert all("provisioned.json" in step for step in between), "and nothing else"
    assert {row["recovered"] for row in rows} == {"old", "new"}


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS_IN_A_FILE)
def test_old_or_new(action: str, tmp_path: Path) -> None:
    killed(action, tmp_path)
