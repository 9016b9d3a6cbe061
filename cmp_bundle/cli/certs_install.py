from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.given_certificate import named, renewed
from cmp_bundle.commands.installed_certificate import install_certificate
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.installed_certificate import InstalledCertificate


@make(
    *options.CERTIFICATE,
    options.DRY_RUN,
    flags=options.SERVER,
    name="install",
)
def install(
    context: Context, *, cert: Path | None, key: Path | None, certbot: str | None, dry_run: bool
) -> Result:
    """Give Asterisk's HTTPS a new certificate, and check that it shows it.

    This is for HTTPS that "cmp-bundle provision" has set up. Certificate and key are tested first.
    Then they are put in the place of the old ones, in one step, and Asterisk is told to reload.
    Calls and open phones stay. If the live server does not show the new certificate, everything is
    put back.

    To run this at every renewal: "cmp-bundle certs hook". When certbot calls it, no option is
    needed.
    """
    pair = named(cert, key, certbot) or renewed()
    if pair is None:
        raise CmpBundleError(
            "options-conflict",
            "nothing says which certificate",
            hint="name it: --cert FILE --key FILE, or --certbot NAME",
        )
    done = install_certificate(context, pair, dry_run=dry_run)
    return Result(changes.dry_run(done) if dry_run else "\n".join(_lines(done)), done)


def _lines(done: InstalledCertificate) -> list[str]:
    first = f"{', '.join(done.names)}: valid until {done.not_after.partition('T')[0]}"
    lines = [f"{first}, signed by {done.signed_by}"]
    if not done.changed:
        lines.append("it was there already; nothing was changed")
    if done.url is None:
        return [*lines, "Asterisk is not running here: this takes effect when it starts"]
    return [*lines, f"checked on the live server: {done.url} shows it"]
