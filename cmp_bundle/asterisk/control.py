"""Asking a running Asterisk, through its own command: ``asterisk -rx``."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from cmp_bundle.errors import CmpBundleError

#: Seconds that an answer may take. Reloading PJSIP with thousands of endpoints takes several.
PATIENCE = 60

#: What Asterisk says for the address of a listener whose port was taken, or whose certificate
#: could not be read.
NOT_BOUND = "(null)"

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Control:
    """``command`` stands for ``asterisk``: ("asterisk",), ("docker", "exec", "pbx", "asterisk")."""

    command: tuple[str, ...]

    def ask(self, line: str) -> str | None:
        """What Asterisk answers to ``line``; None where none is running, or none can be asked.

        Raises CmpBundleError if it takes longer than PATIENCE seconds.
        """
        try:
            done = subprocess.run(  # noqa: S603 - the operator's own command
                [*self.command, "-rx", line],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PATIENCE,
                check=False,
            )
        except OSError:
            return None
        except subprocess.TimeoutExpired:
            raise CmpBundleError(
                f"Asterisk did not answer to {line!r} in {PATIENCE} s",
                hint=f"try it by hand: {' '.join(self.command)} -rx {line!r}",
            ) from None
        if done.returncode != 0:
            return None
        return _COLOURS.sub("", done.stdout.decode(errors="replace"))

    def running(self) -> bool:
        return self.ask("core show version") is not None

    def directories(self) -> dict[str, str] | None:
        """``Configuration directory``, ``Data directory`` and their like; None if none runs."""
        text = self.ask("core show settings")
        if text is None:
            return None
        pairs = re.findall(r"^\s+([A-Z][\w/ ]+ directory):\s+(\S.*?)\s*$", text, re.MULTILINE)
        return dict(pairs)

    def listener(self) -> str | None:
        """``address:port`` that HTTPS is bound to now, as ``http show status`` tells it.

        NOT_BOUND where it is on and could not be started. None where nothing is told: it is off,
        or there is no plain HTTP beside it.
        """
        text = self.ask("http show status") or ""
        found = re.search(
            r"^HTTPS Server Enabled and Bound to (\S+:\d+|\(null\))", text, re.MULTILINE
        )
        return found[1] if found else None
