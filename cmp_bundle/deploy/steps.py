"""A plan as a value: the steps in their order, and what the server has to answer after them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cmp_bundle.deploy.change import Change, State

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Reload:
    """A line for Asterisk's console, at this place between the changes."""

    line: str


@dataclass(frozen=True)
class Expected:
    """What the live server has to answer when it is done.

    ``redirect`` leads to ``page`` (path and query), or to nothing where ``page`` is None;
    ``files`` are the bytes behind each path; ``socket`` is the path of the WebSocket; ``echo``
    is the extension and context that the dialplan has to know, ``listener`` the ``address:port``
    of HTTPS by the configuration.
    """

    redirect: str
    page: str | None
    files: dict[str, bytes]
    socket: str
    echo: tuple[str, str] | None = None
    listener: str | None = None


@dataclass(frozen=True)
class Plan:
    """``then`` is thrown away once the rest is done and seen to work."""

    action: str
    release: str | None
    steps: tuple[Change | Reload, ...]
    then: tuple[Path, ...]
    expected: Expected
    notes: tuple[str, ...] = ()

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(s for s in self.steps if isinstance(s, Change))

    @property
    def reloads(self) -> tuple[str, ...]:
        return tuple(s.line for s in self.steps if isinstance(s, Reload))


@dataclass
class Steps:
    """Steps in the making: a change that changes nothing is no step."""

    steps: list[Change | Reload] = field(default_factory=list)

    def add(self, path: Path, before: State, after: State, included: str | None = None) -> None:
        if before != after:
            self.steps.append(Change(path, before, after, included))

    def reload(self, line: str) -> None:
        self.steps.append(Reload(line))

    def __bool__(self) -> bool:
        return bool(self.steps)
