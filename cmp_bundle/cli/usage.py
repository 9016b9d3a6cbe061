"""Command lines that were typed wrongly, and what may have been meant."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import click

from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from collections.abc import Iterable


class Group(click.Group):
    """A command with commands of its own. Without one it shows its help."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args or ["--help"])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        names = self.list_commands(ctx)
        if args[0] not in names:
            # click's own list is empty where commands are imported one at a time.
            raise click.UsageError(f"no such command {args[0]!r}{_nearest(args[0], names)}", ctx)
        return super().resolve_command(ctx, args)


def problem(error: click.UsageError) -> CmpBundleError:
    """What click has against a command line, as every other error is told."""
    hint = None if error.ctx is None else f"see: {error.ctx.command_path} --help"
    if isinstance(error, click.NoSuchOption):
        name = error.option_name
        if error.ctx is not None and isinstance(error.ctx.command, click.Group):
            text = f"no such option {name!r} before the command"
            hint = f"options come after the command: {error.ctx.command_path} COMMAND {name}"
        else:
            text = f"no such option {name!r}{_nearest(name, error.possibilities or ())}"
    else:
        text = error.format_message().rstrip(".")
        text = text[:1].lower() + text[1:]
    return CmpBundleError("usage", text, hint=hint)


def _nearest(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""
