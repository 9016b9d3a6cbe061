"""What docs/ says of commands and settings is what the program says."""

from __future__ import annotations

import pytest

from tests import reference


@pytest.mark.parametrize("name", reference.FILES)
def test_the_reference_is_fresh(name: str) -> None:
    written = (reference.DOCS / name).read_text()
    assert written == reference.FILES[name](), "make docs writes it anew"
