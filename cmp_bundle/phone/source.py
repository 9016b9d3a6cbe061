"""What a user writes for where the phone comes from, and what that means."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from cmp_bundle.errors import CmpBundleError, reason
from cmp_bundle.files import owned
from cmp_bundle.phone.archive import SUFFIXES
from cmp_bundle.phone.builtin import BUILTIN
from cmp_bundle.phone.pin import UPSTREAM, Pin

if TYPE_CHECKING:
    from collections.abc import Callable

#: What a user writes for the pinned Cyber Mega Phone 2K; also what is taken if nothing is said.
DEFAULT = "upstream"

POSSIBLE = (
    "a source is one of: upstream; builtin; a folder; an archive (.tar.gz, .tgz, .tar or .zip) by "
    "its path or https address; a git repository by its folder, https://….git, git+https://…, "
    "ssh://…, git@host:… or file://…"
)


@dataclass(frozen=True)
class Pinned:
    """A commit whose content is known, to be had as an archive over https."""

    pin: Pin


@dataclass(frozen=True)
class Builtin:
    """The phone in the package."""


@dataclass(frozen=True)
class GitUrl:
    """A repository that git reaches over https or ssh; ``revision`` None is its HEAD."""

    url: str
    revision: str | None


@dataclass(frozen=True)
class Repository:
    """A repository on this machine, by its git directory and the files checked out beside it."""

    git_directory: Path
    work_tree: Path | None
    revision: str | None


@dataclass(frozen=True)
class ArchiveUrl:
    url: str


@dataclass(frozen=True)
class ArchiveFile:
    path: Path


@dataclass(frozen=True)
class FolderSource:
    path: Path


PhoneSource: TypeAlias = (
    Pinned | Builtin | GitUrl | Repository | ArchiveUrl | ArchiveFile | FolderSource
)


@dataclass(frozen=True)
class PhoneRequest:
    """A source, what the user calls it, and the tree id that its content must have, if any.

    ``text`` holds no token: it goes into messages and records. What is ``private`` is left out
    where it lies in a folder that is the source.
    """

    source: PhoneSource
    text: str
    pin: str | None = None
    private: frozenset[Path] = frozenset()


def parse(
    text: str,
    *,
    revision: str | None = None,
    pin: str | None = None,
    base: Path | None = None,
    upstream: Pin = UPSTREAM,
) -> PhoneRequest:
    """The request for ``text``; a relative path begins at ``base``, or where the process is.

    ``upstream`` and ``builtin`` mean the same wherever they are written; a folder of that name
    is ``./upstream``. Looks at the disk for what a path is, and reads nothing. Raises
    CmpBundleError.
    """
    _check_text(text)
    if revision is not None:
        _check_revision(revision)
    if pin is not None and not re.fullmatch("[0-9a-f]{40}", pin):
        raise CmpBundleError(
            "phone-source",
            f"{pin!r} is not a pin",
            hint="a pin is a git tree id, 40 hexadecimal digits: git rev-parse COMMIT^{tree}",
        )
    if text == DEFAULT:
        return _upstream(revision, pin, upstream)
    source, public_text = _source(text, revision, base or Path())
    if revision is not None and not isinstance(source, GitUrl | Repository):
        raise CmpBundleError(
            "phone-source",
            f"{text!r} has no revisions, so {revision!r} cannot be used",
            hint="name a revision only for upstream or a git repository",
        )
    return PhoneRequest(source, public_text, pin)


def local_path(text: str, base: Path) -> Path | None:
    """Where on this machine ``text`` leads, be anything there or not; None if it leads elsewhere."""
    if text in (DEFAULT, BUILTIN) or ("://" in text and not text.startswith("file://")):
        return None
    if text.startswith("file://"):
        return Path(unquote(text.removeprefix("file://").removeprefix("localhost")))
    try:
        return _path(text.removeprefix("folder:"), base)
    except CmpBundleError:
        return None


def _upstream(revision: str | None, pin: str | None, upstream: Pin) -> PhoneRequest:
    if revision not in (None, upstream.commit):
        return PhoneRequest(GitUrl(upstream.git, revision), DEFAULT, pin)
    if pin not in (None, upstream.tree):
        raise CmpBundleError(
            "phone-source",
            f"upstream is pinned to {upstream.tree}, so the pin cannot be {pin}",
            hint="name the revision that has this pin",
        )
    return PhoneRequest(Pinned(upstream), DEFAULT, upstream.tree)


def _source(text: str, revision: str | None, base: Path) -> tuple[PhoneSource, str]:
    """The source, and ``text`` as it may be shown."""
    if text == BUILTIN:
        return Builtin(), text
    if text.startswith("folder:"):
        path = _path(text.removeprefix("folder:"), base)
        if not _look(path, text, Path.is_dir):
            raise _no(text, "is not a folder")
        return FolderSource(path), text
    if "://" in text:
        return _from_url(text, revision)
    if re.match(r"[A-Za-z0-9._-]+@[A-Za-z0-9.\[\]:-]*?:", text):
        user_and_host, _, path_there = text.partition(":")
        if "@-" in user_and_host or not path_there or path_there.startswith("-"):
            raise _no(text, "names no repository for ssh")
        return GitUrl(text, revision), text
    return _from_path(text, revision, _path(text, base)), text


def _from_url(text: str, revision: str | None) -> tuple[PhoneSource, str]:
    url = text.removeprefix("git+")
    parts = _split(url, text)
    match parts.scheme:
        case "https":
            return _from_https(text, parts, revision)
        case "ssh":
            if not parts.hostname or parts.hostname.startswith("-") or parts.password is not None:
                raise _no(text, "must name a host for ssh, and no password")
            return GitUrl(url, revision), text
        case "file":
            if parts.netloc not in ("", "localhost"):
                raise _no(text, "names another machine, but file:// means this one")
            # git has no way to a repository on this machine that is better than looking into it.
            found = _repository(Path(unquote(parts.path)), text, revision)
            if found is None:
                raise _no(text, "is not a git repository")
            return found, text
        case "http" | "git":
            raise _no(
                text,
                f"uses {parts.scheme}, so anybody on the way can change it",
                "write https://… instead",
            )
        case _:
            raise _no(text, "is not a source")


def _from_https(text: str, parts: SplitResult, revision: str | None) -> tuple[PhoneSource, str]:
    printable = without_query(parts)
    path = parts.path.rstrip("/").lower()
    is_git = text.startswith("git+") or path.endswith(".git")
    if parts.password is not None or (parts.username and not is_git):
        raise _no(
            without_query(parts._replace(netloc=parts.netloc.rpartition("@")[2])),
            "contains a login, which would end up in records",
            "store the login in git (gitcredentials(7)), or fetch the archive yourself",
        )
    if not parts.hostname:
        raise _no(text, "names no host")
    if is_git:
        if parts.query or parts.fragment:
            raise _no(printable, "has a query, but a repository has none")
        return GitUrl(parts.geturl(), revision), text
    if path.endswith(SUFFIXES):
        return ArchiveUrl(parts._replace(fragment="").geturl()), printable
    raise _no(
        printable,
        "is neither a repository nor an archive by its name",
        f"for a repository write git+{printable}; "
        f"the address of an archive ends in {', '.join(SUFFIXES)}",
    )


def _from_path(text: str, revision: str | None, path: Path) -> PhoneSource:
    if _look(path, text, Path.is_dir):
        return _repository(path, text, revision) or FolderSource(path)
    if _look(path, text, Path.is_file):
        if path.name.lower().endswith(SUFFIXES):
            return ArchiveFile(path)
        raise _no(text, "is a file, but not an archive that cmp-bundle reads")
    hint = POSSIBLE
    if re.fullmatch(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+", text):
        hint = f"for the repository on GitHub write git+https://github.com/{text}"
    raise _no(text, "does not exist here", hint)


def _repository(path: Path, text: str, revision: str | None) -> Repository | None:
    """``path`` as a repository, if it is one: with files checked out, or bare."""
    # In a linked work tree and in a submodule .git is a file; git reads it.
    if _look(path / ".git", text, Path.exists):
        return Repository(path / ".git", path, revision)
    bare = _look(path / "HEAD", text, Path.is_file) and all(
        _look(path / name, text, Path.is_dir) for name in ("objects", "refs")
    )
    return Repository(path, None, revision) if bare else None


def _check_text(text: str) -> None:
    if not text.strip():
        raise _no(text, "is not a source")
    if text.startswith("-"):
        raise _no(text, "begins with a dash, like an option")
    if any(unicodedata.category(c) in ("Cc", "Cs") for c in text):
        raise _no(text, "contains a control character or is not UTF-8")


def _check_revision(revision: str) -> None:
    """Refuse what git would take for an option, a refspec or a range."""
    wrong = (
        not revision
        or revision[0] in "-+^"
        or ".." in revision
        or any(c in ":?*[\\" or c.isspace() or not c.isprintable() for c in revision)
    )
    if wrong:
        raise CmpBundleError(
            "phone-source",
            f"{revision!r} is not a revision",
            hint="name a branch, a tag or a commit id",
        )


def _split(url: str, text: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - looked at, because only this look finds a wrong one
    except ValueError as error:
        raise _no(text, f"is not an address: {error}") from error
    if not url.isascii() or " " in url:
        raise _no(text, "is not an address: write spaces and non-ASCII letters as %20 or %C3%A9")
    return parts


def without_query(parts: SplitResult) -> str:
    """An address for messages: people keep tokens in queries and fragments."""
    return parts._replace(query="", fragment="").geturl()


def _path(text: str, base: Path) -> Path:
    try:
        return base / Path(text).expanduser()
    except RuntimeError:
        raise _no(text, "names an unknown home folder") from None


def _look(path: Path, text: str, question: Callable[[Path], bool]) -> bool:
    try:
        return owned.exists(path) and question(path)
    except ValueError:  # no path has a NUL in it
        return False
    except OSError as error:
        raise _no(text, f"cannot be read: {reason(error)}") from error


def _no(text: str, why: str, hint: str = POSSIBLE) -> CmpBundleError:
    return CmpBundleError("phone-source", f"{text!r} {why}", hint=hint)
