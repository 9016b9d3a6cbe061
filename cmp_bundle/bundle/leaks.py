"""The last look at everything that is about to be published: is a secret in it?

Every secret is looked for as it is, in hexadecimal, in base64 at each of its three alignments,
and escaped as URLs, JSON and HTML do it; gzipped files are looked at unpacked as well.
"""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import ahocorasick

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: What is unpacked at the most: a bundle's largest file is below a megabyte.
_UNPACKED = 64 * 1024 * 1024

#: Shorter secrets stand in any file by chance; ``accounts check`` calls them what they are.
SHORTEST = 4
#: Escaped and encoded forms shorter than this likewise.
_SHORTEST_FORM = 6


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
    automaton = ahocorasick.Automaton()
    for secret in secrets:
        if len(secret.data) < SHORTEST:
            continue
        for form in {secret.data, *(f for f in _forms(secret.data) if len(f) >= _SHORTEST_FORM)}:
            automaton.add_word(form.decode("latin-1"), secret)
    if not len(automaton):
        return
    automaton.make_automaton()
    common = {s.what for data in known for s in _found(automaton, data)}
    for path, data in files.items():
        for secret in _found(automaton, data):
            if secret.what not in common:
                raise CmpBundleError(
                    f"holds {secret.what}, and everybody could read it there",
                    file=path,
                    hint="nothing was published; take it out of the settings or of the phone's files",
                )


def _found(automaton: ahocorasick.Automaton, data: bytes) -> Iterator[Secret]:
    for text in _texts(data):
        for _, secret in automaton.iter(text.decode("latin-1")):
            yield secret


def _texts(data: bytes) -> Iterator[bytes]:
    yield data
    if data.startswith(b"\x1f\x8b"):
        try:
            yield zlib.decompressobj(wbits=31).decompress(data, _UNPACKED)
        except zlib.error:
            return


def _forms(value: bytes) -> Iterator[bytes]:
    """Every way in which ``value`` may stand in a file, besides as it is."""
    yield value.hex().encode()
    yield value.hex().upper().encode()
    for lead in range(3):
        # Behind one or two other bytes base64 looks different; its ends depend on the neighbours.
        whole = base64.b64encode(b"\0" * lead + value)
        body = whole.rstrip(b"=")[(0, 2, 3)[lead] :]
        body = body if (len(value) + lead) % 3 == 0 else body[:-1]
        yield body
        yield body.translate(bytes.maketrans(b"+/", b"-_"))
    text = value.decode("utf-8", "replace")
    for escaped in (
        quote(value, safe=""),
        quote_plus(value),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        html.escape(text),
    ):
        yield escaped.encode("utf-8", "surrogatepass")
    yield re.sub(r"%[0-9A-F]{2}", lambda m: m[0].lower(), quote(value, safe="")).encode()
