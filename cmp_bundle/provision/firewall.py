"""A firewall of this machine as it was found, and which of its ports are open by our name."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The name of all that is ours in a firewall.
NAME = "cmp-bundle"

_RANGE = re.compile(r"([0-9]{1,5})(?:[-:]([0-9]{1,5}))?/(tcp|udp)")
_HIGHEST = 65535


@dataclass(frozen=True, order=True)
class Range:
    """The ports ``first`` to ``last`` of ``protocol`` (tcp, udp)."""

    protocol: str
    first: int
    last: int

    @classmethod
    def parsed(cls, text: str) -> Range | None:
        """From 8089/tcp, 10000-20000/udp or 10000:20000/udp; None for all else."""
        found = _RANGE.fullmatch(text)
        if found is None:
            return None
        first = int(found[1])
        last = int(found[2] or first)
        return cls(found[3], first, last) if 0 < first <= last <= _HIGHEST else None

    def holds(self, other: Range) -> bool:
        return (
            self.protocol == other.protocol
            and self.first <= other.first
            and other.last <= self.last
        )

    @property
    def numbers(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}-{self.last}"

    def __str__(self) -> str:
        return f"{self.numbers}/{self.protocol}"


@dataclass(frozen=True)
class Ports:
    """Some ports; none at all is what is left of ours where nothing is open by it any more."""

    ranges: frozenset[Range] = frozenset()

    @classmethod
    def of(cls, ranges: Iterable[Range | None]) -> Ports:
        """Those of ``ranges`` that are some."""
        return cls(frozenset(one for one in ranges if one is not None))

    @classmethod
    def needed(cls, tcp: int, udp: tuple[int, int]) -> Ports:
        """``tcp`` for HTTPS, the first and the last of ``udp`` for sound and pictures."""
        return cls.of((Range("tcp", tcp, tcp), Range("udp", *udp)))

    def __str__(self) -> str:
        return " and ".join(map(str, sorted(self.ranges))) or "no port"


@dataclass(frozen=True)
class Gate:
    """What one place of a firewall lets in, by whosever rules: ``open`` are the ports for everybody,
    ``narrow`` those for some alone. ``unclear`` is whether it has rules that are not understood here.
    """

    open: frozenset[Range] = frozenset()
    narrow: frozenset[Range] = frozenset()
    unclear: bool = False

    def passes(self, one: Range) -> bool | None:
        """None where it cannot be told."""
        if any(each.holds(one) for each in self.open):
            return True
        return None if self.unclear or any(each.holds(one) for each in self.narrow) else False


@dataclass(frozen=True)
class Firewall:
    """``kind`` is firewalld, ufw or nftables, ``active`` whether it is at work.

    ``opened`` are the ports that are open by our name, or will be when it is at work again; None
    where nothing of ours is in it. ``everywhere`` is whether they are so for all that come in. ``gates``
    are the places that everything has to pass.
    """

    kind: str
    active: bool = True
    opened: Ports | None = None
    everywhere: bool = True
    gates: tuple[Gate, ...] = field(default=(), compare=False, kw_only=True)

    def opening(self, ports: Ports) -> tuple[tuple[str, ...], ...]:
        """The commands that open it where nothing of ours is in it."""
        raise NotImplementedError

    def closing(self) -> tuple[tuple[str, ...], ...]:
        """The commands that take away all that is ours."""
        raise NotImplementedError

    def lets_in(self, ports: Ports) -> bool:
        """Whether just these are open by our name, for all that come in."""
        return self.opened == ports and self.everywhere

    def passes(self, one: Range) -> bool | None:
        """Whether everybody can come in by that, by whosever rules; None where it cannot be told."""
        if not self.active:
            return True
        found = [gate.passes(one) for gate in self.gates]
        if False in found:
            return False
        return True if found and None not in found else None

    def __str__(self) -> str:
        return self.kind if self.active else f"{self.kind}, which is off"
