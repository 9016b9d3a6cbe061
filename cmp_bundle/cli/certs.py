from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.cli.command import Run, group
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.files import Disk
from cmp_bundle.tls import leaf as leaves
from cmp_bundle.tls import store, trust
from cmp_bundle.tls.anchor import CERTIFICATE, anchor_in
from cmp_bundle.tls.authority import KEY, ensure, renew
from cmp_bundle.tls.facts import facts
from cmp_bundle.tls.hosts import hosts as parsed
from cmp_bundle.tls.pem import certificates_in, is_there
from cmp_bundle.tls.person import Person, person

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cryptography import x509

    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.authority import Authority

_PATH = click.Path(path_type=Path)
_FOLDER = click.option(
    "--folder", type=_PATH, help="Where certificates are; else certs, beside the settings."
)
_DRY_RUN = click.option("--dry-run", is_flag=True, help="Show each step, and do none.")


@make(
    click.argument("hosts", nargs=-1, required=True, metavar="HOST..."),
    click.option("--out", type=_PATH, help="The file for certificate and key."),
    click.option("--force", is_flag=True, help="Replace a file that is there already."),
    _FOLDER,
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
    folder = _folder(run, folder)
    authority = ensure(folder, wanted, _now(), disk)
    _tell_if_fresh(run, authority)
    made = leaves.issue(authority, wanted, _now())
    path = out or folder / f"{str(wanted[0]).replace('*', '_wildcard').replace(':', '_')}.pem"
    store.save(made, path, disk, force=force)
    believers, _ = _believers(authority.anchor)
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
        "authority": _about(authority.anchor) | {"fresh": authority.fresh},
        "trusted_by": believers,
    }
    return Result("\n".join(lines), data)


@make(click.argument("file", type=_PATH, required=False), _FOLDER, name="show")
def show(run: Run, *, file: Path | None, folder: Path | None) -> Result:
    """Show whom certificates are for, and who believes them.

    FILE is any certificate in PEM; without it, all in the folder are shown, the authority first.
    """
    folder = _folder(run, folder)
    anchor = anchor_in(folder)
    believers, problems = _believers(anchor) if anchor else ([], [])
    lines, data = [], []
    for path in [file] if file else [_anchor(folder).path, *_leaves(folder)]:
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
            lines.append(f"  believed by  {_said(believers, problems)}")
        elif anchor is not None:
            lines.append(f"  believed by  not told here: {anchor.path} did not sign it")
        data.append({"file": path, **_data(certificate), "trusted_by": believers if ours else None})
    return Result("\n".join(lines), {"folder": folder, "certificates": data})


@make(_DRY_RUN, _FOLDER, name="trust")
def believe(run: Run, *, dry_run: bool, folder: Path | None) -> Result:
    """Tell the browsers here to believe the authority.

    These are Chromium and its relatives, each Firefox profile, and the system's own store, which
    takes root. With sudo, it is the browsers of whoever called sudo. Each step is shown before it
    is done; "cmp-bundle certs untrust" takes them back.
    """
    folder = _folder(run, folder)
    if not dry_run and anchor_in(folder) is None:
        _tell_if_fresh(run, ensure(folder, (), _now(), Disk()))
    anchor = _anchor(folder)
    anchor.check(_now())
    changes = trust.to_trust(anchor, trust.stores(_whose(run)))
    return _carried_out(run, anchor, changes, dry_run=dry_run)


@make(_DRY_RUN, _FOLDER, name="untrust")
def forget(run: Run, *, dry_run: bool, folder: Path | None) -> Result:
    """Make the browsers here forget the authority.

    The authority itself stays in its folder, and can be trusted again.
    """
    anchor = _anchor(_folder(run, folder))
    changes = trust.to_untrust(anchor, trust.stores(_whose(run)))
    return _carried_out(run, anchor, changes, dry_run=dry_run)


@make(
    click.option("--export", metavar="FILE|-", help="Write its certificate, without the key."),
    click.option("--allow", multiple=True, metavar="DOMAIN", help="What a new one may vouch for."),
    click.option("--new", is_flag=True, help="Make a new one in place of the one there."),
    click.option("--force", is_flag=True, help="Replace the exported file if it is there."),
    _FOLDER,
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
    An authority may vouch for names that nobody owns (*.local, *.lan, ...), for this machine's,
    and for what was named when it was made; browsers hold it to that.
    """
    folder = _folder(run, folder)
    if new or (allow and anchor_in(folder) is None):
        anchor = _new(run, folder, allow)
    else:
        anchor = _anchor(folder)
        _all_allowed(anchor, allow)
    if export is not None:
        return _export(anchor, export, force=force)
    believers, problems = _believers(anchor)
    domains = "any name" if anchor.domains is None else f"{', '.join(anchor.domains)}, all below"
    lines = [
        f"{anchor.path}: {anchor.name}",
        *_described(anchor.certificate),
        f"  vouches for  {domains}, and any address",
        f"  believed by  {_said(believers, problems)}",
        "for other machines: cmp-bundle certs ca --export FILE",
    ]
    return Result("\n".join(lines), _about(anchor) | {"trusted_by": believers})


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


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _folder(run: Run, named: Path | None) -> Path:
    if named is not None:
        return named
    return (run.loaded.file.parent if run.loaded.file else Path.cwd()) / "certs"


def _leaves(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("[!.]*.pem") if p.name not in (CERTIFICATE, KEY))


def _anchor(folder: Path) -> Anchor:
    anchor = anchor_in(folder)
    if anchor is None:
        raise CmpBundleError(
            "there is no authority here yet",
            file=folder,
            hint="cmp-bundle certs issue HOST makes one",
        )
    return anchor


def _tell_if_fresh(run: Run, authority: Authority) -> None:
    if not authority.fresh:
        return
    path = authority.anchor.path
    run.reporter.note(f"made a local authority: {path}")
    run.reporter.warn(
        f"{path.with_name(KEY)} can sign what browsers here will believe: keep it here, never hand"
        " it on, never put it on a server"
    )


def _whose(run: Run) -> Person:
    found = person()
    if found.behind_sudo:
        run.reporter.note(f"for {found.name}, who called sudo: the browsers below {found.home}")
    return found


def _new(run: Run, folder: Path, allow: Sequence[str]) -> Anchor:
    before = anchor_in(folder)
    believers, problems = _believers(before) if before else ([], [])
    if believers:
        raise CmpBundleError(
            f"the authority here is still believed by {', '.join(believers)}",
            file=folder,
            hint="take that back first: cmp-bundle certs untrust",
        )
    for problem in problems:
        run.reporter.warn(f"whether browsers believe the old authority {problem}")
    # What the one before might vouch for, it was asked for; nobody wants to lose that.
    domains = [*allow, *((before.domains if before else None) or ())]
    made = renew(folder, parsed(domains) if domains else (), _now(), Disk())
    _tell_if_fresh(run, made)
    return made.anchor


def _all_allowed(anchor: Anchor, allow: Sequence[str]) -> None:
    missing = [h for h in (parsed(allow) if allow else ()) if not anchor.may_vouch_for(h)]
    if missing:
        raise CmpBundleError(
            f"the authority here may not vouch for {', '.join(map(str, missing))}",
            file=anchor.path,
            hint="a certificate cannot be changed; for a new one, add --new",
        )


def _export(anchor: Anchor, to: str, *, force: bool) -> Result:
    if to == "-":
        text = anchor.pem.decode()
        return Result(text, _about(anchor) | {"pem": text})
    path = Path(to).resolve()
    if path.name == KEY:
        raise CmpBundleError("is what the authority's key is called", file=path)
    if is_there(path) and not force:
        raise CmpBundleError(
            "is there already, and is not replaced", file=path, hint="replace it: --force"
        )
    Disk().write(path, anchor.pem)
    text = (
        f"{to}: the certificate of {anchor.name}, without its key\n"
        "whoever adds it to the authorities of a browser or a phone believes what it signs"
    )
    return Result(text, _about(anchor) | {"exported": path})


def _believers(anchor: Anchor) -> tuple[list[str], list[str]]:
    """Whose stores hold it, and why some could not be asked."""
    believers, problems = [], []
    for each in trust.stores(person()):
        try:
            if each.trusts(anchor):
                believers.append(f"{each.name} ({each.place})")
        except CmpBundleError as error:
            problems.append(f"cannot be told: {error.message}")
    return believers, list(dict.fromkeys(problems))


def _said(believers: Sequence[str], problems: Sequence[str]) -> str:
    return ", ".join([*believers, *problems]) or "nobody here; next: cmp-bundle certs trust"


def _carried_out(
    run: Run, anchor: Anchor, changes: Sequence[trust.Change], *, dry_run: bool
) -> Result:
    lines: list[str] = []
    data: list[dict[str, Any]] = []
    failed: list[CmpBundleError] = []
    for change in changes:
        try:
            state, steps = _state_after(run, anchor, change, dry_run=dry_run)
        except CmpBundleError as error:
            failed.append(error)
            continue
        lines.append(f"{change.store.name} ({change.store.place}): {state}")
        if not change.possible or dry_run:
            lines += [f"  {step}" for step in steps]
        about = {"store": change.store.name, "place": change.store.place}
        data.append(about | {"state": state, "steps": steps})
    if failed:
        # What was done all the same stays done, and is told.
        for line in lines:
            run.reporter.note(line)
        raise failed[0] if len(failed) == 1 else _all_of(failed)
    lines += trust.remarks(person())
    if not changes:
        lines.append("there is no browser's store here, and none of the system")
    changed = not dry_run and any(c.steps and c.possible for c in changes)
    if changed:
        lines.append("browsers that are running take notice when they are started again")
        if changes[0].wanted:
            lines.append("to take it back: cmp-bundle certs untrust")
    return Result(
        "\n".join(lines), {"authority": _about(anchor), "stores": data, "changed": changed}
    )


def _state_after(
    run: Run, anchor: Anchor, change: trust.Change, *, dry_run: bool
) -> tuple[str, list[str]]:
    """What a store is like after its change, made unless ``dry_run``; and the steps, as text.

    Raises CmpBundleError.
    """
    steps = [str(step) for step in change.steps]
    if not change.possible and steps:
        return "left out, for it takes root", [f"sudo {step}" for step in steps]
    if change.problem is None and not steps:
        return "believes it already" if change.wanted else "does not know it", []
    if dry_run and change.problem is None:
        return "to be done", steps
    trust.make(change, anchor, Disk(), lambda step: run.reporter.note(f"$ {step}"))
    return "believes it now" if change.wanted else "has forgotten it", steps


def _all_of(failed: Sequence[CmpBundleError]) -> CmpBundleError:
    hints = dict.fromkeys(error.hint for error in failed if error.hint)
    return CmpBundleError(
        f"{len(failed)} stores could not be changed: {'; '.join(map(str, failed))}",
        hint="\n       ".join(hints) or None,
    )


def _described(certificate: x509.Certificate) -> list[str]:
    about = facts(certificate)
    days = (about.end - _now()).days
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


def _about(anchor: Anchor) -> dict[str, Any]:
    return {
        "file": anchor.path,
        "name": anchor.name,
        "not_after": anchor.not_after.isoformat(),
        "sha256": anchor.fingerprint,
        "domains": anchor.domains,
    }
