"""The desk that most commands are typed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from .people import Desk, desk


@pytest.fixture(name="at")
def _at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return desk(tmp_path, monkeypatch, capsys)
