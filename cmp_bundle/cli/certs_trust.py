"""The certs trust and certs untrust commands: who believes the authority, changed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.cli import server
from cmp_bundle.cli.authority import (
    FOLDER,
    about_of,
    anchor_of,
    folder_of,
    none_yet,
    now,
    tell_if_fresh,
)
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import trust
from cmp_bundle.tls.anchor import anchor_in
from cmp_bundle.tls.authority import ensure
from cmp_bundle.tls.desktop_user import DesktopUser, desktop_user
from cmp_bundle.tls.ours import to_be_trusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from cmp_bundle.changes.engine import Engine
    from cmp_bundle.tls.anchor import Anchor

_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show each step, and do none.")


@make(_DRY_RUN, FOLDER, name="trust")
def believe(run: Run, *, dry_run: bool, folder: Path | None) -> Result:
    """Tell the browsers here to believe the authority.

    These are Chromium and its relatives, each Firefox profile, and the system's own store, which
    takes root. With sudo, it is the browsers of whoever called sudo. Each step is shown before it
    is done; "cmp-bundle certs untrust" takes them back. Only an authority that cmp-bundle made on
    this machine is told of, with its bounds and its key beside it.
    """
    folder = folder_of(run, folder)
    if not dry_run and anchor_in(folder) is None:
        tell_if_fresh(run, ensure(folder, (), now(), Disk()))
    whose = _whose(run)
    with _alone(run, dry_run=dry_run) as engine:
        anchor = to_be_trusted(folder, whose)
        if anchor is None:
            raise none_yet(folder)
        anchor.check(now())
        changes = trust.to_trust(anchor, trust.stores(whose))
        return _carried_out(run, anchor, changes, engine)


@make(_DRY_RUN, FOLDER, name="untrust")
def forget(run: Run, *, dry_run: bool, folder: Path | None) -> Result:
    """Make the browsers here forget the authority.

    The authority itself stays in its folder, and can be trusted again.
    """
    whose = _whose(run)
    with _alone(run, dry_run=dry_run) as engine:
        anchor = anchor_of(folder_of(run, folder))
        changes = trust.to_untrust(anchor, trust.stores(whose))
        return _carried_out(run, anchor, changes, engine)


@contextmanager
def _alone(run: Run, *, dry_run: bool) -> Iterator[Engine | None]:
    """What makes the changes; None where none is to be made."""
    if dry_run:
        yield None
        return
    engine = server.trust_engine(run)
    with engine.alone():
        yield engine


def _whose(run: Run) -> DesktopUser:
    found = desktop_user()
    if found.behind_sudo:
        run.reporter.note(f"for {found.name}, who called sudo: the browsers below {found.home}")
    return found


def _carried_out(
    run: Run, anchor: Anchor, changes: Sequence[trust.StoreChange], engine: Engine | None
) -> Result:
    dry_run = engine is None
    lines: list[str] = []
    data: list[dict[str, Any]] = []
    failed: list[CmpBundleError] = []
    for change in changes:
        try:
            state, steps = _state_after(run, anchor, change, engine)
        except CmpBundleError as error:
            failed.append(error)
            continue
        lines.append(f"{change.store.name} ({change.store.place}): {state}")
        if not change.possible or dry_run:
            lines += [f"  {step}" for step in steps]
        about = {"store": change.store.name, "place": change.store.place}
        data.append(about | {"state": state, "steps": steps})
    if failed:
        # What was done all the same stays done, and is told.
        for line in lines:
            run.reporter.note(line)
        raise failed[0] if len(failed) == 1 else _all_of(failed)
    lines += trust.remarks(desktop_user())
    if not changes:
        lines.append("there is no browser's store here, and none of the system")
    changed = not dry_run and any(c.steps and c.possible for c in changes)
    if changed:
        lines.append("browsers that are running take notice when they are started again")
        if changes[0].wanted:
            lines.append("to take it back: cmp-bundle certs untrust")
    return Result(
        "\n".join(lines), {"authority": about_of(anchor), "stores": data, "changed": changed}
    )


def _state_after(
    run: Run, anchor: Anchor, change: trust.StoreChange, engine: Engine | None
) -> tuple[str, list[str]]:
    """What a store is like after its change, made where there is an engine; and the steps, as text.

    Raises CmpBundleError.
    """
    steps = [str(step) for step in change.steps]
    if not change.possible and steps:
        return "left out, for it takes root", [f"sudo {step}" for step in steps]
    if change.problem is None and not steps:
        return "believes it already" if change.wanted else "does not know it", []
    if engine is None and change.problem is None:
        return "to be done", steps
    if change.problem is not None or engine is None:
        raise change.problem or AssertionError("a dry run makes nothing")
    with engine.transaction("certs trust" if change.wanted else "certs untrust") as changes:
        changes.do([trust.Telling(change, anchor, lambda step: run.reporter.note(f"$ {step}"))])
    return "believes it now" if change.wanted else "has forgotten it", steps


def _all_of(failed: Sequence[CmpBundleError]) -> CmpBundleError:
    hints = dict.fromkeys(error.hint for error in failed if error.hint)
    return CmpBundleError(
        "trust-failed",
        f"{len(failed)} stores could not be changed: {'; '.join(map(str, failed))}",
        hint="\n       ".join(hints) or None,
    )
