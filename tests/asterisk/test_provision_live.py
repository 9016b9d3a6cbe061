"""Making real Asterisks ready that are as their packages leave them."""

from __future__ import annotations

import re

import pytest

from tests.conftest import Cmp
from tests.testbed.server import Asterisk

from .test_deploy_live import state

pytestmark = pytest.mark.asterisk

#: What every endpoint has, as Asterisk shows it.
ENDPOINT = {
    "webrtc": "yes",
    "direct_media": "false",
    "max_audio_streams": "1",
    "max_video_streams": "15",
    "dtmf_mode": "rfc4733",
    "timers": "always",
    "timers_sess_expires": "90",
    "transport": "",
    "context": "cmp-phones",
    "callerid": '"Alice" <101>',
}
AOR = {
    "max_contacts": "5",
    "remove_existing": "true",
    "remove_unavailable": "true",
    "qualify_frequency": "60",
}


@pytest.fixture
def at(cmp: Cmp, packaged: Asterisk) -> Cmp:
    """Two accounts, and an Asterisk that knows nothing of them."""
    cmp.aim(packaged)
    cmp("init")
    cmp("accounts", "add", "alice", "--display-name", "Alice", "--extension", "101")
    cmp("accounts", "add", "bob", "--extension", "102")
    return cmp


def shown(pbx: Asterisk, kind: str, name: str) -> dict[str, str]:
    text = pbx.rx(f"pjsip show {kind} {name}")
    return dict(re.findall(r"^ (\w+) +: (.*?) *$", text, re.MULTILINE))


def test_from_nothing_and_back(at: Cmp, packaged: Asterisk) -> None:
    before = state(packaged)
    log = len(packaged.log())
    done = at("provision")
    assert done["made"] == ["alice", "bob"]
    assert done["url"] == "https://127.0.0.1:8089"
    endpoint = shown(packaged, "endpoint", "alice")
    assert {name: endpoint[name] for name in ENDPOINT} == ENDPOINT
    assert endpoint["allow"] in ("(opus|ulaw|vp8)", "(ulaw|opus|vp8)")
    aor = shown(packaged, "aor", "alice")
    assert {name: aor[name] for name in AOR} == AOR
    assert "Video Mode:           sfu" in packaged.rx("confbridge show profile bridge cmp-video")
    assert not at("provision")["changed"], "a second time"
    written = packaged.log()[log:]
    assert not re.findall(r".*(?:WARNING|ERROR).*(?:cmp-|alice|bob|http).*", written), written
    at("provision", "--undo")
    assert state(packaged) == before
    assert "alice" not in packaged.rx("pjsip show endpoints")
