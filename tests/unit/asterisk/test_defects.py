"""Which versions of Asterisk have which of its defects."""

from __future__ import annotations

import pytest

from cmp_bundle.asterisk.answers.core import version
from cmp_bundle.asterisk.defects import ENDS_BY_STATUS, forgets_neighbours


@pytest.mark.parametrize(
    ("text", "forgets"),
    [
        ("Asterisk 16.28.0~dfsg-0+deb11u4 built by nobody", True),
        ("Asterisk 18.16.0 built", True),
        ("Asterisk 18.17.0 built", False),
        ("Asterisk certified/18.9-cert1 built", True),
        ("Asterisk 19.8.1 built", True),
        ("Asterisk 20.1.0 built", True),
        ("Asterisk 20.2.0 built", False),
        ("Asterisk 22.10.1+dfsg built", False),
        ("Asterisk GIT-master-abc built", False),
    ],
)
def test_which_versions_forget_neighbours(text: str, forgets: bool) -> None:
    number = version(text)
    assert (number is not None and forgets_neighbours(number)) is forgets


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("Asterisk 16.23.0 built", False),
        ("Asterisk 16.28.0~dfsg-0+deb11u4 built by nobody", True),
        ("Asterisk 17.9.4 built", False),
        ("Asterisk certified/18.9-cert4 built", False),
        ("Asterisk 18.10.0 built", True),
        ("Asterisk 18.17.0 built", False),
        ("Asterisk 19.1.0 built", False),
        ("Asterisk 19.8.1 built", True),
        ("Asterisk 20.1.0 built", True),
        ("Asterisk 20.2.0 built", False),
        ("Asterisk 22.10.1+dfsg built", False),
        ("Asterisk GIT-master-abc built", False),
    ],
)
def test_which_versions_end_by_the_page_of_their_state(text: str, ends: bool) -> None:
    number = version(text)
    assert (number is not None and ENDS_BY_STATUS.is_in(number)) is ends
