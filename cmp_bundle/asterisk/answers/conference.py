"""``confbridge show profile bridge NAME``."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Bridge:
    """A profile of conferences. ``video`` is as Asterisk says it, "no video" or "sfu"; ``discard`` for how
    many milliseconds after a whole picture no other one is asked for.
    """

    name: str
    video: str
    discard: int | None = None

    @property
    def has_pictures(self) -> bool:
        return self.video != "no video"


def bridge(text: str, name: str) -> Bridge | None:
    """None where there is no such profile. (A profile that nobody made is the built-in default_bridge.)"""
    pairs = dict(re.findall(r"^([A-Z][\w ]*?): +(\S.*?)\s*$", text, re.MULTILINE))
    if "Video Mode" not in pairs:
        return None
    discard = pairs.get("Video Update Discard", "")
    return Bridge(name, pairs["Video Mode"], int(discard) if discard.isdecimal() else None)
