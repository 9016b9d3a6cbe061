from __future__ import annotations

import os
import select
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.file import PhoneFile
from cmp_bundle.phone.repository import differing, fetch_commit, read_commit
from cmp_bundle.phone.tree import tree_id
from cmp_bundle.phone.unreachable import UnreachableError
from cmp_bundle.report import Silent

from .phones import PAGE, SMALL, VARIED
from .repositories import commit, git, lay_out, tree_of, work_tree

if TYPE_CHECKING:
    from pathlib import Path

    from .servers import HttpsServer, Trust

SECOND = {**SMALL, "second.js": PAGE}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Two commits on ``main``, the first one tagged, and a branch of its own."""
    folder = work_tree(tmp_path / "a clone")
    commit(folder, VARIED)
    git(folder, "tag", "-a", "v1", "-m", "the first")
    git(folder, "branch", "old/näme")
    commit(folder, SECOND, "second")
    return folder


def test_the_exact_files_of_a_commit(clone: Path) -> None:
    """Attributes that change line ends, fill in ids and leave files out change nothing."""
    files, identity = read_commit(clone / ".git", "v1", "x")
    assert files == VARIED
    assert identity == git(clone, "rev-parse", "v1^{commit}")
    assert tree_id(files) == tree_of(clone, "v1")


@pytest.mark.parametrize("revision", ["main", "HEAD", None, "refs/heads/main"])
def test_the_last_commit(clone: Path, revision: str | None) -> None:
    files, identity = read_commit(clone / ".git", revision, "x")
    assert files == {**VARIED, **SECOND}
    assert identity == git(clone, "rev-parse", "main")


def test_ways_to_name_a_commit(clone: Path) -> None:
    first = git(clone, "rev-parse", "v1^{commit}")
    for revision in ("v1", first, first[:8], "old/näme", "HEAD~1", "refs/tags/v1"):
        assert read_commit(clone / ".git", revision, "x")[1] == first


def test_a_bare_repository_and_a_second_work_tree(clone: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(clone), "bare.git")
    assert read_commit(tmp_path / "bare.git", "v1", "x")[0] == VARIED
    git(clone, "worktree", "add", "--quiet", str(tmp_path / "second"), "v1")
    assert read_commit(tmp_path / "second" / ".git", None, "x")[0] == VARIED


def test_a_repository_of_sha_256(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format=sha256")
    identity = commit(folder, VARIED)
    assert len(identity) == 64
    assert read_commit(folder / ".git", identity, "x") == (VARIED, identity)


def test_what_is_replaced_is_not_read(clone: Path) -> None:
    git(clone, "replace", git(clone, "rev-parse", "main"), git(clone, "rev-parse", "main~1"))
    assert "second.js" in read_commit(clone / ".git", "main", "x")[0]


def test_a_hook_s_environment_does_not_mislead(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = work_tree(tmp_path / "other")
    commit(other, SMALL)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other / ".git" / "objects"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert read_commit(clone / ".git", "v1", "x")[0] == VARIED


def test_another_user_s_repository(clone: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives files away")
    first = git(clone, "rev-parse", "v1^{commit}")
    for folder, folders, names in os.walk(clone):
        for name in [".", *folders, *names]:
            os.lchown(os.path.join(folder, name), 65534, 65534)  # noqa: PTH118
    with pytest.raises(AssertionError, match="dubious ownership"):
        git(clone, "status")
    assert read_commit(clone / ".git", "v1", "x") == (VARIED, first)


@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "v1^{tree}", "v2"])
def test_an_unknown_revision(clone: Path, revision: str) -> None:
    with pytest.raises(CmpBundleError, match="has no revision") as raised:
        read_commit(clone / ".git", revision, "./clone")
    assert raised.value.file == "./clone"
    assert repr(revision) in raised.value.message


def test_a_repository_without_a_commit(tmp_path: Path) -> None:
    folder = work_tree(tmp_path / "new")
    with pytest.raises(CmpBundleError, match="has no commit at HEAD"):
        read_commit(folder / ".git", None, "x")


def test_a_folder_that_only_looks_like_one(tmp_path: Path) -> None:
    """Found so, git would go on to look in the folders above."""
    outer = work_tree(tmp_path / "outer")
    commit(outer, SMALL)
    (outer / "inner" / ".git").mkdir(parents=True)
    with pytest.raises(CmpBundleError, match="is not a git repository"):
        read_commit(outer / "inner" / ".git", None, "x")


def test_a_link_in_the_tree(clone: Path) -> None:
    (clone / "lib" / "link").symlink_to("/etc/passwd")
    commit(clone, {})
    with pytest.raises(CmpBundleError, match="'lib/link' is a symbolic link"):
        read_commit(clone / ".git", None, "x")


def test_a_submodule_in_the_tree(clone: Path) -> None:
    entry = f"160000,{git(clone, 'rev-parse', 'HEAD')},vendored"
    git(clone, "update-index", "--add", "--cacheinfo", entry)
    git(clone, "commit", "--quiet", "-m", "a submodule")
    with pytest.raises(CmpBundleError, match="'vendored' is a submodule"):
        read_commit(clone / ".git", None, "x")


def test_names_that_git_takes_and_a_phone_does_not(clone: Path) -> None:
    commit(clone, {"a\\b": PAGE})
    with pytest.raises(CmpBundleError, match="backslash"):
        read_commit(clone / ".git", None, "x")


def test_a_blob_that_is_not_there_any_more(clone: Path) -> None:
    """Nor is it fetched by whatever means the repository's own configuration names."""
    blob = git(clone, "rev-parse", "HEAD:second.js")
    (clone / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    mark = clone / "ran"
    git(clone, "config", "extensions.partialClone", "origin")
    git(clone, "config", "core.repositoryFormatVersion", "1")
    git(clone, "config", "remote.origin.url", f"ext::sh -c 'touch {mark}'")
    git(clone, "config", "remote.origin.promisor", "true")
    git(clone, "config", "protocol.ext.allow", "always")
    with pytest.raises(CmpBundleError, match=r"cannot be read|is missing"):
        read_commit(clone / ".git", None, "x")
    assert not mark.exists()


def test_an_object_that_is_no_file(clone: Path) -> None:
    folder = bytes.fromhex(git(clone, "rev-parse", "HEAD:lib"))
    wrong = b"100644 index.html\0" + folder
    command = ("hash-object", "-t", "tree", "-w", "--literally", "--stdin")
    tree = git(clone, *command, given=wrong)
    identity = git(clone, "commit-tree", "-m", "wrong", tree)
    with pytest.raises(CmpBundleError, match=f"its object {folder.hex()} is missing or damaged"):
        read_commit(clone / ".git", identity, "x")


def test_a_git_that_cannot_be_run(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "git").write_text("neither a program nor a script")
    (tmp_path / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CmpBundleError, match="git cannot be run: exec format error"):
        read_commit(clone / ".git", None, "x")


@pytest.mark.slow
def test_no_git_here(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CmpBundleError, match="git is not installed") as raised:
        read_commit(clone / ".git", None, "x")
    assert "archive" in str(raised.value.hint)


def test_what_differs_in_the_work_tree(clone: Path) -> None:
    files, _ = read_commit(clone / ".git", None, "x")
    assert differing(files, clone) == []
    (clone / "index.html").write_bytes(b"changed")
    (clone / "lib0").unlink()
    (clone / "new").write_bytes(b"not known to git")
    assert differing(files, clone) == ["index.html", "lib0"]


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Takes ssh's place: runs here what it is told to run there; notes it in ``calls``."""
    script = tmp_path / "ssh"
    calls = tmp_path / "calls"
    script.write_text(f'#!/bin/sh\necho "$@" >>{calls}\nfor last; do :; done\nexec sh -c "$last"\n')
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    monkeypatch.setenv("GIT_SSH_VARIANT", "ssh")
    return calls


def address(clone: Path) -> str:
    return f"ssh://phone.example{clone}".replace(" ", "%20")


@pytest.mark.slow
@pytest.mark.usefixtures("ssh")
def test_fetching_from_elsewhere(clone: Path) -> None:
    main, first = git(clone, "rev-parse", "main"), git(clone, "rev-parse", "v1^{commit}")
    for revision, identity in (
        (None, main),
        ("main", main),
        ("refs/heads/main", main),
        ("v1", first),
        ("old/näme", first),
        (main, main),
        (first[:9], first),
    ):
        files, found = fetch_commit(address(clone), revision, Silent())
        assert found == identity
        assert files == (VARIED if identity == first else {**VARIED, **SECOND})


def test_only_what_is_needed_is_fetched(clone: Path, ssh: Path) -> None:
    """Of a history in which something is missing, the whole could not be."""
    (clone / "lib0").write_bytes(b"anew")
    commit(clone, {})
    blob = git(clone, "rev-parse", "v1:lib0")
    (clone / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    fetch_commit(address(clone), "main", Silent())
    assert ssh.read_text().count("git-upload-pack") == 2, "one to list, one for the commit"


@pytest.mark.usefixtures("ssh")
def test_a_commit_that_is_no_tip(clone: Path) -> None:
    """By default a server gives only what it lists; then all of it is fetched."""
    first = git(clone, "rev-parse", "v1^{commit}")
    git(clone, "tag", "-d", "v1")
    git(clone, "branch", "-D", "old/näme")
    assert fetch_commit(address(clone), first, Silent())[1] == first


@pytest.mark.usefixtures("ssh")
@pytest.mark.parametrize("revision", ["nothing", "0" * 40, "dead", "HEAD~1"])
def test_an_unknown_revision_elsewhere(clone: Path, revision: str) -> None:
    with pytest.raises(CmpBundleError, match="has no revision") as raised:
        fetch_commit(address(clone), revision, Silent())
    assert raised.value.file == address(clone)


@pytest.mark.usefixtures("ssh")
def test_a_tag_goes_before_a_branch_of_the_same_name(clone: Path) -> None:
    git(clone, "branch", "v1", "main")
    assert fetch_commit(address(clone), "v1", Silent())[0] == VARIED
    assert fetch_commit(address(clone), "refs/heads/v1", Silent())[0] != VARIED


@pytest.mark.usefixtures("ssh")
def test_a_repository_elsewhere_that_is_empty(tmp_path: Path) -> None:
    with pytest.raises(CmpBundleError, match="has no commit at HEAD"):
        fetch_commit(address(work_tree(tmp_path / "new")), None, Silent())


@pytest.mark.usefixtures("ssh")
def test_a_repository_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreachableError, match=r"cannot be fetched: .*not appear to be") as raised:
        fetch_commit(address(tmp_path / "none"), None, Silent())
    assert "git ls-remote" in str(raised.value.hint)


@pytest.mark.slow
def test_plain_files_behind_https(
    clone: Path, server: HttpsServer, trust: Trust, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that knows nothing of git, so nothing of depth; and Python's own trust."""
    git(clone, "update-server-info")
    server.folder = clone / ".git"
    first = git(clone, "rev-parse", "v1^{commit}")
    with pytest.raises(UnreachableError, match=r"cannot be fetched: .*certificate"):
        fetch_commit(server.url(""), "v1", Silent())
    monkeypatch.setenv("SSL_CERT_FILE", str(trust.authority))
    assert fetch_commit(server.url(""), "v1", Silent()) == (VARIED, first)


@pytest.mark.parametrize("url", ["ext::sh -c 'touch %s'", "http://127.0.0.1:1/x", "/%s"])
def test_other_protocols_are_not_spoken(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the user's configuration allows them; parsing refuses them before."""
    configuration = tmp_path / "gitconfig"
    configuration.write_text("[protocol]\n\tallow = always\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    mark = tmp_path / "ran"
    with pytest.raises(UnreachableError, match=r"transport '.*' not allowed"):
        fetch_commit(url.replace("%s", str(mark)), None, Silent())
    assert not mark.exists()


def test_no_hook_runs(
    clone: Path, ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither from the user's hooks nor from the template of new repositories."""
    del ssh
    mark = tmp_path / "ran"
    for folder in (tmp_path / "hooks", tmp_path / "template" / "hooks"):
        lay_out(
            folder,
            {"reference-transaction": PhoneFile(f"#!/bin/sh\ntouch {mark}\n".encode(), True)},
        )
    configuration = tmp_path / "gitconfig"
    configuration.write_text(f"[core]\n\thooksPath = {tmp_path / 'hooks'}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(configuration))
    monkeypatch.setenv("GIT_TEMPLATE_DIR", str(tmp_path / "template"))
    fetch_commit(address(clone), "main", Silent())
    assert not mark.exists()
    git(work_tree(tmp_path / "control"), "commit", "--quiet", "--allow-empty", "-m", "x")
    assert mark.exists(), "the hook would have run"


@pytest.mark.slow
def test_a_server_that_never_answers(
    clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "ssh"
    written = tmp_path / "pid"
    # Waits for ever: it keeps git's pipe open, and tail does not see that nobody reads from it.
    waiting = "exec 3>&1; exec tail -f /dev/null >/dev/null"
    script.write_text(f"#!/bin/sh\necho $$ >{written}\n{waiting}\n")
    script.chmod(0o755)
    monkeypatch.setenv("GIT_SSH_COMMAND", str(script))
    with pytest.raises(UnreachableError, match="git did not end within 5 s"):
        fetch_commit(address(clone), None, Silent(), patience=5.0)
    assert ends(int(written.read_text())), "what git started ends with it"


def ends(process: int) -> bool:
    """Whether a process, not of ours, is gone or is just going; if not, it is stopped."""
    try:
        handle = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        ending, _, _ = select.select([handle], [], [], 60)
        if not ending:
            os.kill(process, signal.SIGKILL)
        return bool(ending)
    finally:
        os.close(handle)


def test_nothing_is_left_behind(
    clone: Path, ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del ssh
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    fetch_commit(address(clone), "main", Silent())
    with pytest.raises(CmpBundleError):
        fetch_commit(address(clone), "nothing", Silent())
    assert list(scratch.iterdir()) == []
    assert shutil.which("git")
