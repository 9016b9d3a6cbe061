"""A phone out of a git repository: the exact content of one commit."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.git import LOCAL_PATIENCE, REMOTE_PATIENCE, GitFailedError, git
from cmp_bundle.phone.intake import Intake
from cmp_bundle.phone.unreachable import UnreachableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cmp_bundle.phone.file import PhoneFile
    from cmp_bundle.report import Reporter

#: Never git's own helper programs, plain http, or the unencrypted git protocol.
PROTOCOLS = ("https", "ssh")

_MODES = {b"100644": False, b"100664": False, b"100755": True}
_REFUSED_MODES = {b"120000": "is a symbolic link", b"160000": "is a submodule"}
_LISTED = re.compile(rb"([0-9]{6}) ([a-z]+) ([0-9a-f]+) +([0-9]+|-)\t(.+)", re.DOTALL)
_FULL_ID = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT_ID = re.compile("[0-9a-f]{4,64}")


def read_commit(
    repository: Path, revision: str | None, origin: str
) -> tuple[dict[str, PhoneFile], str]:
    """The files of a commit and its full id, from a git directory on this machine.

    ``revision`` is whatever ``git rev-parse`` takes for a commit, None for HEAD; ``origin`` stands
    for the repository in messages. The blobs come as they are: ``git archive`` and a checkout
    would change them as .gitattributes say. Raises CmpBundleError.
    """
    commit = _commit(repository, revision or "HEAD")
    if commit is None:
        _unknown(revision, origin)
    try:
        return _files(repository, commit, origin), commit
    except GitFailedError as error:
        raise CmpBundleError("unreadable", f"cannot be read: {error}", file=origin) from error


def fetch_commit(
    url: str,
    revision: str | None,
    reporter: Reporter,
    *,
    patience: float = REMOTE_PATIENCE,
) -> tuple[dict[str, PhoneFile], str]:
    """The files of a commit and its full id, from a repository elsewhere.

    ``revision`` is a branch, a tag or a commit id, None for what HEAD is there. Raises
    UnreachableError where there is no way to the repository, else CmpBundleError.
    """
    with (
        tempfile.TemporaryDirectory(prefix="cmp-bundle-") as folder,
        reporter.progress(f"fetching {url}", None),
    ):
        repository = Path(folder, "phone.git")
        try:
            git(repository, "init", "--quiet", "--bare")
            commit = _fetched(repository, url, revision, patience)
        except GitFailedError as error:
            raise UnreachableError(
                "phone-unreachable",
                f"cannot be fetched: {error}",
                file=url,
                hint=f"try it: git ls-remote {url}; git must not ask for a password",
            ) from error
        if commit is None:
            _unknown(revision, url)
        return read_commit(repository, commit, url)


def differing(files: Mapping[str, PhoneFile], work_tree: Path) -> list[str]:
    """The paths of a commit whose files in the work tree are gone or hold something else.

    Compared here and not by ``git status``, which runs what a repository's configuration names.
    """
    found = []
    for path, file in files.items():
        here = work_tree / path
        try:
            same = here.is_file() and here.stat().st_size == len(file.data)
            same = same and here.read_bytes() == file.data
        except OSError:
            same = False
        if not same:
            found.append(path)
    return found


def _fetched(repository: Path, url: str, revision: str | None, patience: float) -> str | None:
    """Fetch what ``revision`` means at ``url``; the commit's id, None where it means nothing."""
    known = _listed(repository, url, patience)
    name = revision or "HEAD"
    # The order in which gitrevisions(7) reads a name.
    ref = next((r for r in (name, f"refs/tags/{name}", f"refs/heads/{name}") if r in known), None)
    if ref is None and not _SHORT_ID.fullmatch(name):
        return None
    if ref is not None or _FULL_ID.fullmatch(name):
        try:
            refs = f"+{ref or name}:refs/heads/phone"
            _fetch(repository, url, patience, refs, options=("--depth=1",))
            return _commit(repository, "refs/heads/phone")
        except GitFailedError:
            # Plain files behind https know no depth, and many servers give no commit that is
            # not the tip of something. All branches and tags they give.
            pass
    _fetch(repository, url, patience, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
    return _commit(repository, known[ref] if ref else name)


def _listed(repository: Path, url: str, patience: float) -> dict[str, str]:
    """What the repository at ``url`` calls HEAD, branches and tags, and their object ids."""
    out = git(repository, "ls-remote", "--quiet", "--", url, patience=patience, protocols=PROTOCOLS)
    lines = (line.partition("\t") for line in out.decode("utf-8", "replace").splitlines())
    return {ref: identity for identity, _, ref in lines}


def _fetch(
    repository: Path, url: str, patience: float, *refs: str, options: tuple[str, ...] = ()
) -> None:
    git(
        repository,
        *("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", *options, "--", url, *refs),
        patience=patience,
        protocols=PROTOCOLS,
    )


def _commit(repository: Path, revision: str) -> str | None:
    """The full id of the commit that ``revision`` names; it must not begin with a dash."""
    try:
        out = git(repository, "rev-parse", "--quiet", "--verify", f"{revision}^{{commit}}")
    except GitFailedError as error:
        if "not a git repository" in str(error):
            raise CmpBundleError(
                "phone-source", "is not a git repository", file=repository
            ) from error
        return None
    return out.decode().strip()


def _unknown(revision: str | None, origin: str) -> NoReturn:
    if revision is None:
        raise CmpBundleError(
            "no-revision",
            "has no commit at HEAD",
            file=origin,
            hint="commit the phone, or name a revision: a branch, a tag or a commit id",
        )
    raise CmpBundleError(
        "no-revision",
        f"has no revision {revision!r}",
        file=origin,
        hint="name a branch, a tag or a commit id; list them: git ls-remote",
    )


def _files(repository: Path, commit: str, origin: str) -> dict[str, PhoneFile]:
    intake = Intake(origin)
    wanted: list[tuple[str, bytes, bool]] = []
    listing = git(repository, "ls-tree", "-r", "-z", "--long", "--full-tree", commit)
    for line in listing.split(b"\0")[:-1]:
        listed = _LISTED.fullmatch(line)
        if listed is None:
            raise GitFailedError(f"git lists {line[:80].decode('utf-8', 'replace')!r}")
        mode, _, blob, size, raw_name = listed.groups()
        path = intake.name(raw_name)
        if mode not in _MODES:
            intake.refuse(path, _REFUSED_MODES.get(mode, "is neither a file nor a folder"))
        intake.admit(path, int(size))
        wanted.append((path, blob, _MODES[mode]))
    asked = b"".join(blob + b"\n" for _, blob, _ in wanted)
    out = git(repository, "cat-file", "--batch", given=asked, patience=LOCAL_PATIENCE)
    at = 0
    for path, blob, executable in wanted:
        line_end = out.find(b"\n", at)
        head = out[at:line_end].split(b" ")
        if len(head) != 3 or head[:2] != [blob, b"blob"]:  # noqa: PLR2004 - id, type, size
            raise GitFailedError(f"its object {blob.decode()} is missing or damaged")
        begin = line_end + 1
        end = begin + int(head[2])
        intake.fill(path, out[begin:end], executable=executable)
        at = end + 1
    return intake.files()
