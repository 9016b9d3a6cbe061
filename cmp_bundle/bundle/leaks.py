"""The last look at everything that is about to be published: is a secret in it?

Every file is read in all its layers (``layers.py``), and in each of them every secret is looked
for as it is. So the work grows with the files and with the secrets, and not with both.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ahocorasick_rs import BytesAhoCorasick

from cmp_bundle.accounts.profile import VERSION
from cmp_bundle.bundle.layers import Layer, LayerReader
from cmp_bundle.bundle.private_keys import private_key
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: Shorter secrets stand in any file by chance; ``accounts check`` calls them what they are.
SHORTEST = 4
#: Shorter ones stand in any sealed profile by chance, so they count in text alone.
_SURELY = 8

#: As many bytes of a secret are looked up; the rest is compared where they are found. All of
#: each takes five times the memory.
_BEGINNING = 8

#: Digests and links stand between signs of their own kind only where they are a part of more.
_DIGEST = re.compile(r"[0-9a-fA-F]{32}")
_LINK = re.compile(r"[A-Za-z0-9_-]{22}")
_DIGESTS = re.compile(rb"[0-9a-f]{32,}")
_LINKS = re.compile(rb"[A-Za-z0-9_-]{22,}")

#: Sealed profiles, of which there may be a hundred thousand, are read many at a time.
_SMALL = 4096
_TOGETHER = 4 * 1024 * 1024
#: In no secret. What it parts is text from its first character to its last, however short.
_BETWEEN = b"\n\n\n\n\n\n\0\n\n\n\n\n\n"


@dataclass(frozen=True, slots=True)
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

    A private key is a secret, whoever's it is. ``known`` is content that was there before any
    secret: the code of a phone that everybody can fetch. What stands in it is found out by nobody
    who reads it here, so it is not looked for; such a password is told by ``accounts check``.
    """
    search = _Search(secrets)
    reader = LayerReader(search.longest)
    # The names of files are listed in the manifest, and seen by whoever asks for them.
    names = ("manifest.json", "\n".join(files).encode("utf-8", "surrogateescape"))
    common: set[str] | None = None
    for together in _together((names, *files.items())):
        if len(together) > 1:
            path = together[0][0]
            with suppress(CmpBundleError):
                joined = _BETWEEN.join(data for _, data in together)
                if not any(search.found(joined, path, reader)):
                    continue
            # Something is wrong with one of them, and that one is to be named.
            reader = LayerReader(search.longest)
        for path, data in together:
            for what in search.found(data, path, reader):
                if common is None:
                    common = _standing(known, search)
                if what not in common:
                    raise CmpBundleError(
                        "secret-found",
                        f"holds {what}, and everybody could read it",
                        file=path,
                        hint="nothing was written; remove it from the settings or from the"
                        " phone's files",
                    )


def standing_in(known: Iterable[bytes], secrets: Iterable[Secret]) -> list[Secret]:
    """The secrets that are none, as they stand in what everybody can fetch anyway."""
    candidates = tuple(secrets)
    found = _standing(known, _Search(candidates))
    return [secret for secret in candidates if secret.what in found]


def _standing(known: Iterable[bytes], search: _Search) -> set[str]:
    reader = LayerReader(search.longest)
    layers = (layer for data in known for layer in reader.layers(data, ""))
    return {what for layer in layers for what in search.secrets_in(layer)}


def _together(files: Iterable[tuple[str, bytes]]) -> Iterator[list[tuple[str, bytes]]]:
    """What looks like a sealed profile many at a time, and every other file alone."""
    small: list[tuple[str, bytes]] = []
    size = 0
    for path, data in files:
        if len(data) > _SMALL or not data.startswith(VERSION):
            yield [(path, data)]
            continue
        small.append((path, data))
        size += len(data)
        if size > _TOGETHER:
            yield small
            small, size = [], 0
    if small:
        yield small


class _Search:
    """All secrets, to be looked for in one go.

    Passwords are found by their beginnings. Digests and links, of which there are several to
    each account, by the signs that they are made of: long runs of those are rare.
    """

    def __init__(self, secrets: Iterable[Secret]) -> None:
        self._raw: dict[bytes, str] = {}
        self._digests: dict[bytes, str] = {}
        self._links: dict[bytes, str] = {}
        #: Whole secrets by what stands for them, and their lengths by their beginnings.
        self._whole: dict[bytes, str] = {}
        self._lengths: dict[bytes, tuple[int, ...]] = {}
        self.longest = 0
        for secret in secrets:
            self._add(secret)
        self._beginnings = list(self._lengths)
        self._machine = BytesAhoCorasick(self._beginnings) if self._beginnings else None

    def _add(self, secret: Secret) -> None:
        value, data = secret.value, secret.data
        if len(data) < SHORTEST:
            return
        self.longest = max(self.longest, len(value))
        if isinstance(value, bytes):
            self._raw[data] = secret.what
        elif _DIGEST.fullmatch(value):
            self._digests[data.lower()] = secret.what
        elif _LINK.fullmatch(value):
            self._links[data] = secret.what
        else:
            for form in _forms(value):
                self._whole.setdefault(form, secret.what)
                beginning = form[:_BEGINNING]
                lengths = self._lengths.get(beginning, ())
                if len(form) not in lengths:
                    self._lengths[beginning] = (*lengths, len(form))

    def found(self, data: bytes, path: str, reader: LayerReader) -> Iterator[str]:
        """What is found in a file, private keys as well.

        Raises CmpBundleError where it cannot be looked through.
        """
        for layer in reader.layers(data, path):
            yield from self.secrets_in(layer)
            if key := private_key(layer.data):
                yield key

    def secrets_in(self, layer: Layer) -> Iterator[str]:
        data = layer.data
        yield from (what for value, what in self._raw.items() if value in data)
        if self._digests:
            yield from _windows(data.lower(), _DIGESTS, 32, self._digests)
        if self._links:
            yield from _windows(data.translate(_URL_SAFE), _LINKS, 22, self._links)
        if self._machine is None:
            return
        for number, at, _ in self._machine.find_matches_as_indexes(data, overlapping=True):
            for length in self._lengths[self._beginnings[number]]:
                what = self._whole.get(data[at : at + length])
                if what and (layer.text or length >= _SURELY):
                    yield what


_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def _windows(
    data: bytes, runs: re.Pattern[bytes], size: int, wanted: Mapping[bytes, str]
) -> Iterator[str]:
    for run in runs.findall(data):
        for at in range(len(run) - size + 1):
            what = wanted.get(run[at : at + size])
            if what:
                yield what


def _forms(value: str) -> Iterator[bytes]:
    """What stands for a secret in a layer: as it is, and where no layer leads back to that."""
    yield value.encode("utf-8", "surrogatepass")
    if " " in value:
        yield value.replace(" ", "+").encode("utf-8", "surrogatepass")  # as forms are sent
    if not value.isascii():
        plain = unicodedata.normalize("NFKD", value)
        if plain != value and len(plain) >= SHORTEST:
            yield plain.encode("utf-8", "surrogatepass")
        for name in ("utf-16-le", "utf-16-be", "latin-1", "cp1252"):
            with suppress(UnicodeEncodeError):
                yield value.encode(name)
