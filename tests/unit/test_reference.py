"""What docs/ says of commands, settings and findings is what the program says."""

from __future__ import annotations

import re

import pytest

from tests import reference


@pytest.mark.parametrize("name", reference.FILES)
def test_the_reference_is_fresh(name: str) -> None:
    written = (reference.DOCS / name).read_text()
    assert written == reference.FILES[name](), "make docs writes it anew"


def test_nothing_lies_there_that_is_not_made() -> None:
    assert not reference.stale(), "make docs removes it"


def test_the_doctors_pages_lead_to_one_another() -> None:
    folder = reference.DOCS / "findings"
    for path in (reference.DOCS / "findings.md", *folder.iterdir()):
        for link in re.findall(r"\]\(([^):#]+\.md)\)", path.read_text()):
            assert (path.parent / link).is_file(), f"{path}: {link}"
