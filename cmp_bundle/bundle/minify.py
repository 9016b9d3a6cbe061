"""Fewer bytes, same meaning: tdewolff's minifier and zopfli."""

from __future__ import annotations

from functools import cache
from typing import Any

from cmp_bundle.errors import CmpBundleError


def javascript(text: str, name: str) -> str:
    """A classic script, minified; names at its top level stay. Raises CmpBundleError.

    One whose name says that somebody did so already, ``.min.js``, is left as it is.
    """
    if name.endswith(".min.js"):
        return text
    return _minified("application/javascript", text, name)


def css(text: str, name: str) -> str:
    return _minified("text/css", text, name)


def html(text: str, name: str) -> str:
    """A page, minified; its <html>, <head> and <body> stay."""
    return _minified("text/html", text, name)


def gzip(data: bytes) -> bytes:
    """``data`` gzipped, within a thousandth as small as it goes; the same bytes each time."""
    from zopfli import gzip as zopfli_gzip  # noqa: PLC0415 - only a build needs it

    return bytes(zopfli_gzip.compress(data, numiterations=3))


@cache
def _minifier() -> Any:
    import minify  # noqa: PLC0415 - loads a shared library of several MB

    # Style sheets may ask for [type=text], and places are looked for in <head> and <body>.
    minify.config({"html-keep-default-attr-vals": True, "html-keep-document-tags": True})
    return minify


def _minified(kind: str, text: str, name: str) -> str:
    # The library's buffer for the result is as long as the text: nothing fits into none.
    if not text.strip():
        return ""
    try:
        return str(_minifier().string(kind, text))
    except ValueError as error:
        raise CmpBundleError(
            "page-unfit",
            f"cannot be minified: {' '.join(str(error).split())}",
            file=name,
            hint="build with --no-pack to use it unchanged",
        ) from error
