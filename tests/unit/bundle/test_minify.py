from __future__ import annotations

import gzip

import pytest

from cmp_bundle.bundle import minify
from cmp_bundle.errors import CmpBundleError


@pytest.mark.parametrize(
    ("source", "first", "second"),
    [
        (
            "function f(s) { let n = s.length, [, m = ''] = n > 1 ? [s] : []; return m + n; }",
            ".length",
            "[,",
        ),
        ("function f() { const i = {v: 1}; const {e} = p({i}); return g(i, e); }", "v:1", "p("),
    ],
)
def test_declarations_keep_their_order(source: str, first: str, second: str) -> None:
    """Versions 2.24.11 and 2.24.12 of the minifier turn these around (tdewolff/minify#958)."""
    small = minify.javascript(source, "x.js")
    assert small.index(first) < small.index(second)


def test_names_at_the_top_stay() -> None:
    small = minify.javascript(
        "let phone; function accountShow(argument) { return argument; }", "x.js"
    )
    assert "let phone" in small
    assert "function accountShow(" in small
    assert "argument" not in small


def test_what_was_minified_already_is_left_alone() -> None:
    assert minify.javascript("let  a", "x.min.js") == "let  a"


def test_nothing_stays_nothing() -> None:
    assert minify.javascript(" \n", "x.js") == ""
    assert minify.css("", "x.css") == ""


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(CmpBundleError) as caught:
        minify.javascript("function (", "lib/x.js")
    assert caught.value.file == "lib/x.js"
    assert "\n" not in caught.value.message


def test_gzip_is_the_same_each_time() -> None:
    data = b"a" * 1000
    assert minify.gzip(data) == minify.gzip(data)
    assert gzip.decompress(minify.gzip(data)) == data
