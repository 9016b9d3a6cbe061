"""Numbers and names as people read them."""

from __future__ import annotations

import pytest

from cmp_bundle.sizes import some


@pytest.mark.parametrize(
    ("names", "most", "shown"),
    [
        ([], 5, ""),
        (["a"], 5, "a"),
        (["a", "b", "c"], 3, "a, b, c"),
        (["a", "b", "c"], 2, "a, b, …"),
    ],
)
def test_that_there_are_more_is_said(names: list[str], most: int, shown: str) -> None:
    assert some(names, most) == shown
