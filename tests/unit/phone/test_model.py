from __future__ import annotations

from typing import Any

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.tree import tree_id

from .phones import PAGE, VARIED


def test_a_phone_is_sorted_and_knows_its_tree() -> None:
    shuffled = dict(reversed(VARIED.items()))
    phone = Phone.of(shuffled, source="here", revision="abc")
    assert list(phone.files) == sorted(VARIED)
    assert (phone.tree, phone.source, phone.revision) == (tree_id(VARIED), "here", "abc")
    assert phone == Phone(VARIED, tree_id(VARIED), "here", "abc")


def test_a_phone_cannot_be_changed() -> None:
    given = {"index.html": PAGE}
    files: Any = Phone.of(given, source="here").files
    given["more"] = PAGE
    assert list(files) == ["index.html"]
    with pytest.raises(TypeError):
        files["more"] = PAGE


@pytest.mark.parametrize(
    ("paths", "hint"),
    [
        (["dist/index.html", "src/x.js"], "dist/index.html"),
        (["a", "b/c"], "a, b;"),
        ([], "nothing"),
    ],
)
def test_without_its_page_it_is_none(paths: list[str], hint: str) -> None:
    with pytest.raises(CmpBundleError, match=r"has no index\.html") as raised:
        Phone.of({path: PhoneFile(b"") for path in paths}, source="here")
    assert raised.value.file == "here"
    assert raised.value.hint is not None
    assert hint in raised.value.hint
