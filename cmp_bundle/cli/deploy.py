from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from cryptography.exceptions import InvalidTag

from cmp_bundle.accounts.profile import content, lets_in_like, unseal
from cmp_bundle.asterisk.includes import Https
from cmp_bundle.asterisk.values import numeric_address
from cmp_bundle.bundle import manifest
from cmp_bundle.bundle.sealed import file_name
from cmp_bundle.cli import people, server
from cmp_bundle.cli.build import PUBLIC
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.cli.scan import scan
from cmp_bundle.cli.sizes import count
from cmp_bundle.deploy.describe import describe
from cmp_bundle.deploy.plan import to_deploy
from cmp_bundle.deploy.socket import without_pjsip
from cmp_bundle.deploy.survey import survey
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.deploy.plan import Planned
    from cmp_bundle.deploy.survey import Survey

_PATH = click.Path(path_type=Path)


@make(
    click.argument("bundle", type=_PATH, required=False),
    click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing."),
    click.option("--enable-https", is_flag=True, help="Turn on HTTPS with --cert and --key."),
    click.option("--cert", help="The certificate (PEM), as Asterisk sees its path."),
    click.option("--key", help="Its private key (PEM), as Asterisk sees its path."),
    click.option("--https-address", default="0.0.0.0:8089", help="Where HTTPS listens."),
    click.option(PUBLIC, "public", is_flag=True, help="Deploy a build with --plain, knowingly."),
    people.ALLOW_LOOSE,
    flags=("deploy.keep", *server.FLAGS, *people.FLAGS),
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
    public: bool,
    allow_loose: bool,
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
    made = manifest.read(bundle or run.settings.build.out)
    _refuse_plain(made, public=public)
    https = _https(enable_https=enable_https, cert=cert, key=key, address=https_address)
    where = server.installation(run)
    at = server.server(run, where)
    keep, echo = run.settings.deploy.keep, run.settings.echo

    def plan() -> tuple[Survey, Planned]:
        found = survey(
            where,
            made.manifest.site,
            wanted=made.files,
            dialplan=bool(echo.extension),
            new=https,
        )
        return found, to_deploy(made, found, keep=keep, https=https, echo=echo)

    if dry_run:
        _check(run, made, allow_loose=allow_loose)
        _, planned = plan()
        return Result(describe(planned), {"changed": False, **_data(planned)})
    engine = server.engine(run, at)
    with engine.alone():
        # What was cut off before may have changed what is read here.
        _check(run, made, allow_loose=allow_loose)
        found, planned = plan()
        for note in (*planned.notes, *_dying(made, found)):
            run.reporter.note(note)
        url = engine.carry_out(planned, lambda: at.look(planned.expected))
        closed = without_pjsip(where.control) if url else None
    if closed is not None:
        run.reporter.warn(f"{closed} ({closed.hint})")
    active = server.when_active(url, made.manifest.redirect)
    if not planned.steps:
        text = f"release {planned.release} is deployed already; nothing was changed\n{active}"
    else:
        text = f"deployed release {planned.release}\n{active}"
    return Result(text, {"changed": bool(planned.steps), "url": url, **_data(planned)})


def _refuse_plain(made: manifest.Bundle, *, public: bool) -> None:
    plain = made.manifest.plain
    if plain and not public:
        raise CmpBundleError(
            "plain-account",
            f"the bundle shows everybody who opens the page the password or HA1 of {plain}, and the"
            " credentials of its TURN servers, if it has any",
            hint=f"build it again without --plain; or insist: {PUBLIC}",
        )


def _check(run: Run, made: manifest.Bundle, *, allow_loose: bool) -> None:
    """Raises CmpBundleError where somebody's secret would get out, or somebody's phone back or dead."""
    if not people.read(run, allow_loose=allow_loose).accounts:
        scan(made, ())
        return
    everybody = people.everyone(run, allow_loose=allow_loose, plain=made.manifest.plain or None)
    scan(made, everybody.people.secrets)
    now = everybody.people.profiles
    over = [name for name in made.profiles if name not in now]
    if over:
        raise CmpBundleError(
            "bundle-outdated",
            f"the bundle holds {count(len(over), 'profile')} of accounts that were removed or have"
            " a new link since",
            hint="cmp-bundle build, then deploy again",
        )
    stale = _stale(made, everybody)
    if stale:
        shown = ", ".join(stale[:5]) + (", …" if len(stale) > 5 else "")  # noqa: PLR2004 - a line
        raise CmpBundleError(
            "bundle-outdated",
            f"the bundle holds what was the password of {shown}, and it is another one by"
            " now: their phones would be dead",
            hint="cmp-bundle build, then deploy again",
        )
    if now != made.profiles:
        run.reporter.warn(
            "the accounts have changed since the bundle was built: what is new in them comes with"
            " the next build"
        )


def _stale(made: manifest.Bundle, everybody: people.Everyone) -> list[str]:
    """The accounts whose phones the bundle would fill in with a password that is not theirs now."""
    stale = []
    for account in everybody.accounts:
        token = everybody.keyring.token(account.id)
        name = file_name(token.name)
        held = made.profiles.get(name)
        if held is None or held == everybody.people.profiles.get(name):
            continue
        try:
            before = unseal(held, token)
        except (InvalidTag, ValueError):
            before = {}
        if not lets_in_like(before, content(account)):
            stale.append(account.id)
    return stale


def _dying(made: manifest.Bundle, found: Survey) -> list[str]:
    """What people should hear whose links stop working now."""
    gone = found.profile_names - set(made.profiles)
    if not gone:
        return []
    return [f"{count(len(gone), 'link')} that worked until now will open nothing any more"]


def _data(plan: Planned) -> dict[str, object]:
    return {
        "release": plan.release,
        "changes": [str(c.path) for c in plan.changes],
        "reloads": plan.reloads,
        "removed": [str(removal.path) for removal in plan.cleanup],
        "page": plan.expected.page,
    }


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
