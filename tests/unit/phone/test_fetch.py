from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone import builtin
from cmp_bundle.phone.cache import Cache, CacheDamagedError
from cmp_bundle.phone.download import Network
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.pin import Pin
from cmp_bundle.phone.source import parse
from cmp_bundle.phone.tree import tree_id
from cmp_bundle.phone.unreachable import UnreachableError
from cmp_bundle.report import Silent

from .phones import PAGE, SMALL, VARIED, as_tar, as_zip
from .repositories import commit, git, lay_out, work_tree
from .servers import Answer, HttpsServer, Trust

TREE = tree_id(VARIED)
COMMIT = "c" * 40
GOOD = Answer(as_tar(VARIED, f"cyber_mega_phone_2k-{COMMIT}/"))


class Recorder(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str) -> None:
        self.warnings.append(text)


class Place:
    """A user's machine: its cache, and a server that stands for GitHub's."""

    def __init__(self, root: Path, server: HttpsServer, trust: Trust) -> None:
        self.server = server
        self.cache = Cache(root / "cache")
        self.recorder = Recorder()
        self.network = Network(context=trust.client, sleep=lambda _: None)
        self.pin = Pin(
            "a/phone", COMMIT, TREE, archive=server.url("/p.tgz"), git=server.url("/phone.git")
        )

    def get(
        self,
        text: str,
        *,
        revision: str | None = None,
        pin: str | None = None,
        **how: bool,
    ) -> Phone:
        request = parse(text, revision=revision, pin=pin, upstream=self.pin)
        return fetch(request, self.cache, self.recorder, network=self.network, **how)


@pytest.fixture
def place(tmp_path: Path, server: HttpsServer, trust: Trust) -> Place:
    return Place(tmp_path, server, trust)


def test_upstream_comes_over_https_once(place: Place) -> None:
    place.server.give("/p.tgz", GOOD)
    phone = place.get("upstream")
    assert phone == Phone(VARIED, TREE, "upstream", COMMIT)
    assert place.get("upstream") == phone
    assert place.get("upstream", offline=True) == phone
    assert place.server.asked == ["/p.tgz"]
    assert place.recorder.notes == place.recorder.warnings == []
    assert place.get("upstream", refresh=True) == phone
    assert len(place.server.asked) == 2


def test_a_packer_that_changes_its_ways_does_not_matter(place: Place) -> None:
    place.server.give("/p.tgz", Answer(as_zip(VARIED, "another-name/")))
    assert place.get("upstream").tree == TREE


def test_wrong_content_is_refused_and_not_kept(place: Place) -> None:
    other = {**VARIED, "lib/sip.js": PAGE}
    place.server.give("/p.tgz", Answer(as_tar(other)))
    with pytest.raises(CmpBundleError) as raised:
        place.get("upstream")
    assert not isinstance(raised.value, UnreachableError)
    assert TREE in raised.value.message
    assert tree_id(other) in raised.value.message
    assert "--source builtin" in str(raised.value.hint)
    assert not place.cache.root.exists()
    assert len(place.server.asked) == 1


def test_a_broken_archive_is_refused(place: Place) -> None:
    place.server.give("/p.tgz", Answer(b"no archive"))
    with pytest.raises(CmpBundleError, match="upstream: is neither a tar nor a zip"):
        place.get("upstream")


def test_upstream_out_of_reach_names_the_way_out(place: Place) -> None:
    with pytest.raises(UnreachableError, match=r"upstream: cannot be fetched: .*404") as raised:
        place.get("upstream")
    assert "--source builtin" in str(raised.value.hint)
    with pytest.raises(UnreachableError) as raised:
        place.get("upstream", revision="main")
    assert "--source builtin" in str(raised.value.hint)
    with pytest.raises(UnreachableError) as raised:
        place.get(place.server.url("/none.zip"))
    assert "--source builtin" not in str(raised.value.hint)


def test_offline_with_nothing_in_the_cache(place: Place) -> None:
    for text in ("upstream", place.server.url("/p.zip"), place.server.url("/p.git")):
        with pytest.raises(CmpBundleError, match="is not in the cache") as raised:
            place.get(text, offline=True)
        assert "without --offline" in str(raised.value.hint)
        assert "--source builtin" in str(raised.value.hint)
    assert place.server.asked == []


def test_offline_and_refresh_contradict_each_other(place: Place) -> None:
    with pytest.raises(CmpBundleError, match="--offline forbids it"):
        place.get("upstream", offline=True, refresh=True)


def test_a_damaged_cache_is_fixed(place: Place) -> None:
    place.server.give("/p.tgz", GOOD)
    place.get("upstream")
    damaged = place.cache.root / "phones" / TREE / "index.html"
    damaged.write_bytes(b"")
    with pytest.raises(CacheDamagedError):
        place.get("upstream", offline=True)
    assert place.get("upstream").files["index.html"] == PAGE
    assert "damaged" in place.recorder.warnings[0]
    assert damaged.read_bytes() == PAGE.data
    assert place.get("upstream", offline=True).tree == TREE


def test_an_unpinned_archive_is_remembered(place: Place) -> None:
    url = place.server.give("/p.zip", Answer(as_zip(SMALL)), Answer(as_zip(VARIED)))
    first = place.get(url)
    assert (first.tree, first.source, first.revision) == (tree_id(SMALL), url, None)
    assert place.get(url) == first
    assert place.get(url, offline=True) == first
    assert "--refresh" in place.recorder.notes[0]
    assert place.get(url, refresh=True).tree == TREE
    assert place.get(url, offline=True).tree == TREE
    assert place.server.asked == ["/p.zip"] * 2


def test_sources_are_not_mixed_up(place: Place) -> None:
    one = place.server.give("/p.zip?n=1", Answer(as_zip(SMALL)))
    place.server.give("/p.zip", Answer(as_zip(SMALL)), Answer(as_zip(VARIED)))
    first = place.get(one)
    second = place.get(one.replace("n=1", "n=2"))
    assert first.source == second.source == place.server.url("/p.zip")
    assert first.tree != second.tree


def test_a_pin_for_any_source(place: Place, tmp_path: Path) -> None:
    lay_out(tmp_path / "folder", VARIED)
    archive = tmp_path / "p.zip"
    archive.write_bytes(as_zip(VARIED))
    clone = work_tree(tmp_path / "clone")
    commit(clone, VARIED)
    url = place.server.give("/p.zip", Answer(as_zip(VARIED)))
    for text in (str(tmp_path / "folder"), str(archive), str(clone), url):
        assert place.get(text, pin=TREE).tree == TREE
        other = tree_id(SMALL)
        with pytest.raises(CmpBundleError, match=f"{TREE}, not {other}") as raised:
            place.get(text, pin=other)
        assert f"pin {TREE}" in str(raised.value.hint)
        assert raised.value.file == text


def test_pinned_content_needs_no_network_wherever_it_came_from(place: Place) -> None:
    place.server.give("/p.tgz", GOOD)
    place.get("upstream")
    phone = place.get("https://nowhere.invalid/p.zip", pin=TREE)
    assert (phone.tree, phone.revision) == (TREE, None)
    assert place.recorder.notes == []


def test_a_clone_of_upstream_serves_upstream_ever_after(place: Place, tmp_path: Path) -> None:
    clone = work_tree(tmp_path / "clone")
    identity = commit(clone, VARIED)
    place.pin = replace(place.pin, commit=identity)
    assert place.get(str(clone)) == Phone(VARIED, TREE, str(clone), identity)
    assert place.get("upstream", offline=True) == Phone(VARIED, TREE, "upstream", identity)
    assert place.server.asked == []


def test_folders_and_builtin_are_never_cached(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_out(tmp_path / "p", SMALL)
    monkeypatch.setattr("cmp_bundle.phone.fetch.read_builtin", lambda: dict(SMALL))
    assert builtin.BUILTIN == "builtin"
    for text in (str(tmp_path / "p"), "builtin"):
        for offline in (False, True):
            phone = place.get(text, offline=offline)
            assert phone == Phone(SMALL, tree_id(SMALL), text, None)
    lay_out(tmp_path / "p", VARIED)
    assert place.get(str(tmp_path / "p")).tree == TREE
    assert not place.cache.root.exists()


def test_what_lies_here_is_read_as_it_is_now(place: Place, tmp_path: Path) -> None:
    clone = work_tree(tmp_path / "clone")
    commit(clone, SMALL)
    assert place.get(str(clone), offline=True).tree == tree_id(SMALL)
    identity = commit(clone, VARIED)
    assert place.get(str(clone), offline=True) == Phone(VARIED, TREE, str(clone), identity)


def test_changes_that_are_not_committed_are_told_of(place: Place, tmp_path: Path) -> None:
    clone = work_tree(tmp_path / "clone")
    identity = commit(clone, VARIED)
    place.get(str(clone))
    assert place.recorder.warnings == []
    lay_out(clone, {"index.html": PAGE, "lib0": PAGE, "serve.sh": PAGE})
    assert place.get(str(clone)).tree == TREE
    assert place.recorder.warnings == [
        f"{clone}: this is the last commit, {identity[:12]}, without the uncommitted changes "
        f"(lib0 and 1 more); to use the files as they are, write folder:{clone}"
    ]
    place.get(str(clone), revision="main")
    assert len(place.recorder.warnings) == 1
    assert place.get(f"folder:{clone}").files["lib0"] == PAGE


@pytest.mark.slow
def test_another_revision_of_upstream(
    place: Place, tmp_path: Path, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    clone = work_tree(tmp_path / "served" / "clone")
    identity = commit(clone, SMALL)
    git(clone, "clone", "--quiet", "--bare", ".", "../phone.git")
    git(tmp_path / "served" / "phone.git", "update-server-info")
    place.server.folder = tmp_path / "served"
    monkeypatch.setenv("SSL_CERT_FILE", str(trust.authority))
    phone = place.get("upstream", revision="main")
    assert phone == Phone(SMALL, tree_id(SMALL), "upstream", identity)
    asked = len(place.server.asked)
    assert place.get("upstream", revision="main", offline=True) == phone
    assert place.get("upstream", revision="main") == phone
    assert len(place.server.asked) == asked
    with pytest.raises(CmpBundleError, match="not in the cache"):
        place.get("upstream", revision="other", offline=True)


def test_what_is_no_phone_is_not_kept(place: Place) -> None:
    url = place.server.give("/p.zip", Answer(as_zip({"a/readme": PAGE, "b/index.html": PAGE})))
    with pytest.raises(CmpBundleError, match=r"has no index\.html") as raised:
        place.get(url)
    assert "b/index.html" in str(raised.value.hint)
    assert not place.cache.root.exists()


def test_looking_at_a_phone_costs_no_tls() -> None:
    """Whoever only passes phones on starts without what fetching needs."""
    code = "import sys, cmp_bundle.phone.model; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[3],
        env={**os.environ, "PYTHONPATH": "."},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"ssl", "urllib.request", "subprocess", "platformdirs"} & set(ran.stdout.split())


def test_what_git_lfs_keeps_elsewhere(place: Place, tmp_path: Path) -> None:
    """A commit holds names of such files, and no phone can play those."""
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    folder = tmp_path / "phone"
    lay_out(folder, SMALL | {"ring.ogg": PhoneFile(pointer), "x.ogg": PhoneFile(pointer)})
    place.get(str(folder))
    assert (
        "only Git LFS pointers instead of the files: ring.ogg and 1 more;"
        in place.recorder.warnings[0]
    )


def test_what_lies_here_needs_no_cache(tmp_path: Path) -> None:
    """The cache may lie on a disk that is read-only, or full."""
    archive = tmp_path / "p.zip"
    archive.write_bytes(as_zip(VARIED))
    (tmp_path / "file").touch()
    recorder = Recorder()
    phone = fetch(parse(str(archive)), Cache(tmp_path / "file/cache"), recorder)
    assert phone.tree == TREE
    assert f"so {archive} is not cached" in recorder.warnings[0]
