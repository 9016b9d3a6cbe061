"""Where accounts may have their names and passwords: what the kinds of places have in common."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.accounts.endpoint import Endpoint, Endpoints, Option
    from cmp_bundle.changes.step import Step
    from cmp_bundle.findings import Finding
    from cmp_bundle.places import Place, Row


class AccountSource(Protocol):
    """A pjsip.conf, a pjsip_wizard.conf, or a database."""

    @property
    def name(self) -> str:
        """As an account's ``source`` says it."""

    def endpoints(self) -> Endpoints:
        """What it holds now. Raises CmpBundleError."""

    def on_disk(self, where: Place | Row) -> Place | Row:
        """A place in it as a person on this machine finds it."""

    def passwords(self) -> PasswordEditor:
        """For changing passwords in it. Raises CmpBundleError."""


class PasswordEditor(Protocol):
    """A source as it was read, and what has to be done for other values in it."""

    @property
    def endpoints(self) -> Endpoints: ...

    def sharing(self, endpoint: Endpoint) -> list[str]:
        """Who else has the auth of ``endpoint``."""

    def refusal(self, option: Option, account: str) -> Finding | None:
        """Why the option of that account is not to be changed where it stands."""

    def steps(self, wanted: Sequence[tuple[Option, str]]) -> Sequence[Step] | list[Finding]:
        """What gives each option its value; the options that cannot get theirs, if there are any.

        Raises CmpBundleError where something was changed by somebody else meanwhile.
        """


def placed(source: AccountSource, found: Finding) -> Finding:
    """``found`` with its place as a person finds it."""
    return replace(found, place=source.on_disk(found.place) if found.place else None)
