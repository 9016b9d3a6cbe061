"""``acl show``: the named lists of acl.conf."""

from __future__ import annotations

from typing import NamedTuple


class Rule(NamedTuple):
    """``network`` is as Asterisk shows it, 10.0.0.0/255.0.0.0 or 2001:db8::/ffff:ffff::."""

    allow: bool
    network: str


def names(text: str) -> tuple[str, ...]:
    """Those of ``acl show``."""
    _, _, table = text.partition("---\n")
    return tuple(name for line in table.splitlines() if (name := line.strip()))


def rules(text: str) -> tuple[Rule, ...]:
    """Those of ``acl show NAME``, in their order: the last that fits counts."""
    found = []
    for line in text.splitlines():
        number, _, rest = line.strip().partition(":")
        sense, _, network = rest.strip().partition(" - ")
        if number.isdigit() and sense in ("allow", "deny"):
            found.append(Rule(sense == "allow", network.strip()))
    return tuple(found)
