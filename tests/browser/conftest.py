"""What tests in browsers can ask for besides."""

from __future__ import annotations

import pytest

from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent

from .static_site import Phones


@pytest.fixture
def phones(request: pytest.FixtureRequest) -> Phones:
    """Real phones, to be had without a network."""

    def get(source: str) -> Phone:
        cache = Cache.of_user()
        if source == "upstream":
            cache = Cache(request.getfixturevalue("upstream_cache"))
        return fetch(parse(source), cache, Silent(), offline=True)

    return get
