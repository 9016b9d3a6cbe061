from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.cli.authority import (
    FOLDER,
    about_of,
    anchor_of,
    believers_of,
    folder_of,
    now,
    said_of,
    tell_if_fresh,
)
from cmp_bundle.cli.certs_trust import believe, forget
from cmp_bundle.cli.command import Run, group
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import leaf as leaves
from cmp_bundle.tls import store
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, ensure, renew
from cmp_bundle.tls.bounds import PRIVATE, PRIVATE_NETWORKS
from cmp_bundle.tls.desktop_user import desktop_user
from cmp_bundle.tls.facts import facts
from cmp_bundle.tls.hosts import hosts as parsed
from cmp_bundle.tls.ours import to_be_trusted
from cmp_bundle.tls.pem import certificates_in, is_there
from cmp_bundle.tls.rights import as_owner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.hosts import Host

_PATH = click.Path(path_type=Path)


@make(
    click.argument("hosts", nargs=-1, required=True, metavar="HOST..."),
    click.option("--out", type=_PATH, help="The file for certificate and key."),
    click.option("--force", is_flag=True, help="Replace a file that is there already."),
    FOLDER,
    name="issue",
)
def issue(
    run: Run, *, hosts: tuple[str, ...], out: Path | None, force: bool, folder: Path | None
) -> Result:
    """Make a certificate for the hosts named.

    HOST is a name (pbx.example.com, *.example.com) or an address (192.0.2.7, 2001:db8::7).
    The local authority signs it; that one is made if there is none yet. Certificate and key come
    in one file, which Asterisk takes for both.
    """
    wanted, disk = parsed(hosts), Disk()
    folder = folder_of(run, folder)
    authority = ensure(folder, wanted, now(), disk)
    tell_if_fresh(run, authority)
    made = leaves.issue(authority, wanted, now())
    path = out or folder / f"{str(wanted[0]).replace('*', '_wildcard').replace(':', '_')}.pem"
    store.save(made, path, disk, force=force)
    believers, _ = believers_of(authority.anchor)
    whole = path.resolve()
    lines = [
        f"{path}: certificate and key for",
        *(f"  {host}" for host in wanted),
        f"valid until {made.not_after:%Y-%m-%d}; whoever can read this file can pose as them",
        f"for Asterisk: cmp-bundle deploy --enable-https --cert {whole} --key {whole}",
    ]
    if not believers:
        lines.append("no browser here believes it yet; next: cmp-bundle certs trust")
    data = {
        **_data(made.certificate),
        "file": path,
        "authority": about_of(authority.anchor) | {"fresh": authority.fresh},
        "trusted_by": believers,
    }
    return Result("\n".join(lines), data)


@make(click.argument("file", type=_PATH, required=False), FOLDER, name="show")
def show(run: Run, *, file: Path | None, folder: Path | None) -> Result:
    """Show whom certificates are for, and who believes them.

    FILE is any certificate in PEM; without it, all in the folder are shown, the authority first.
    """
    folder = folder_of(run, folder)
    anchor = anchor_in(folder)
    believers, problems = believers_of(anchor) if anchor else ([], [])
    lines, data = [], []
    for path in [file] if file else [anchor_of(folder).path, *_leaves(folder)]:
        lines.append(f"{path}")
        try:
            certificate = certificates_in(path)[0]
        except CmpBundleError as error:
            if file is not None:
                raise
            lines.append(f"  {error.message}")
            continue
        ours = anchor is not None and anchor.signed(certificate)
        lines += _described(certificate)
        if ours:
            lines.append(f"  believed by  {said_of(believers, problems)}")
        elif anchor is not None:
            lines.append(f"  believed by  not told here: {anchor.path} did not sign it")
        data.append({"file": path, **_data(certificate), "trusted_by": believers if ours else None})
    return Result("\n".join(lines), {"folder": folder, "certificates": data})


@make(
    click.option("--export", metavar="FILE|-", help="Write its certificate, without the key."),
    click.option("--allow", multiple=True, metavar="HOST", help="What a new one may vouch for."),
    click.option("--new", is_flag=True, help="Make a new one in place of the one there."),
    click.option("--force", is_flag=True, help="Replace the exported file if it is there."),
    FOLDER,
    name="ca",
)
def authority_itself(
    run: Run,
    *,
    export: str | None,
    allow: tuple[str, ...],
    new: bool,
    force: bool,
    folder: Path | None,
) -> Result:
    """Show the authority, hand out its certificate, or make a new one.

    Other people's browsers and phones can be told to believe it: give them what --export writes.
    An authority may vouch for names and addresses that nobody owns (*.local, *.lan, 192.168.0.0/16,
    ...), for this machine's names, and for what was named when it was made; browsers hold it to
    that. With --allow, a domain (example.com) stands for all below it too, a name without a dot
    (dev) for itself alone, and an address (203.0.113.7) for itself.
    """
    folder = folder_of(run, folder)
    if new or (allow and anchor_in(folder) is None):
        anchor = _new(run, folder, allow)
    else:
        anchor = anchor_of(folder)
        _all_allowed(anchor, allow)
    if export is not None:
        return _export(anchor, export, force=force)
    believers, problems = believers_of(anchor)
    private = []
    if set(PRIVATE) <= set(anchor.bounds.domains or ()):
        private.append(f"  private      {', '.join(PRIVATE)} and all below")
    lines = [
        f"{anchor.path}: {anchor.name}",
        *_described(anchor.certificate),
        f"  vouches for  {anchor.bounds}",
        *private,
        f"  believed by  {said_of(believers, problems)}",
        "for other machines: cmp-bundle certs ca --export FILE",
    ]
    return Result("\n".join(lines), about_of(anchor) | {"trusted_by": believers})


command = group(
    """Make certificates that browsers believe, and tell browsers to.

    A local authority signs them. It is made in the folder certs when it is first needed; its key
    stays there, and is never given to a server.
    """,
    issue,
    show,
    believe,
    forget,
    authority_itself,
)


def _leaves(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[!.]*.pem") if p.name not in (CERTIFICATE, KEY))


def _new(run: Run, folder: Path, allow: Sequence[str]) -> Anchor:
    before = anchor_in(folder)
    believers, problems = believers_of(before) if before else ([], [])
    if believers:
        raise CmpBundleError(
            "authority-trusted",
            f"the authority here is still believed by {', '.join(believers)}",
            file=folder,
            hint="take that back first: cmp-bundle certs untrust",
        )
    for problem in problems:
        run.reporter.warn(f"whether browsers believe the old authority {problem}")
    kept = _kept(run, folder, before)
    made = renew(folder, parsed(allow) if allow else (), now(), Disk(), kept)
    tell_if_fresh(run, made)
    lost = [str(h) for h in kept if not made.anchor.bounds.allow(h)]
    if lost:
        run.reporter.warn(
            f"the old one might vouch for {', '.join(lost)}, the new one cannot: a name without a"
            " dot and one below it exclude one another"
        )
    return made.anchor


def _kept(run: Run, folder: Path, before: Anchor | None) -> tuple[Host, ...]:
    """What the one before was asked for, beside what each is for; nobody wants to lose that."""
    if before is None:
        return ()
    bounds = before.bounds
    wanted = [
        *(n for n in (*(bounds.domains or ()), *bounds.alone) if n not in PRIVATE),
        *(str(n.network_address) for n in bounds.networks or () if n not in PRIVATE_NETWORKS),
    ]
    if not wanted:
        return ()
    try:
        ours = to_be_trusted(folder, desktop_user()) is not None
    except CmpBundleError:
        ours = False
    if not ours:
        run.reporter.note(
            f"what the old one might vouch for is not taken over, since it was not made here: {bounds}"
        )
        return ()
    return parsed(wanted)


def _all_allowed(anchor: Anchor, allow: Sequence[str]) -> None:
    missing = [h for h in (parsed(allow) if allow else ()) if not anchor.bounds.allow(h)]
    if missing:
        raise CmpBundleError(
            "authority-limits",
            f"the authority here may not vouch for {', '.join(map(str, missing))}",
            file=anchor.path,
            hint="a certificate cannot be changed; for a new one, add --new",
        )


def _export(anchor: Anchor, to: str, *, force: bool) -> Result:
    if to == "-":
        text = anchor.pem.decode()
        return Result(text, about_of(anchor) | {"pem": text})
    path = Path(to).absolute()
    if path.name == KEY:
        raise CmpBundleError("file-reserved", "is what the authority's key is called", file=path)
    with as_owner(path.parent):
        store.not_through_a_link(path, "--export")
        if is_there(path) and not force:
            raise CmpBundleError(
                "file-exists",
                "is there already, and is not replaced",
                file=path,
                hint="replace it: --force",
            )
        Disk().write(path, anchor.pem)
    text = (
        f"{to}: the certificate of {anchor.name}, without its key\n"
        "whoever adds it to the authorities of a browser or a phone believes what it signs"
    )
    return Result(text, about_of(anchor) | {"exported": path})


def _described(certificate: x509.Certificate) -> list[str]:
    about = facts(certificate)
    days = (about.end - now()).days
    left = f"{days} days left" if days >= 0 else "expired"
    return [
        f"  for          {'an authority' if about.authority else about.names}",
        f"  valid        {about.begin:%Y-%m-%d} to {about.end:%Y-%m-%d}, {left}",
        f"  signed by    {about.signed_by}",
        f"  sha-256      {about.fingerprint}",
    ]


def _data(certificate: x509.Certificate) -> dict[str, Any]:
    about = facts(certificate)
    return {
        "names": [*about.names.dns, *about.names.addresses],
        "problem": about.names.problem,
        "not_before": about.begin.isoformat(),
        "not_after": about.end.isoformat(),
        "signed_by": about.signed_by,
        "sha256": about.fingerprint,
    }
