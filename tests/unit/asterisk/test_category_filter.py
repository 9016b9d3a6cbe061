"""The filter in [name](+filter)."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.category_filter import FilterError, parse
from cmp_bundle.asterisk.configuration import Variable

HELD = (Variable("type", "endpoint", "x", 1, False), Variable("allow", "opus,ulaw", "x", 2, False))


@pytest.mark.parametrize(
    "text",
    ["", "type=endpoint", "type=end", "=opus", "^t.*e$=^e", "t|u=int", "type=e & allow=ulaw",
     " type = endpoint ", "type=endpoint=ignored", "TEMPLATES=include", "[s-u]ype=[^x]+t"],
)  # fmt: skip
def test_picks(text: str) -> None:
    assert parse(text).accepts(template=False, variables=HELD)


@pytest.mark.parametrize(
    "text",
    ["type=auth", "Type=endpoint", "type=ulaw", "type", "type=endpoint&x", "TEMPLATES=restrict",
     "TEMPLATES=no", "templates=include"],
)  # fmt: skip
def test_leaves(text: str) -> None:
    assert not parse(text).accepts(template=False, variables=HELD)


def test_templates_must_be_asked_for() -> None:
    assert not parse("").accepts(template=True, variables=HELD)
    assert not parse("type=endpoint").accepts(template=True, variables=HELD)
    assert parse("TEMPLATES=include").accepts(template=True, variables=HELD)
    assert parse("type=endpoint&TEMPLATES=Restrict").accepts(template=True, variables=HELD)
    assert not parse("type=auth&TEMPLATES=include").accepts(template=True, variables=HELD)


@pytest.mark.parametrize(
    "text",
    [
        "type=\\d",
        "type='endpoint'",
        "type=a{2}",
        "type=(a",
        "*=a",
        "type=[[:alpha:]]",
        "type=",
        "a=b&",
    ],
)
def test_what_only_the_c_library_knows(text: str) -> None:
    with pytest.raises(FilterError):
        parse(text)
