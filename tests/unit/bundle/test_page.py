from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.bundle.page import Edit, Page, tag
from cmp_bundle.errors import CmpBundleError


def test_elements_know_where_they_stand() -> None:
    text = '<html>\n<head><title>a &amp; b</title></head>\n<body><script src="x.js">\nlet a = "<p>";\n</script ><p>'
    page = Page(text)
    assert [(e.tag, e.line) for e in page.elements] == [
        ("html", 1), ("head", 2), ("title", 2), ("body", 3), ("script", 3), ("p", 5),
    ]  # fmt: skip
    script = page.all("script")[0]
    assert script.text == '\nlet a = "<p>";\n'
    assert text[script.start : script.end] == '<script src="x.js">\nlet a = "<p>";\n</script >'
    assert text[script.start : script.opened] == '<script src="x.js">'


def test_attributes_come_unescaped_and_go_escaped() -> None:
    page = Page("<p title='a &quot;b&quot; &lt;' hidden data-x=1>")
    element = page.elements[0]
    assert element.attributes == (("title", 'a "b" <'), ("hidden", ""), ("data-x", "1"))
    assert element.get("hidden") == ""
    assert element.get("id") is None
    again = Page(tag("p", element.attributes)).elements[0]
    assert again.attributes == element.attributes


def test_edits_touch_nothing_else() -> None:
    page = Page("<p>one</p><p>two</p>")
    first, second = page.all("p")
    edited = page.edited(
        Edit(second.start, second.opened, "<b>"), Edit(first.start, first.start, "!")
    )
    assert edited.text == "!<p>one</p><b>two</p>"
    with pytest.raises(ValueError, match="overlap"):
        page.edited(Edit(0, 5, ""), Edit(4, 6, ""))


def test_a_script_that_is_never_closed_ends_with_the_page() -> None:
    page = Page("<p><script>let a")
    assert page.all("script")[0].text == "let a"
    assert page.all("script")[0].end == len(page.text)


def test_self_closing_scripts_are_open_ones() -> None:
    page = Page("<script src=a.js/><p></script><b>")
    assert [e.tag for e in page.elements] == ["script", "b"]


@pytest.mark.parametrize(
    "head",
    [
        '<head><meta charset="utf-8">',
        "<head><meta http-equiv=content-type content='text/html; charset=utf-8'>",
    ],
)
def test_what_goes_into_the_head_stands_behind_the_character_set(head: str) -> None:
    page = Page(f"<html>{head}<title></title></head>")
    assert page.edited(page.inside_head("X")).text == f"<html>{head}X<title></title></head>"


def test_a_page_that_names_no_character_set() -> None:
    """Its byte order mark, which named it, has gone when it is put together again."""
    page = Page("<html><head><title>ä</title></head>")
    result = page.edited(page.inside_head("X")).text
    assert result == '<html><head><meta charset="utf-8">X<title>ä</title></head>'


def test_a_page_without_head_or_body_is_told() -> None:
    with pytest.raises(CmpBundleError, match="no <head>"):
        Page("<p>").inside_head("")
    with pytest.raises(CmpBundleError, match="no </body>"):
        Page("<p>").before_body_ends("")


@given(st.text(st.sampled_from("<>/!-='\" abscriptstyle\n&;"), max_size=60))
def test_any_text_is_read_without_a_fall(text: str) -> None:
    page = Page(text)
    for element in page.elements:
        assert 0 <= element.start < element.opened <= element.end <= len(text)
        assert text[element.start] == "<"
    assert page.edited().text == text
