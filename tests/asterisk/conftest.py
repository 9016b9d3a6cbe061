"""Real databases, and Asterisks that may read them."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import _unreal
from tests.testbed import databases, roots
from tests.testbed.databases import Realtime
from tests.testbed.server import Asterisk


@pytest.fixture(scope="session")
def database() -> Iterator[Callable[[str], Realtime]]:
    """A running database of a kind; one of each at the most, until all tests are done."""
    running: dict[str, Realtime] = {}
    with contextlib.ExitStack() as stack:

        def of(kind: str) -> Realtime:
            reason = databases.why_not(kind)
            if reason:
                _unreal(reason)
            if kind not in running:
                running[kind] = stack.enter_context(databases.running(kind))
            return running[kind]

        yield of


@pytest.fixture
def prepared(asterisk_release: roots.Release) -> Iterator[Asterisk]:
    """An Asterisk that has the drivers for databases, and is not running yet."""
    try:
        roots.complete(asterisk_release)
    except subprocess.CalledProcessError as error:
        _unreal(f"no database drivers for Asterisk {asterisk_release.version}: {error}")
    made = Asterisk.prepare(asterisk_release)
    try:
        yield made
    finally:
        made.remove()
