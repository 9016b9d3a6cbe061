from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.accounts import keyring as keyrings
from cmp_bundle.accounts.edits import Edits
from cmp_bundle.cli import people
from cmp_bundle.cli.accounts_add import add
from cmp_bundle.cli.accounts_check import check
from cmp_bundle.cli.accounts_import import import_
from cmp_bundle.cli.accounts_rotate import rotate
from cmp_bundle.cli.command import Run, group
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import refuse
from cmp_bundle.files import Disk
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from cmp_bundle.accounts.model import Account


@make(people.ALLOW_LOOSE, flags=people.FLAGS, name="list")
def list_(run: Run, *, allow_loose: bool) -> Result:
    """List the accounts, and where each has its password.

    Passwords themselves are shown nowhere.
    """
    book = people.read(run, allow_loose=allow_loose)
    if not book.accounts:
        return Result(
            f"there are no accounts in {book.path}; next: cmp-bundle accounts add USER, or import",
            {"file": book.path, "accounts": []},
        )
    rows = [("ID", "NAME", "EXTENSION", "PASSWORD")]
    rows += [(a.id, a.display_name, a.extension, _secret(a)) for a in book.accounts]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    lines = [
        "  ".join([*(c.ljust(w) for c, w in zip(row, widths, strict=False)), row[3]])
        for row in rows
    ]
    return Result(
        "\n".join(lines), {"file": book.path, "accounts": [_data(a) for a in book.accounts]}
    )


@make(click.argument("user"), people.ALLOW_LOOSE, flags=people.FLAGS, name="show")
def show(run: Run, *, user: str, allow_loose: bool) -> Result:
    """Show one account as its phone gets it.

    With what its source holds now, and with the defaults of the file. Passwords are not shown,
    but where they stand is.
    """
    book = people.read(run, allow_loose=allow_loose)
    people.named(book.accounts, user, book)
    alone = tuple(a for a in book.accounts if a.id == user)
    account = people.resolve(run, book, alone)[0][0]
    shown: list[tuple[str, object]] = [
        ("id", account.id),
        ("display name", account.display_name),
        ("authenticates as", account.user),
        ("password", _told(account)),
        ("realm", account.realm),
        ("extension", account.extension),
        ("registers", "as the settings say" if account.register is None else account.register),
        ("server", ", ".join(str(v) for v in (account.host, account.port, account.path) if v)),
        ("ice", ", ".join(server.url for server in account.ice or ())),
        ("source", account.source),
        ("written at", alone[0].place),
    ]
    lines = [f"{name + ':':<18}{value}" for name, value in shown if value not in ("", None)]
    data = _data(account) | {"secret_at": str(account.secret) if account.secret else None}
    return Result("\n".join(lines), data)


@make(
    click.argument("users", nargs=-1, required=True, metavar="USER..."),
    people.ALLOW_LOOSE,
    flags=people.FLAGS,
    name="remove",
)
def remove(run: Run, *, users: tuple[str, ...], allow_loose: bool) -> Result:
    """Take accounts out of the file.

    With the next build and deploy their links are dead, whichever release is rolled back to.
    Asterisk's own files and its database are left as they are: there the account still exists.
    """
    book = people.read(run, allow_loose=allow_loose)
    known = {a.id for a in book.accounts}
    refuse(
        [
            finding("no-account", f"there is no account {u!r} in {book.path}")
            for u in users
            if u not in known
        ]
    )
    # Somebody who is called the same later shall not be reached by the old link.
    path = run.settings.links.key
    ring = keyrings.load(path)
    book.edited(Edits(remove=frozenset(users))).write(Disk())
    if ring is not None:
        for user in dict.fromkeys(users):
            ring = ring.renewed(user)
        keyrings.save(ring, path, Disk())
    names = ", ".join(dict.fromkeys(users))
    return Result(
        f"removed {names} from {book.path}\n"
        "what is deployed still has their phones; next: cmp-bundle build && cmp-bundle deploy",
        {"file": book.path, "removed": list(dict.fromkeys(users))},
    )


command = group(
    """Say who gets a phone of their own: list, add, import, check, and change passwords.

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


def _secret(account: Account) -> str:
    if account.source:
        return f"in {account.source}"
    if account.ha1:
        return "HA1"
    return "here" if account.password else "none yet"


def _told(account: Account) -> str:
    kind = "HA1, in place of it" if account.ha1 else "••••••••" if account.password else "none yet"
    return f"{kind}{f' ({account.secret})' if account.secret else ''}"


def _data(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "display_name": account.display_name,
        "auth_name": account.user,
        "secret": "ha1" if account.ha1 else "password" if account.password else None,
        "realm": account.realm,
        "extension": account.extension,
        "register": account.register,
        "host": account.host,
        "port": account.port,
        "path": account.path,
        "ice": None if account.ice is None else [server.url for server in account.ice],
        "source": account.source,
        "place": str(account.place) if account.place else None,
    }
