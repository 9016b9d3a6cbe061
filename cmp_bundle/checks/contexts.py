"""Where calls of a phone begin: contexts of the dialplan, as its files have them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.conf_files import Absence
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.asterisk.dialplan import answered_by
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.accounts.endpoint import Endpoint
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.findings import Finding

_PLAN: Final = "extensions.conf"
#: Other languages for a dialplan. What they say is not understood here, only which names they have.
_OTHERS: Final = ("extensions.ael", "extensions.lua")


class WrittenDialplan:
    """The dialplan in ``files``. What it does not have may still come from elsewhere: then nothing is said."""

    def __init__(self, files: Files) -> None:
        self._plan = reader.read(_PLAN, files)
        others = (files.content(f"{files.etc}/{name}") for name in _OTHERS)
        self._others = b"\n".join(text for text in others if not isinstance(text, Absence))
        # Asterisk adds the extensions of features and of the database's own categories by itself.
        self._known = not (
            self._plan.missing or self._plan.refused or self._plan.unknowns or _mapped(files)
        )

    def lacks(self, account: Account, endpoint: Endpoint) -> Iterator[Finding]:
        """Whether calls of ``account`` get nowhere: its endpoint's context is not there, or has not what
        its Call button dials.
        """
        context = endpoint.context
        if not self._known or self._is_elsewhere(context):
            return
        if not any(not one.template and one.name == context for one in self._plan.categories):
            yield finding(
                "S107",
                f"{endpoint.id} calls from the context {context!r}, which is not in {_PLAN}: each of its"
                " calls fails",
                endpoint.where,
                f"add [{context}] to {_PLAN}, or correct context= of the endpoint",
                account.id,
            )
        elif account.dial and not self._answers(context, account.dial):
            yield finding(
                "S107",
                f"{account.dial}, which {account.id} dials, is not in the context {context!r} of its"
                " endpoint",
                account.place,
                f"add it to [{context}] in {_PLAN}",
                account.id,
            )

    def _answers(self, context: str, extension: str) -> bool:
        if answered_by(self._plan, context, extension) is not None:
            return True
        # A switch looks elsewhere, in any context that may be included.
        return any(
            folded(v.name) == "switch" for one in self._plan.categories for v in one.variables
        )

    def _is_elsewhere(self, context: str) -> bool:
        return re.search(rf"\b{re.escape(context)}\b".encode(), self._others) is not None


def _mapped(files: Files) -> bool:
    """Whether Asterisk takes the whole file from a database."""
    mapping: Configuration = reader.read("extconfig.conf", files)
    return any(folded(v.name) == _PLAN for v in mapping.browse("settings"))
