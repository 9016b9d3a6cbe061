"""Changes of a server as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cmp_bundle.changes.described import PathChange
    from cmp_bundle.commands.releasing import Release
    from cmp_bundle.commands.republish import Republished
    from cmp_bundle.commands.result import ServerChanges
    from cmp_bundle.findings import Finding


def dry_run(plan: ServerChanges) -> str:
    """What carrying it out would do."""
    if not plan.changed:
        return "nothing would change"
    lines: list[str] = []
    for change in plan.changes:
        lines += change.diff.split("\n") if change.diff else [_line(change)]
    lines += [f"{'restart' if 'restart' in line else 'reload':<8} {line}" for line in plan.reloads]
    return "\n".join([*lines, "", "nothing was changed: this was a dry run"])


def _line(change: PathChange) -> str:
    if change.after is None:
        return f"remove   {change.path}: {change.before}"
    if change.before is None:
        return f"make     {change.path}: {change.after}"
    was = "" if change.before == change.after else f" (now {change.before})"
    return f"change   {change.path}: {change.after}{was}"


def active(release: Release) -> str:
    """Where the phone can be opened now, or when."""
    if release.url is None:
        return f"Asterisk is not running here: {release.redirect} will be active when it starts"
    return f"checked on the live server: {release.url}{release.redirect}"


def looked_over(done: ServerChanges) -> list[str]:
    """What the doctor finds afterwards, on one line each."""
    if not done.findings:
        return []
    return [*found_here(done.findings), "what people see of it, and what to do: cmp-bundle doctor"]


def found_here(findings: Iterable[Finding]) -> list[str]:
    return [f"{one.code} {one.level}: {one.text}" for one in findings]


def republished(done: Republished) -> list[str]:
    """Where profiles that changed are by now, and what is left to be done."""
    if done.live:
        if done.url:
            return [f"live: {done.url}"]
        return ["Asterisk is not running here; the change takes effect when it starts"]
    if done.built:
        return ["nothing is deployed on this machine; next, on the server: cmp-bundle deploy"]
    return ["next: cmp-bundle build && cmp-bundle deploy"]
