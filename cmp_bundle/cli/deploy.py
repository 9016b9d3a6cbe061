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
    click.option("--enable-https", is_flag=True, help="Turn on HTTPS; needs --cert and --key."),
    click.option("--cert", help="The certificate (PEM), with the path that Asterisk sees."),
    click.option("--key", help="Its private key (PEM), with the path that Asterisk sees."),
    click.option("--https-address", default="0.0.0.0:8089", help="The address and port for HTTPS."),
    click.option(
        PUBLIC, "public", is_flag=True, help="Confirm that the bundle was built with --plain."
    ),
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
    """Put the bundle on Asterisk's web server.

    BUNDLE is the folder that a build wrote, or an archive of it. By default it is the folder in the
    settings. Each changed file of Asterisk's own gets one line, at its end. If Asterisk is running,
    it is told to reload, and then the live server is checked. If it does not serve what was
    deployed, everything is put back.

    The bundle is searched for private keys first. If the account file is here, the bundle is also
    searched for the passwords in it. Links of removed accounts stop working with the deploy, and a
    rollback does not bring them back.
    """
    https = _https(enable_https=enable_https, cert=cert, key=key, address=https_address)
    done = deploy(context, bundle, https=https, public=public, dry_run=dry_run)
    if dry_run:
        return Result(changes.dry_run(done), done)
    text = (
        f"deployed release {done.release}"
        if done.changed
        else f"release {done.release} is already deployed; nothing was changed"
    )
    return Result(f"{text}\n{changes.active(done)}", done)


def _https(*, enable_https: bool, cert: str | None, key: str | None, address: str) -> Https | None:
    if not enable_https:
        if cert or key:
            raise CmpBundleError(
                "options-conflict",
                "--cert and --key need --enable-https",
                hint="add --enable-https, or leave out the other two",
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
            f"--https-address {address!r} is not a numeric address with a port",
            hint="write it like 0.0.0.0:8089, [::]:8089 or 192.0.2.7:443",
        )
    return Https(cert, key, address)
