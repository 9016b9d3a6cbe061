"""A plan in words: for configuration the differences, for the rest a line each."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from cmp_bundle.changes.state import FileState, FolderState, State, SymlinkState, TreeState
from cmp_bundle.changes.step import Change, Reload

if TYPE_CHECKING:
    from cmp_bundle.deploy.plan import Planned


def describe(plan: Planned) -> str:
    """What carrying ``plan`` out would do, in the order in which it would be done."""
    if not plan:
        return "nothing would change"
    lines = [f"note: {note}" for note in plan.notes]
    for step in plan.steps:
        if isinstance(step, Change):
            lines += _change(step)
        elif isinstance(step, Reload):
            lines.append(f"reload   {step.line}")
    lines += [f"remove   {removal.path}" for removal in plan.cleanup]
    return "\n".join([*lines, "", "nothing was changed: this was a dry run"])


def _change(change: Change) -> list[str]:
    before, after = change.before, change.after
    if isinstance(after, FileState) and (
        change.path.suffix == ".conf" and (before is None or isinstance(before, FileState))
    ):
        return _difference(change, before)
    match after:
        case FolderState():
            return [f"folder   {change.path}"]
        case TreeState(files):
            return [f"folder   {change.path} ({len(files)} profiles)"]
        case SymlinkState(target):
            was = f" (now {before.target})" if isinstance(before, SymlinkState) else ""
            return [f"link     {change.path} -> {target}{was}"]
        case FileState(data):
            same = isinstance(before, FileState) and before.data == data
            what = "the time of its last change alone" if same else f"{len(data)} bytes"
            return [f"write    {change.path} ({what})"]
    return [f"remove   {change.path}"]


def _difference(change: Change, before: State) -> list[str]:
    old = before.data if isinstance(before, FileState) else b""
    new = change.after.data if isinstance(change.after, FileState) else b""
    came_from = str(change.path) if before is not None else "/dev/null"
    shown = difflib.unified_diff(
        _lines(old), _lines(new), came_from, str(change.path), lineterm="", n=1
    )
    return list(shown)


def _lines(data: bytes) -> list[str]:
    return data.decode(errors="replace").splitlines()
