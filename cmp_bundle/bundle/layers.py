"""A file in every way in which somebody may read it.

Each layer is made of another one: by unpacking it, by taking escapes out, by decoding what may be
base64 or hexadecimal in it. That goes on until nothing new comes of it, so two things written
over one another, in whatever order, are found like one.

Only what was decoded is a new layer, with as much beside it as a secret is long: of a megabyte of
code with ten escapes in it a few kilobytes are looked at once more.
"""

from __future__ import annotations

import binascii
import html
import re
import unicodedata
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from cmp_bundle.bundle import packed
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: Bytes that are unpacked of one file at the most: a bundle's largest file is below a megabyte.
UNPACKED = 64 * 1024 * 1024
#: Bytes of all layers of one file, for each of its own and at least.
_WORK, _LEAST_WORK = 400, 64 * 1024 * 1024
#: So many times may a thing be encoded. What people do by accident is three.
DEPTH = 24

#: Characters beside what was decoded, for each one of a secret: it may stand there in another
#: encoding, such as \\u0061, once more in another, such as %5Cu0061.
_SPREAD = 12

#: Between stretches of text that were never one.
_GAP = "\0"

_RUN = re.compile(r"[A-Za-z0-9+/_-]{7,}")
#: Of base64 so much is never so by chance: it is a digest, or the name of a profile.
_NO_BASE64 = re.compile(r"[0-9a-f]{32,}|[0-9A-F]{32,}")
#: The end of a line that base64 goes on behind.
_WRAP = re.compile(r"(?<=[A-Za-z0-9+/_-])[ \t]*\r?\n[ \t]*(?=[A-Za-z0-9+/_=-])")
_HEX = re.compile(r"(?<![0-9A-Fa-f])[0-9A-Fa-f]{2}(?:[: ]?[0-9A-Fa-f]{2}){3,}[0-9A-Fa-f]?")
#: Two pieces of a program's text that are one.
_JOINED = re.compile(r"""["'`]\s*(?:\+|\n)\s*["'`]""")

#: Fewer characters in a row are text by chance.
_TEXT = re.compile("[^\0-\x08\x0b\x0c\x0e-\x1f\x7f\ufffd]{6,}")
_BINARY = re.compile(rb"[\0-\x08\x0e-\x1f\x7f]")
#: UTF-16 and UTF-32, of either order of bytes, but for the byte before.
_WIDE = re.compile(rb"\0[\t\n\r -~](?:\0{1,3}[\t\n\r -~]){2,}")

_FOREIGN = re.compile(r"[^\0-\x7f]+")
_OCTETS = re.compile(r"[\x80-\xff]+")
_ENTITY = re.compile(r"&(?:#[0-9]|#[xX][0-9A-Fa-f]|[A-Za-z]{2})")
_PERCENT = re.compile(r"%(?:u([0-9A-Fa-f]{4})|([0-9A-Fa-f]{2}(?:%[0-9A-Fa-f]{2})*))")
_QUOTED = re.compile(r"=(?:([0-9A-F]{2}(?:=[0-9A-F]{2})*)|\r?\n)")
_CSS = re.compile(r"\\([0-9A-Fa-f]{2,6})[ \t\n\r\f]?")
#: JavaScript's and JSON's escapes; two of them may stand for one character.
_ESCAPE = re.compile(
    r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})"
    r"|\\u([0-9a-f]{4})|\\u\{0*([0-9a-f]{1,6})\}|\\x([0-9a-f]{2})|\\([0-3]?[0-7]{1,2})"
    r"|\\([nrt])|\\([^ux0-9a-z])",
    re.IGNORECASE,
)
_UNICODE_END = 0x10FFFF


@dataclass(frozen=True)
class Layer:
    """``data`` to be looked through; ``text`` where it is all text, and no bytes by chance."""

    data: bytes
    text: bool


@dataclass
class _Limit:
    """How much of the file ``path`` may still be unpacked, in bytes."""

    path: str
    left: int

    def unpacked(self, data: bytes, *, file: bool) -> tuple[list[bytes], int]:
        """What is packed in ``data``, the ``file`` itself or not, and how many bytes of it are not.
        Raises CmpBundleError.
        """
        contents, rest = [], len(data)
        try:
            for content, used in packed.unpacked(data, self.left, file=file):
                self.left -= len(content)
                rest -= used
                contents.append(content)
        except packed.UnpackLimitError:
            size = UNPACKED >> 20
            self.refuse(f"unpacks to more than {size} MB, too much to search for secrets")
        except packed.SealedError as error:
            self.refuse(str(error))
        return contents, rest

    def refuse(self, why: str) -> NoReturn:
        raise CmpBundleError(
            "secret-unchecked",
            why,
            file=self.path,
            hint="remove the file from the phone; no phone needs it",
        ) from None


@dataclass
class LayerReader:
    """Reads the files of one bundle; what it has met in one of them it does not read again.

    ``longest`` is the length of the longest secret, in characters.
    """

    longest: int
    _met: set[int] = field(default_factory=set)
    _runs: set[str] = field(default_factory=set)

    def layers(self, data: bytes, path: str) -> Iterator[Layer]:
        """``data`` itself, and all that can be made of it.

        Raises CmpBundleError for what cannot be looked through to its end.
        """
        work = max(_LEAST_WORK, _WORK * len(data))
        limit = _Limit(path, UNPACKED)
        todo: deque[tuple[bytes | str, int]] = deque([(data, 0)])
        while todo:
            one, depth = todo.popleft()
            mark = hash((isinstance(one, str), one))
            if mark in self._met or not one:
                continue
            self._met.add(mark)
            work -= len(one)
            if work < 0 or depth > DEPTH:
                limit.refuse("is encoded too many times to be searched for secrets")
            if isinstance(one, str):
                yield Layer(one.encode("utf-8", "surrogatepass"), text=True)
                todo += ((child, depth + 1) for child in self._of_text(one))
                continue
            text = _as_text(one)
            if text is None:
                yield Layer(one, text=False)
            contents, rest = limit.unpacked(one, file=depth == 0)
            todo += ((content, depth + 1) for content in contents)
            if text is not None:
                todo.appendleft((text, depth))
            elif rest:  # else every byte was packed, and what looks like text is not
                todo += ((child, depth + 1) for child in _texts(one))

    def _of_text(self, text: str) -> Iterator[bytes | str]:
        reach = 64 + _SPREAD * self.longest
        for sign, pattern, decoded in _DECODERS:
            if sign in text:
                yield _GAP.join(_windows(text, pattern, decoded, reach))
        if not text.isascii():
            # One of the four normal forms, which the other three end in.
            yield _GAP.join(_windows(text, _FOREIGN, _decomposed, reach))
            for piece in _pieces(text, _OCTETS, reach):
                yield _octets(piece)
        yield from self._base64(text)
        yield from self._hexadecimal(text)

    def _base64(self, text: str) -> Iterator[bytes]:
        """All that may be base64, from each of the four places where it may begin."""
        text = _NO_BASE64.sub(_GAP, text)
        runs = set(_RUN.findall(text))
        wrapped = _WRAP.sub("", text)
        if wrapped != text:
            runs.update(_RUN.findall(wrapped))
        unread = [run.translate(_STANDARD) for run in sorted(runs - self._runs)]
        self._runs |= runs
        for lead in range(4):
            filled = (f"{run[lead:]}{'A' * (-len(run[lead:]) % 4)}AAAA" for run in unread)
            yield binascii.a2b_base64("".join(filled))

    def _hexadecimal(self, text: str) -> Iterator[bytes]:
        runs = {found.replace(":", "").replace(" ", "") for found in _HEX.findall(text)}
        unread = sorted(run for run in runs if f"0x{run}" not in self._runs)
        self._runs.update(f"0x{run}" for run in unread)
        for lead in range(2):
            cut = (run[lead:][: len(run[lead:]) // 2 * 2] for run in unread)
            yield b"\0".join(map(bytes.fromhex, cut))


_STANDARD = str.maketrans("-_", "+/")


def _as_text(data: bytes) -> str | None:
    """``data`` where all of it is text."""
    if _BINARY.search(data):
        return None
    try:
        return data.decode()
    except UnicodeDecodeError:
        return None


def _texts(data: bytes) -> Iterator[str]:
    """The stretches of text in other bytes."""
    yield _GAP.join(_TEXT.findall(data.decode("utf-8", "replace")))
    wide = (data[max(f.start() - 1, 0) : f.end()] for f in _WIDE.finditer(data))
    yield _GAP.join(piece.replace(b"\0", b"").decode("ascii", "replace") for piece in wide)
    for mark, name in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if data.startswith(mark):
            yield _GAP.join(_TEXT.findall(data[2:].decode(name, "replace")))
    # Hardly any bytes that are no text get by without a control character: it is Latin-1.
    if not _BINARY.search(data):
        yield data.decode("cp1252", "replace")


def _pieces(text: str, pattern: re.Pattern[str], reach: int) -> Iterator[str]:
    """``text`` around whatever fits ``pattern``, neighbours in one."""
    begin = end = 0
    parted = True
    for found in pattern.finditer(text):
        first, last = found.span()
        if first - reach > end or (parted and first >= end):
            if end:
                yield text[begin:end]
            begin = max(first - reach, end if parted else 0, 0)
            begin = text.rfind(_GAP, begin, first) + 1 or begin
        end = last + reach
        gap = text.find(_GAP, last, end)
        parted = gap >= 0
        if parted:
            end = gap
    if end:
        yield text[begin:end]


def _windows(
    text: str, pattern: re.Pattern[str], decoded: Callable[[str], str], reach: int
) -> Iterator[str]:
    for piece in _pieces(text, pattern, reach):
        plain = decoded(piece)
        if plain != piece:
            yield plain


def _character(number: int) -> str:
    return chr(number) if number <= _UNICODE_END else ""


def _escaped(found: re.Match[str]) -> str:
    high, low, one, braced, short, octal, control, itself = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if itself:
        return str(itself)
    if control:
        return {"n": "\n", "r": "\r", "t": "\t"}.get(control, found[0])
    if octal:
        return chr(int(octal, 8))
    return _character(int(one or braced or short, 16))


def _percent(found: re.Match[str]) -> str:
    unit, octets = found.groups()
    return chr(int(unit, 16)) if unit else _read(bytes.fromhex(octets.replace("%", "")))


def _quoted(found: re.Match[str]) -> str:
    return _read(bytes.fromhex(found[1].replace("=", ""))) if found[1] else ""


def _css(found: re.Match[str]) -> str:
    return _character(int(found[1], 16))


def _read(octets: bytes) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        return octets.decode("latin-1")


def _octets(text: str) -> bytes:
    """Octets that were taken for characters, as they were: Ã and ¼ are one ü in UTF-8."""
    return text.encode("latin-1", "ignore")


def _decomposed(text: str) -> str:
    return unicodedata.normalize("NFKD", text)


#: The sign without which there is nothing to decode, what is to be decoded, and how.
_DECODERS: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("%", _PERCENT, lambda text: _PERCENT.sub(_percent, text)),
    ("\\", _ESCAPE, lambda text: _ESCAPE.sub(_escaped, text)),
    ("&", _ENTITY, html.unescape),
    ("\\", _CSS, lambda text: _CSS.sub(_css, text)),
    ("=", _QUOTED, lambda text: _QUOTED.sub(_quoted, text)),
    ("", _JOINED, lambda text: _JOINED.sub("", text)),
)
