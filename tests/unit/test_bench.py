"""What make bench measures is still there, under the names by which it looks for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bench import accounts


@pytest.mark.slow
def test_each_part_of_a_build_and_a_deploy_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "COUNTS", (20,))
    head, *rows = accounts.measured(tmp_path)
    assert [row[0] for row in rows] == ["build, 20", "provision, 20", "deploy, 20"]
    build = dict(zip(head, rows[0], strict=True))
    assert all(float(build[name]) > 0 for name in ("reading", "sealing", "the look", "writing"))
