"""``rtp show settings``."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Rtp:
    """``first`` and ``last`` are the ports for media. ``ice`` is whether there is ICE, ``stun`` the
    ``address:port`` of a server, empty where there is none, ``unresolved`` the ``name:port`` of one whose
    name has no address.
    """

    first: int
    last: int
    ice: bool
    stun: str = ""
    unresolved: str = ""


def rtp(text: str) -> Rtp | None:
    """None where the module is not loaded."""
    pairs = dict(re.findall(r"^ +([A-Z][\w ]*?): +(\S.*?) *$", text, re.MULTILINE))
    if not {"Port start", "Port end"} <= pairs.keys():
        return None
    # "enbabled" is what it really says. 16 has one line alone, and all zeros where there is none.
    stun = pairs.get("Address", "") if pairs.get("STUN", "disabled") != "disabled" else ""
    stun = stun or pairs.get("STUN address", "")
    # Since 20.20, 22.10 and 23.4 a name has lines of its own.
    resolved = pairs.get("Resolved Addr", "")
    stun = stun or resolved.partition(" ")[0]
    lost = "(lookup failed)" in resolved
    return Rtp(
        int(pairs["Port start"]),
        int(pairs["Port end"]),
        pairs.get("ICE support", "Yes") == "Yes",
        "" if stun.startswith("0.0.0.0:") else stun,
        pairs.get("Hostname", "") if lost else "",
    )
