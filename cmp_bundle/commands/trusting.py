"""The use cases of trust: tell the browsers of this machine of the authority, or take that back."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cmp_bundle.commands import server
from cmp_bundle.commands.authority import (
    AuthorityFacts,
    anchor_of,
    facts_of,
    folder_of,
    none_yet,
    now,
    tell_if_fresh,
)
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
    from cmp_bundle.commands.context import Context
    from cmp_bundle.tls.anchor import Anchor


@dataclass(frozen=True)
class StoreState:
    """``store`` is a trust store of a browser or the system, ``path`` where it is. ``steps`` are
    commands; ``done`` is whether they were carried out.
    """

    store: str
    path: str
    state: str
    steps: tuple[str, ...]
    done: bool

    def __str__(self) -> str:
        return f"{self.store} ({self.path}): {self.state}"


@dataclass(frozen=True)
class TrustChange:
    """The result for each store; in a dry run, what it would be. ``notes`` say what else to know."""

    authority: AuthorityFacts
    wanted: bool
    changed: bool
    dry_run: bool
    stores: tuple[StoreState, ...]
    notes: tuple[str, ...]


def trust_authority(
    context: Context, folder: Path | None = None, *, dry_run: bool = False
) -> TrustChange:
    """Tell the browsers here of the authority, which is made where there is none.

    Raises CmpBundleError where one of them could not be told; the others are told all the same.
    """
    folder = folder_of(context, folder)
    if not dry_run and anchor_in(folder) is None:
        tell_if_fresh(context, ensure(folder, (), now(), Disk()))
    user = _desktop_user(context)
    with _alone(context, dry_run=dry_run) as engine:
        anchor = to_be_trusted(folder, user)
        if anchor is None:
            raise none_yet(folder)
        anchor.check(now())
        changes = trust.to_trust(anchor, trust.stores(user))
        return _carried_out(context, anchor, changes, engine, wanted=True)


def untrust_authority(
    context: Context, folder: Path | None = None, *, dry_run: bool = False
) -> TrustChange:
    """Make the browsers here forget the authority. Raises CmpBundleError as above."""
    user = _desktop_user(context)
    with _alone(context, dry_run=dry_run) as engine:
        anchor = anchor_of(folder_of(context, folder))
        changes = trust.to_untrust(anchor, trust.stores(user))
        return _carried_out(context, anchor, changes, engine, wanted=False)


@contextmanager
def _alone(context: Context, *, dry_run: bool) -> Iterator[Engine | None]:
    """What makes the changes; None where none is to be made."""
    if dry_run:
        yield None
        return
    engine = server.trust_engine(context)
    with engine.alone():
        yield engine


def _desktop_user(context: Context) -> DesktopUser:
    found = desktop_user()
    if found.behind_sudo:
        context.reporter.note(f"for {found.name}, who called sudo: the browsers in {found.home}")
    return found


def _carried_out(
    context: Context,
    anchor: Anchor,
    changes: Sequence[trust.StoreChange],
    engine: Engine | None,
    *,
    wanted: bool,
) -> TrustChange:
    stores: list[StoreState] = []
    failed: list[CmpBundleError] = []
    for change in changes:
        try:
            stores.append(_state_after(context, anchor, change, engine))
        except CmpBundleError as error:
            failed.append(error)
    if failed:
        # What was done all the same stays done, and is told.
        for store in stores:
            context.reporter.note(str(store))
        raise failed[0] if len(failed) == 1 else _all_of(failed)
    return TrustChange(
        facts_of(anchor),
        wanted,
        any(change.steps and change.possible for change in changes),
        engine is None,
        tuple(stores),
        trust.remarks(desktop_user()),
    )


def _state_after(
    context: Context, anchor: Anchor, change: trust.StoreChange, engine: Engine | None
) -> StoreState:
    """What a store is like after its change, made where there is an engine. Raises CmpBundleError."""

    def state(text: str, steps: Sequence[str] = (), *, done: bool = False) -> StoreState:
        return StoreState(change.store.name, str(change.store.path), text, tuple(steps), done)

    steps = [str(step) for step in change.steps]
    if not change.possible and steps:
        return state("skipped: it needs root", [f"sudo {step}" for step in steps])
    if change.problem is None and not steps:
        return state("already trusts it" if change.wanted else "does not trust it")
    if engine is None and change.problem is None:
        return state("to be done", steps)
    if change.problem is not None or engine is None:
        raise change.problem or AssertionError("a dry run makes nothing")
    with engine.transaction("certs trust" if change.wanted else "certs untrust") as changes:
        changes.do([trust.Telling(change, anchor, lambda step: context.reporter.note(f"$ {step}"))])
    return state("trusts it now" if change.wanted else "no longer trusts it", steps, done=True)


def _all_of(failed: Sequence[CmpBundleError]) -> CmpBundleError:
    hints = dict.fromkeys(error.hint for error in failed if error.hint)
    return CmpBundleError(
        "trust-failed",
        f"{len(failed)} stores could not be changed: {'; '.join(map(str, failed))}",
        hint="\n       ".join(hints) or None,
    )
