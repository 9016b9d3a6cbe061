"""The use cases of a server: make it ready for browser phones, and take that back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cmp_bundle.changes.described import changed_paths
from cmp_bundle.commands import server
from cmp_bundle.commands.account_files import read
from cmp_bundle.commands.context import with_notes
from cmp_bundle.commands.https_listener import listener
from cmp_bundle.commands.result import ServerChanges
from cmp_bundle.errors import refuse
from cmp_bundle.provision.plan import to_provision, to_undo
from cmp_bundle.provision.survey import survey
from cmp_bundle.provision.wanted import Wanted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.commands.context import Context
    from cmp_bundle.provision.plan import Planned
    from cmp_bundle.server.server import Server


@dataclass(frozen=True, kw_only=True)
class Provisioned(ServerChanges):
    """``made`` are the ids of accounts whose endpoint was written, ``present`` those with an endpoint
    in cmp-bundle's file, ``removed`` those whose endpoint went. ``extensions`` has each account's
    number, ``url`` is where the live server lets phones in, None where none is running.
    """

    made: tuple[str, ...]
    present: tuple[str, ...]
    removed: tuple[str, ...]
    url: str | None = None


@with_notes
def provision(
    context: Context,
    users: Sequence[str] | None = None,
    *,
    update: bool = False,
    pair: tuple[Path, Path] | None = None,
    dry_run: bool = False,
) -> Provisioned:
    """Give Asterisk what browser phones need, wherever it is missing: endpoints, dialplan, HTTPS.

    ``users`` are the accounts that get an endpoint, all without it. ``update`` writes anew what is
    in cmp-bundle's own files. ``pair`` are a certificate and its key for HTTPS, PEM. Raises
    CmpBundleError; the server is then as it was.
    """
    file = read(context)
    if users is not None:
        refuse(file.unknown(users), "nothing was changed")

    def plan(where: Installation) -> Planned:
        found = survey(where)
        wanted = Wanted(
            everyone=file.accounts,
            settings=context.settings.provision,
            chosen=None if users is None else frozenset(users),
            update=update,
            listener=listener(context, found, pair, dry_run=dry_run),
        )
        return to_provision(wanted, found)

    return _carried_out(context, plan, dry_run=dry_run)


@with_notes
def undo_provision(context: Context, *, dry_run: bool = False) -> Provisioned:
    """Take away all that ``provision`` made. Raises CmpBundleError; the server is then as it was."""
    return _carried_out(context, lambda where: to_undo(survey(where)), dry_run=dry_run)


def _carried_out(
    context: Context, plan: Callable[[Installation], Planned], *, dry_run: bool
) -> Provisioned:
    where = server.installation(context)
    at = server.server(context, where)
    if dry_run:
        return _result(context, plan(where), dry_run=True)
    engine = server.engine(context, at)
    with engine.alone():
        # What was cut off before may have changed what is read here.
        planned = plan(where)
        done = _result(context, planned)
        url = engine.carry_out(planned, lambda: _verified(at, planned))
    return replace(done, url=url)


def _verified(at: Server, planned: Planned) -> str | None:
    if planned.listener is None:
        return None
    return at.phones(planned.listener, planned.prefix)


def _result(context: Context, planned: Planned, *, dry_run: bool = False) -> Provisioned:
    """What is planned, and its notes said."""
    for note in planned.notes:
        context.reporter.note(note)
    return Provisioned(
        changed=bool(planned),
        changes=changed_paths(planned.steps, planned.cleanup),
        reloads=planned.commands,
        dry_run=dry_run,
        made=planned.made,
        present=planned.present,
        removed=planned.removed,
    )
