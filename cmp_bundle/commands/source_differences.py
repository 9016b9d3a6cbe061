"""The use case of a look at the sources: who came there, and who left, since the accounts were taken over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.accounts.import_plan import candidates
from cmp_bundle.commands import loaded_accounts
from cmp_bundle.commands.account_files import read

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@dataclass(frozen=True)
class SourceDifference:
    """``came`` are endpoints for browsers that ``source`` has, and no account names; ``left`` are
    accounts that name the source, and are not there any more.
    """

    source: str
    came: tuple[str, ...]
    left: tuple[str, ...]


@dataclass(frozen=True)
class SourceDifferences:
    """Of every source that an account of ``file`` names."""

    file: Path
    sources: tuple[SourceDifference, ...]


def compare_sources(context: Context) -> SourceDifferences:
    """Look at every source. Nothing is changed. Raises CmpBundleError where one cannot be read."""
    file = read(context)
    sources = loaded_accounts.sources(context, file)
    known = {account.id for account in file.accounts}
    found = []
    for name in dict.fromkeys(account.source for account in file.accounts if account.source):
        offered = candidates(sources.source(name), sources.endpoints(name))
        there = [account.id for account in offered.accounts]
        here = [account.id for account in file.accounts if account.source == name]
        gone = set(here).difference(sources.endpoints(name).endpoints)
        found.append(
            SourceDifference(
                sources.source(name).name,
                came=tuple(one for one in there if one not in known),
                left=tuple(one for one in here if one in gone),
            )
        )
    return SourceDifferences(file.path, tuple(found))
