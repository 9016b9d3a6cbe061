from __future__ import annotations

import os
import warnings
from getpass import GetPassWarning
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.accounts import store
from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.accounts import add_account, show_account
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.shell import word

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context

#: A password for the account that is added, where nobody wants to write a file.
PASSWORD = "CMP_BUNDLE_PASSWORD"  # noqa: S105 - the name of a variable


#: For people who keep their pjsip.conf by hand.
PJSIP = click.option("--pjsip", is_flag=True, help="Show the objects for a pjsip.conf, to paste.")


@make(
    click.argument("user"),
    click.option("--display-name", help="The name that others see, such as Alice."),
    click.option("--auth-name", help="The name it authenticates with, if that is not USER."),
    click.option("--extension", help="The number at which others reach it, such as 101."),
    click.option("--dial", help="The extension that the Call button dials, such as 246."),
    click.option("--register/--no-register", default=None, help="Whether it can receive calls."),
    click.option("--host", help="Its PBX, if that is not the server of the page."),
    click.option("--port", type=int, help="The port of the WebSocket on that PBX."),
    click.option("--path", help="The path of the WebSocket on that PBX."),
    click.option("--ice", multiple=True, help="A STUN server; may be repeated."),
    click.option("--source", help="Where Asterisk has its password, such as pjsip.conf."),
    click.option("--prompt", is_flag=True, help="Ask for the password."),
    click.option(
        "--password-file",
        type=options.PATH,
        help="Take the password from the first line of this file.",
    ),
    PJSIP,
    accounts=True,
    name="add",
)
def add(
    context: Context,
    *,
    user: str,
    source: str | None,
    prompt: bool,
    password_file: Path | None,
    pjsip: bool,
    ice: tuple[str, ...],
    **rest: Any,
) -> Result:
    """Add an account to the account file, which is created if it is missing.

    The account gets a new password. To set one yourself, use --prompt, --password-file or the
    environment variable CMP_BUNDLE_PASSWORD. There is no argument for it: everybody on the machine
    could read that. With --source, the account uses the password that Asterisk has.
    """
    password, origin = None, f"its password is in {source}"
    if source is None:
        password, origin = _password(context, prompt=prompt, file=password_file)
    elif prompt or password_file:
        raise CmpBundleError(
            "options-conflict",
            "with --source, the password comes from the source",
            hint="leave out one of them",
        )
    done = add_account(context, user, password, source=source, ice=list(ice) or None, **rest)
    lines = [f"{done.file}: added {user}; {origin}"]
    if source is not None:
        lines.append(f"next: cmp-bundle build, then: cmp-bundle link {word(user)}")
    elif pjsip:
        shown = show_account(context, user, pjsip=True)
        lines += ["its objects for a pjsip.conf of your own:", "", (shown.pjsip or "").rstrip("\n")]
    else:
        lines.append(
            "next: cmp-bundle provision; or, if you keep pjsip.conf yourself:"
            f" cmp-bundle accounts show {word(user)} --pjsip"
        )
    return Result("\n".join(lines), done)


def _password(context: Context, *, prompt: bool, file: Path | None) -> tuple[str | None, str]:
    """The password, None for one to be made, and in words where it is from."""
    if prompt and file is not None:
        raise CmpBundleError(
            "options-conflict",
            "--prompt and --password-file both give a password",
            hint="leave out one of them",
        )
    if prompt:
        return _asked(), "its password is the one you typed"
    if file is not None:
        found = store.read_password(file, allow_loose=context.allow_loose)
        return found, f"its password is from {file}"
    given = os.environ.get(PASSWORD)
    if given:
        return given, f"its password is from {PASSWORD}"
    return None, "a password was made for it and stored there"


def _asked() -> str:
    """What is typed, twice. Raises CmpBundleError where there is no terminal to type it on."""
    try:
        with warnings.catch_warnings():
            # Python would go on, and show what is typed.
            warnings.simplefilter("error", GetPassWarning)
            typed = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    except GetPassWarning:
        raise CmpBundleError(
            "no-terminal",
            "there is no terminal to ask for the password on",
            hint=f"--password-file FILE, or the environment variable {PASSWORD}",
        ) from None
    return str(typed)
