from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.explained import explanation
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.examination import short as shortly
from cmp_bundle.commands.examination import whole
from cmp_bundle.commands.examining import doctor, kind_of
from cmp_bundle.findings import Level

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@make(
    click.option("--url", default="", help="Where people open the phone: https://pbx:8089/cmp2k."),
    click.option(
        "--account", "accounts", multiple=True, metavar="USER", help="Look at USER alone."
    ),
    click.option("--only", multiple=True, metavar="CODE", help="Look for this finding alone."),
    click.option("--skip", multiple=True, metavar="CODE", help="Leave this finding out."),
    click.option("--explain", metavar="CODE", help="Say what is known of a finding, and stop."),
    click.option("--short", is_flag=True, help="Show only what is wrong, on one line each."),
    click.option(
        "--all",
        "everything",
        is_flag=True,
        help="Show notes too, and the reason for everything that is not known.",
    ),
    click.option("--strict", is_flag=True, help="Exit with 1 for warnings as well."),
    click.option(
        "--wait", default="0s", metavar="TIME", help="Look again until nothing is wrong: 60s, 2m."
    ),
    click.option(
        "--prometheus",
        type=options.PATH,
        metavar="FILE",
        help="Write metrics for node_exporter's textfile collector.",
    ),
    click.option(
        "--report",
        type=options.PATH,
        metavar="FILE",
        help="Write a file to paste into a forum: no secrets are in it.",
    ),
    click.option(
        "--no-addresses", is_flag=True, help="With --report: leave addresses out as well."
    ),
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
    everything: bool,
    strict: bool,
    wait: str,
    prometheus: Path | None,
    report: Path | None,
    no_addresses: bool,
    explain: str | None,
) -> Result:
    """Find out what stands between a browser and Asterisk. Nothing is changed.

    Looks at the configuration, asks the running Asterisk, connects as a browser does, and
    registers and calls the echo as a phone does. Shows what is wrong in the order of the way: the
    first is the one to mend first. On a machine without Asterisk, --url is looked at from there.
    The exit code is 1 if there is an error.
    """
    if explain:
        kind = kind_of(explain)
        return Result(explanation(kind), kind)
    found = doctor(
        context,
        url=url,
        accounts=accounts,
        only=only,
        skip=skip,
        wait=_seconds(wait),
        prometheus=prometheus,
        report=report,
        addresses=not no_addresses,
    )
    wrong = {Level.ERROR, Level.WARNING} if strict else {Level.ERROR}
    failed = any(one.level in wrong for one in found.findings)
    return Result(
        shortly(found) if short else whole(found, everything=everything), found, failed=failed
    )


def _seconds(time: str) -> float:
    """Of 90, 90s or 2m. Raises click.BadParameter."""
    found = re.fullmatch(r"(\d{1,5})(s|m)?", time)
    if found is None:
        raise click.BadParameter(f"{time!r} is no time: write 60s or 2m", param_hint="--wait")
    return int(found[1]) * (60.0 if found[2] == "m" else 1.0)
