"""A page as text, with the places of its elements, so that changes touch nothing else."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser

from cmp_bundle.errors import CmpBundleError

#: Elements whose content is text up to their end tag.
_RAW = {"script", "style", "title", "textarea"}


@dataclass(frozen=True)
class Element:
    """An element of the page: its tag, attributes (values unescaped), and where it stands.

    ``start`` to ``opened`` is its start tag. For elements of raw text (script, style, title),
    ``text`` is what they hold and ``end`` lies behind their end tag; for others ``end`` is
    ``opened``. Offsets count characters from 0, ``line`` lines from 1.
    """

    tag: str
    attributes: tuple[tuple[str, str], ...]
    start: int
    opened: int
    end: int
    text: str
    line: int

    def get(self, name: str) -> str | None:
        return next((v for n, v in self.attributes if n == name), None)


@dataclass(frozen=True)
class Page:
    """``text`` is the page's HTML, ``name`` what messages call it."""

    text: str
    name: str = "index.html"

    @cached_property
    def elements(self) -> tuple[Element, ...]:
        """Every element, in the order of their start tags."""
        return tuple(_Scanner(self.text).elements)

    @cached_property
    def ids(self) -> frozenset[str]:
        return frozenset(i for e in self.elements if (i := e.get("id")))

    def all(self, tag: str) -> list[Element]:
        return [e for e in self.elements if e.tag == tag]

    def edited(self, *edits: Edit) -> Page:
        """The page with each edit's span replaced. Spans must not overlap."""
        ordered = sorted(edits, key=lambda e: (e.start, e.end))
        for edit, next_edit in itertools.pairwise(ordered):
            if edit.end > next_edit.start:
                raise ValueError(f"edits overlap at {next_edit.start}")
        out, at = [], 0
        for edit in ordered:
            out += [self.text[at : edit.start], edit.text]
            at = edit.end
        return Page("".join([*out, self.text[at:]]), self.name)

    def inside_head(self, text: str) -> Edit:
        """``text`` put first into <head>, behind the character set.

        Where the page names none, as one that begins with a byte order mark, it is named.
        """
        for element in self.all("meta"):
            kind = (element.get("http-equiv") or "").lower()
            if element.get("charset") or kind == "content-type":
                return Edit(element.end, element.end, text)
        for element in self.all("head"):
            with_charset = tag("meta", (("charset", "utf-8"),)) + text
            return Edit(element.opened, element.opened, with_charset)
        raise CmpBundleError(
            "page-unfit",
            "has no <head>, and the Content-Security-Policy has to go there",
            file=self.name,
            hint="put <head> and </head> around everything before <body>",
        )

    def before_body_ends(self, text: str) -> Edit:
        """``text`` put last into <body>."""
        at = self.text.lower().rfind("</body")
        if at == -1:
            raise CmpBundleError(
                "page-unfit",
                "has no </body>, and scripts have to go before it",
                file=self.name,
                hint="put <body> and </body> around the visible content",
            )
        return Edit(at, at, text)


@dataclass(frozen=True)
class Edit:
    """``text`` in place of the characters from ``start`` to ``end``."""

    start: int
    end: int
    text: str


def tag(name: str, attributes: tuple[tuple[str, str], ...], text: str | None = None) -> str:
    """An element as HTML; without ``text`` its start tag alone."""
    pairs = "".join(f' {n}="{_escaped(v)}"' if v else f" {n}" for n, v in attributes)
    opened = f"<{name}{pairs}>"
    return opened if text is None else f"{opened}{text}</{name}>"


def _escaped(value: str) -> str:
    return value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


@dataclass
class _Open:
    """A raw element whose end tag has not come yet."""

    element: Element
    parts: list[str] = field(default_factory=list)


class _Scanner(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=False)
        self.elements: list[Element] = []
        self._open: _Open | None = None
        # Where each line begins: the parser tells places as line and column.
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._text = text
        self.feed(text)
        self.close()
        self._finish(len(text), len(text))

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._at()
        opened = start + len(self.get_starttag_text() or "")
        pairs = tuple((name, value or "") for name, value in attrs)
        element = Element(tag, pairs, start, opened, opened, "", self.getpos()[0])
        if tag in _RAW:
            self._finish(start, start)
            self._open = _Open(element)
        else:
            self.elements.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        # In HTML the slash means nothing: <script/> opens a script.
        self.handle_starttag(tag, attrs)
        if tag in self.CDATA_CONTENT_ELEMENTS:
            self.set_cdata_mode(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._open is not None and tag == self._open.element.tag:
            at = self._at()
            close = self._text.find(">", at)
            self._finish(at, len(self._text) if close == -1 else close + 1)

    def _finish(self, text_end: int, end: int) -> None:
        if self._open is None:
            return
        e = self._open.element
        text = self._text[e.opened : text_end]
        self.elements.append(Element(e.tag, e.attributes, e.start, e.opened, end, text, e.line))
        self._open = None
