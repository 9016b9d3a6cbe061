"""nftables with rules of the admin's own: rules with our comment, in front of theirs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cmp_bundle.provision import system_program
from cmp_bundle.provision.firewall import NAME, Firewall, Gate, Ports, Range

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
    gates = tuple(_gate(ruleset, chain) for chain in chains)
    opened_by_us = opened if rules else None
    return Nftables("nftables", bool(chains), opened_by_us, everywhere, chains, rules, gates=gates)


#: What a rule can match that no first packet of a connection from elsewhere has.
_NEVER_NEW = {"established", "related", "invalid", "untracked"}
_ICMP = {"icmp", "icmpv6", "ipv6-icmp", "igmp"}


def _gate(ruleset: list[dict[str, Any]], chain: Chain) -> Gate:
    """What the rules of ``chain`` accept before one of them drops all."""
    opened: set[Range] = set()
    narrow: set[Range] = set()
    unclear = False
    for entry in ruleset:
        rule = entry.get("rule", {})
        if (rule.get("family"), rule.get("table"), rule.get("chain")) != chain:
            continue
        if _drops(entry, chain):
            break
        parts = rule.get("expr", [])
        verdicts = {name for part in parts for name in part} - {"match", "counter", "log", "limit"}
        if verdicts <= {"drop", "reject"}:
            # A ban of some, or no verdict: what it takes away, it takes from some alone.
            continue
        matches = [part["match"] for part in parts if "match" in part]
        if verdicts != {"accept"}:
            unclear = True
        elif not any(map(_is_never_new, matches)):
            ports = [_matched(match) for match in matches]
            known = [found for found in ports if found]
            if not known:
                unclear = True
            elif len(known) == len(matches):
                opened.update(*known)
            else:
                narrow.update(*known)
    return Gate(frozenset(opened), frozenset(narrow), unclear)


def _is_never_new(match: dict[str, Any]) -> bool:
    """Whether what it matches is no connection that somebody from elsewhere begins."""
    left, right = match.get("left", {}), match.get("right")
    values = right.get("set", [right]) if isinstance(right, dict) else right
    values = values if isinstance(values, list) else [values]
    if match.get("op") not in ("==", "in") or not all(isinstance(one, str) for one in values):
        return False
    what = left.get("meta", left.get("ct", left.get("payload", {})))
    key = what.get("key", what.get("field", ""))
    if key in ("iif", "iifname"):
        return values == ["lo"]
    if key == "state":
        return set(values) <= _NEVER_NEW
    return (key in ("l4proto", "protocol", "nexthdr") and set(values) <= _ICMP) or what.get(
        "protocol"
    ) in _ICMP


def _matched(match: dict[str, Any]) -> list[Range]:
    """The ports that it matches; none where it is about something else."""
    payload = match.get("left", {}).get("payload", {})
    if match.get("op") not in ("==", "in") or payload.get("field") != "dport":
        return []
    right = match.get("right")
    values = right.get("set", [right]) if isinstance(right, dict) else [right]
    protocols = ("tcp", "udp") if payload.get("protocol") == "th" else (payload.get("protocol"),)
    found: list[Range] = []
    for value in values:
        first, last = (
            value["range"] if isinstance(value, dict) and "range" in value else (value, value)
        )
        for protocol in protocols:
            one = Range.parsed(f"{first}-{last}/{protocol}")
            if one is None:
                return []
            found.append(one)
    return found


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
