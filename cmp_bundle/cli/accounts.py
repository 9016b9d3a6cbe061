from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import changes
from cmp_bundle.cli.accounts_add import add
from cmp_bundle.cli.accounts_import import import_
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.command import group
from cmp_bundle.cli.output import Result, line
from cmp_bundle.commands.accounts import (
    check_accounts,
    list_accounts,
    remove_accounts,
    rotate_passwords,
    show_account,
)
from cmp_bundle.commands.sizes import count
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.commands.accounts import ListedAccount
    from cmp_bundle.commands.context import Context

#: What is told of all accounts at once.
_NOT_COMPARED = "not-compared"


@make(accounts=True, name="list")
def list_(context: Context) -> Result:
    """List the accounts, and where each has its password.

    Passwords themselves are shown nowhere.
    """
    listed = list_accounts(context)
    if not listed.accounts:
        text = (
            f"there are no accounts in {listed.file}; next: cmp-bundle accounts add USER, or import"
        )
        return Result(text, listed)
    rows = [("ID", "NAME", "EXTENSION", "PASSWORD")]
    rows += [(a.id, a.display_name, a.extension, _secret(a)) for a in listed.accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    return Result("\n".join(lines), listed)


@make(click.argument("user"), accounts=True, name="show")
def show(context: Context, *, user: str) -> Result:
    """Show one account as its phone gets it.

    With what its source holds now, and with the defaults of the file. Passwords are not shown,
    but where they stand is.
    """
    account = show_account(context, user)
    kinds = {"ha1": "HA1, in place of it", "password": "••••••••", None: "none yet"}
    secret_at = f" ({account.secret_at})" if account.secret_at else ""
    rows: list[tuple[str, object]] = [
        ("id", account.id),
        ("display name", account.display_name),
        ("authenticates as", account.auth_name),
        ("password", f"{kinds[account.secret]}{secret_at}"),
        ("realm", account.realm),
        ("extension", account.extension),
        ("registers", "as the settings say" if account.register is None else account.register),
        ("server", ", ".join(str(v) for v in (account.host, account.port, account.path) if v)),
        ("ice", ", ".join(account.ice or ())),
        ("source", account.source),
        ("written at", account.place),
    ]
    lines = [f"{name + ':':<18}{value}" for name, value in rows if value not in ("", None)]
    return Result("\n".join(lines), account)


@make(
    click.argument("users", nargs=-1, required=True, metavar="USER..."),
    accounts=True,
    name="remove",
)
def remove(context: Context, *, users: tuple[str, ...]) -> Result:
    """Take accounts out of the file.

    With the next build and deploy their links are dead, whichever release is rolled back to.
    Asterisk's own files and its database are left as they are: there the account still exists.
    """
    done = remove_accounts(context, users)
    return Result(
        f"removed {', '.join(done.removed)} from {done.file}\n"
        "what is deployed still has their phones; next: cmp-bundle build && cmp-bundle deploy",
        done,
    )


@make(accounts=True, name="check")
def check(context: Context) -> Result:
    """Compare the accounts with what Asterisk has, and tell what will not work.

    Looks at Asterisk's own files and at the sources of the accounts: does the endpoint exist, is
    it for browsers (webrtc=yes), is the password the same, can it be rung? Ends with 1 if there
    is an error; notes are for information.
    """
    found = check_accounts(context)
    if not found.accounts:
        return Result(f"there are no accounts in {found.file}", found)
    lines = [line(one) for one in found.findings if one.code != _NOT_COMPARED]
    alone = sum(one.code == _NOT_COMPARED for one in found.findings)
    if alone:
        whose = count(alone, "account")
        lines.append(f"note {_NOT_COMPARED}: no Asterisk was found here to compare {whose} with")
    if not found.findings:
        lines.append(f"{count(found.accounts, 'account')}, all as Asterisk has them")
    return Result("\n".join(lines), found, failed=found.failed)


@make(
    click.argument("users", nargs=-1, metavar="[USER]..."),
    click.option("--all", "everybody", is_flag=True, help="All accounts."),
    accounts=True,
    name="rotate",
)
def rotate(context: Context, *, users: tuple[str, ...], everybody: bool) -> Result:
    """Give accounts new passwords. Their links stay the same.

    A new password is made, put where the old one stands (the file of accounts, pjsip.conf, the
    database), and sealed into the account's profile. On the server of this machine it is live at
    once; elsewhere with the next deploy. Phones that are connected go on until they register
    again; opening the link again is all that their users have to do.
    """
    if bool(users) == everybody:
        raise CmpBundleError(
            "options-conflict",
            "whose password is it to be?",
            hint="name accounts, or say --all",
        )
    done = rotate_passwords(context, None if everybody else users)
    whose = done.rotated[0] if len(done.rotated) == 1 else f"{len(done.rotated)} accounts"
    lines = [f"a new password for {whose}; the link stays the same", *changes.republished(done)]
    return Result("\n".join(lines), done)


command = group(
    """Manage accounts: who gets a phone, and with which password.

    The accounts stand in accounts.toml or accounts.csv, beside the settings. An account has its
    password there, or takes it from where Asterisk has it at every build: pjsip.conf,
    pjsip_wizard.conf, or a realtime database.
    """,
    list_,
    show,
    add,
    remove,
    import_,
    check,
    rotate,
)


def _secret(account: ListedAccount) -> str:
    if account.source:
        return f"in {account.source}"
    return {"ha1": "HA1", "password": "here", None: "none yet"}[account.secret]
