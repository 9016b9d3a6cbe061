"""The Asterisk that the settings name, and the engine for what changes it: one for all commands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cmp_bundle.accounts.open_source import database
from cmp_bundle.accounts.source_name import is_database
from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.changes import memory as memories
from cmp_bundle.changes.engine import Engine, NoService
from cmp_bundle.changes.journal import NAME, Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.changes.state import typed
from cmp_bundle.commands.account_files import database_password, read
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.files.owned import exists
from cmp_bundle.provision.firewalls import FirewallChange
from cmp_bundle.provision.row_step import ProvisionedRows
from cmp_bundle.server.server import Server, engine_for

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.accounts.database import Database
    from cmp_bundle.asterisk.control import Patience
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.step import Kinds, Step
    from cmp_bundle.commands.context import Context

#: What certs trust changes is no server; what was cut off there is remembered under this name.
_TRUST = "trust"


def look(context: Context, patience: Patience | None = None) -> Installation | None:
    """The Asterisk that the settings name, or this machine's; None where there is none. It is asked
    with ``patience``.
    """
    named = context.settings.asterisk
    return find(
        Named(
            root=named.root,
            etc_dir=named.etc_dir,
            data_dir=named.data_dir,
            user=named.user,
            command=named.command,
            custom_files=named.custom_files,
        ),
        patience,
    )


def installation(context: Context) -> Installation:
    """Raises CmpBundleError where there is none."""
    found = look(context)
    if found is None:
        raise CmpBundleError(
            "no-asterisk",
            "no Asterisk was found on this machine",
            hint="name its folders: [asterisk] etc_dir and data_dir, or --asterisk-root",
        )
    context.reporter.detail(f"configuration: {found.etc_folder} ({found.etc.origin})")
    context.reporter.detail(f"static files:  {found.static} ({found.data.origin})")
    return found


def server(context: Context, where: Installation) -> Server:
    """Raises CmpBundleError where it cannot be told whether Asterisk runs and has to be reloaded."""
    if where.unanswered is not None:
        raise where.unanswered
    return Server(where, context.settings.asterisk.url)


def engine(context: Context, at: Server | None) -> Engine:
    """What changes the server; without one, what changes the operator's own files together.

    Raises CmpBundleError where there is no safe place to remember in what is done.
    """
    _finish_trusting(context)
    paths = (
        context.settings.accounts.file.absolute().parent,
        context.settings.links.key.absolute(),
    )
    if at is not None:
        result = engine_for(at, Disk(), context.reporter, _kinds(context), paths)
    else:
        folder = memory(str(paths[0]), Disk())
        result = Engine(
            Journal(folder, paths, _kinds(context)), Disk(), context.reporter, NoService()
        )
    return replace(result, journal=replace(result.journal, more=lambda: _sources(context)))


def _sources(context: Context) -> tuple[Path, ...]:
    """The folders of files elsewhere that accounts have their passwords in."""
    try:
        file = read(replace(context, allow_loose=True))
    except CmpBundleError:
        return ()
    names = {a.source for a in file.accounts if "/" in a.source and not is_database(a.source)}
    return tuple((file.path.parent / name).absolute().parent for name in sorted(names))


def trust_engine(context: Context) -> Engine:
    """What tells browsers and the system of an authority, and stops telling them."""
    return Engine(
        Journal(memory(_TRUST, Disk()), (), _kinds(context)), Disk(), context.reporter, NoService()
    )


def _finish_trusting(context: Context) -> None:
    """Whichever command it was that was cut off, the next one brings it to its end."""
    try:
        cut_off = exists(memories.folder(_TRUST) / NAME)
    except OSError:
        return  # nor can anything else be remembered there, which is told next
    if cut_off:
        with trust_engine(context).alone():
            pass


def _kinds(context: Context) -> Kinds:
    """How the steps of other rooms are read from a journal, whichever command wrote it."""

    def named(value: dict[str, Any]) -> Database:
        return database(typed(value["database"], str), database_password(context))

    def rows(value: dict[str, Any]) -> Step:
        opened = named(value)
        # SQLAlchemy takes a quarter of a second to import.
        from cmp_bundle.accounts.rows import Rows  # noqa: PLC0415

        return Rows.from_json(value, opened)

    def provisioned_rows(value: dict[str, Any]) -> Step:
        return ProvisionedRows.from_json(value, named(value))

    def trust_step(value: dict[str, Any]) -> Step:
        from cmp_bundle.tls import trust  # noqa: PLC0415 - 40 ms, for what was cut off there alone
        from cmp_bundle.tls.desktop_user import desktop_user  # noqa: PLC0415

        stores = trust.stores(desktop_user())
        return trust.Telling.from_json(value, stores, lambda s: context.reporter.note(f"$ {s}"))

    return {
        "rows": rows,
        "provisioned rows": provisioned_rows,
        "trust": trust_step,
        "firewall": FirewallChange.from_json,
    }
