"""The PBX that test calls are made to, in memory; and what a server over TLS needs."""

from __future__ import annotations

import ssl

import pytest

from cmp_bundle.checks.line import Line
from tests.unit.tls.made import odd

from .scripted_pbx import InMemory, ScriptedPbx


@pytest.fixture
def pbx(monkeypatch: pytest.MonkeyPatch) -> ScriptedPbx:
    made = ScriptedPbx()

    async def opened(
        url: str, context: object, patience: float, source: str | None, address: str
    ) -> Line:
        del context, address
        assert (url, patience, source) == ("wss://pbx.example:8089/ws", 10.0, None)
        return Line(InMemory(made))  # type: ignore[arg-type]

    monkeypatch.setattr(Line, "open", opened)
    return made


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A server's, with a certificate that nobody has signed."""
    pem = tmp_path_factory.mktemp("pem") / "both.pem"
    pem.write_bytes(b"".join(odd("localhost")))
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made
