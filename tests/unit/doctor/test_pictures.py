"""V: what the checks of pictures say of values."""

from __future__ import annotations

from typing import Any

import pytest

from cmp_bundle.asterisk.answers.conference import Bridge
from cmp_bundle.doctor import codecs, pictures

from .calling import phone, plan, written
from .living import live
from .outcomes import found, unknown

CHECKS = (*pictures.CHECKS, *(one for one in codecs.CHECKS if one.codes == ("V104",)))
CONFERENCE = plan(e249="Answer() ConfBridge(room,video)")
BRIDGES = {
    "video": Bridge("video", "sfu", 2000),
    "room": None,
    "default_bridge": Bridge("default_bridge", "no video", 2000),
}


def given(**changed: Any) -> dict[str, Any]:
    running = {"contexts": CONFERENCE, "bridges": BRIDGES} | changed.pop("live", {})
    return {"phones": (phone(),), "live": live(**running), "written": written()} | changed


def said(**changed: Any) -> dict[str, str]:
    return found(CHECKS, **given(**changed))


def test_a_healthy_server() -> None:
    assert said() == {}
    assert unknown(CHECKS, **given()).keys() == {"V108"}


@pytest.mark.parametrize(
    ("number", "allow", "code"),
    [
        ("1", "(opus|vp8)", "V101"),
        ("0", "(opus|vp8)", "V101"),
        ("1", "(opus|ulaw)", ""),
        ("4", "(opus|vp8)", ""),
        ("15", "(opus|vp8)", ""),
        ("25", "(opus|vp8)", "V107"),
    ],
)
def test_how_many(number: str, allow: str, code: str) -> None:
    told = said(phones=(phone(max_video_streams=number, allow=allow),))
    assert list(told) == [one for one in (code,) if one]
    assert f"max_video_streams: {number}" in told.get(code, f"max_video_streams: {number}")


@pytest.mark.parametrize(
    ("steps", "bridges", "code"),
    [
        ("ConfBridge(room)", {}, "V102"),
        ("ConfBridge(video)", {}, "V103"),
        ("ConfBridge(${EXTEN},video)", {}, ""),
        ("ConfBridge(room,${PROFILE})", {}, ""),
        ("ConfBridge(room,video)", {"video": Bridge("video", "no video", 2000)}, "V102"),
        ("ConfBridge(room,video)", {"video": Bridge("video", "follow_talker", 60000)}, "V105"),
        ("ConfBridge(room,video)", {"video": Bridge("video", "sfu", 100)}, ""),
        ("Set(CONFBRIDGE(bridge,video_mode)=sfu) ConfBridge(room)", {}, ""),
        ("StreamEcho(4)", {}, ""),
    ],
)
def test_conferences(steps: str, bridges: dict[str, Bridge], code: str) -> None:
    told = said(live={"contexts": plan(e249=steps), "bridges": BRIDGES | bridges})
    assert list(told) == [one for one in (code,) if one]


def test_several_codecs_in_a_conference() -> None:
    two = (phone("bob"), phone(allow="(ulaw|vp8|h264)"))
    assert "alice may send pictures as vp8 or h264" in said(phones=two)["V104"]
    assert said(phones=two, live={"contexts": plan(e1="Answer()")}) == {}
    silent = {"video": Bridge("video", "no video", 2000)}
    assert said(phones=two, live={"bridges": BRIDGES | silent}).keys() == {"V102"}
