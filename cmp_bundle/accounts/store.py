"""The accounts file on the disk: found, read if nobody else can, and replaced whole."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from cmp_bundle.accounts import csv_file, generate, toml_file
from cmp_bundle.accounts.edits import Edits, Parsed
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import OTHERS, FileOwnership, owned
from cmp_bundle.files.rights import is_there, unreadable
from cmp_bundle.findings import finding
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.files import Disk
    from cmp_bundle.findings import Finding

#: Bytes of a file that holds a password, and maybe notes of its owner's.
_LONGEST_PASSWORD = 1 << 16


@dataclass(frozen=True)
class AccountFile:
    """An accounts file as it was read; ``data`` is empty where there is none yet.

    ``loose`` is whether others may use it although it holds passwords: somebody insisted.
    """

    path: Path
    parsed: Parsed
    data: bytes = field(default=b"", repr=False)
    loose: bool = False

    @cached_property
    def accounts(self) -> tuple[Account, ...]:
        """All accounts, with the file's own defaults where they say nothing."""
        return tuple(self.parsed.under(account) for account in self.parsed.accounts)

    @property
    def without_secret(self) -> tuple[Account, ...]:
        """Those that have no password yet, neither here nor at a source."""
        return tuple(a for a in self.parsed.accounts if not (a.password or a.ha1 or a.source))

    def unknown(self, ids: Iterable[str]) -> list[Finding]:
        """A finding for each of ``ids`` that no account has."""
        known = {account.id for account in self.parsed.accounts}
        return [
            finding("no-account", f"{self.path} has no account {user!r}", subject=user)
            for user in ids
            if user not in known
        ]

    def edited(self, edits: Edits) -> AccountFile:
        """The file after ``edits``, not yet written. Raises CmpBundleError."""
        after = _kind(self.path).edited(self.data, edits, str(self.path))
        return replace(self, parsed=_kind(self.path).parse(after, str(self.path)), data=after)

    def completed(self) -> AccountFile:
        """The file with a fresh password for each account that has none; not yet written."""
        change = {a.id: {"password": generate.password()} for a in self.without_secret}
        return self.edited(Edits(change=change)) if change else self

    def write(self, disk: Disk) -> None:
        """Replace the file. It keeps its owner, and with passwords in it is nobody else's to use."""
        path = self.path.resolve()
        try:
            owner = FileOwnership.of(path)
        except FileNotFoundError:
            owner = FileOwnership(-1, -1, 0o600)
        if holds_secrets(self.parsed) and not self.loose:
            owner = owner.private()
        disk.write(path, self.data, owner)


def find(path: Path, *, named: bool) -> Path:
    """The accounts file: ``path``, or the .csv beside it where only that is there.

    ``named`` is whether the operator said so; otherwise ``path`` is where it is looked for. It
    need not exist. Raises CmpBundleError where there are both.
    """
    beside = path.with_suffix(".csv")
    if named or not is_there(beside):
        return path
    if is_there(path):
        raise CmpBundleError(
            "accounts-two-files",
            f"{beside.name} exists beside it, and cmp-bundle uses only one file",
            file=path,
            hint=f'remove one, or name it: [accounts] file = "{beside.name}"',
        )
    return beside


def read(path: Path, *, allow_loose: bool = False) -> AccountFile:
    """The file at ``path``; an empty one where there is none.

    Raises CmpBundleError for whatever is wrong in it, and where it holds passwords or digests
    that others than its owner can read, unless ``allow_loose``.
    """
    try:
        found = owned.read(path, shared=allow_loose)
    except FileNotFoundError:
        return AccountFile(path, Parsed(()))
    except OSError as error:
        raise unreadable(path, error) from error
    parsed = _kind(path).parse(found.data, str(path))
    loose = bool(found.mode & OTHERS) and holds_secrets(parsed)
    if loose and not allow_loose:
        raise _too_loose(path, found.mode)
    return AccountFile(path, parsed, found.data, loose)


def read_password(path: Path, *, allow_loose: bool = False) -> str:
    """The first line of a file that holds one password and that nobody else can read.

    Raises CmpBundleError.
    """
    try:
        found = owned.read(path, _LONGEST_PASSWORD, shared=allow_loose)
        text = found.data.decode("utf-8-sig")
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError:
        raise CmpBundleError("not-utf8", "is not UTF-8 text", file=path) from None
    # A pipe, as a shell's <(pass show pbx) gives it, has nobody's mode to be asked.
    if found.mode & OTHERS and not allow_loose and stat.S_ISREG(found.mode):
        raise _too_loose(path, found.mode)
    password = text.partition("\n")[0].rstrip("\r")
    if not password:
        raise CmpBundleError(
            "no-password-in-file", "its first line must be the password, but is empty", file=path
        )
    return password


def _too_loose(path: Path, mode: int) -> CmpBundleError:
    return CmpBundleError(
        "loose-permissions",
        "contains a password, but other users than its owner can read or change it"
        f" (mode {stat.S_IMODE(mode):04o})",
        file=path,
        hint=f"chmod 600 {word(path)}; or allow it: --allow-loose",
    )


def holds_secrets(parsed: Parsed) -> bool:
    """Whether anything in the file is nobody else's business."""
    return any(
        account.password or account.ha1 or any(server.credential for server in account.ice or ())
        for account in (*parsed.accounts, parsed.defaults)
    )


def _kind(path: Path) -> ModuleType:
    return csv_file if path.suffix.lower() == ".csv" else toml_file
