"""The calls that there are: ``core show channels concise``."""

from __future__ import annotations

from dataclasses import dataclass

#: What stands between exclamation marks, on 16 and 22.
_FIELDS = 14


@dataclass(frozen=True)
class Channel:
    """``name`` as ``PJSIP/alice-00000008``, ``endpoint`` that of a channel of PJSIP, else empty;
    ``seconds`` since it began.
    """

    name: str
    endpoint: str
    seconds: int


def channels(text: str) -> tuple[Channel, ...]:
    found = []
    for line in text.splitlines():
        fields = line.split("!")
        if len(fields) < _FIELDS or "/" not in fields[0]:
            continue
        # Application data may hold exclamation marks: the last fields are counted from the end.
        name, seconds = fields[0], fields[-3]
        technology, _, rest = name.partition("/")
        endpoint = rest.rpartition("-")[0] if technology == "PJSIP" else ""
        found.append(Channel(name, endpoint, int(seconds) if seconds.isdecimal() else 0))
    return tuple(found)
