"""Asterisk's rules for static files, as the table has them; real ones are asked the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.asterisk.static import REFUSED_FIRST, content_type, refused
from cmp_bundle.checks.static_names import of_path


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("site/index.html", "text/html"),
        ("site/INDEX.HTML", "text/html"),
        ("a.js", "application/x-javascript"),
        ("a.mjs", "text/mjs"),
        ("a.json", "text/json"),
        ("a.tar.gz", "text/gz"),
        ("LICENSE", "text/plain"),
        ("a.", "text/plain"),
        ("", "text/plain"),
        ("v1.2/file", "text/2/file"),
        (f"a.{'x' * 100}", f"text/{'x' * 74}"),
    ],
)
def test_types(path: str, kind: str) -> None:
    assert content_type(path) == kind


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "the path is empty"),
        (".site/x", "it begins with '.'"),
        ("/etc/passwd", "it begins with '/'"),
        ("\n", "it begins with"),
        ("a/../b", "it holds /.."),
        ("a/..b", "it holds /.."),
        ("a..b/c", None),
        ("a/.git/config", None),
        ("site/index.html", None),
    ],
)
def test_what_is_refused(path: str, why: str | None) -> None:
    reason = refused(path)
    assert (reason is None) == (why is None)
    assert why is None or why in str(reason)


@pytest.mark.parametrize("first", REFUSED_FIRST)
def test_each_first_character(first: str) -> None:
    assert refused(f"{first}x") is not None
    assert refused(f"x{first}") is None


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("site/a.mjs", ["browsers refuse a module"]),
        ("site/a.WASM", ["instantiateStreaming refuses it"]),
        ("site/app.webmanifest", ["may ignore a manifest"]),
        ("site/.git", ["a dot file"]),
        ("site/private/a.js", ["403 below /private/"]),
        ("private/.a.mjs", ["403 below /private/", "a dot file", "browsers refuse a module"]),
        ("~site/a.js", ["403: it begins with '~'"]),
        ("site/index.html", []),
        ("site/mjs", []),
        ("site/privates/a.js", []),
    ],
)
def test_what_a_build_warns_of(path: str, reason: list[str]) -> None:
    found = list(of_path(path))
    assert [w.file for w in found] == [path] * len(reason)
    assert all(s in w.message for s, w in zip(reason, found, strict=True))


@given(st.text(max_size=100))
def test_any_path_has_a_type(path: str) -> None:
    assert "/" in content_type(path)
    assert len(content_type(path)) < 80
    assert all(w.file == path for w in of_path(path))
