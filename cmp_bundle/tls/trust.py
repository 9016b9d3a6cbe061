"""Telling browsers and the system to believe the local authority, and to forget it again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import nss
from cmp_bundle.tls.person import is_root
from cmp_bundle.tls.steps import Step, carry_out
from cmp_bundle.tls.system_store import system_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cmp_bundle.files import Disk
    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.person import Person


class Store(Protocol):
    """A list of authorities that some programs believe."""

    @property
    def name(self) -> str:
        """Whose it is, for people."""

    @property
    def place(self) -> Path: ...

    @property
    def needs_root(self) -> bool: ...

    def trusts(self, anchor: Anchor) -> bool: ...

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]: ...

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]: ...


@dataclass(frozen=True)
class Change:
    """What has to be done to a store; ``possible`` is false where only root could.

    ``problem`` is why nobody can tell what to do, such as a database that is damaged.
    """

    store: Store
    steps: tuple[Step, ...]
    wanted: bool
    possible: bool
    problem: CmpBundleError | None = None


def stores(person: Person) -> tuple[Store, ...]:
    """All that could be told: the person's browsers, then the system."""
    system = system_store()
    return (*nss.stores(person), *((system,) if system else ()))


def remarks(person: Person) -> tuple[str, ...]:
    """What somebody may miss among the stores, and what to do about it."""
    return nss.remarks(person)


def to_trust(anchor: Anchor, among: Sequence[Store]) -> tuple[Change, ...]:
    """What makes each store believe ``anchor``."""
    return tuple(_change(s, s.to_trust, anchor, wanted=True) for s in among)


def to_untrust(anchor: Anchor, among: Sequence[Store]) -> tuple[Change, ...]:
    """What makes each store forget ``anchor``, however it came there, and nothing else."""
    return tuple(_change(s, s.to_untrust, anchor, wanted=False) for s in among)


def _change(
    store: Store, ask: Callable[[Anchor], tuple[Step, ...]], anchor: Anchor, *, wanted: bool
) -> Change:
    possible = is_root() or not store.needs_root
    try:
        return Change(store, ask(anchor), wanted, possible)
    except CmpBundleError as error:
        # One profile that is damaged is no reason to leave out all the others.
        return Change(store, (), wanted, possible, _of_store(store, error))


def _of_store(store: Store, error: CmpBundleError) -> CmpBundleError:
    return CmpBundleError(f"{store.name}: {error.message}", file=store.place, hint=error.hint)


def make(change: Change, anchor: Anchor, disk: Disk, before: Callable[[Step], None]) -> None:
    """Carry a change out, and look whether it worked; ``before`` hears of each step.

    Raises CmpBundleError after taking back what it did to this store.
    """
    if change.problem is not None:
        raise change.problem
    try:
        for step in change.steps:
            before(step)
            carry_out(step, disk)
        _look(change, anchor)
    except (CmpBundleError, KeyboardInterrupt) as error:
        if change.wanted:
            _take_back(change.store, anchor, disk)
        if not isinstance(error, CmpBundleError):
            raise
        raise _of_store(change.store, error) from error


def _look(change: Change, anchor: Anchor) -> None:
    if change.store.trusts(anchor) != change.wanted:
        raise CmpBundleError("every step went well, and yet it is as it was before")


def _take_back(store: Store, anchor: Anchor, disk: Disk) -> None:
    # What cannot be taken back either, for the same reason, is told by the first error.
    with suppress(CmpBundleError):
        for step in store.to_untrust(anchor):
            carry_out(step, disk)
