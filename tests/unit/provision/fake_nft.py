"""nft for tests, with one chain that drops what comes in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

CHAIN = ("inet", "filter", "input")


@dataclass
class FakeNft:
    """``rules`` are those of ours, by their handles: protocol and ports. A ``stubborn`` one takes no
    rule away.
    """

    rules: dict[str, str] = field(default_factory=dict)
    stubborn: bool = False
    _last: int = 0

    @property
    def opened(self) -> set[str]:
        return set(self.rules.values())

    def answer(self, *command: str) -> str | None:
        match command:
            case ("nft", "-j", "list", "ruleset"):
                return json.dumps({"nftables": ruleset(self.rules)})
            case (
                "nft",
                "insert",
                "rule",
                *_,
                protocol,
                "dport",
                ports,
                "accept",
                "comment",
                _name,
            ):
                self._last += 1
                self.rules[str(self._last)] = f"{protocol} {ports}"
                return ""
            case ("nft", "delete", "rule", *_, "handle", handle) if not self.stubborn:
                del self.rules[handle]
                return ""
        return None


def ruleset(rules: dict[str, str]) -> list[dict[str, Any]]:
    """As nft lists it in JSON."""
    family, table, name = CHAIN
    chain = {"family": family, "table": table, "name": name, "type": "filter", "hook": "input"}
    return [
        {"metainfo": {"version": "1.0.6"}},
        {"chain": chain | {"policy": "drop"}},
        *({"rule": rule(handle, text)} for handle, text in rules.items()),
    ]


def rule(handle: str, text: str) -> dict[str, Any]:
    """One of ours that opens the ports of ``text`` (udp 10000-20000)."""
    protocol, _, ports = text.partition(" ")
    first, dash, last = ports.partition("-")
    right = {"range": [int(first), int(last)]} if dash else int(first)
    left = {"payload": {"protocol": protocol, "field": "dport"}}
    return {
        "family": CHAIN[0],
        "table": CHAIN[1],
        "chain": CHAIN[2],
        "handle": int(handle),
        "comment": "cmp-bundle",
        "expr": [{"match": {"op": "==", "left": left, "right": right}}, {"accept": None}],
    }
