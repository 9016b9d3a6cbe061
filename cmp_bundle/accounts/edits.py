"""What shall be different in an accounts file, and the parts that files of both kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from cmp_bundle.accounts.model import Account
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The fields of text that can be changed, in the order in which they are written. None takes a
#: field out.
Change = Mapping[str, str | None]

#: The fields that are left out where they are empty, in the order in which they are written.
_WRITTEN = ("id", "display_name", "auth_name", "password", "ha1", "realm", "extension", "dial",
            "host", "port", "path", "source")  # fmt: skip


@dataclass(frozen=True)
class Parsed:
    """What an accounts file holds. ``defaults`` count for accounts that leave a field out."""

    accounts: tuple[Account, ...]
    defaults: Account = field(default_factory=lambda: Account(""))

    def under(self, account: Account) -> Account:
        """``account`` with the defaults where it says nothing."""
        low = self.defaults
        return replace(
            account,
            dial=account.dial or low.dial,
            register=low.register if account.register is None else account.register,
            host=account.host or low.host,
            port=account.port or low.port,
            path=account.path or low.path,
            ice=low.ice if account.ice is None else account.ice,
        )


@dataclass(frozen=True)
class Edits:
    """Accounts to add at the end, ids to remove, and fields to change by id."""

    add: tuple[Account, ...] = ()
    remove: frozenset[str] = frozenset()
    change: Mapping[str, Change] = field(default_factory=dict)

    def expected(self, before: Iterable[Account]) -> list[Account]:
        """What a file then holds, apart from the places."""
        after = []
        for account in before:
            if account.id in self.remove:
                continue
            changed = {n: v or "" for n, v in self.change.get(account.id, {}).items()}
            after.append(replace(account, **changed))  # type: ignore[arg-type]
        return [placeless(account) for account in (*after, *self.add)]


def values(account: Account) -> dict[str, object]:
    """What has to be written of an account: its fields that hold anything, by name."""
    fields: dict[str, object] = {
        name: value for name in _WRITTEN if (value := getattr(account, name))
    }
    if account.register is not None:
        fields["register"] = account.register
    if account.ice is not None:
        fields["ice"] = [
            {n: v for n, v in vars(server).items() if v} if server.username else server.url
            for server in account.ice
        ]
    return fields


def placeless(account: Account) -> Account:
    return replace(account, place=None, secret=None)


def text_of(data: bytes, file: str, hint: str | None = None) -> str:
    """``data`` as text. Raises CmpBundleError with ``hint`` where it is none."""
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CmpBundleError(
            "not-utf8", "is not UTF-8 text", file=file, line=line, hint=hint
        ) from None


def make_sure(after: Parsed, before: Parsed, edits: Edits, file: str) -> None:
    """Raise CmpBundleError unless an edited file says what it should."""
    result = [placeless(account) for account in after.accounts]
    if result != edits.expected(before.accounts) or after.defaults != before.defaults:
        raise unclear(file)


def unclear(file: str) -> CmpBundleError:
    return CmpBundleError(
        "file-uneditable",
        "cannot be changed without changing other parts of the file",
        file=file,
        hint="change it with an editor; the file is unchanged",
    )


def replaced(text: str, spans: Iterable[tuple[int, int, str]]) -> str:
    """``text`` with each span (start, end, what instead) replaced. Spans must not overlap."""
    pieces, at = [], 0
    for start, end, instead in sorted(spans):
        pieces += [text[at:start], instead]
        at = end
    return "".join((*pieces, text[at:]))


def newline_of(text: str) -> str:
    """How lines end in ``text``, by its first."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
