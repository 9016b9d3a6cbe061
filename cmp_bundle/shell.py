"""Commands that people copy from a message into their shell."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def word(text: Path | str) -> str:
    """``text`` as one word of a command, whatever stands in it."""
    return shlex.quote(str(text))
