"""The one place that prints: results to standard output, everything else to standard error."""

from __future__ import annotations

import io
import json
import os
import re
import sys
import time
import traceback
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from cmp_bundle import __version__
from cmp_bundle.commands.result import as_data
from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.findings import Level

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cmp_bundle.findings import Finding


@dataclass(frozen=True)
class Result:
    """What a command gives: ``data``, what its use case gave, for ``--json``; ``text`` for people.

    ``failed`` is for a command that was done, and found what it looks for: exit code 1.
    """

    text: str
    data: Any
    failed: bool = False


def prepare() -> None:
    """Let both streams take whatever is written.

    Python has none where it was started with one closed, and standard output of an older locale
    knows few letters: the others are written by their numbers there.
    """
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115, PTH123 - for the whole run
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115, PTH123
    out = sys.stdout
    # The C locale's "surrogateescape" lets bytes through that are no text, and no letters.
    utf8 = out.encoding.lower() == "utf-8"
    if isinstance(out, io.TextIOWrapper) and (out.errors == "strict" or not utf8):
        out.reconfigure(errors="backslashreplace")


class LostError(CmpBundleError):
    """Standard output takes no more; what there is to say goes to the other stream."""


def show(result: Result, *, as_json: bool) -> None:
    """Raises LostError where standard output takes no more, such as a file on a full disk."""
    text = json.dumps(as_data(result.data), indent=2) if as_json else harmless(result.text)
    try:
        if text:
            sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise  # click ends a run whose reader has gone
    except OSError as error:
        _silence(sys.stdout)
        raise LostError(
            "output-lost",
            f"the result cannot be written: {reason(error)}",
            hint="the command did its work; check where standard output goes",
        ) from error


def error(problem: CmpBundleError, *, as_json: bool) -> None:
    """Two lines: what is wrong and where; what to do. As JSON where standard output takes it."""
    if as_json and not isinstance(problem, LostError):
        text: dict[str, Any] = {"error": problem.finding.to_json()}
        if len(problem.findings) > 1:
            text["error"]["findings"] = [one.to_json() for one in problem.findings]
        with suppress(OSError):
            sys.stdout.write(json.dumps(text, indent=2) + "\n")
            sys.stdout.flush()
            return
        _silence(sys.stdout)
    _say(f"error {problem.code}", str(problem), "31;1")
    if problem.hint:
        _write(sys.stderr, f"       {harmless(problem.hint)}\n")


def line(one: Finding) -> str:
    """A finding on one line, for a result."""
    return f"{one.level} {one.code}: {one}"


def stopped() -> None:
    _write(sys.stderr, "\nstopped\n")


def bug(problem: Exception, *, as_json: bool) -> None:
    """A traceback is of no use at 3 a.m.; it goes into a file, whose path is told."""
    # The arguments stay out of it: they may hold what nobody should hand on.
    text = f"cmp-bundle {__version__}, Python {sys.version}\n{''.join(traceback.format_exception(problem))}"
    what = f"{type(problem).__name__}: {problem}"
    hint = f"this is a bug in cmp-bundle; the log is {_log(text)}"
    error(CmpBundleError("bug", what, hint=hint), as_json=as_json)


def _log(text: str) -> Path:
    """For this user alone: what was asked for may stand in it."""
    import tempfile  # noqa: PLC0415 - only for bugs

    from platformdirs import user_log_path  # noqa: PLC0415

    name = f"bug-{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}.log"
    with suppress(OSError, RuntimeError):  # a user without a home
        folder = user_log_path("cmp-bundle", appauthor=False)
        folder.parent.parent.mkdir(parents=True, exist_ok=True)
        for parent in (folder.parent, folder):
            parent.mkdir(mode=0o700, exist_ok=True)
        how = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        return _written(os.open(folder / name, how, 0o600), folder / name, text)
    with suppress(OSError):
        # Where everybody may write, the name is one that nobody can have taken before.
        descriptor, path = tempfile.mkstemp(".log", "cmp-bundle-bug-")
        return _written(descriptor, Path(path), text)
    sys.stderr.write(text)
    return Path("(nowhere: no folder could be written)")


def _written(descriptor: int, path: Path, text: str) -> Path:
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
    return path


_COLOURS = {Level.ERROR: "31;1", Level.WARNING: "33;1", Level.NOTE: "1"}


class Terminal:
    """The Reporter of the command line: quiet by default, bars on a terminal only."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose

    def note(self, text: str) -> None:
        _write(sys.stderr, f"{harmless(text)}\n")

    def warn(self, text: str) -> None:
        _say("warning", text, "33;1")

    def found(self, finding: Finding) -> None:
        _say(f"{finding.level} {finding.code}", str(finding), _COLOURS[finding.level])

    def detail(self, text: str) -> None:
        if self._verbose:
            _write(sys.stderr, f"  {harmless(text)}\n")

    def progress(
        self, what: str, total: int | None
    ) -> AbstractContextManager[Callable[[int], None]]:
        if not sys.stderr.isatty():
            return nullcontext(lambda _done: None)
        return _bar(what, total)


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Callable[[int], None]]:
    from rich.console import Console  # noqa: PLC0415 - costs 70 ms, for a terminal only
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, advance=done)


def _say(label: str, text: str, colour: str) -> None:
    _write(sys.stderr, f"{painted(f'{label}:', colour, sys.stderr)} {harmless(text)}\n")


def harmless(text: str) -> str:
    """``text`` with what a terminal would obey written out.

    Names of files, lines of configuration and a server's answers are others' words, and root's
    terminal is no place for their commands.
    """
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


#: All but the ends of lines and tabs; what begins with 0x9b is a command as well.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def painted(text: str, colour: str, stream: TextIO) -> str:
    """``text`` in an ANSI colour, where the stream is a terminal and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or not stream.isatty():
        return text
    return f"\x1b[{colour}m{text}\x1b[0m"


def _write(stream: TextIO, text: str) -> None:
    """Nobody may be there to read it any more; that is no reason to stop in the middle of a deploy."""
    try:
        stream.write(text)
        stream.flush()
    except OSError:
        _silence(stream)


def _silence(stream: TextIO) -> None:
    """What it could not write it would try once more when Python ends, and then make exit 120."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
