from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cmp_bundle.asterisk.includes import Https
from cmp_bundle.asterisk.values import numeric_address
from cmp_bundle.cli import changes, options
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.bundle_checks import PUBLIC
from cmp_bundle.commands.releasing import deploy
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.commands.context import Context


@make(
    click.argument("bundle", type=options.PATH, required=False),
    options.DRY_RUN,
    click.option("--enable-https", is_flag=True, help="Turn on HTTPS with --cert and --key."),
    click.option("--cert", help="The certificate (PEM), as Asterisk sees its path."),
    click.option("--key", help="Its private key (PEM), as Asterisk sees its path."),
    click.option("--https-address", default="0.0.0.0:8089", help="Where HTTPS listens."),
    click.option(PUBLIC, "public", is_flag=True, help="Deploy a build with --plain, knowingly."),
    flags=("deploy.keep", *options.SERVER),
    accounts=True,
)
def command(
    context: Context,
    *,
    bundle: Path | None,
    dry_run: bool,
    enable_https: bool,
    cert: str | None,
    key: str | None,
    https_address: str,
    public: bool,
) -> Result:
    """Put the bundle on Asterisk's web server, with its redirect.

    BUNDLE is the folder that a build wrote, or an archive of it; without it, the one that the
    settings name. Asterisk's own files get one line each, at their end. When the server runs,
    it is asked to reload and then looked at; if it does not serve what was deployed, everything
    is put back.

    Everything is looked through first for private keys, and where the file of accounts is, for
    their passwords. The links of accounts that were removed since the last build are dead from then
    on, whichever release is rolled back to.
    """
    https = _https(enable_https=enable_https, cert=cert, key=key, address=https_address)
    done = deploy(context, bundle, https=https, public=public, dry_run=dry_run)
    if dry_run:
        return Result(changes.dry_run(done), done)
    text = (
        f"deployed release {done.release}"
        if done.changed
        else f"release {done.release} is deployed already; nothing was changed"
    )
    return Result(f"{text}\n{changes.active(done)}", done)


def _https(*, enable_https: bool, cert: str | None, key: str | None, address: str) -> Https | None:
    if not enable_https:
        if cert or key:
            raise CmpBundleError(
                "options-conflict",
                "--cert and --key do nothing alone",
                hint="add --enable-https, or leave them out",
            )
        return None
    if not cert or not key:
        raise CmpBundleError(
            "options-conflict",
            "--enable-https needs a certificate and its key",
            hint="add --cert FILE --key FILE; both may be the same file",
        )
    listening = numeric_address(address)
    # Asterisk would make something of 8089 and of port 99999, and not what was meant.
    if listening is None or not listening.port or str(listening) != address:
        raise CmpBundleError(
            "option-value",
            f"--https-address {address!r} is no numeric address with a port",
            hint="as in 0.0.0.0:8089, [::]:8089, or 192.0.2.7:443",
        )
    return Https(cert, key, address)
