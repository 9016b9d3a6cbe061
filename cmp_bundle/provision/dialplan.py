"""``cmp-bundle/extensions.conf``: the echo, a conference, and one extension for each account."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.asterisk import includes
from cmp_bundle.asterisk.dialplan import answered_by
from cmp_bundle.extension import compared

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.settings.model import ProvisionSettings

#: The line that tells whose phones they are.
_MADE_FOR = re.compile(rb"^; For the accounts of (.+)$", re.MULTILINE)

#: The context in which all phones of an account are rung.
RING = "cmp-ring"


@dataclass(frozen=True)
class Extension:
    """Where an account is reached: its ``extension`` and its endpoint's ``id``."""

    extension: str
    id: str

    @property
    def pattern(self) -> str:
        """The id as a regular expression that matches it alone."""
        return re.sub(r"[.*+?$]", r"[\g<0>]", self.id)


@dataclass(frozen=True)
class Dialplan:
    """What is added to ``context``, for the accounts of the file ``accounts``. ``echo`` and ``conference`` are empty where there is none;
    ``taken`` are sentences on extensions that somebody else has.
    """

    context: str
    exists: bool
    echo: str
    conference: str
    phones: tuple[Extension, ...]
    taken: tuple[str, ...]
    accounts: str = ""

    def __bytes__(self) -> bytes:
        return includes.render(
            "extensions.conf",
            accounts=self.accounts,
            context=self.context,
            context_exists=self.exists,
            echo=self.echo,
            conference=self.conference,
            phones=self.phones,
        )


def dialplan(
    theirs: Configuration,
    settings: ProvisionSettings,
    accounts: Iterable[Account],
    accounts_file: str = "",
) -> Dialplan:
    """The dialplan for ``accounts`` beside ``theirs``, extensions.conf without ours."""
    context, taken, used = settings.context, [], dict[str, str]()

    def free(extension: str, what: str) -> bool:
        line = answered_by(theirs, context, extension)
        if line is not None:
            text = (
                f"{extension} in [{context}] is there already ({line.place}), so it is not {what}"
            )
            taken.append(text)
        elif compared(extension) in used:
            taken.append(f"{extension} is {used[compared(extension)]}, so it is not {what}")
        else:
            used[compared(extension)] = what
            return True
        return False

    echo = settings.echo if settings.echo and free(settings.echo, "the echo") else ""
    conference = (
        settings.conference
        if settings.conference and free(settings.conference, "the conference")
        else ""
    )
    phones = tuple(
        Extension(account.extension, account.id)
        for account in accounts
        if account.extension and free(account.extension, f"{account.id}'s")
    )
    exists = theirs.category(context) is not None
    return Dialplan(context, exists, echo, conference, phones, tuple(taken), accounts_file)


def made_for(data: bytes) -> str:
    """The file of accounts that our extensions.conf names, empty where it names none."""
    found = _MADE_FOR.search(data)
    return found[1].decode("utf-8", "surrogateescape") if found else ""
