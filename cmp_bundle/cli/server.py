"""The Asterisk that the settings name, and the engine for what changes it: one for all commands."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cmp_bundle.accounts.source_name import is_database
from cmp_bundle.asterisk.installation import Named, find
from cmp_bundle.changes import memory as memories
from cmp_bundle.changes.engine import Engine, NoService
from cmp_bundle.changes.journal import NAME, Journal
from cmp_bundle.changes.memory import memory
from cmp_bundle.deploy.server import Server, engine_for
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.changes.step import Kinds, Step
    from cmp_bundle.cli.command import Run

#: What certs trust changes is no server; what was cut off there is remembered under this name.
_TRUST = "trust"

#: The settings that say which Asterisk it is, as flags.
FLAGS = ("asterisk.root", "asterisk.etc_dir", "asterisk.data_dir", "asterisk.url")


def look(run: Run) -> Installation | None:
    """The Asterisk that the settings name, or this machine's; None where there is none."""
    said = run.settings.asterisk
    return find(Named(said.root, said.etc_dir, said.data_dir, said.user, said.command))


def installation(run: Run) -> Installation:
    """Raises CmpBundleError where there is none."""
    found = look(run)
    if found is None:
        raise CmpBundleError(
            "no-asterisk",
            "no Asterisk was found on this machine",
            hint="name its folders: [asterisk] etc_dir and data_dir, or --asterisk-root",
        )
    run.reporter.detail(f"configuration: {found.etc_folder} ({found.etc.origin})")
    run.reporter.detail(f"static files:  {found.static} ({found.data.origin})")
    return found


def server(run: Run, where: Installation) -> Server:
    """Raises CmpBundleError where it cannot be told whether Asterisk runs and has to be reloaded."""
    if where.unanswered is not None:
        raise where.unanswered
    return Server(where, run.settings.asterisk.url)


def engine(run: Run, at: Server | None) -> Engine:
    """What changes the server; without one, what changes the operator's own files together.

    Raises CmpBundleError where there is no safe place to remember in what is done.
    """
    _finish_trusting(run)
    own = (run.settings.accounts.file.absolute().parent, run.settings.links.key.absolute())
    if at is not None:
        made = engine_for(at, Disk(), run.reporter, _kinds(run), own)
    else:
        folder = memory(str(own[0]), Disk())
        made = Engine(Journal(folder, own, _kinds(run)), Disk(), run.reporter, NoService())
    return replace(made, journal=replace(made.journal, more=lambda: _sources(run)))


def _sources(run: Run) -> tuple[Path, ...]:
    """The folders of files elsewhere that accounts have their passwords in."""
    from cmp_bundle.cli import people  # noqa: PLC0415 - it asks this module for the server

    try:
        book = people.read(run, allow_loose=True)
    except CmpBundleError:
        return ()
    names = {a.source for a in book.accounts if "/" in a.source and not is_database(a.source)}
    return tuple((book.path.parent / name).absolute().parent for name in sorted(names))


def trust_engine(run: Run) -> Engine:
    """What tells browsers and the system of an authority, and stops telling them."""
    return Engine(
        Journal(memory(_TRUST, Disk()), (), _kinds(run)), Disk(), run.reporter, NoService()
    )


def _finish_trusting(run: Run) -> None:
    """Whichever command it was that was cut off, the next one brings it to its end."""
    if (memories.folder(_TRUST) / NAME).exists():
        with trust_engine(run).alone():
            pass


def when_active(url: str | None, redirect: str) -> str:
    """Where the phone can be opened now, or when."""
    if url is None:
        return f"Asterisk is not running here: {redirect} will be active when it starts"
    return f"checked on the live server: {url}{redirect}"


def _kinds(run: Run) -> Kinds:
    """How the steps of other rooms are read from a journal, whichever command wrote it."""

    def rows(value: dict[str, Any]) -> Step:
        # SQLAlchemy takes a quarter of a second to import.
        from cmp_bundle.accounts.rows import Rows  # noqa: PLC0415
        from cmp_bundle.cli import people  # noqa: PLC0415 - it asks this module for the server

        return Rows.from_json(value, people.database_password(run))

    def told(value: dict[str, Any]) -> Step:
        from cmp_bundle.tls import trust  # noqa: PLC0415 - 40 ms, for what was cut off there alone
        from cmp_bundle.tls.desktop_user import desktop_user  # noqa: PLC0415

        stores = trust.stores(desktop_user())
        return trust.Telling.from_json(value, stores, lambda s: run.reporter.note(f"$ {s}"))

    return {"rows": rows, "trust": told}
