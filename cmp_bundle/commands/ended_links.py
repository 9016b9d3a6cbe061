"""Links that a deploy ends: those whose profiles the bundle does not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.bundle.sealed import file_name
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from collections.abc import Collection

    from cmp_bundle.commands.loaded_accounts import LoadedAccounts

#: More links than these, and more than this part of all, end by no ordinary change: a class leaves,
#: and twenty people who were left out by mistake can be given new links in an hour. Hundreds at once
#: are a bundle that was sealed with another key, or made from another account file.
_FEW = 20
_PART = 10


@dataclass(frozen=True)
class EndedLinks:
    """``number`` of the ``deployed`` links will open nothing; ``renewed`` are accounts, by their ids,
    whose link is another one from then on.
    """

    number: int
    deployed: int
    renewed: tuple[str, ...]

    @property
    def are_many(self) -> bool:
        """Whether somebody has to say that this is meant."""
        return self.number > _FEW and self.number * _PART > self.deployed

    def __str__(self) -> str:
        all_of_them = "all" if self.number == self.deployed else str(self.number)
        links = f"{all_of_them} of {count(self.deployed, 'link')}"
        if self.deployed == 1:
            links = "the one link"
        whom = f"; {some(self.renewed)} will need a new one" if self.renewed else ""
        return f"{links} that worked until now will stop working{whom}"


def ended(
    deployed: Collection[str], wanted: Collection[str], everybody: LoadedAccounts | None
) -> EndedLinks:
    """What ends where the profiles called ``wanted`` take the place of those called ``deployed``.

    Profiles tell nobody whose they are; ``everybody`` are the accounts here, if there are any.
    """
    gone = set(deployed) - set(wanted)
    renewed: tuple[str, ...] = ()
    if gone and everybody is not None:
        token = everybody.keyring.token
        ids = (account.id for account in everybody.accounts)
        renewed = tuple(name for name in ids if file_name(token(name).name) not in deployed)
    return EndedLinks(len(gone), len(deployed), renewed)
