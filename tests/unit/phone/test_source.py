from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.pin import UPSTREAM
from cmp_bundle.phone.source import (
    ArchiveFile,
    ArchiveUrl,
    Builtin,
    FolderSource,
    GitUrl,
    PhoneRequest,
    Pinned,
    Repository,
    parse,
)

from .phones import PAGE, SMALL
from .repositories import commit, git, lay_out, work_tree

TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A folder with one of everything in it."""
    tree = work_tree(tmp_path / "clone")
    commit(tree, SMALL)
    git(tmp_path, "clone", "--quiet", "--bare", "clone", "bare.git")
    git(tree, "worktree", "add", "--quiet", "../second")
    lay_out(tmp_path / "plain", SMALL)
    lay_out(tmp_path / "upstream", SMALL)
    names = ("p.tar.gz", "P.TGZ", "p.tar", "p.zip", "p.rar", "plain/index.html")
    lay_out(tmp_path, dict.fromkeys(names, PAGE))
    return tmp_path


def refused(text: str, why: str, **more: str) -> CmpBundleError:
    with pytest.raises(CmpBundleError, match=why) as raised:
        parse(text, **more)  # type: ignore[arg-type]  # strings only
    assert raised.value.hint
    return raised.value


def test_upstream_is_pinned() -> None:
    assert parse("upstream") == PhoneRequest(Pinned(UPSTREAM), "upstream", UPSTREAM.tree)
    assert parse("upstream", revision=UPSTREAM.commit) == parse("upstream")
    assert parse("upstream", pin=UPSTREAM.tree) == parse("upstream")
    assert "has been" not in refused("upstream", "cannot be", pin=TREE).message


def test_another_revision_of_upstream_is_not() -> None:
    source = GitUrl("https://github.com/asterisk/cyber_mega_phone_2k.git", "main")
    assert parse("upstream", revision="main") == PhoneRequest(source, "upstream", None)
    assert parse("upstream", revision="main", pin=TREE) == PhoneRequest(source, "upstream", TREE)


def test_the_pin_names_its_commit_s_archive() -> None:
    assert UPSTREAM.archive == (
        "https://codeload.github.com/asterisk/cyber_mega_phone_2k/tar.gz/"
        "ea8b0c1ca502f26c09a233261820ff210a7072a6"
    )


def test_words_mean_the_same_everywhere(here: Path) -> None:
    assert parse("builtin", base=here).source == Builtin()
    assert isinstance(parse("upstream", base=here).source, Pinned)
    assert parse("./upstream", base=here).source == FolderSource(here / "upstream")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.org/p.git", "https://example.org/p.git"),
        ("https://example.org:8443/p.git/", "https://example.org:8443/p.git/"),
        ("git+https://example.org/p", "https://example.org/p"),
        ("https://me@example.org/p.git", "https://me@example.org/p.git"),
        ("ssh://git@example.org:22/p", "ssh://git@example.org:22/p"),
        ("git+ssh://example.org/~/p", "ssh://example.org/~/p"),
        ("git@example.org:me/p.git", "git@example.org:me/p.git"),
        ("git@[::1]:p", "git@[::1]:p"),
    ],
)
def test_repositories_elsewhere(text: str, url: str) -> None:
    assert parse(text) == PhoneRequest(GitUrl(url, None), text)
    assert parse(text, revision="v1", pin=TREE) == PhoneRequest(GitUrl(url, "v1"), text, TREE)


def test_repositories_here(here: Path) -> None:
    clone = Repository(here / "clone/.git", here / "clone", None)
    assert parse("clone", base=here) == PhoneRequest(clone, "clone")
    assert parse("bare.git", base=here).source == Repository(here / "bare.git", None, None)
    second = Repository(here / "second/.git", here / "second", "main")
    assert parse("second", base=here, revision="main").source == second
    for text in (f"file://{here}/clone", f"git+file://localhost{here}/clone"):
        assert parse(text) == PhoneRequest(clone, text)
    spaced = work_tree(here / "a clone é")
    assert parse(spaced.as_uri()).source == Repository(spaced / ".git", spaced, None)


def test_archives(here: Path) -> None:
    for name in ("p.tar.gz", "P.TGZ", "p.tar", "p.zip"):
        assert parse(name, base=here) == PhoneRequest(ArchiveFile(here / name), name)
        url = f"https://example.org/a/{name}"
        assert parse(url) == PhoneRequest(ArchiveUrl(url), url)


def test_a_token_in_an_address_is_used_and_not_shown() -> None:
    request = parse("https://example.org/p.zip?token=secret#x")
    assert request == PhoneRequest(
        ArchiveUrl("https://example.org/p.zip?token=secret"), "https://example.org/p.zip"
    )


def test_folders(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert parse("plain", base=here) == PhoneRequest(FolderSource(here / "plain"), "plain")
    assert parse(str(here / "plain")).source == FolderSource(here / "plain")
    assert parse("folder:clone", base=here) == PhoneRequest(
        FolderSource(here / "clone"), "folder:clone"
    )
    monkeypatch.chdir(here)
    assert parse("plain").source == FolderSource(Path("plain"))
    monkeypatch.setenv("HOME", str(here))
    assert parse("~/plain").source == FolderSource(here / "plain")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is not a source"),
        ("  ", "is not a source"),
        ("-rf", "option"),
        ("--upload-pack=x", "option"),
        ("a\nb", "control character"),
        ("caf\udce9", "not UTF-8"),
        ("nothing-here", "does not exist here"),
        ("http://example.org/p.zip", "anybody on the way can change it"),
        ("http://localhost/p.git", "anybody on the way can change it"),
        ("git+http://example.org/p", "anybody on the way can change it"),
        ("git://example.org/p.git", "anybody on the way can change it"),
        ("ext::sh -c id", "does not exist here"),
        ("ext://sh", "is not a source"),
        ("ftp://example.org/p.zip", "is not a source"),
        ("https://example.org/phone", "neither a repository nor an archive"),
        ("https://github.com/asterisk/cyber_mega_phone_2k", "neither a repository nor an archive"),
        ("https:///p.git", "names no host"),
        ("https://example.org:nan/p.git", "is not an address"),
        ("https://[::1/p.git", "is not an address"),
        ("https://example.org/a b.zip", "is not an address"),
        ("https://exämple.org/p.zip", "is not an address"),
        ("https://example.org/p.git?x=1", "query"),
        ("ssh://-oProxyCommand=id/p", "must name a host"),
        ("ssh:///p", "must name a host"),
        ("ssh://me:secret@example.org/p", "password"),
        ("x@-oProxyCommand=id:p", "names no repository|does not exist here"),
        ("git@example.org:", "names no repository"),
        ("git@example.org:-x", "names no repository"),
        ("file://example.org/p", "another machine"),
        ("file:///nonexistent", "is not a git repository"),
        ("folder:/nonexistent", "is not a folder"),
        ("~nobody-of-that-name/p", "unknown home folder"),
        ("n" * 5000, "cannot be read"),
    ],
)
def test_nonsense(text: str, why: str) -> None:
    refused(text, why)


def test_files_that_are_no_archives(here: Path) -> None:
    for name in ("p.rar", "plain/index.html"):
        with pytest.raises(CmpBundleError, match="not an archive that cmp-bundle reads") as raised:
            parse(name, base=here)
        assert ".tar.gz" in str(raised.value.hint)


@pytest.mark.parametrize(
    "text", ["https://me:hunter2@example.org/p.git", "https://hunter2@example.org/p.zip"]
)
def test_a_login_in_an_address_is_refused_and_not_shown(text: str) -> None:
    assert "hunter2" not in str(refused(text, "login"))


def test_a_name_on_github_is_told_how_to_be_written() -> None:
    error = refused("asterisk/cyber_mega_phone_2k", "does not exist here")
    assert "git+https://github.com/asterisk/cyber_mega_phone_2k" in str(error.hint)


@pytest.mark.parametrize("text", ["builtin", "https://example.org/p.zip", "/"])
def test_what_has_no_revisions(text: str) -> None:
    refused(text, "has no revisions", revision="main")


@pytest.mark.parametrize(
    "revision", ["", "-x", "+main", "^main", "a..b", "a:b", "a b", "a\nb", "HEAD:x", "*", "a?"]
)
def test_what_is_no_revision(revision: str) -> None:
    refused("upstream", "is not a revision", revision=revision)


@pytest.mark.parametrize("revision", ["main", "v1.0", "feature/x", "HEAD~2", "ea8b0c1", "HEAD^"])
def test_what_is_a_revision(revision: str) -> None:
    assert isinstance(parse("upstream", revision=revision).source, GitUrl)


@pytest.mark.parametrize("pin", ["", "ea8b0c1", TREE.upper(), TREE + "\n", "g" * 40])
def test_what_is_no_pin(pin: str) -> None:
    refused("upstream", "is not a pin", pin=pin)


@settings(max_examples=200, deadline=None)
@given(
    start=st.sampled_from(["", "https://", "git+https://", "ssh://", "file://", "git@", "folder:"]),
    rest=st.text(st.characters() | st.sampled_from("/@:[].?#%~\\-")),
)
@example(start="https://", rest="a]:1/.git")
@example(start="file://", rest="/%00%ff")
def test_any_text_is_a_source_or_one_error(start: str, rest: str) -> None:
    try:
        request = parse(start + rest)
    except CmpBundleError as error:
        assert error.hint
    else:
        assert request.text
