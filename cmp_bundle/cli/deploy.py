from __future__ import annotations

from pathlib import Path

import click

from cmp_bundle.asterisk.includes import Https
from cmp_bundle.bundle import manifest
from cmp_bundle.cli import server
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.deploy.describe import describe
from cmp_bundle.deploy.plan import Plan, to_deploy
from cmp_bundle.deploy.survey import survey
from cmp_bundle.errors import CmpBundleError

_PATH = click.Path(path_type=Path)


@make(
    click.argument("bundle", type=_PATH, required=False),
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    click.option("--enable-https", is_flag=True, help="Turn on HTTPS with --cert and --key."),
    click.option("--cert", help="The certificate (PEM), as Asterisk sees its path."),
    click.option("--key", help="Its private key (PEM), as Asterisk sees its path."),
    click.option("--https-address", default="0.0.0.0:8089", help="Where HTTPS listens."),
    flags=("deploy.keep", *server.FLAGS),
)
def command(
    run: Run,
    *,
    bundle: Path | None,
    dry_run: bool,
    enable_https: bool,
    cert: str | None,
    key: str | None,
    https_address: str,
) -> Result:
    """Put the bundle on Asterisk's web server, with its redirect.

    BUNDLE is the folder that a build wrote, or an archive of it; without it, the one that the
    settings name. Asterisk's own files get one line each, at their end. When the server runs,
    it is asked to reload and then looked at; if it does not serve what was deployed, everything
    is put back.
    """
    made = manifest.read(bundle or run.settings.build.out)
    https = _https(enable_https=enable_https, cert=cert, key=key, address=https_address)
    where = server.installation(run)
    work = server.executor(run, where)

    def plan() -> Plan:
        found = survey(where, made.manifest.site)
        keep, echo = run.settings.deploy.keep, run.settings.echo
        return to_deploy(made, found, keep=keep, https=https, echo=echo)

    if dry_run:
        planned = plan()
        return Result(describe(planned), {"changed": False, **_data(planned)})
    with server.at_work(run, work):
        planned = plan()
        for note in planned.notes:
            run.reporter.note(note)
        outcome = work.carry_out(planned)
    active = server.when_active(outcome, made.manifest.redirect)
    if not planned.steps:
        text = f"release {planned.release} is deployed already; nothing was changed\n{active}"
    else:
        text = f"deployed release {planned.release}\n{active}"
    return Result(text, {"changed": bool(planned.steps), "url": outcome.url, **_data(planned)})


def _data(plan: Plan) -> dict[str, object]:
    return {
        "release": plan.release,
        "changes": [str(c.path) for c in plan.changes],
        "reloads": plan.reloads,
        "removed": [str(p) for p in plan.then],
        "page": plan.expected.page,
    }


def _https(*, enable_https: bool, cert: str | None, key: str | None, address: str) -> Https | None:
    if not enable_https:
        if cert or key:
            raise CmpBundleError(
                "--cert and --key do nothing alone", hint="add --enable-https, or leave them out"
            )
        return None
    if not cert or not key:
        raise CmpBundleError(
            "--enable-https needs a certificate and its key",
            hint="add --cert FILE --key FILE; both may be the same file",
        )
    return Https(cert, key, address)
