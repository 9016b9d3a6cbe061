"""``kill -9`` before every step, under the eyes of a real Asterisk."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.conftest import SIXTEEN_IN_SOAK
from tests.testbed.roots import Release

pytestmark = [pytest.mark.asterisk, pytest.mark.slow, SIXTEEN_IN_SOAK]


@pytest.mark.parametrize("how", ["telling", pytest.param("all", marks=pytest.mark.soak)])
@pytest.mark.parametrize(
    ("action", "old", "new"),
    [
        ("first deploy", None, "one"),
        ("deploy", "one", "two"),
        ("rollback", "two", "one"),
        ("undeploy", "one", None),
    ],
)
def test_old_or_new(
    asterisk_release: Release, action: str, old: str | None, new: str | None, how: str
) -> None:
    program = [sys.executable, "-m", "tests.asterisk.killed_live"]
    command = [*program, asterisk_release.version, action, how]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert any(row["step"].startswith("reload") for row in rows)
    for row in rows:
        assert row["found"] in (old, new), row
        assert row["recovered"] in (old, new), row
    assert {row["recovered"] for row in rows} == {old, new}
