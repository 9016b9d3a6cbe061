"""From a request to a phone: from beside us, out of the cache, or off the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.phone.archive import MAX_ARCHIVE, read_archive, read_archive_file
from cmp_bundle.phone.builtin import read_builtin
from cmp_bundle.phone.cache import CacheDamagedError
from cmp_bundle.phone.download import download
from cmp_bundle.phone.folder import read_folder
from cmp_bundle.phone.model import Phone
from cmp_bundle.phone.repository import differing, fetch_commit, read_commit
from cmp_bundle.phone.source import (
    DEFAULT,
    ArchiveFile,
    ArchiveUrl,
    Builtin,
    FolderSource,
    GitUrl,
    PhoneRequest,
    Pinned,
    Repository,
)
from cmp_bundle.phone.unreachable import UnreachableError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.phone.cache import Cache
    from cmp_bundle.phone.download import Network
    from cmp_bundle.phone.file import PhoneFile
    from cmp_bundle.report import Reporter

_Remote: TypeAlias = Pinned | GitUrl | ArchiveUrl

#: How a file begins that only says where Git LFS has its content (git-lfs's docs/spec.md).
_POINTER = b"version https://git-lfs.github.com/spec/"

_WAY_OUT = "use the phone that comes with cmp-bundle: --source builtin"


def fetch(
    request: PhoneRequest,
    cache: Cache,
    reporter: Reporter,
    *,
    offline: bool = False,
    refresh: bool = False,
    network: Network | None = None,
) -> Phone:
    """The phone that ``request`` asks for, checked against its pin if it has one.

    What lies on this machine is read as it is now. What comes from elsewhere is taken from the
    cache where it is there; with ``refresh`` it is fetched all the same, with ``offline`` it never
    is. Archives and commits are kept in the cache, folders and the built-in phone are not.
    Raises CmpBundleError: another phone than the one asked for is never an answer.
    """
    if offline and refresh:
        raise CmpBundleError(
            "options-conflict",
            "--refresh needs the network, and --offline forbids it",
            hint="leave out either --offline or --refresh",
        )
    phone = _phone(request, cache, reporter, network, offline=offline, refresh=refresh)
    _warn_of_pointers(phone, reporter)
    return phone


def _phone(
    request: PhoneRequest,
    cache: Cache,
    reporter: Reporter,
    network: Network | None,
    *,
    offline: bool,
    refresh: bool,
) -> Phone:
    match request.source:
        case Builtin():
            return _checked(Phone.of(read_builtin(), source=request.text), request)
        case FolderSource(path):
            left_out: list[str] = []
            files = read_folder(path, request.text, request.private, left_out.append)
            if left_out:
                paths = ", ".join(left_out)
                reporter.note(f"{request.text}: left out files of cmp-bundle itself: {paths}")
            return _checked(Phone.of(files, source=request.text), request)
        case Repository() as repository:
            phone = _checked(_committed(repository, request.text, reporter), request)
        case ArchiveFile(path):
            files = read_archive_file(path, request.text)
            phone = _checked(Phone.of(files, source=request.text), request)
        case Pinned() | GitUrl() | ArchiveUrl() as remote:
            found = None if refresh else _cached(remote, request, cache, reporter, offline=offline)
            if found is not None:
                return found
            if offline:
                raise CmpBundleError(
                    "not-cached",
                    "is not in the cache, and --offline forbids fetching it",
                    file=request.text,
                    hint=f"run this once without --offline, or {_WAY_OUT}",
                )
            phone = _checked(_fetched(remote, request, reporter, network), request)
            cache.store(phone)
            cache.remember(_identity(remote), phone)
            return phone
    try:
        cache.store(phone)
    except CmpBundleError as error:
        # It lies on this machine anyway.
        reporter.warn(f"{error}; so {request.text} is not cached")
    return phone


def _committed(repository: Repository, text: str, reporter: Reporter) -> Phone:
    files, commit = read_commit(repository.git_directory, repository.revision, text)
    phone = Phone.of(files, source=text, revision=commit)
    if repository.work_tree is not None and repository.revision is None:
        _warn_of_changes(phone, commit, repository.work_tree, reporter)
    return phone


def _warn_of_changes(phone: Phone, commit: str, work_tree: Path, reporter: Reporter) -> None:
    """Somebody who edits a clone and sees no change should know why."""
    changed = differing(phone.files, work_tree)
    if changed:
        reporter.warn(
            f"{phone.source}: this is the last commit, {commit[:12]}, without the uncommitted "
            f"changes ({_first_of(changed)}); to use the files as they are, write "
            f"folder:{work_tree}"
        )


def _warn_of_pointers(phone: Phone, reporter: Reporter) -> None:
    """Neither a commit nor GitHub's archives hold what Git LFS keeps elsewhere."""
    pointers = [path for path, file in phone.files.items() if file.data.startswith(_POINTER)]
    if pointers:
        reporter.warn(
            f"{phone.source}: only Git LFS pointers instead of the files: {_first_of(pointers)}; "
            "clone the repository with git lfs installed, and write folder:CLONE"
        )


def _first_of(paths: list[str]) -> str:
    return paths[0] if len(paths) == 1 else f"{paths[0]} and {len(paths) - 1} more"


def _cached(
    remote: _Remote, request: PhoneRequest, cache: Cache, reporter: Reporter, *, offline: bool
) -> Phone | None:
    known = cache.recall(_identity(remote))
    tree = request.pin or (known.tree if known else None)
    if tree is None:
        return None
    try:
        files = cache.load(tree)
    except CacheDamagedError as error:
        if offline:
            raise
        reporter.warn(f"{error}; fetching it again")
        return None
    if files is None:
        return None
    if request.pin is None and known is not None:
        reporter.note(f"{request.text}: fetched on {known.fetched}; to fetch it again: --refresh")
    revision = known.revision if known and known.tree == tree else None
    if isinstance(remote, Pinned):
        revision = remote.pin.commit
    return Phone(files, tree, request.text, revision)


def _fetched(
    remote: _Remote, request: PhoneRequest, reporter: Reporter, network: Network | None
) -> Phone:
    """Off the network, in the one way that the source names.

    Upstream's archive is not tried a second time with git: where GitHub's archives cannot be had,
    its repositories seldom can, and two ways that fail one after the other take twice as long
    to say so, in two voices. Whoever can reach only the repository names it as the source.
    """
    revision: str | None = None
    try:
        match remote:
            case Pinned(pin):
                revision = pin.commit
                files = _downloaded(pin.archive, request.text, reporter, network)
            case ArchiveUrl(url):
                files = _downloaded(url, request.text, reporter, network)
            case GitUrl(url, asked):
                files, revision = fetch_commit(url, asked, reporter)
    except UnreachableError as error:
        if request.text != DEFAULT:
            raise
        hint = f"{error.hint}, or {_WAY_OUT}" if error.hint else _WAY_OUT
        raise UnreachableError(error.code, error.message, hint=hint, file=error.file) from error
    return Phone.of(files, source=request.text, revision=revision)


def _downloaded(
    url: str, name: str, reporter: Reporter, network: Network | None
) -> dict[str, PhoneFile]:
    data = download(url, name, reporter, limit=MAX_ARCHIVE, network=network)
    return read_archive(data, name)


def _checked(phone: Phone, request: PhoneRequest) -> Phone:
    if request.pin in (None, phone.tree):
        return phone
    if isinstance(request.source, Pinned):
        hint = (
            "somebody changed it at its origin or on the way, so it is not used; "
            f"ask your network's administrator, or {_WAY_OUT}"
        )
    else:
        hint = (
            "it has changed since it was pinned, so it is not used; to accept the new content "
            f"after reading it, pin {phone.tree}"
        )
    raise CmpBundleError(
        "pin-mismatch",
        f"does not match its pin: its tree id is {phone.tree}, not {request.pin}",
        file=request.text,
        hint=hint,
    )


def _identity(remote: _Remote) -> str:
    """What the cache remembers a source by."""
    match remote:
        case Pinned(pin):
            return f"{pin.archive}\n{pin.commit}"
        case GitUrl(url, revision):
            return f"{url}\n{revision or 'HEAD'}"
        case ArchiveUrl(url):
            return url
