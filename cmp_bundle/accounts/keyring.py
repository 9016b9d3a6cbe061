"""The operator's key, from which all links are derived, and the number of each account's link.

One small file, 0600, made on first use. Whoever has it has every link; without it the links that
were given out cannot be made again, only new ones.
"""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.token import KEY_BYTES, Token, token
from cmp_bundle.changes.look import look
from cmp_bundle.changes.state import FileState
from cmp_bundle.changes.step import Change
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import OTHERS, Boundary, FileOwnership, owned
from cmp_bundle.files.rights import unreadable
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cmp_bundle.files import Disk

FORMAT = 1

_PRIVATE = FileOwnership(-1, -1, 0o600)


class DamagedError(CmpBundleError):
    """A file that holds no key, and never will."""


@dataclass(frozen=True)
class Keyring:
    """``numbers`` has the accounts whose link is not their first."""

    key: bytes = field(repr=False)
    numbers: Mapping[str, int] = field(default_factory=dict)

    def token(self, account: str) -> Token:
        """What opens the profile of ``account`` now."""
        return token(self.key, account, self.numbers.get(account, 1))

    def renewed(self, account: str) -> Keyring:
        """With a new link for ``account``; the one before opens nothing any more."""
        return replace(self, numbers={**self.numbers, account: self.numbers.get(account, 1) + 1})

    def not_before(self, other: Keyring) -> Keyring:
        """With no link that ``other`` has renewed; another key's links are others anyway."""
        if self.key != other.key:
            return self
        names = {*self.numbers, *other.numbers}
        newest = {n: max(self.numbers.get(n, 1), other.numbers.get(n, 1)) for n in names}
        return replace(self, numbers=newest)

    def to_json(self) -> bytes:
        document = {
            "what": "the key of cmp-bundle's links: whoever has it has every account",
            "format": FORMAT,
            "key": base64.b64encode(self.key).decode(),
            "links": dict(sorted(self.numbers.items())),
        }
        return (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()


def fresh() -> Keyring:
    """A keyring with a new random key."""
    return Keyring(secrets.token_bytes(KEY_BYTES))


def load(path: Path, *, allow_loose: bool = False) -> Keyring | None:
    """The keyring in ``path``; None where there is none.

    Raises CmpBundleError where others can read it, unless ``allow_loose``, or could put one there;
    DamagedError where it is no keyring.
    """
    try:
        found = owned.read(path, shared=allow_loose)
    except FileNotFoundError:
        owned.refuse_folder(owned.resolved(path))
        return None
    except OSError as error:
        raise unreadable(path, error, "run it as the user who builds the bundles") from error
    if found.mode & OTHERS and not allow_loose:
        raise CmpBundleError(
            "loose-permissions",
            "other users can read the key of all links",
            file=path,
            hint=f"chmod 600 {word(path)}; if somebody may have read it: cmp-bundle key rotate",
        )
    return parse(found.data, path)


def parse(data: bytes, path: Path) -> Keyring:
    """Raises DamagedError, and CmpBundleError for the key of a newer cmp-bundle."""
    try:
        document = json.loads(data)
        written = document["format"]
        if type(written) is int and written > FORMAT:
            raise CmpBundleError(
                "other-version",
                "was written by a newer cmp-bundle, so this version cannot read it",
                file=path,
                hint="upgrade: pip install --upgrade cmp-bundle",
            )
        key = base64.b64decode(document["key"], validate=True)
        numbers = document["links"]
        fits = (
            written == FORMAT
            and len(key) == KEY_BYTES
            and all(type(n) is int and n > 0 for n in numbers.values())
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        fits = False
    if not fits:
        raise DamagedError(
            "link-key-damaged",
            "is not a link key of cmp-bundle",
            file=path,
            hint="restore it: cmp-bundle key restore FILE; without a backup, remove it: every"
            " account then gets a new link",
        )
    return Keyring(key, numbers)


def save(keyring: Keyring, path: Path, disk: Disk) -> None:
    """Raises CmpBundleError."""
    disk.write(path, keyring.to_json(), _PRIVATE)


def change(keyring: Keyring, path: Path) -> Change:
    """A step that puts ``keyring`` in place of what stands there. Raises CmpBundleError."""
    before = look(path, Boundary(), follow=True)
    return Change(path, before, FileState(keyring.to_json(), _PRIVATE), theirs=True)


def load_or_make(path: Path, disk: Disk) -> tuple[Keyring, bool]:
    """The keyring in ``path``, and whether it was made just now. Raises CmpBundleError."""
    found = load(path)
    if found is not None:
        return found, False
    keyring = fresh()
    save(keyring, path, disk)
    return keyring, True
