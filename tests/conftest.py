"""What every test can ask for: real Asterisks, real browsers, the command line, upstream's phone.

Where something real cannot be had, the tests that need it are skipped with the reason; with
CMP_BUNDLE_REQUIRE_REAL=1 that is a failure. Upstream's phone is the exception: it is not ours to
require, so its tests are listed as not run.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.source import parse
from cmp_bundle.report import Silent

from .browser import launch
from .testbed import frozen, network, roots
from .testbed.server import Asterisk

# A machine that is busy with something else is no mistake of ours.
hypothesis_settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.load_profile("untimed")
# For make quick.
hypothesis_settings.register_profile(
    "few", hypothesis_settings.get_profile("untimed"), max_examples=25
)

# A shell that runs the tests in the background makes them ignore Ctrl-C, and all that they start too.
signal.signal(signal.SIGINT, signal.default_int_handler)
# Whoever is told to end takes along what it started, as after Ctrl-C.
signal.signal(signal.SIGTERM, signal.default_int_handler)

#: The cache of whoever runs the tests, where upstream's phone may be; looked at before any test
#: is given a cache of its own.
_USERS_CACHE = Cache.of_user()


def pytest_configure(config: pytest.Config) -> None:
    """Give the process that runs tests a network of its own, before it has started anything."""
    # The one that only hands them out to workers stays: they come from the machine's own.
    hands_out = getattr(config.option, "dist", "no") != "no" and not hasattr(config, "workerinput")
    if not hands_out:
        network.enter()


#: Of a test, a part of which failed because Asterisk froze: it says nothing of the others either.
_FROZE = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """What failed because Asterisk froze, by a defect known and seen, is listed as not run."""
    failed = call.excinfo
    if failed is None or failed.errisinstance(pytest.skip.Exception):
        return
    if not item.stash.get(_FROZE, False):
        item.stash[_FROZE] = frozen.thaw()
    if item.stash[_FROZE]:
        try:
            pytest.skip(frozen.REASON)
        except pytest.skip.Exception:
            call.excinfo = pytest.ExceptionInfo.from_current()


def _unreal(reason: str) -> None:
    """Skip, or fail where everything real is required."""
    if os.environ.get("CMP_BUNDLE_REQUIRE_REAL") == "1":
        pytest.fail(f"required, but not to be had: {reason}", pytrace=False)
    pytest.skip(reason)


def _lies_in(cache: Path, state: Path, environment: pytest.MonkeyPatch) -> None:
    """What cmp-bundle keeps between its runs lies in these, and is nobody else's."""
    environment.setenv("CMP_BUNDLE_CACHE", str(cache))
    environment.setenv("CMP_BUNDLE_STATE", str(state))


@pytest.fixture(scope="session", autouse=True)
def _nobody_s_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither a test nor what many share sees the settings, cache or state of who runs it."""
    with pytest.MonkeyPatch.context() as environment:
        for name in list(os.environ):
            if name.startswith("CMP_BUNDLE_") and name not in _FOR_TESTS:
                environment.delenv(name)
        folder = tmp_path_factory.mktemp("nobody")
        _lies_in(folder / "cache", folder / "state", environment)
        # Where it is noted which authorities were made here: a server of many tests has one.
        environment.setenv("XDG_STATE_HOME", str(folder / "state-of-user"))
        yield


@pytest.fixture(scope="session")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(autouse=True)
def _nobody_s_settings(monkeypatch: pytest.MonkeyPatch, _kept: Path) -> None:
    """No test sees the cache or the state of another."""
    # Not in tmp_path: that of thousands of tests takes longer than all else that most of them do, and
    # many look at everything in theirs.
    here = Path(tempfile.mkdtemp(dir=_kept))
    _lies_in(here / "cache", here / "state", monkeypatch)


#: Where both versions of Asterisk do the same, and what is looked at is something else.
SIXTEEN_IN_SOAK = pytest.mark.parametrize(
    "asterisk_release", ["22", pytest.param("16", marks=pytest.mark.soak)], indirect=True
)

#: Where what is looked at is the server's doing, and both browsers do the same.
FIREFOX_IN_SOAK = pytest.mark.parametrize(
    "browser_name", ["chromium", pytest.param("firefox", marks=pytest.mark.soak)], indirect=True
)

_FOR_TESTS = {"CMP_BUNDLE_REQUIRE_REAL", "CMP_BUNDLE_TESTBED", "CMP_BUNDLE_GOLDEN"}


@pytest.fixture(scope="session")
def own_network() -> None:
    """No port is anybody else's, those included that Asterisk has unless it is told another."""
    if reason := network.why_not():
        _unreal(reason)


@pytest.fixture(params=sorted(roots.RELEASES, reverse=True))
def asterisk_release(request: pytest.FixtureRequest) -> roots.Release:
    """Each version of the test bed in turn, its tree made."""
    reason = roots.why_not()
    if reason:
        _unreal(reason)
    release = roots.RELEASES[request.param]
    roots.build(release)
    return release


@pytest.fixture
def pbx(asterisk_release: roots.Release) -> Iterator[Asterisk]:
    """A running Asterisk with clean configuration and static folders."""
    made = Asterisk.prepare(asterisk_release)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture
def packaged(request: pytest.FixtureRequest, asterisk_release: roots.Release) -> Iterator[Asterisk]:
    """A running Asterisk with the configuration of its packages, and their ports."""
    request.getfixturevalue("own_network")
    made = Asterisk.prepare(asterisk_release, as_packaged=True)
    try:
        made.start()
        yield made
    finally:
        made.remove()


@pytest.fixture(params=["chromium", "firefox"])
def browser_name(request: pytest.FixtureRequest) -> str:
    """Each browser in turn; it is there."""
    reason = launch.missing(request.param)
    if reason:
        _unreal(reason)
    return str(request.param)


@pytest.fixture
def browser(browser_name: str) -> Iterator[launch.Browser]:
    """A browser with a fresh profile."""
    with launch.browsing(browser_name) as running:
        yield running


@pytest.fixture(scope="session")
def upstream_cache() -> Path:
    """A cache that holds upstream's phone; the tests that need it are skipped where none does."""
    try:
        with network.outside():
            fetch(parse("upstream"), _USERS_CACHE, Silent())
    except CmpBundleError as error:
        pytest.skip(f"upstream's phone is neither cached nor to be fetched: {error}")
    return _USERS_CACHE.root


@pytest.fixture(params=["builtin", "upstream"])
def phone_source(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each phone in turn, to be had without a network."""
    if request.param == "upstream":
        cache = request.getfixturevalue("upstream_cache")
        monkeypatch.setenv("CMP_BUNDLE_CACHE", str(cache))
    return str(request.param)


class Cmp:
    """The command line, in a folder of its own, aimed at an Asterisk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment: dict[str, str] = {}

    def aim(self, pbx: Asterisk) -> None:
        self.environment["CMP_BUNDLE_ASTERISK_ROOT"] = str(pbx.root)
        self.environment["CMP_BUNDLE_ASTERISK_COMMAND"] = json.dumps(pbx.command)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it, whatever comes of it."""
        return subprocess.run(
            [sys.executable, "-m", "cmp_bundle", *arguments],
            cwd=self.folder,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def __call__(self, *arguments: str) -> Any:
        """Run it with --json; what it gives. Fails the test where it fails."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, f"cmp-bundle {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two bundles of the built-in phone that differ in the extension they fill in, 1 and 2."""
    made = {}
    for extension in ("1", "2"):
        cmp = Cmp(tmp_path_factory.mktemp("bundle"))
        cmp.environment["CMP_BUNDLE_ACCOUNT_DIAL"] = extension
        cmp("build", "--source", "builtin")
        made[extension] = cmp.folder / "dist"
    return made


@pytest.fixture
def cmp(tmp_path: Path) -> Cmp:
    folder = tmp_path / "work"
    folder.mkdir()
    return Cmp(folder)
