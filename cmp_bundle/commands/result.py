"""What use cases give back, and how it is written down as JSON."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cmp_bundle.findings import Finding

if TYPE_CHECKING:
    from cmp_bundle.changes.described import PathChange


@dataclass(frozen=True, kw_only=True)
class ServerChanges:
    """What a command changed on a server; in a dry run, what it would change.

    ``reloads`` are commands for Asterisk's console, ``notes`` are sentences worth reading. ``findings``
    are the errors and warnings that the doctor finds on the server afterwards; where none is running, what is
    known to keep browsers out.
    """

    changed: bool
    changes: tuple[PathChange, ...] = ()
    reloads: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    dry_run: bool = False


def as_data(value: Any) -> Any:
    """``value`` in the types of JSON: a dataclass becomes an object of its fields."""
    if isinstance(value, Finding):
        return value.to_json()
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: as_data(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): as_data(one) for name, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [as_data(one) for one in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value) if isinstance(value, Path) else value
