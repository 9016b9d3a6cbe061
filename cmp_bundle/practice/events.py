"""What happens at the practice PBX, for whoever shows it. No event holds a secret."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Registered:
    """A phone can be reached. ``phone`` numbers the connection; a refresh is no event."""

    account: str
    phone: int


@dataclass(frozen=True)
class Unregistered:
    """It no longer can: it said so, its time was over, or its connection is gone."""

    account: str
    phone: int


@dataclass(frozen=True)
class CallStarted:
    """``caller`` and ``callee`` are accounts or practice numbers; ``call`` numbers the call."""

    call: int
    caller: str
    callee: str


@dataclass(frozen=True)
class CallRinging:
    call: int


@dataclass(frozen=True)
class CallAnswered:
    call: int


@dataclass(frozen=True)
class CallEnded:
    """``status`` is 200 after a conversation, else the SIP status that the caller was given."""

    call: int
    status: int


Event = Registered | Unregistered | CallStarted | CallRinging | CallAnswered | CallEnded
