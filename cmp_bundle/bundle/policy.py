"""The page's content security policy: what may run and where it may connect to.

Asterisk can send no header, so it stands in a <meta>. Scripts are allowed by their hash: the
policy names the very code that was built, and nothing else that finds its way into the page runs.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.bundle.page import Edit, tag

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.bundle.page import Page


def metas(scripts: Iterable[str], styles: Iterable[str], origins: Iterable[str]) -> str:
    """The <meta> elements that allow inline ``scripts`` and ``styles`` with these very texts.

    ``origins`` are other servers whose files the page names itself.
    """
    others = " ".join(sorted(set(origins)))
    rules = {
        "default-src": "'none'",
        "script-src": " ".join(["'self'", others, *map(_hash, scripts)]),
        "style-src": " ".join(["'self'", others, *map(_hash, styles)]),
        "img-src": f"'self' data: blob: {others}",
        "media-src": f"'self' data: blob: mediastream: {others}",
        "font-src": f"'self' data: {others}",
        # The account form may name any PBX. 'self' covers the page's own files.
        "connect-src": f"'self' wss: {others}",
        "base-uri": "'self'",
        "form-action": "'none'",
    }
    text = "; ".join(f"{name} {' '.join(value.split())}" for name, value in rules.items())
    return tag("meta", (("http-equiv", "Content-Security-Policy"), ("content", text))) + tag(
        "meta", (("name", "referrer"), ("content", "no-referrer"))
    )


def without(page: Page) -> Page:
    """``page`` without policies of its own: all of them hold, and they know none of our scripts."""
    return page.edited(
        *(
            Edit(element.start, element.end, "")
            for element in page.all("meta")
            if (element.get("http-equiv") or "").lower() == "content-security-policy"
        )
    )


def origins_in(page: Page) -> list[str]:
    """The other servers that elements of ``page`` load from, as https://host."""
    found = []
    for element in page.elements:
        if element.tag not in {"script", "link", "img", "audio", "video", "source", "iframe"}:
            continue
        parts = urlsplit(element.get("src") or element.get("href") or "")
        if parts.netloc and parts.scheme in {"", "https"}:
            found.append(f"https://{parts.netloc}")
    return found


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
