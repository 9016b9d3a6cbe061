from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_bundle.changes.include_line import add_line, has_line, line_for, remove_line

LINE = b"#tryinclude cmp-bundle/http.conf"

#: Files as people and machines leave them: any bytes, with line ends of every kind.
files = st.lists(
    st.one_of(
        st.sampled_from(
            [b"[general]", b"enabled=yes", b"; x", b"#include y", b"", b"\r", b"\xff", LINE[:-1]]
        ),
        st.binary(max_size=12),
    ).flatmap(
        lambda line: st.sampled_from([b"\n", b"\r\n", b"\n\n", b""]).map(lambda end: line + end)
    ),
    max_size=8,
).map(b"".join)


@given(files)
def test_taking_the_line_out_gives_the_same_bytes(data: bytes) -> None:
    if has_line(data, "http.conf"):
        return
    added = add_line(data, "http.conf")
    assert added.startswith(data)
    assert has_line(added, "http.conf")
    assert remove_line(added, "http.conf") == data


@given(files)
def test_adding_twice_is_adding_once(data: bytes) -> None:
    added = add_line(data, "http.conf")
    assert add_line(added, "http.conf") == added


@given(files, files)
def test_what_was_written_behind_it_since_stays(data: bytes, since: bytes) -> None:
    if has_line(data, "http.conf") or has_line(since, "http.conf"):
        return
    added = add_line(data, "http.conf")
    if not added.endswith(b"\n"):
        added += b"\n"
    assert (
        remove_line(added + since, "http.conf")
        == added.removesuffix(LINE + b"\n").removesuffix(LINE + b"\r\n") + since
    )


@pytest.mark.parametrize(
    ("data", "added"),
    [
        (b"", LINE + b"\n"),
        (b"[general]\n", b"[general]\n" + LINE + b"\n"),
        (b"[general]\r\n", b"[general]\r\n" + LINE + b"\r\n"),
        (b"[general]", b"[general]\n" + LINE),
        (b"x\r", b"x\r\n" + LINE),
    ],
)
def test_the_line_ends_as_the_others_do(data: bytes, added: bytes) -> None:
    assert line_for("http.conf") == LINE
    assert add_line(data, "http.conf") == added


def test_a_mention_of_it_is_not_the_line() -> None:
    for data in (b"; " + LINE + b"\n", LINE + b".old\n", b"x=" + LINE + b"\n"):
        assert not has_line(data, "http.conf")
        assert remove_line(data, "http.conf") == data
