"""The lines of a configuration file as they are left when Asterisk has taken the comments out.

After ``config_text_file_load`` of main/config.c, whose habits are kept: it reads with ``fgets``
into 8,192 bytes and measures with ``strlen``, so a NUL ends a line, and a line that does not fit
is skipped whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What ``ast_strip`` takes off both ends: every byte up to the space.
_BLANK_BYTES = bytes(range(33))
BLANKS = _BLANK_BYTES.decode()

_BUFFER = 8192
_BOM = b"\xef\xbb\xbf"
_MOST_NESTED = 128


class NeverEndsError(Exception):
    """Asterisk itself would go round in circles at ``place`` and never answer again."""

    def __init__(self, message: str, place: Place) -> None:
        super().__init__(message)
        self.place = place


@dataclass(frozen=True)
class ConfLine:
    """What is left of a line, never empty, and the number of that line in its file.

    Bytes that are no UTF-8 are surrogate escapes; what Asterisk looks for is all ASCII.
    """

    number: int
    text: str


class Comments:
    """What is a block comment and what is not, from line to line.

    ``depth`` is how many comments are open. It may fall below zero: a ``--;`` that closes
    nothing makes Asterisk skip all lines until a ``;--`` brings it back to zero. ``since`` is
    the line that took it away from zero last.
    """

    def __init__(self) -> None:
        self.depth = 0
        self.since = Place("", 0)
        self._file = ""

    def begin(self, file: str) -> None:
        """The lines that follow are of ``file``."""
        self._file = file

    def strip(self, line: bytes, number: int) -> bytes:
        """The line without its comments and outer blanks. Raises NeverEndsError."""
        if self.depth == 0 and b";" not in line:
            return line.strip(_BLANK_BYTES)
        buffer = bytearray(line)
        kept = 0 if self.depth == 0 else None
        new = 0
        while (at := buffer.find(b";", new)) != -1:
            if at > new and buffer[at - 1 : at] == b"\\":
                del buffer[at - 1]
                new = at
            elif buffer[at + 1 : at + 3] == b"--" and buffer[at + 3 : at + 4] != b"-":
                if self.depth >= _MOST_NESTED:
                    deep = f"block comments nest more than {_MOST_NESTED} deep"
                    raise NeverEndsError(deep, Place(self._file, number))
                self._go(+1, number)
                buffer[at] = 0
                new = at + 3
            elif at >= new + 2 and buffer[at - 2 : at] == b"--":
                self._go(-1, number)
                new = at + 1
                if self.depth == 0 and kept is None:
                    kept = new
                elif self.depth == 0 and kept is not None:
                    # What stood before the comment and what follows it become one line.
                    end = kept + len(_until_nul(buffer, kept))
                    del buffer[end:new]
                    new = end
            elif self.depth == 0:
                del buffer[at:]
                break
            else:
                new = at + 1
        return b"" if kept is None else bytes(_until_nul(buffer, kept)).strip(_BLANK_BYTES)

    def _go(self, step: int, number: int) -> None:
        if self.depth == 0:
            self.since = Place(self._file, number)
        self.depth += step


def read_lines(
    data: bytes, comments: Comments, *, first: bool, too_long: Callable[[int, str], None]
) -> Iterator[ConfLine]:
    """The lines of one file. Raises NeverEndsError.

    ``first`` is whether this is the first file of an include: a byte order mark is forgiven in
    no other. ``too_long`` is told the number and the beginning of each line that is skipped.
    """
    for index, (number, chunk) in enumerate(_chunks(data)):
        text = chunk.partition(b"\0")[0]
        if len(text) == _BUFFER - 1 and not text.endswith(b"\n"):
            too_long(number, decoded(text[:32]))
            continue
        if first and index == 0:
            text = text.removeprefix(_BOM)
        text = comments.strip(text, number)
        if text:
            yield ConfLine(number, decoded(text))


def cut(text: str, size: int | None = None) -> str:
    """What is left of a text in a buffer of so many bytes; put through bytes if None.

    That joins what two surrogate escapes say of one letter.
    """
    return text[:size] if text.isascii() else decoded(encoded(text)[:size])


def _chunks(data: bytes) -> Iterator[tuple[int, bytes]]:
    """What each ``fgets`` gives that begins a line for Asterisk, with the true line number."""
    number = 1
    position = 0
    while position < len(data):
        chunk = _fgets(data, position)
        yield number, chunk
        position += len(chunk)
        number += chunk.endswith(b"\n")
        while _is_part(chunk) and position < len(data):
            chunk = _fgets(data, position)
            position += len(chunk)
            number += chunk.endswith(b"\n")


def _fgets(data: bytes, position: int) -> bytes:
    end = data.find(b"\n", position, position + _BUFFER - 1)
    return data[position : position + _BUFFER - 1] if end == -1 else data[position : end + 1]


def _is_part(chunk: bytes) -> bool:
    """Whether Asterisk takes this for less than a line, and skips until it sees the rest."""
    return len(chunk) == _BUFFER - 1 and not chunk.endswith(b"\n") and b"\0" not in chunk


def _until_nul(buffer: bytearray, start: int) -> bytearray:
    end = buffer.find(0, start)
    return buffer[start:] if end == -1 else buffer[start:end]


def decoded(raw: bytes) -> str:
    """As text; bytes that are no UTF-8 are surrogate escapes."""
    return raw.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes that ``decoded`` made ``text`` of."""
    return text.encode("utf-8", "surrogateescape")
