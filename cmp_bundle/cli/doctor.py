from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.examining import doctor
from cmp_bundle.findings import Level
from cmp_bundle.sizes import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.examining import DoctorFinding, Examination


@make(
    click.option("--url", default="", help="Where people open the phone: https://pbx:8089/cmp2k."),
    click.option(
        "--account", "accounts", multiple=True, metavar="USER", help="Look at USER alone."
    ),
    click.option("--only", multiple=True, metavar="CODE", help="Look for this finding alone."),
    click.option("--skip", multiple=True, metavar="CODE", help="Leave this finding out."),
    click.option("--short", is_flag=True, help="Show only what is wrong, on one line each."),
    click.option("--strict", is_flag=True, help="Exit with 1 for warnings as well."),
    flags=options.SERVER,
    accounts=True,
)
def command(
    context: Context,
    *,
    url: str,
    accounts: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    short: bool,
    strict: bool,
) -> Result:
    """Find out what stands between a browser and Asterisk. Nothing is changed.

    Looks at the configuration, asks the running Asterisk, connects as a browser does, and
    registers and calls the echo as a phone does. Shows what is wrong in the order of the way: the
    first is the one to mend first. On a machine without Asterisk, --url is looked at from there.
    The exit code is 1 if there is an error.
    """
    found = doctor(context, url=url, accounts=accounts, only=only, skip=skip)
    wrong = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    failed = any(one.level in wrong for one in found.findings)
    lines = _short(found) if short else _whole(found)
    return Result("\n".join(lines), found, failed=failed)


def _whole(found: Examination) -> Iterator[str]:
    for one in found.findings:
        yield from _finding(one)
        yield ""
    yield from _left_out(found)
    yield _summary(found)


def _short(found: Examination) -> Iterator[str]:
    for one in found.findings:
        if one.level is not Level.NOTE:
            yield f"{one.code} {one.level}: {one.message}"
    yield _summary(found)


def _finding(one: DoctorFinding) -> Iterator[str]:
    place = f"{one.where.place}: " if one.where else ""
    yield f"{one.code} {one.level}: {place}{one.message}"
    if one.seen:
        yield f"  seen:        {one.seen}"
    yield f"  people see:  {one.user_sees}"
    if one.fix:
        yield f"  what to do:  {one.fix}"


def _left_out(found: Examination) -> Iterator[str]:
    by_cause: dict[str, list[str]] = {}
    for one in found.not_reached:
        by_cause.setdefault(one.because or "", []).append(one.code)
    for because, codes in by_cause.items():
        yield f"not reached, because of {because}: {' '.join(codes)}"
    by_reason: dict[str, list[str]] = {}
    for one in found.unknown:
        by_reason.setdefault(one.reason or "", []).append(one.code)
    for reason, codes in by_reason.items():
        yield f"not known from here, since {reason}: {' '.join(codes)}"


def _summary(found: Examination) -> str:
    counts = [
        count(sum(one.level is level for one in found.findings), level.value)
        for level in Level
        if any(one.level is level for one in found.findings)
    ]
    wrong = ", ".join(counts) if counts else "nothing is wrong"
    return f"{wrong}; {count(len(found.passed), 'check')} passed"
