"""What tests in browsers can ask for besides."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent
from tests.conftest import _unreal
from tests.testbed import roots
from tests.testbed.server import Asterisk

from . import launch
from .phones import Browsers
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


@pytest.fixture
def untouched(
    request: pytest.FixtureRequest, asterisk_release: roots.Release
) -> Iterator[Asterisk]:
    """An Asterisk with the configuration of its packages, not running yet."""
    request.getfixturevalue("own_network")
    made = Asterisk.prepare(asterisk_release, as_packaged=True)
    try:
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def browsers() -> Iterator[Browsers]:
    """Both, each started when it is first asked for, once for all tests of a module."""
    for name in ("chromium", "firefox"):
        if reason := launch.missing(name):
            _unreal(reason)
    with contextlib.ExitStack() as stack:
        yield Browsers(stack)
