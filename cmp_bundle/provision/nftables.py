"""nftables with rules of the admin's own: rules with our comment, in front of theirs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_bundle.provision import system_program
from cmp_bundle.provision.firewall import NAME, Firewall, Ports, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Of a chain: family, table and name.
Chain = tuple[str, str, str]


@dataclass(frozen=True)
class Rule:
    """One with our comment; ``ports`` is None where it is not as we write it."""

    chain: Chain
    handle: str
    ports: Range | None


@dataclass(frozen=True)
class Nftables(Firewall):
    """``chains`` are those that everything that comes in has to pass, ``rules`` are ours."""

    chains: tuple[Chain, ...] = ()
    rules: tuple[Rule, ...] = ()

    def opening(self, ports: Ports) -> tuple[tuple[str, ...], ...]:
        return tuple(
            (*insert, one.protocol, "dport", one.numbers, "accept", "comment", f'"{NAME}"')
            for chain in self.chains
            for insert in (("nft", "insert", "rule", *chain),)
            for one in sorted(ports.ranges)
        )

    def closing(self) -> tuple[tuple[str, ...], ...]:
        return tuple(
            ("nft", "delete", "rule", *rule.chain, "handle", rule.handle) for rule in self.rules
        )


def look() -> Nftables | None:
    """None where nothing is dropped that comes in, and nothing of ours is there."""
    try:
        found = json.loads(system_program.answer("nft", "-j", "list", "ruleset") or "{}")
        return seen(found.get("nftables", []))
    except (ValueError, AttributeError):
        return None


def seen(ruleset: list[dict[str, Any]]) -> Nftables | None:
    """What this ruleset comes to, as nftables lists it in JSON."""
    chains, rules = tuple(_closed_chains(ruleset)), tuple(_our_rules(ruleset))
    if not chains and not rules:
        return None
    opened = Ports.of(rule.ports for rule in rules)
    everywhere = all(
        opened == Ports.of(rule.ports for rule in rules if rule.chain == chain) for chain in chains
    )
    return Nftables("nftables", bool(chains), opened if rules else None, everywhere, chains, rules)


def _closed_chains(ruleset: list[dict[str, Any]]) -> Iterator[Chain]:
    """Those for what comes in that let nothing in by themselves: what one of them drops is dropped."""
    for entry in ruleset:
        chain = entry.get("chain", {})
        if chain.get("hook") != "input" or chain.get("type") != "filter":
            continue
        key = (str(chain["family"]), str(chain["table"]), str(chain["name"]))
        if chain.get("policy") == "drop" or any(_drops(one, key) for one in ruleset):
            yield key


def _drops(entry: dict[str, Any], chain: Chain) -> bool:
    """Whether it is a rule of ``chain`` that drops, or refuses, all that comes as far as to it."""
    rule = entry.get("rule", {})
    if (rule.get("family"), rule.get("table"), rule.get("chain")) != chain:
        return False
    verdicts = {name for part in rule.get("expr", []) for name in part}
    return bool(verdicts & {"drop", "reject"}) and verdicts <= {"drop", "reject", "counter", "log"}


def _our_rules(ruleset: list[dict[str, Any]]) -> Iterator[Rule]:
    for entry in ruleset:
        rule = entry.get("rule", {})
        if rule.get("comment") == NAME:
            chain = (str(rule["family"]), str(rule["table"]), str(rule["chain"]))
            yield Rule(chain, str(rule["handle"]), _ports(rule.get("expr", [])))


def _ports(parts: list[dict[str, Any]]) -> Range | None:
    """What a rule of two parts lets in: a port or a range of them, and accept."""
    match parts:
        case [
            {
                "match": {
                    "op": "==",
                    "left": {"payload": {"field": "dport", "protocol": p}},
                    "right": r,
                }
            },
            {"accept": None},
        ]:
            first, last = r["range"] if isinstance(r, dict) and "range" in r else (r, r)
            return Range.parsed(f"{first}-{last}/{p}")
    return None
