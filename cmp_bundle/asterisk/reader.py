"""Reading configuration as Asterisk does, with its includes, templates and stumbles.

After ``config_text_file_load``, ``process_text_line`` and ``ast_config_internal_load`` of
main/config.c. What is surprising here is what Asterisk does: a test compares the two on thousands
of files. Asterisk 16 and 22 read alike, a few filters (category_filter.py) aside.
"""

from __future__ import annotations

import enum
import itertools
import posixpath
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import category_filter
from cmp_bundle.asterisk.conf_files import Absence, Recorded
from cmp_bundle.asterisk.configuration import (
    CUT,
    IGNORED,
    REFUSED,
    UNKNOWN,
    Configuration,
    Include,
    Variable,
    folded,
)
from cmp_bundle.asterisk.draft import ConfigurationDraft, OpenCategory
from cmp_bundle.asterisk.globbing import expand
from cmp_bundle.asterisk.lines import (
    BLANKS,
    Comments,
    NeverEndsError,
    cut,
    decoded,
    encoded,
    read_lines,
)
from cmp_bundle.asterisk.read_budget import OverBudgetError, ReadBudget
from cmp_bundle.findings import Finding, finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.lines import ConfLine

#: The named file and ten levels of includes (MAX_INCLUDE_LEVEL).
_DEEPEST = 11

#: What opening a file costs, in lines.
_FILE = 100

#: Asterisk keeps paths in 256 bytes, the last of which is a NUL.
_LONGEST_PATH = 255


def read(name: str, files: Files) -> Configuration:
    """The configuration of the file ``name``, as in ``read("http.conf", files)``.

    A name without a leading slash is one in ``files.etc``. Whatever the bytes, this comes to an
    end and does not raise; what is wrong with them is in the result.
    """
    if not isinstance(files, Recorded):
        return _read(name, files)
    # A pjsip.conf of ten thousand phones takes a second each time.
    if name not in files.parsed:
        files.parsed[name] = _read(name, files)
    return files.parsed[name]


def _read(name: str, files: Files) -> Configuration:
    reading = _Reading(files)
    missing = refused = False
    try:
        outcome = reading.load(name)
        missing, refused = outcome is _Outcome.MISSING, outcome is _Outcome.INVALID
    except NeverEndsError as error:
        refused = True
        reading.note(REFUSED, f"{error}; Asterisk never finishes reading this", error.place)
    except OverBudgetError as error:
        refused = True
        reading.note(UNKNOWN, f"{error}; given up here", reading.place)
    return Configuration(
        name=name,
        categories=() if missing or refused else reading.draft.finished(),
        problems=tuple(reading.problems),
        includes=tuple(i for i in reading.includes if i is not None),
        files=tuple(reading.files_read),
        closed=tuple(reading.closed),
        missing=missing,
        refused=refused,
        open_comment=reading.open_comment,
    )


class _Outcome(enum.Enum):
    LOADED = enum.auto()
    MISSING = enum.auto()
    INVALID = enum.auto()


class _StopError(Exception):
    """Asterisk stops reading the file at this line."""


class _Reading:
    """All that the files of one configuration share."""

    def __init__(self, files: Files) -> None:
        self.files = files
        self.work = ReadBudget()
        self.draft = ConfigurationDraft(self.work)
        self.problems: list[Finding] = []
        self.includes: list[Include | None] = []
        self.files_read: list[str] = []
        self.closed: list[str] = []
        self.open_comment: Place | None = None
        self.place = Place(files.etc, 1)
        self._level = 0
        self._included: set[str] = set()

    def note(self, code: str, message: str, place: Place) -> None:
        self.problems.append(finding(code, message, place))

    def load(self, name: str) -> _Outcome:
        """``ast_config_internal_load`` of the named file."""
        return self._counted(_Source(self, nested=False), name)

    def include(self, name: str, *, optional: bool, place: Place) -> _Outcome:
        """The same for a file that another one includes."""
        if name in self._included:
            self.note(IGNORED, f"{name} is included more than once", place)
        self._included.add(name)
        slot = len(self.includes)
        self.includes.append(None)
        source = _Source(self, nested=True)
        outcome = self._counted(source, name)
        self.includes[slot] = Include(
            name, optional, tuple(source.files_read), place.file, place.line or 0
        )
        return outcome

    def _counted(self, source: _Source, name: str) -> _Outcome:
        if self._level == _DEEPEST:
            self.note(IGNORED, "includes are nested more than ten deep", self.place)
            return _Outcome.MISSING
        self._level += 1
        outcome = source.load(name)
        # Asterisk forgets to count down when a file breaks off, so ten such files use up all
        # levels (ast_config_internal_load).
        if outcome is not _Outcome.INVALID:
            self._level -= 1
        return outcome


class _Source:
    """One call of ``config_text_file_load``: a file, or all that a pattern stands for.

    The category that lines go to and the open block comments carry over from one file of a
    pattern to the next. An included file begins in the category opened last anywhere; when it
    has been read, the file that included it goes on where it was.
    """

    def __init__(self, reading: _Reading, *, nested: bool) -> None:
        self.files_read: list[str] = []
        self._reading = reading
        self._nested = nested
        self._category = reading.draft.current
        self._comments = Comments()

    def load(self, name: str) -> _Outcome:
        reading = self._reading
        path = name if name.startswith("/") else f"{reading.files.etc}/{name}"
        outcome = _Outcome.MISSING
        for found in expand(cut(path, _LONGEST_PATH), reading.files, reading.work.charge):
            reading.work.charge(_FILE)
            file = cut(found, _LONGEST_PATH)
            data = self._content(file)
            if data is None:
                continue
            first = not self.files_read
            self.files_read.append(file)
            reading.files_read.append(file)
            outcome = self._read(data, file, first=first)
            if outcome is _Outcome.INVALID:
                break
        self._look_at_end()
        return outcome

    def _content(self, path: str) -> bytes | None:
        reading = self._reading
        reading.place = Place(path, 1)
        if posixpath.basename(path) in (".", ".."):
            content: bytes | Absence = Absence.NO_FILE
        else:
            content = reading.files.content(path)
        if isinstance(content, bytes):
            reading.work.charge(content.count(b"\n") + content.count(b";") + (len(content) >> 8))
            return content
        if content is Absence.TOO_LARGE:
            raise OverBudgetError(f"{path} {content.value}")
        if content is Absence.UNREADABLE:
            reading.closed.append(path)
            reading.note(UNKNOWN, f"{path} {content.value}", reading.place)
        elif content is Absence.NO_FILE:
            reading.note(IGNORED, f"{path} {content.value} and is left out", reading.place)
        return None

    def _read(self, data: bytes, file: str, *, first: bool) -> _Outcome:
        reading = self._reading

        def too_long(number: int, start: str) -> None:
            left_out = f"this line is longer than 8190 bytes and is left out: {start}…"
            reading.note(IGNORED, left_out, Place(file, number))

        self._comments.begin(file)
        for line in read_lines(data, self._comments, first=first, too_long=too_long):
            place = reading.place = Place(file, line.number)
            try:
                self._line(line, place)
            except _StopError as stop:
                if self._nested:
                    reading.note(CUT, f"{stop}; the rest of this file is left out", place)
                else:
                    reading.note(REFUSED, f"{stop}; Asterisk refuses the whole file", place)
                return _Outcome.INVALID
        return _Outcome.LOADED

    def _look_at_end(self) -> None:
        comments = self._comments
        if not comments.depth:
            return
        self._reading.note(
            IGNORED,
            "this block comment is never closed; nothing after it is read"
            if comments.depth > 0
            else "this --; closes no block comment; the lines after it are not read",
            comments.since,
        )
        if not self._nested:
            self._reading.open_comment = comments.since

    def _line(self, line: ConfLine, place: Place) -> None:
        """Raises _StopError."""
        if line.text.startswith("["):
            self._header(line.text, place)
        elif line.text.startswith("#"):
            self._directive(line.text, place)
        else:
            self._variable(line.text, place)

    def _header(self, line: str, place: Place) -> None:
        name, bracket, rest = line[1:].partition("]")
        if not bracket:
            raise _StopError("a [ without its ]")
        options: list[str] = []
        if rest.startswith("("):
            inside, parenthesis, _ = rest[1:].partition(")")
            if not parenthesis:
                raise _StopError("a ( without its )")
            options = inside.split(",")
        fresh: OpenCategory | None
        fresh = category = OpenCategory.opened(name, place)
        for option in options:
            if option == "!":
                category.template = True
            elif option.startswith("+"):
                category = self._addition(name, option[1:], fresh, place)
                fresh = None
            else:
                self._inherit(category, option, place)
        self._category = category
        if fresh is not None:
            self._reading.draft.append(fresh)

    def _addition(
        self, name: str, condition: str, fresh: OpenCategory | None, place: Place
    ) -> OpenCategory:
        """The category that ``[name](+condition)`` adds to, with what ``fresh`` held before the +.

        Raises _StopError. Without a condition a template is not found.
        """
        draft, work = self._reading.draft, self._reading.work
        try:
            found = draft.find_filtered(name, category_filter.parse(condition))
        except category_filter.FilterError:
            unclear = f"which [{name}] has {condition} is not known here"
            self._reading.note(UNKNOWN, unclear, place)
            found = None
        if found is None:
            raise _StopError(f"[{name}](+) adds to a category that is not there")
        if fresh is not None:
            draft.current = found
            found.template = found.template or fresh.template
            work.charge(len(fresh.variables))
            found.add(fresh.variables)
        return found

    def _inherit(self, category: OpenCategory, name: str, place: Place) -> None:
        """Raises _StopError. An empty name, as in ``[x]()``, is the first category there is."""
        base = self._reading.draft.find(name, lambda _any: True)
        if base is None:
            missing = f"[{category.name}] inherits from [{name}], which is not there"
            raise _StopError(missing)
        category.inherit(base, self._reading.work, place)

    def _directive(self, line: str, place: Place) -> None:
        """``#include`` and the like. Raises _StopError."""
        note = self._reading.note
        word = "".join(itertools.takewhile(_is_visible, line[1:]))
        # The byte that ends the word is lost, be it a blank or half a letter.
        rest = decoded(encoded(line[len(word) + 1 :])[1:])
        argument = _unquoted(rest.strip(BLANKS))
        word = folded(word)
        if word not in ("include", "tryinclude", "exec"):
            note(IGNORED, f"unknown directive #{word}", place)
        elif argument is None:
            note(IGNORED, f"#{word} of nothing", place)
        elif word == "exec":
            runs = f"#exec runs {argument} if asterisk.conf says execincludes=yes"
            note(UNKNOWN, f"{runs}; what it writes is not known here", place)
        else:
            optional = word == "tryinclude"
            outcome = self._reading.include(argument, optional=optional, place=place)
            if outcome is _Outcome.MISSING and not optional:
                raise _StopError(f"#include of {argument}, which is not there")

    def _variable(self, line: str, place: Place) -> None:
        """``name = value``, ``name => value`` or ``name += value``. Raises _StopError."""
        if self._category is None:
            raise _StopError("a line before any [category]")
        escaped = line.startswith("\\")
        if escaped:
            line = line[1:]
            if not line or not _is_visible(line[0]):
                raise _StopError("a backslash before nothing")
        # What is escaped is part of the name, even an equals sign.
        equals = line.find("=", escaped)
        if equals == -1:
            self._reading.note(IGNORED, "a line without =", place)
            return
        name, value = line[:equals], line[equals + 1 :]
        if equals > escaped and name.endswith("+"):
            name = name[:-1].strip(BLANKS)
            if self._category.append_to(name, value, self._reading.work):
                return
        else:
            name = name.strip(BLANKS)
            value = value.removeprefix(">")
        if not name:
            self._reading.note(IGNORED, "a value without a name", place)
            return
        value = value.strip(BLANKS)
        self._category.add([Variable(name, value, place.file, place.line or 0, inherited=False)])


def _is_visible(char: str) -> bool:
    """Whether Asterisk finds this greater than a space, as on x86, where a char is signed."""
    return " " < char < "\x80"


def _unquoted(argument: str) -> str | None:
    """A file name out of its ``""`` or ``<>``; None where there is nothing."""
    closing = {'"': '"', "<": ">"}.get(argument[:1])
    if closing is not None and argument.endswith(closing):
        return argument[1:-1]
    return argument or None
