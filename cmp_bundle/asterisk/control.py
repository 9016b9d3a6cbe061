"""Asking a running Asterisk, through its own command: ``asterisk -rx``."""

from __future__ import annotations

import math
import os
import re
import selectors
import shlex
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.errors import AS_ANOTHER_USER, CmpBundleError

#: Seconds that an answer may take. Reloading PJSIP with thousands of endpoints takes several.
PATIENCE = 60

#: Bytes of an answer. A PJSIP with ten thousand endpoints needs less for all of them.
LARGEST = 1 << 24

#: What Asterisk says for the address of a listener whose port was taken, or whose certificate
#: could not be read.
NOT_BOUND = "(null)"

#: What it says where none runs, on 16 and on 22; and where this user may not open the socket. The
#: first line comes where this user may not read asterisk.conf, so that the socket is a guess.
_NONE_RUNS = re.compile(
    r"(?:^Unable to open specified master config file '(?P<conf>.+)'.*\n)?"
    r"^Unable to connect to remote asterisk \(does (?P<socket>.+) exist\?\)",
    re.MULTILINE,
)

#: How it answers to a command that it does not know, as to most while it starts.
_UNKNOWN = "No such command"

#: Seconds from "fully booted" until it has to know all of its commands, and between two questions.
_KNOWS_ALL = 10
_ONCE_MORE = 0.1

#: Characters of a command's reply that an error repeats.
_LONGEST_REPLY = 500

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


class Patience:
    """The seconds that answers may take: ``each`` of them, and all of them ``together``."""

    def __init__(self, each: float, together: float = math.inf) -> None:
        self._each = each
        self.together = self._left = together

    @property
    def left(self) -> float:
        """For the next one."""
        return min(self._each, self._left)

    def took(self, seconds: float) -> None:
        self._left -= seconds


@dataclass(frozen=True)
class Control:
    """``command`` stands for ``asterisk``: ("asterisk",), ("docker", "exec", "pbx", "asterisk").

    Empty where there is none. ``root`` is the folder that it takes for ``/``. Without ``patience``, each
    answer may take PATIENCE seconds.
    """

    command: tuple[str, ...]
    root: Path = Path("/")
    patience: Patience | None = field(default=None, compare=False)

    def ask(self, line: str) -> str | None:
        """What Asterisk answers to ``line``; None where none is running.

        A command that fails without a word stands for one that is down on purpose. Raises
        CmpBundleError where it cannot be told, or takes too long.
        """
        if not self.command:
            return None
        patience = self.patience or Patience(PATIENCE)
        seconds = patience.left
        if seconds <= 0:
            raise CmpBundleError(
                "asterisk-silent",
                f"Asterisk answers so slowly that {patience.together:.0f} s were not enough for all"
                " questions",
                hint=self._by_hand(line),
            )
        began = time.monotonic()
        try:
            code, output, complained = _run([*self.command, "-rx", line], seconds)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unanswered(error.strerror or str(error)) from error
        except subprocess.TimeoutExpired:
            raise CmpBundleError(
                "asterisk-silent",
                f"Asterisk did not answer {line!r} within {seconds:.2g} s",
                hint=self._by_hand(line),
            ) from None
        finally:
            patience.took(time.monotonic() - began)
        if code == 0:
            return _COLOURS.sub("", output.decode(errors="replace"))
        reply = (complained + output).decode(errors="replace")
        down = _NONE_RUNS.search(reply)
        if down is not None:
            self._refuse_closed(down["conf"], os.R_OK)
            self._refuse_closed(down["socket"], os.W_OK)
        elif reply.strip() or code < 0:
            raise self._unanswered(" ".join(reply.split())[:_LONGEST_REPLY] or f"signal {-code}")
        return None

    def _unanswered(self, reason: str) -> CmpBundleError:
        return CmpBundleError(
            "asterisk-not-asked",
            f"{' '.join(self.command)} cannot tell whether Asterisk runs: {reason}",
            hint="fix this, or change [asterisk] command; if Asterisk is stopped on purpose:"
            """ CMP_BUNDLE_ASTERISK_COMMAND='["false"]'""",
        )

    def _by_hand(self, line: str) -> str:
        return f"try it yourself: {shlex.join((*self.command, '-rx', line))}"

    def _refuse_closed(self, path: str | None, way: int) -> None:
        """Raises CmpBundleError where ``path`` is there and this user may not use it so."""
        if path is None:
            return
        real = self.root / path.removeprefix("/")
        try:
            real = ConfFolder(self.root, self.root).real(path)
            real.stat()
        except (FileNotFoundError, NotADirectoryError, ValueError):
            return
        except OSError:
            closed = True
        else:
            closed = not os.access(real, way, effective_ids=True)
        if closed:
            raise CmpBundleError(
                "asterisk-not-asked",
                "cannot be opened by this user, so it is unknown whether Asterisk runs",
                file=real,
                hint=AS_ANOTHER_USER,
            )

    def directories(self) -> dict[str, str] | None:
        """``Configuration directory``, ``Data directory`` and their like; None if none runs.

        Waits for one that is starting. Raises CmpBundleError where it does not say where its
        configuration is, or takes too long.
        """
        line = "core show settings"
        text = self.ask(line)
        if text is not None and text.startswith(_UNKNOWN):
            text = self._when_started(line)
        if text is None:
            return None
        # A path that holds control characters is none that Asterisk was ever given.
        line_of_one = r"^[ \t]+([A-Z][\w/ ]+ directory):[ \t]+(/[^\x00-\x1f\x7f]*?)[ \t]*\r?$"
        pairs = dict(re.findall(line_of_one, text, re.MULTILINE))
        if "Configuration directory" not in pairs:
            raise CmpBundleError(
                "asterisk-silent",
                "Asterisk does not report its configuration directory",
                hint=self._by_hand(line),
            )
        return pairs

    def _when_started(self, line: str) -> str | None:
        """What it answers once it knows its own commands.

        That is a moment after it calls itself fully booted: main() of main/asterisk.c.
        """
        self.booted()
        deadline = time.monotonic() + _KNOWS_ALL
        while (text := self.ask(line)) is not None and text.startswith(_UNKNOWN):
            if time.monotonic() > deadline:
                break
            time.sleep(_ONCE_MORE)
        return text

    def booted(self) -> bool:
        """Waits until all modules are loaded; false where none is running.

        Before that, answers of its web server tell nothing: each module adds its own. Raises
        CmpBundleError where it takes too long.
        """
        return "fully booted" in (self.ask("core waitfullybooted") or "")

    def uptime(self) -> int | None:
        """For how many seconds it runs; None where none is running, or it does not say."""
        found = re.search(
            r"^System uptime: (\d+)", self.ask("core show uptime seconds") or "", re.MULTILINE
        )
        return int(found[1]) if found else None

    def has_endpoint(self, name: str) -> bool:
        """Whether PJSIP has an endpoint of that name by now, from wherever."""
        return "ParameterName" in (self.ask(f"pjsip show endpoint {name}") or "")

    def listener(self) -> str | None:
        """``address:port`` that HTTPS is bound to now, as ``http show status`` tells it.

        NOT_BOUND where it is on and could not be started. None where nothing is told: it is off,
        or there is no plain HTTP beside it.
        """
        return self._bound("HTTPS Server", r"\S+:\d+|\(null\)")

    def plain_listener(self) -> str | None:
        """The same of plain HTTP; None where it is off, or could not be started."""
        return self._bound("Server", r"\S+:\d+")

    def _bound(self, what: str, to: str) -> str | None:
        text = self.ask("http show status") or ""
        found = re.search(rf"^{what} Enabled and Bound to ({to})", text, re.MULTILINE)
        return found[1] if found else None


def _run(command: list[str], seconds: float) -> tuple[int, bytes, bytes]:
    """The exit code of a command, and what it wrote to each of its two streams.

    Raises OSError, also for more than LARGEST bytes, and TimeoutExpired.
    """
    deadline = time.monotonic() + seconds
    with subprocess.Popen(  # noqa: S603 - the operator's own command
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        try:
            output, complained = _streams(process, deadline)
            code = process.wait(max(0.0, deadline - time.monotonic()))
        except BaseException:
            process.kill()
            raise
    return code, output, complained


def _streams(process: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bytes]:
    output, complained = bytearray(), bytearray()
    with selectors.DefaultSelector() as waiting:
        for stream, into in ((process.stdout, output), (process.stderr, complained)):
            if stream is not None:
                waiting.register(stream, selectors.EVENT_READ, into)
        while waiting.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(process.args, 0)
            for key, _ in waiting.select(left):
                piece = os.read(key.fd, 1 << 16)
                key.data.extend(piece)
                if not piece:
                    waiting.unregister(key.fileobj)
                if len(key.data) > LARGEST:
                    raise OSError(f"it wrote more than {LARGEST} bytes")
    return bytes(output), bytes(complained)
