from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.certs_install import hook, install, renew
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.command import group
from cmp_bundle.cli.output import Result
from cmp_bundle.commands.authority import DEVICES, export_authority, show_authority
from cmp_bundle.commands.certificates import issue_certificate, show_certificates
from cmp_bundle.commands.trusting import trust_authority, untrust_authority
from cmp_bundle.shell import word
from cmp_bundle.tls.bounds import PRIVATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.commands.authority import ShownAuthority
    from cmp_bundle.commands.certificates import Certificates, ShownCertificate
    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.trusting import TrustChange

_EACH_STEP = click.option("--dry-run", is_flag=True, help="Show each step, and do nothing.")


@make(
    click.argument("hosts", nargs=-1, required=True, metavar="HOST..."),
    click.option("--out", type=options.PATH, help="The file for the certificate and its key."),
    click.option("--force", is_flag=True, help="Replace an existing file."),
    options.FOLDER,
    name="issue",
)
def issue(
    context: Context,
    *,
    hosts: tuple[str, ...],
    out: Path | None,
    force: bool,
    folder: Path | None,
) -> Result:
    """Make a certificate for the hosts named.

    HOST is a name (pbx.example.com, *.example.com) or an address (192.0.2.7, 2001:db8::7). The
    local certificate authority signs it, and is made first if there is none. One file holds the
    certificate and its key: give it to Asterisk for both.
    """
    issued = issue_certificate(context, hosts, out=out, force=force, folder=folder)
    whole = issued.file.resolve()
    until = _day(issued.not_after)
    lines = [
        f"{issued.file}: certificate and key for",
        *(f"  {host}" for host in issued.hosts),
        f"valid until {until}; anybody who can read this file can pose as these hosts",
        f"for Asterisk: cmp-bundle provision --cert {word(whole)} --key {word(whole)}",
    ]
    if not issued.trusted_by:
        lines.append("no browser here trusts it yet; next: cmp-bundle certs trust")
    return Result("\n".join(lines), issued)


@make(click.argument("file", type=options.PATH, required=False), options.FOLDER, name="show")
def show(context: Context, *, file: Path | None, folder: Path | None) -> Result:
    """Show which hosts certificates are for, and which browsers trust them.

    FILE is any certificate in PEM. Without it, all certificates in the folder are shown, the
    certificate authority first.
    """
    certificates = show_certificates(context, file, folder)
    found: dict[str, list[str]] = {
        str(one.file): _certificate(one, certificates) for one in certificates.certificates
    }
    found |= {str(one.file): [f"  {one.message}"] for one in certificates.unreadable}
    # The authority first, which is shown whatever it is called.
    paths = sorted(found, key=lambda path: (path != str(certificates.authority), path))
    return Result("\n".join(line for path in paths for line in (path, *found[path])), certificates)


@make(_EACH_STEP, options.FOLDER, name="trust")
def trust(context: Context, *, dry_run: bool, folder: Path | None) -> Result:
    """Make the browsers on this machine trust the local certificate authority.

    These are Chromium and its relatives, each Firefox profile, and the system's own trust store,
    which needs root. With sudo, it changes the browsers of the user who called sudo. Each step is
    shown before it is done. To undo it: "cmp-bundle certs untrust". The authority must have been
    made by cmp-bundle on this machine, with its limits, and its key must be beside it.
    """
    return _changed(trust_authority(context, folder, dry_run=dry_run))


@make(_EACH_STEP, options.FOLDER, name="untrust")
def untrust(context: Context, *, dry_run: bool, folder: Path | None) -> Result:
    """Make the browsers on this machine stop trusting the certificate authority.

    The authority itself stays in its folder, and can be trusted again.
    """
    return _changed(untrust_authority(context, folder, dry_run=dry_run))


def _changed(done: TrustChange) -> Result:
    lines = []
    for store in done.stores:
        lines.append(str(store))
        if not store.done:
            lines += [f"  {step}" for step in store.steps]
    lines += done.notes
    if not done.stores:
        lines.append("no trust store was found, neither a browser's nor the system's")
    if done.changed and not done.dry_run:
        lines.append("restart the browsers that are running")
        if done.wanted:
            lines.append("to undo this: cmp-bundle certs untrust")
    return Result("\n".join(lines), done)


@make(
    click.option("--export", metavar="FILE|-", help="Write its certificate, without the key."),
    click.option(
        "--allow",
        multiple=True,
        metavar="HOST",
        help="Let a new authority also sign for this host.",
    ),
    click.option("--new", is_flag=True, help="Replace the authority with a new one."),
    click.option("--force", is_flag=True, help="With --export, replace an existing file."),
    options.FOLDER,
    name="ca",
)
def authority(
    context: Context,
    *,
    export: str | None,
    allow: tuple[str, ...],
    new: bool,
    force: bool,
    folder: Path | None,
) -> Result:
    """Show the certificate authority, export its certificate, or make a new one.

    To make browsers on other devices trust the authority, add the file from --export there. The
    authority can sign only for private names and addresses (*.local, *.lan, 192.168.0.0/16, ...),
    for this machine's names, and for the hosts in --allow. Browsers enforce these limits. With
    --allow, a domain (example.com) includes every name below it; a name without a dot (dev) and an
    address (203.0.113.7) include only themselves.
    """
    if export is None or new or allow:
        found = show_authority(context, folder, allow=allow, new=new)
    if export is None:
        return Result("\n".join(_authority(found)), found)
    exported = export_authority(
        context, None if export == "-" else Path(export), folder, force=force
    )
    text = exported.pem or (
        f"{export}: the certificate of {exported.name}, without its key\n"
        "a browser or phone that it is added to trusts every certificate that it signs\n"
        f"the steps on each device: {DEVICES}"
    )
    return Result(text, exported)


command = group(
    """Create certificates, and make browsers trust them.

    A local certificate authority signs them. It is made when it is first needed, in the folder
    certs. Its key stays there and never goes to a server.
    """,
    issue,
    show,
    trust,
    untrust,
    authority,
    install,
    renew,
    hook,
)


def _authority(about: ShownAuthority) -> list[str]:
    private = []
    if set(PRIVATE) <= set(about.domains or ()):
        private.append(f"  private      {', '.join(PRIVATE)} and all below")
    return [
        f"{about.file}: {about.name}",
        "  for          a certificate authority",
        f"  valid        {_period(about.not_before, about.not_after)}",
        f"  signed by    {about.signed_by}",
        f"  sha-256      {about.sha256}",
        f"  signs for    {about.vouches_for}",
        *private,
        f"  trusted by   {_trusted_by(about.trusted_by, about.problems)}",
        "for other machines: cmp-bundle certs ca --export FILE",
    ]


def _certificate(one: ShownCertificate, among: Certificates) -> list[str]:
    names = one.problem or ", ".join(one.names)
    lines = [
        f"  for          {'a certificate authority' if one.authority else names}",
        f"  valid        {_period(one.not_before, one.not_after)}",
        f"  signed by    {one.signed_by}",
        f"  sha-256      {one.sha256}",
    ]
    if one.trusted_by is not None:
        lines.append(f"  trusted by   {_trusted_by(one.trusted_by, one.trust_problems)}")
    elif among.authority is not None:
        lines.append(f"  trusted by   not known: {among.authority} did not sign it")
    return lines


def _period(begin: str, end: str) -> str:
    days = (dt.datetime.fromisoformat(end) - dt.datetime.now(dt.UTC)).days
    left = f"{days} days left" if days >= 0 else "expired"
    return f"{_day(begin)} to {_day(end)}, {left}"


def _day(moment: str) -> str:
    return moment.partition("T")[0]


def _trusted_by(trusted_by: Sequence[str], problems: Sequence[str]) -> str:
    return ", ".join([*trusted_by, *problems]) or "no browser here; next: cmp-bundle certs trust"
