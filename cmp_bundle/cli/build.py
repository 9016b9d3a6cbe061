from __future__ import annotations

from dataclasses import asdict

import click

from cmp_bundle.accounts.profile import told_secrets
from cmp_bundle.bundle import dist
from cmp_bundle.bundle.build import People, build
from cmp_bundle.bundle.client import client
from cmp_bundle.checks.static_names import served_badly
from cmp_bundle.cli import fixes, people, source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.sizes import count, kilobytes
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk

_FLAGS = (
    *source.FLAGS,
    "build.out",
    "build.pack",
    "build.pristine",
    "build.without",
    "site.redirect",
    *people.FLAGS,
)


_PLAIN = click.option(
    "--plain",
    metavar="USER",
    help="Put this account into the page with its password and the credentials of its TURN servers,"
    " where everybody can read them.",
)

#: The one way around the last look for secrets, for the account that --plain names.
PUBLIC = "--i-know-this-is-public"


@make(
    source.OFFLINE,
    _PLAIN,
    click.option(PUBLIC, "public", is_flag=True, help="Say that --plain is meant."),
    people.ALLOW_LOOSE,
    flags=_FLAGS,
)
def command(
    run: Run, *, offline: bool, plain: str | None, public: bool, allow_loose: bool
) -> Result:
    """Make the bundle: the phone with its settings, packed.

    The phone is fetched first if it is not in the cache. The folder that is written holds all
    that a deploy needs; the same inputs give the same bytes.

    For each account of the file of accounts it holds a sealed profile, which its link alone
    opens. Accounts without a password get one, in their file. A build that would publish a
    password, a private key or another secret stops and names the place. Files of a phone's folder
    that hold such things by their names (.env, certs, *.key, *.bak) are left out.
    """
    _check_plain(run, plain, public=public)
    fixes.left_out(run)
    everybody = None
    if not run.settings.build.pristine:
        everybody = people.everyone(run, allow_loose=allow_loose, complete=True, plain=plain)
    phone = source.phone(run, offline=offline)
    built = build(phone, run.settings, client(), everybody.people if everybody else People())
    warnings = [*built.warnings, *served_badly(built)]
    for warning in warnings:
        run.reporter.found(warning)
    about = built.bundle.manifest
    out = run.settings.build.out
    fresh = dist.write(built.bundle, out, Disk())
    before, now = built.before, about.visit
    if everybody and everybody.people.plain is not None:
        shown = told_secrets(everybody.people.plain, everybody.accounts)
        shown = shown or [f"the account {about.plain}"]
        run.reporter.warn(f"everybody who opens the page can read {'; '.join(shown)}")
    lines = [
        f"{out}: bundle {about.id} of {phone.source}{'' if fresh else ', the same as before'}",
        f"a visit takes {kilobytes(now.bytes)} in {count(now.requests, 'request')}"
        f" (the phone as it came: {kilobytes(before.bytes)} in {count(before.requests, 'request')})",
        *_people(about.profiles.count),
        f"it will be {about.redirect} on the server; next: cmp-bundle deploy --dry-run",
    ]
    data = {
        "out": out,
        "changed": fresh,
        "manifest": asdict(about),
        "before": asdict(before),
        "warnings": [one.to_json() for one in warnings],
    }
    return Result("\n".join(lines), data)


def _people(number: int) -> list[str]:
    if not number:
        return []
    return [
        f"it has the sealed profiles of {count(number, 'account')}; their links: cmp-bundle links"
    ]


def _check_plain(run: Run, plain: str | None, *, public: bool) -> None:
    if plain is None:
        if public:
            raise CmpBundleError(
                "options-conflict",
                f"{PUBLIC} does nothing alone",
                hint="add --plain USER, or leave it out",
            )
        return
    if not public:
        raise CmpBundleError(
            "plain-account",
            f"--plain {plain} shows everybody who reaches the page the account, its password or HA1,"
            " and the credentials of its TURN servers, which other accounts may share",
            hint=f"give {plain} a link instead: cmp-bundle link {plain}; or insist: {PUBLIC}",
        )
    if run.settings.build.pristine:
        raise CmpBundleError(
            "options-conflict",
            "--plain has no place in a pristine phone, which is filled in with nothing",
            hint="leave out one of them",
        )
