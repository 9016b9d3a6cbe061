"""The practice PBX that most tests here have phones call."""

from __future__ import annotations

import pytest

from .exchange import Exchange


@pytest.fixture
def exchange() -> Exchange:
    return Exchange()
