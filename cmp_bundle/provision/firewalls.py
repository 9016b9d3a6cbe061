"""The firewalls of this machine: which there are, what of ours is in them, opening and closing one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.changes.described import PathChange
from cmp_bundle.changes.state import typed
from cmp_bundle.changes.step import LeftError
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Boundary, FileOwnership
from cmp_bundle.provision import firewalld, nftables, system_program, ufw
from cmp_bundle.provision.firewall import NAME, Firewall, Ports, Range

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from cmp_bundle.changes.step import Service
    from cmp_bundle.files import Disk

#: By its kind, how each is looked at. The first that is at work is the one that decides: firewalld and
#: ufw make rules of nftables.
_KINDS: dict[str, Callable[[], Firewall | None]] = {
    "firewalld": firewalld.look,
    "ufw": ufw.look,
    "nftables": nftables.look,
}

#: What nftables has at the next boot: Debian's, and Red Hat's.
_NFTABLES_CONF = (Path("/etc/nftables.conf"), Path("/etc/sysconfig/nftables.conf"))


def look() -> tuple[Firewall, ...]:
    """The one that is at work, and those that are not and have something of ours."""
    found = [one for one in (look_at() for look_at in _KINDS.values()) if one is not None]
    decides = at_work(found)
    return tuple(one for one in found if one is decides or one.opened is not None)


def at_work(found: Collection[Firewall]) -> Firewall | None:
    """The one of ``found`` that phones have to pass."""
    return next((one for one in found if one.active), None)


def remains(found: Collection[Firewall]) -> Iterator[str]:
    """Sentences on what is ours in files of a firewall that is not among ``found``, or that is not to
    be changed.
    """
    kinds = {one.kind for one in found}
    for kind in _KINDS:
        path = _left_by(kind)
        if path and kind not in kinds:
            yield (
                f"{path} is there, and {kind} cannot be asked: if it comes back, look whether it"
                f" still lets in what {NAME} names, and remove that"
            )
    for path in _NFTABLES_CONF:
        if NAME in _read(path):
            yield f"{path} names {NAME}: remove those lines, or they open ports at the next boot"


def _left_by(kind: str) -> Path | None:
    """The file of ours that a firewall of this ``kind`` reads when it starts, if it is there."""
    path = {"firewalld": firewalld.SERVICE, "ufw": ufw.APPLICATION}.get(kind)
    return path if path and _read(path) else None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


@dataclass(frozen=True)
class FirewallChange:
    """A step: the firewall of this ``kind`` lets in ``before`` by our name, and shall let in ``after``;
    None for nothing of ours. ``off`` is whether it was not at work when it was looked at.
    """

    kind: str
    before: Ports | None
    after: Ports | None
    off: bool = False

    def paths(self) -> tuple[Path, ...]:
        return ()

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": "firewall",
            "firewall": self.kind,
            "before": _words(self.before),
            "after": _words(self.after),
            "off": self.off,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FirewallChange:
        kind = typed(value["firewall"], str)
        if kind not in _KINDS:
            raise ValueError(kind)
        before, after = _parsed(value["before"]), _parsed(value["after"])
        return cls(kind, before, after, typed(value["off"], bool))

    def described(self) -> PathChange:
        before = None if self.before is None else f"open for {self.before}"
        after = "closed" if self.after is None else f"open for {self.after}"
        off = ", which is off" if self.off else ""
        return PathChange(f"firewall ({self.kind}{off})", before, after)

    def carry_out(self, disk: Disk, service: Service) -> None:
        del service
        disk.announce("firewall", Path(self.kind))
        found = self._found()
        if self.after is None or found is None or not found.lets_in(self.after):
            self._make(disk, found, self.after)

    def undo(self, disk: Disk, service: Service) -> None:
        del service
        disk.announce("firewall", Path(self.kind))
        found = self._found()
        # What was cut off in the midst is open at some places by then.
        if (found.opened if found else None) == self.before and (not found or found.everywhere):
            return
        try:
            self._make(disk, found, self.before)
        except CmpBundleError as error:
            if self.before is None:
                raise
            # Whoever is kept out notices, and another try would find the same.
            raise LeftError("firewall", error.message, hint=error.hint) from error

    def reach(self) -> None:
        pass

    def _found(self, failed: str = "") -> Firewall | None:
        """Raises CmpBundleError where something of ours is there, or may be after a command
        ``failed``, and nobody can tell what.
        """
        found = _KINDS[self.kind]()
        path = _left_by(self.kind)
        if found is None and (path or failed):
            raise CmpBundleError(
                "firewall",
                f"{self.kind} cannot be asked what it lets in{failed}",
                hint=f"look there for what is named {NAME}{f', and at {path}' if path else ''}",
            )
        return found

    def _make(self, disk: Disk, found: Firewall | None, wanted: Ports | None) -> None:
        """Raises CmpBundleError where it is not so afterwards, whatever the commands said."""
        here = disk.within(Boundary())
        if self.kind == "ufw":
            here.remove_partial(ufw.APPLICATION)
        if found and found.opened is not None:
            failed = _run(found.closing())
            found = self._found(failed)
            if self.kind == "ufw" and found and found.opened == Ports():
                here.remove(ufw.APPLICATION)
                found = self._found()
            if found and found.opened is not None:
                raise CmpBundleError(
                    "firewall",
                    f"{found}{'' if found.active else ','} cannot be closed for {found.opened}{failed}",
                    hint=f"take away there what is named {NAME}, then run this again",
                )
        if wanted is None:
            return
        hint = "open the ports yourself; without --firewall, cmp-bundle leaves it alone"
        text = f"{self.kind} cannot be opened for {wanted}"
        if found is None or not found.active:
            raise CmpBundleError("firewall", f"{text}: it is not at work", hint=hint)
        if self.kind == "ufw":
            here.write(ufw.APPLICATION, ufw.application(wanted), FileOwnership(0, 0, 0o644))
        failed = _run(found.opening(wanted))
        found = self._found(failed)
        if found is None or not found.lets_in(wanted):
            raise CmpBundleError("firewall", f"{text}{failed}", hint=hint)


def _run(commands: tuple[tuple[str, ...], ...]) -> str:
    """A clause on the first that failed, if any."""
    failed = [one for one in commands if system_program.answer(*one) is None]
    return f": {' '.join(failed[0])} failed" if failed else ""


def _words(ports: Ports | None) -> list[str] | None:
    return None if ports is None else [str(one) for one in sorted(ports.ranges)]


def _parsed(words: Any) -> Ports | None:
    if words is None:
        return None
    return Ports.of(Range.parsed(typed(one, str)) for one in typed(words, list))
