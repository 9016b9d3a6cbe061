"""The last look at everything that is about to be published: is a secret in it?

Texts are looked at as they are, with gzip unpacked, and with the escapes of URLs, JSON,
JavaScript and HTML taken out. In each of them every secret is looked for as it is, in
hexadecimal, and in base64 at each of its three alignments.
"""

from __future__ import annotations

import base64
import html
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What is unpacked at the most: a bundle's largest file is below a megabyte.
_UNPACKED = 64 * 1024 * 1024

#: Shorter secrets stand in any file by chance; ``accounts check`` calls them what they are.
SHORTEST = 4
#: Encoded forms shorter than this likewise.
_SHORTEST_FORM = 6
#: As many bytes of a form are looked up.
_BEGINNING = 6

_GZIP = b"\x1f\x8b"

_URL_ESCAPE = re.compile(rb"%[0-9A-Fa-f]{2}")
_ENTITY = re.compile(rb"&(#[0-9xX]|[A-Za-z]{2})")
#: JavaScript's and JSON's escapes; two of them may stand for one character.
_ESCAPE = re.compile(
    r"\\u(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})"
    r"|\\u([0-9a-f]{4})|\\u\{0*([0-9a-f]{1,6})\}|\\x([0-9a-f]{2})|\\([^ux0-9a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Secret:
    """Something that nobody may find: what messages call it, and the thing itself."""

    what: str
    value: str | bytes

    def __repr__(self) -> str:
        return f"Secret({self.what!r})"

    @property
    def data(self) -> bytes:
        value = self.value
        return value if isinstance(value, bytes) else value.encode("utf-8", "surrogatepass")


def check(files: Mapping[str, bytes], secrets: Iterable[Secret], known: Iterable[bytes]) -> None:
    """Raises CmpBundleError naming file and secret, never the secret itself.

    ``known`` is content that was there before any secret: the code of a phone that everybody can
    fetch. What stands in it is found out by nobody who reads it here, so it is not looked for;
    such a password is told by ``accounts check``.
    """
    search = _Search(secrets)
    if not search:
        return
    common = {s.what for data in known for s in search.found(data, "")}
    # The names of files are listed in the manifest, and seen by whoever asks for them.
    names = ("manifest.json", "\n".join(files).encode("utf-8", "surrogateescape"))
    for path, data in (names, *files.items()):
        for secret in search.found(data, path):
            if secret.what not in common:
                raise CmpBundleError(
                    f"holds {secret.what}, and everybody could read it there",
                    file=path,
                    hint="nothing was published; take it out of the settings or of the phone's files",
                )


def standing_in(known: Iterable[bytes], secrets: Iterable[Secret]) -> list[Secret]:
    """The secrets that are none, as they stand in what everybody can fetch anyway."""
    search = _Search(secrets)
    found = {s.what: s for data in known for s in search.found(data, "")}
    return list(found.values())


class _Search:
    """All forms of all secrets, to be looked for in one go.

    They are kept by their first bytes, and every piece of a text of that length is looked up
    that could be one. Sealed profiles hold any bytes, but hardly ever six in a row of those that
    passwords begin with: so they cost next to nothing.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._owners: dict[int, dict[bytes, list[Secret]]] = {}
        self._raw: list[tuple[bytes, Secret]] = []
        for secret in secrets:
            data = secret.data
            if len(data) < SHORTEST:
                continue
            if isinstance(secret.value, bytes):
                self._raw.append((data, secret))
            # One list for nearly all forms of a secret: there are hundred thousands of them.
            alone = [secret]
            for form in _looked_up(secret):
                self._add(form[:_BEGINNING], alone)
        self._runs = {size: _run(size, found) for size, found in self._owners.items()}

    def _add(self, beginning: bytes, alone: list[Secret]) -> None:
        beginnings = self._owners.setdefault(len(beginning), {})
        owners = beginnings.setdefault(beginning, alone)
        if owners is alone or owners[-1] is alone[0]:
            return
        if len(owners) == 1:
            beginnings[beginning] = owners + alone
        else:
            owners += alone

    def __bool__(self) -> bool:
        return bool(self._owners)

    def found(self, data: bytes, path: str) -> Iterator[Secret]:
        """The secrets in a file. Raises CmpBundleError where it cannot be looked through."""
        for text in _texts(data, path):
            yield from (secret for form, secret in self._raw if form in text)
            for size, beginnings in self._owners.items():
                for run in self._runs[size].findall(text):
                    pieces = (run[at : at + size] for at in range(len(run) - size + 1))
                    for piece in beginnings.keys() & pieces:
                        yield from (s for s in beginnings[piece] if _stands_in(text, s))


def _looked_up(secret: Secret) -> Iterator[bytes]:
    """The forms of a secret that are found by their beginnings."""
    data = secret.data
    if not isinstance(secret.value, bytes):
        yield data
    yield from (form for form in _forms(data) if len(form) >= _SHORTEST_FORM)


def _stands_in(text: bytes, secret: Secret) -> bool:
    return any(form in text for form in _looked_up(secret))


def _run(size: int, beginnings: Iterable[bytes]) -> re.Pattern[bytes]:
    """At least ``size`` bytes in a row that any of ``beginnings`` holds."""
    used = b"".join(b"\\x%02x" % byte for byte in sorted(set(b"".join(beginnings))))
    return re.compile(b"[%s]{%d,}" % (used, size))


def _texts(data: bytes, path: str) -> Iterator[bytes]:
    """``data`` in every way in which it can be read."""
    yield from _readings(data)
    if data.startswith(_GZIP):
        yield from _readings(_unpacked(data, path))


def _readings(data: bytes) -> Iterator[bytes]:
    yield data
    # Sealed profiles hold any byte, but hardly ever a whole escape.
    if b"%" in data and _URL_ESCAPE.search(data):
        yield unquote_to_bytes(data)
    if b"\\" in data and _ESCAPE.search(text := _encoded(data)):
        yield _decoded(_ESCAPE.sub(_unescaped, text))
    if b"&" in data and _ENTITY.search(data):
        yield _decoded(html.unescape(_encoded(data)))


def _encoded(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _decoded(text: str) -> bytes:
    # Bytes that are no UTF-8 come out as others; they were looked at as they are.
    return text.encode("utf-8", "surrogatepass")


def _unescaped(found: re.Match[str]) -> str:
    high, low, one, braced, short, itself = found.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    if itself:
        return str(itself)
    number = int(one or braced or short, 16)
    return chr(number) if number <= 0x10FFFF else ""  # noqa: PLR2004 - Unicode's end


def _unpacked(data: bytes, path: str) -> bytes:
    """All members of a gzipped file, as far as they can be unpacked."""
    whole = bytearray()
    while data.startswith(_GZIP):
        packed = zlib.decompressobj(wbits=31)
        try:
            whole += packed.decompress(data, _UNPACKED - len(whole))
            data = packed.unused_data
        except zlib.error:
            # zlib keeps what it has unpacked before the damage, unless it gets it bit by bit.
            whole += _before_damage(data, _UNPACKED - len(whole))
            data = b""
        if len(whole) >= _UNPACKED:
            raise CmpBundleError(
                f"is more than {_UNPACKED >> 20} MB when unpacked, too much to look through",
                file=path,
                hint="no phone needs such a file; take it out of the phone's",
            )
    return bytes(whole)


def _before_damage(data: bytes, most: int) -> bytes:
    packed, whole = zlib.decompressobj(wbits=31), bytearray()
    try:
        for at in range(len(data)):
            whole += packed.decompress(data[at : at + 1], max(most - len(whole), 1))
    except zlib.error:
        pass
    return bytes(whole)


def _forms(value: bytes) -> Iterator[bytes]:
    """Every way in which ``value`` may stand in a file, besides as it is and escaped."""
    yield value.hex().encode()
    yield value.hex().upper().encode()
    if b" " in value:
        yield value.replace(b" ", b"+")  # as forms are sent
    for lead in range(3):
        # Behind one or two other bytes base64 looks different; its ends depend on the neighbours.
        body = base64.b64encode(b"\0" * lead + value).rstrip(b"=")[(0, 2, 3)[lead] :]
        body = body if (len(value) + lead) % 3 == 0 else body[:-1]
        yield body
        if b"+" in body or b"/" in body:
            yield body.translate(_URL_SAFE)


_URL_SAFE = bytes.maketrans(b"+/", b"-_")
