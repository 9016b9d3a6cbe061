from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.bundle_checks import PUBLIC
from cmp_bundle.commands.bundling import build
from cmp_bundle.sizes import count, kilobytes

if TYPE_CHECKING:
    from cmp_bundle.commands.context import Context

_FLAGS = ("build.out", "build.pack", "build.pristine", "build.without", "site.redirect")

_PLAIN = click.option(
    "--plain",
    metavar="USER",
    help="Put this account into the page, with its password and the credentials of its TURN"
    " servers. Everybody can read them there.",
)


@make(
    options.OFFLINE,
    _PLAIN,
    click.option(PUBLIC, "public", is_flag=True, help="Confirm --plain."),
    flags=(*options.PHONE, *_FLAGS),
    accounts=True,
)
def command(context: Context, *, offline: bool, plain: str | None, public: bool) -> Result:
    """Make the bundle: the phone with its settings, packed.

    The phone is fetched first if it is not in the cache. The bundle is one folder with everything
    that a deploy needs. The same inputs give the same bytes.

    The bundle holds a sealed profile for each account in the account file. Only the account's link
    opens it. An account without a password gets one, in its file. If the build would publish a
    password, a private key or another secret, it stops and names the place. Files with names such
    as .env, certs, *.key and *.bak usually hold secrets: the build leaves them out.
    """
    built = build(context, offline=offline, plain=plain, public=public)
    for warning in built.warnings:
        context.reporter.found(warning)
    if built.exposed:
        context.reporter.warn(f"everybody who opens the page can read {'; '.join(built.exposed)}")
    about, before, now = built.manifest, built.before, built.manifest.visit
    same = "" if built.changed else ", the same as before"
    lines = [
        f"{built.out}: bundle {about.id} of {about.phone.source}{same}",
        f"a visit takes {kilobytes(now.bytes)} in {count(now.requests, 'request')}"
        f" (the original phone: {kilobytes(before.bytes)} in {count(before.requests, 'request')})",
    ]
    if about.profiles.count:
        accounts = count(about.profiles.count, "account")
        lines.append(f"it holds the sealed profiles of {accounts}; their links: cmp-bundle links")
    lines.append(f"people will open it at {about.redirect}; next: cmp-bundle deploy --dry-run")
    return Result("\n".join(lines), built)
