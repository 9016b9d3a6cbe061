"""Where commands are typed: at a desk with a phone and an Asterisk, or in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from .people import Desk, Typist, desk


@pytest.fixture(name="at")
def _at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Desk:
    return desk(tmp_path, monkeypatch, capsys)


@pytest.fixture
def here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typist:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Typist(tmp_path, capsys)
