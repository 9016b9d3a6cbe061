"""Every place that docs/glossary.md and docs/architecture.md name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

#: What a build makes, and a new clone has not.
MADE = {"dist/"}


@pytest.mark.parametrize("page", ["glossary.md", "architecture.md", "python.md"])
def test_what_is_named_is_there(page: str) -> None:
    named = re.findall(r"`([a-z_/]+/(?:[a-z_]+\.(?:py|ts))?)`", (ROOT / "docs" / page).read_text())
    for name in set(named) - MADE:
        places = (ROOT / name, ROOT / "cmp_bundle" / name)
        assert any(place.exists() for place in places), name


def test_the_glossary_has_twenty_words_in_their_order() -> None:
    rows = re.findall(r"^\| (.+?) \|", (ROOT / "docs/glossary.md").read_text(), re.MULTILINE)[1:]
    assert len(rows) == 20
    assert rows == sorted(rows, key=str.lower)
