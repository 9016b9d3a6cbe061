"""What is taken out of a phone's page before it is packed.

Each transform takes a Draft and gives a Draft. It says in its own words what it needs to find;
where the page has it otherwise, the build stops with that place, because a page changed by
guess is worse than none.
"""

from __future__ import annotations

import json
import posixpath
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from cmp_bundle.bundle.page import Edit, Element, Page, tag
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: What a script's type may be for it to be a classic script (HTML standard, "JavaScript MIME
#: type essence match"); everything else but "module" is data that the page reads itself.
_CLASSIC = {
    "",
    "text/javascript",
    "application/javascript",
    "application/x-javascript",
    "text/ecmascript",
    "application/ecmascript",
    "text/jscript",
}
_NO_PACK = "build with --no-pack: it leaves the page's scripts unchanged"


@dataclass(frozen=True)
class Part:
    """A script or style sheet of the page: what messages call it, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class Draft:
    """A phone on its way into a bundle.

    ``files`` are those not yet taken into the page; ``scripts`` and ``styles`` are those taken
    out of it, in the order in which they take effect.
    """

    page: Page
    files: Mapping[str, bytes]
    scripts: tuple[Part, ...] = ()
    styles: tuple[Part, ...] = ()


def take_handlers(draft: Draft) -> Draft:
    """Inline handlers (``onclick="…"``) become a script, so that the policy can forbid them."""
    edits: list[Edit] = []
    lines = []
    for element in draft.page.elements:
        handlers = [(n, v) for n, v in element.attributes if n.startswith("on")]
        if not handlers:
            continue
        mark = str(len(edits))
        kept = tuple(a for a in element.attributes if a not in handlers)
        start_tag = tag(element.tag, (*kept, ("data-cmp-on", mark)))
        edits.append(Edit(element.start, element.opened, start_tag))
        # <body onload> is the window's handler (HTML standard, "window-reflecting body element
        # event handlers").
        target = f"document.querySelector('[data-cmp-on=\"{mark}\"]')"
        for name, code in handlers:
            owner = "window" if element.tag == "body" and name in _OF_WINDOW else target
            lines.append(f"{owner}[{json.dumps(name)}] = function (event) {{\n{code}\n}};")
    if not edits:
        return draft
    script = Part("inline handlers of index.html", "\n".join(lines))
    return replace(draft, page=draft.page.edited(*edits), scripts=(*draft.scripts, script))


_OF_WINDOW = {
    "onload", "onunload", "onbeforeunload", "onpagehide", "onpageshow", "onresize", "onscroll",
    "onerror", "onblur", "onfocus", "onmessage", "onoffline", "ononline", "onpopstate",
    "onhashchange", "onstorage", "onlanguagechange",
}  # fmt: skip


def take_scripts(draft: Draft) -> Draft:
    """Every classic script, inline or of the phone's files, leaves the page.

    They go before what was taken already (the handlers, which need all of them), in the order
    in which the browser would have run them: deferred ones last.
    """
    edits = []
    first: list[Part] = []
    deferred: list[Part] = []
    files = dict(draft.files)
    for element in draft.page.all("script"):
        kind = (element.get("type") or "").split(";")[0].strip().lower()
        if kind == "module":
            raise _stop(
                draft, element, "is a module, but packing joins classic scripts only", _NO_PACK
            )
        if kind not in _CLASSIC:
            continue
        edits.append(Edit(element.start, element.end, ""))
        source = element.get("src")
        if element.get("nomodule") is not None:
            continue
        if source is None:
            first.append(Part(f"{draft.page.name}:{element.line}", element.text))
            continue
        path = _local(draft, element, source)
        part = Part(path, _text(draft, path))
        files.pop(path, None)
        (deferred if element.get("defer") is not None else first).append(part)
    scripts = (*first, *deferred, *draft.scripts)
    return replace(draft, page=draft.page.edited(*edits), files=files, scripts=scripts)


def take_styles(draft: Draft) -> Draft:
    """Style sheets, inline or of the phone's files, leave the page, in order.

    One that imports others stays a file of its own, with all its neighbours.
    """
    edits = []
    styles: list[Part] = []
    files = dict(draft.files)
    for element in draft.page.elements:
        if element.tag == "style":
            part = Part(f"{draft.page.name}:{element.line}", element.text)
        elif element.tag == "link" and "stylesheet" in (element.get("rel") or "").lower().split():
            path = _local(draft, element, element.get("href") or "")
            text = _text(draft, path)
            if "@import" in text:
                continue
            part = Part(path, _rebased(text, posixpath.dirname(path)))
            files.pop(path, None)
        else:
            continue
        media = element.get("media")
        if media and media.lower() != "all":
            part = Part(part.name, f"@media {media} {{\n{part.text}\n}}")
        styles.append(part)
        edits.append(Edit(element.start, element.end, ""))
    return replace(
        draft, page=draft.page.edited(*edits), files=files, styles=(*draft.styles, *styles)
    )


#: In this order: handlers need the page as it was, and run after all scripts.
TRANSFORMS = (take_handlers, take_scripts, take_styles)


def _rebased(css: str, folder: str) -> str:
    """``css`` with its relative addresses seen from the page instead of from ``folder``."""
    if not folder:
        return css

    def moved(match: re.Match[str]) -> str:
        quote, address = match[1], match[2]
        if re.match(r"[a-z][a-z0-9+.-]*:|/|#", address, re.IGNORECASE):
            return match[0]
        return f"url({quote}{posixpath.normpath(posixpath.join(folder, address))}{quote})"

    return re.sub(r"url\(\s*([\"']?)([^\"')]+?)\1\s*\)", moved, css)


def _local(draft: Draft, element: Element, address: str) -> str:
    """The phone's file that ``address`` in the page means."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        raise _stop(draft, element, f"is loaded from another server ({address})", _NO_PACK)
    path = posixpath.normpath(unquote(parts.path))
    if path.startswith(("/", "..")) or path not in draft.files:
        raise _stop(draft, element, f"names {address}, but the phone has no such file", None)
    return path


def _stop(draft: Draft, element: Element, problem: str, hint: str | None) -> CmpBundleError:
    return CmpBundleError(
        "page-unfit",
        f"this <{element.tag}> {problem}",
        file=draft.page.name,
        line=element.line,
        hint=hint,
    )


def _text(draft: Draft, path: str) -> str:
    try:
        return draft.files[path].decode("utf-8-sig")
    except UnicodeDecodeError:
        raise CmpBundleError("not-utf8", "is not UTF-8 text", file=path) from None
