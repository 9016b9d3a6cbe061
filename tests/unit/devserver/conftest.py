"""The phone that the dev server of a test builds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.bundle.phones import FILES


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "phone"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder
