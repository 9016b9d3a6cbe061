"""What every command has in common: its options, its settings, and how its result is shown."""

from __future__ import annotations

from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.cli import output
from cmp_bundle.cli.usage import Group
from cmp_bundle.commands.context import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.cli.output import Result


def command(
    *options: Callable[[Any], Any],
    flags: tuple[str, ...] = (),
    accounts: bool = False,
    name: str | None = None,
    replaces_settings: bool = False,
) -> Callable[[Callable[..., Result | None]], click.Command]:
    """Make a click command of a function that takes a Context and its options.

    ``flags`` are settings (dotted names) that this command also takes as flags; with ``accounts``
    it takes those about accounts as well. One that ``replaces_settings`` does without a file of them
    that is right. Without ``name`` it is called as its module is. A command
    that has shown its result itself returns None.
    """
    if accounts:
        options, flags = (*options, _ALLOW_LOOSE), (*flags, *_OF_ACCOUNTS)

    def make(function: Callable[..., Result | None]) -> click.Command:
        @wraps(function)
        def call(*, config: Path | None, as_json: bool, verbose: bool, **rest: Any) -> int:
            loose = rest.pop("allow_loose", False)
            given = {name: rest.pop(_parameter(name)) for name in flags}
            # A flag that may be repeated and was not given is an empty tuple.
            given = {name: None if value == () else value for name, value in given.items()}
            terminal = output.Terminal(verbose=verbose)
            context = Context.load(
                config,
                given,
                reporter=terminal,
                allow_loose=loose,
                replaced=replaces_settings,
            )
            result = function(context, **rest)
            if result is None:
                return 0
            output.show(result, as_json=as_json)
            return int(result.failed)

        body: Callable[..., int] = call
        for option in reversed((*options, *map(_flag, flags), *_COMMON)):
            body = option(body)
        return click.command(
            name=name or function.__module__.rsplit(".", 1)[-1].replace("_", "-"),
            help=function.__doc__,
            context_settings={"help_option_names": ["-h", "--help"]},
        )(body)

    return make


def group(text: str, *commands: click.Command) -> click.Group:
    """A command with commands of its own; ``text`` is its help."""
    return Group(
        commands=list(commands),
        help=text,
        epilog="Each of these also takes --config, --json and --verbose.",
        context_settings={"help_option_names": ["-h", "--help"]},
    )


#: What says who gets a phone.
_OF_ACCOUNTS = ("accounts.file", "accounts.database_password_file")
_ALLOW_LOOSE = click.option(
    "--allow-loose", is_flag=True, help="Also use password files that others can read."
)

_COMMON = (
    click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="The settings file; by default cmp-bundle.toml in this folder.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the result as JSON."),
    click.option("-v", "--verbose", is_flag=True, help="Show more details."),
)


def _parameter(dotted: str) -> str:
    return dotted.replace(".", "_")


def _flag(dotted: str) -> Callable[[Any], Any]:
    """The flag of a setting: --redirect for site.redirect, --no-pack for build.pack."""
    from cmp_bundle.settings.model import KEYS  # noqa: PLC0415 - only commands with flags

    key = KEYS[dotted]
    text = f"{key.help[0].upper()}{key.help[1:]}."
    if key.kind is bool:
        option, value = (f"--no-{key.flag}", False) if key.default else (f"--{key.flag}", True)
        description = f"Do not {key.help}." if key.default else text
        return click.option(
            option,
            _parameter(dotted),
            is_flag=True,
            flag_value=value,
            default=None,
            help=description,
        )
    if key.kind is tuple:
        description = f"{text.rstrip('.')}; may be repeated."
        return click.option(f"--{key.flag}", _parameter(dotted), multiple=True, help=description)
    # Text, for the settings to judge: a Path made of nothing is the current folder.
    kinds: dict[type, Any] = {int: int, Path: click.Path()}
    return click.option(
        f"--{key.flag}", _parameter(dotted), type=kinds.get(key.kind, str), default=None, help=text
    )
