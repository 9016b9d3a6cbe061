"""The PBX that test calls are made to, in memory."""

from __future__ import annotations

import pytest

from cmp_bundle.checks.line import Line

from .scripted_pbx import InMemory, ScriptedPbx


@pytest.fixture
def pbx(monkeypatch: pytest.MonkeyPatch) -> ScriptedPbx:
    made = ScriptedPbx()

    async def opened(url: str, context: object, patience: float, source: str | None) -> Line:
        del context
        assert (url, patience, source) == ("wss://pbx.example:8089/ws", 10.0, None)
        return Line(InMemory(made))  # type: ignore[arg-type]

    monkeypatch.setattr(Line, "open", opened)
    return made
