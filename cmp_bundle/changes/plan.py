"""A plan as a value: what shall be done, in which order, and what is thrown away after it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cmp_bundle.changes.step import Change, Reload, Removal, Step

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.changes.state import State


@dataclass(frozen=True)
class Plan:
    """``action`` is what it is called in messages: deploy, rollback, …

    ``cleanup`` is carried out once the steps are done and what they shall do was seen to work.
    """

    action: str
    steps: tuple[Step, ...]
    cleanup: tuple[Removal, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(step for step in self.steps if isinstance(step, Change))

    @property
    def reloads(self) -> tuple[str, ...]:
        return tuple(step.line for step in self.steps if isinstance(step, Reload))

    def __bool__(self) -> bool:
        return bool(self.steps or self.cleanup)


@dataclass
class Steps:
    """Steps in the making: a change that changes nothing is no step."""

    steps: list[Step] = field(default_factory=list)

    def add(self, path: Path, before: State, after: State) -> None:
        if before != after:
            self.steps.append(Change(path, before, after))

    def edit(self, path: Path, before: State, after: State, included: str | None = None) -> None:
        """A file of the admin's."""
        if before != after:
            self.steps.append(Change(path, before, after, theirs=True, included=included))

    def reload(self, line: str) -> None:
        self.steps.append(Reload(line))

    def makes(self, path: Path) -> bool:
        return any(path in step.paths() for step in self.steps)

    @property
    def reloads(self) -> tuple[str, ...]:
        return tuple(step.line for step in self.steps if isinstance(step, Reload))

    def __len__(self) -> int:
        return len(self.steps)
