from __future__ import annotations

import os
from typing import TYPE_CHECKING

import click

from cmp_bundle.accounts.source_name import is_database
from cmp_bundle.cli import changes
from cmp_bundle.cli.accounts_add import PJSIP, add
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
from cmp_bundle.commands.source_differences import compare_sources
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.shell import word
from cmp_bundle.sizes import count, some

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.accounts import ListedAccount
    from cmp_bundle.commands.context import Context

#: What is told of all accounts at once.
_NOT_COMPARED = "not-compared"


@make(accounts=True, name="list")
def list_(context: Context) -> Result:
    """List the accounts, and where each password is stored.

    The passwords are not shown.
    """
    listed = list_accounts(context)
    if not listed.accounts:
        text = (
            f"there are no accounts in {listed.file}; next: cmp-bundle accounts add USER, or import"
        )
        return Result(text, listed)
    rows = [("ID", "NAME", "EXTENSION", "DIAL", "PASSWORD")]
    rows += [(a.id, a.display_name, a.extension, a.dial, _secret(a)) for a in listed.accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[4]])
        for row in rows
    ]
    return Result("\n".join(lines), listed)


@make(click.argument("user"), PJSIP, accounts=True, name="show")
def show(context: Context, *, user: str, pjsip: bool) -> Result:
    """Show one account as its phone gets it.

    This includes the current values from its source, and the defaults in the account file. The
    password is not shown; the place where it is stored is. With --pjsip, it shows the objects that
    Asterisk needs for this account, with the password, to be pasted into a pjsip.conf.
    """
    account = show_account(context, user, pjsip=pjsip)
    if account.pjsip is not None:
        return Result(account.pjsip.rstrip("\n"), account)
    kinds = {"ha1": "HA1 instead of the password", "password": "••••••••", None: "none yet"}
    secret_at = f" ({account.secret_at})" if account.secret_at else ""
    rows: list[tuple[str, object]] = [
        ("id", account.id),
        ("display name", account.display_name),
        ("authenticates as", account.auth_name),
        ("password", f"{kinds[account.secret]}{secret_at}"),
        ("realm", account.realm),
        ("extension", account.extension),
        ("dial", account.dial),
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
    """Remove accounts from the account file.

    Their links stop working with the next build and deploy, and a rollback does not bring them
    back. Asterisk's own files and database are not changed: the account still exists there.
    """
    done = remove_accounts(context, users)
    return Result(
        f"removed {', '.join(done.removed)} from {done.file}\n"
        "on the server their phones still work; next: cmp-bundle build && cmp-bundle deploy, and"
        " cmp-bundle provision if it made their endpoints",
        done,
    )


@make(accounts=True, name="check")
def check(context: Context) -> Result:
    """Compare the accounts with Asterisk, and show what will not work.

    Reads Asterisk's own files and the sources of the accounts. Does the endpoint exist? Is it for
    browsers? Is the password the same? Can it receive calls? The exit code is 1 if
    there is an error. Notes are for information.
    """
    found = check_accounts(context)
    if not found.accounts:
        return Result(f"there are no accounts in {found.file}", found)
    lines = [line(one) for one in found.findings if one.code != _NOT_COMPARED]
    alone = sum(one.code == _NOT_COMPARED for one in found.findings)
    if alone:
        accounts = count(alone, "account")
        lines.append(f"note {_NOT_COMPARED}: no Asterisk was found here; not compared: {accounts}")
    if not found.findings:
        lines.append(f"{count(found.accounts, 'account')}, all match Asterisk")
    return Result("\n".join(lines), found, failed=found.failed)


@make(
    click.argument("users", nargs=-1, metavar="[USER]..."),
    click.option("--all", "everybody", is_flag=True, help="All accounts."),
    accounts=True,
    name="rotate",
)
def rotate(context: Context, *, users: tuple[str, ...], everybody: bool) -> Result:
    """Give accounts new passwords. Their links stay the same.

    The new password replaces the old one where it is stored: in the account file, in pjsip.conf
    or in the database. It is also sealed into the account's profile. On this machine's server it
    is live at once, elsewhere with the next deploy. Connected phones keep working until they
    register again. Then their users open the link again, and need nothing else.
    """
    if bool(users) == everybody:
        raise CmpBundleError(
            "options-conflict",
            "either USER or --all is needed",
            hint="name accounts, or add --all",
        )
    done = rotate_passwords(context, None if everybody else users)
    accounts = done.rotated[0] if len(done.rotated) == 1 else f"{len(done.rotated)} accounts"
    lines = [f"a new password for {accounts}; the link stays the same", *changes.republished(done)]
    return Result("\n".join(lines), done)


@make(accounts=True, name="sync")
def sync(context: Context) -> Result:
    """Show who came and who left where the accounts come from.

    Compares the accounts with every source that they name: pjsip.conf, pjsip_wizard.conf, a
    realtime database. Nothing is changed: accounts import adds those who came, accounts remove
    takes out those who left.
    """
    found = compare_sources(context)
    if not found.sources:
        return Result(f"no account in {found.file} comes from somewhere else", found)
    lines = []
    for one in found.sources:
        if not one.came and not one.left:
            lines.append(f"{one.source}: as in {found.file}")
        if one.came:
            place = _place(one.source, found.file)
            lines.append(f"{one.source}: came {some(one.came)}")
            lines.append(f"  to add them: cmp-bundle accounts import {place}")
        if one.left:
            lines.append(f"{one.source}: left {some(one.left)}")
            lines.append(
                f"  to remove them: cmp-bundle accounts remove {' '.join(map(word, one.left[:5]))}"
            )
    return Result("\n".join(lines), found)


command = group(
    """Manage accounts: each account is one user's phone.

    The account file is accounts.toml or accounts.csv, beside the settings. It holds an account's
    password, or names the source that has it: pjsip.conf, pjsip_wizard.conf or a realtime
    database. Every build reads the source again.
    """,
    list_,
    show,
    add,
    remove,
    import_,
    check,
    sync,
    rotate,
)


def _place(source: str, file: Path) -> str:
    """What ``accounts import`` is told to read ``source``, which ``file`` names as seen from there."""
    if is_database(source):
        return f"--database {word(source)}"
    return word(os.path.relpath(file.parent / source) if "/" in source else source)


def _secret(account: ListedAccount) -> str:
    if account.source:
        return f"in {account.source}"
    return {"ha1": "HA1", "password": "here", None: "none yet"}[account.secret]
