"""What a running Asterisk says of itself."""

from __future__ import annotations

import pytest

from cmp_bundle.provision.survey import _ends_by_status, _forgets_neighbours


@pytest.mark.parametrize(
    ("version", "forgets"),
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
def test_which_versions_forget_neighbours(version: str, forgets: bool) -> None:
    assert _forgets_neighbours(version) is forgets


@pytest.mark.parametrize(
    ("version", "ends"),
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
def test_which_versions_end_by_the_page_of_their_state(version: str, ends: bool) -> None:
    assert _ends_by_status(version) is ends
