"""The question whether a loss is meant."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from cmp_bundle.commands.link_key import unasked

if TYPE_CHECKING:
    from collections.abc import Callable

YES = click.option("--yes", is_flag=True, help="Do it without asking.")


def asking(*, yes: bool) -> Callable[[str], None]:
    """What asks whether a loss is meant. It raises CmpBundleError where nobody can be asked,
    click.Abort where the answer is no.
    """

    def ask(loss: str) -> None:
        if yes:
            return
        if not sys.stdin.isatty():
            unasked(loss)
        click.confirm(f"{loss}. Continue?", abort=True, err=True)

    return ask
