"""Our lines in a file of somebody's, taken back while the rest stays. Bytes in, bytes out."""

from __future__ import annotations

from collections import Counter


def taken_back(current: bytes, before: bytes, after: bytes) -> tuple[bytes, bool]:
    """``current`` with the lines that changed from ``before`` to ``after`` as they were before.

    And whether all of them are. Only lines that were replaced are found again, each by standing
    there once: that is so for new passwords, which nobody else can have written.
    """
    old, new, now = (data.splitlines(keepends=True) for data in (before, after, current))
    if len(old) != len(new):
        return current, False
    replaced = {there: was for was, there in zip(old, new, strict=True) if was != there}
    seen = Counter(now)
    found = {there: was for there, was in replaced.items() if seen[there] == 1}
    # One that was as before already, since nobody got to it, is no loss.
    whole = all(there in found or was in seen for there, was in replaced.items())
    return b"".join(found.get(line, line) for line in now), whole
