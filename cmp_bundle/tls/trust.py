"""Telling browsers and the system to believe the local authority, and to forget it again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import nss
from cmp_bundle.tls.anchor import Anchor
from cmp_bundle.tls.desktop_user import is_root
from cmp_bundle.tls.pem import certificates_of
from cmp_bundle.tls.steps import Step, carry_out
from cmp_bundle.tls.system_store import system_store

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk
    from cmp_bundle.tls.desktop_user import DesktopUser


class Store(Protocol):
    """A list of authorities that some programs believe."""

    @property
    def name(self) -> str:
        """Whose it is, for people."""

    @property
    def path(self) -> Path: ...

    @property
    def needs_root(self) -> bool: ...

    def trusts(self, anchor: Anchor) -> bool: ...

    def to_trust(self, anchor: Anchor) -> tuple[Step, ...]: ...

    def to_untrust(self, anchor: Anchor) -> tuple[Step, ...]: ...


@dataclass(frozen=True)
class StoreChange:
    """What has to be done to a store; ``possible`` is false where only root could.

    ``problem`` is why nobody can tell what to do, such as a database that is damaged.
    """

    store: Store
    steps: tuple[Step, ...]
    wanted: bool
    possible: bool
    problem: CmpBundleError | None = None


def stores(person: DesktopUser) -> tuple[Store, ...]:
    """All that could be told: the person's browsers, then the system."""
    system = system_store()
    return (*nss.stores(person), *((system,) if system else ()))


def remarks(person: DesktopUser) -> tuple[str, ...]:
    """What somebody may miss among the stores, and what to do about it."""
    return nss.remarks(person)


def to_trust(anchor: Anchor, among: Sequence[Store]) -> tuple[StoreChange, ...]:
    """What makes each store believe ``anchor``."""
    return tuple(_change(s, s.to_trust, anchor, wanted=True) for s in among)


def to_untrust(anchor: Anchor, among: Sequence[Store]) -> tuple[StoreChange, ...]:
    """What makes each store forget ``anchor``, however it came there, and nothing else."""
    return tuple(_change(s, s.to_untrust, anchor, wanted=False) for s in among)


def _change(
    store: Store, ask: Callable[[Anchor], tuple[Step, ...]], anchor: Anchor, *, wanted: bool
) -> StoreChange:
    possible = is_root() or not store.needs_root
    try:
        return StoreChange(store, ask(anchor), wanted, possible)
    except CmpBundleError as error:
        # One profile that is damaged is no reason to leave out all the others.
        return StoreChange(store, (), wanted, possible, _of_store(store, error))


def _of_store(store: Store, error: CmpBundleError) -> CmpBundleError:
    return CmpBundleError(
        error.code, f"{store.name}: {error.message}", file=store.path, hint=error.hint
    )


def make(change: StoreChange, anchor: Anchor, disk: Disk, before: Callable[[Step], None]) -> None:
    """Carry a change out, and look whether it worked; ``before`` hears of each step.

    Raises CmpBundleError after taking back what it did to this store.
    """
    if change.problem is not None:
        raise change.problem
    try:
        for step in change.steps:
            before(step)
            disk.announce("tell", change.store.path)
            carry_out(step, disk)
        _look(change, anchor)
    except (CmpBundleError, KeyboardInterrupt) as error:
        if change.wanted:
            _take_back(change.store, anchor, disk)
        if not isinstance(error, CmpBundleError):
            raise
        raise _of_store(change.store, error) from error


@dataclass(frozen=True)
class Telling:
    """A step of the engine: one store is told, and ``before`` hears of each command before it runs."""

    change: StoreChange
    anchor: Anchor
    before: Callable[[Step], None]

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        store = self.change.store
        return {
            "kind": "trust",
            "store": store.name,
            "place": str(store.path),
            "wanted": self.change.wanted,
            "path": str(self.anchor.path),
            "pem": self.anchor.pem.decode(),
        }

    @classmethod
    def from_json(
        cls, value: dict[str, Any], among: Sequence[Store], before: Callable[[Step], None]
    ) -> Telling:
        """``among`` are the stores there are now. Raises CmpBundleError where it is gone."""
        path = Path(value["path"])
        anchor = Anchor(path, certificates_of(value["pem"].encode(), path)[0])
        for store in among:
            if (store.name, str(store.path)) == (value["store"], value["place"]):
                return cls(
                    StoreChange(store, (), bool(value["wanted"]), possible=True), anchor, before
                )
        raise CmpBundleError(
            "left-as-is",
            f"{value['store']} was being changed when a command was cut off, and is gone now",
            file=value["place"],
            hint="if it was removed on purpose, remove the journal",
        )

    def reach(self) -> None:
        if self.change.problem is not None:
            raise self.change.problem

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        make(self.change, self.anchor, disk, self.before)

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        store = self.change.store
        back = store.to_untrust if self.change.wanted else store.to_trust
        for step in back(self.anchor):
            disk.announce("untell", store.path)
            carry_out(step, disk)


def _look(change: StoreChange, anchor: Anchor) -> None:
    if change.store.trusts(anchor) != change.wanted:
        raise CmpBundleError("trust-failed", "every step worked, but nothing has changed")


def _take_back(store: Store, anchor: Anchor, disk: Disk) -> None:
    # What cannot be taken back either, for the same reason, is told by the first error.
    with suppress(CmpBundleError):
        for step in store.to_untrust(anchor):
            carry_out(step, disk)
