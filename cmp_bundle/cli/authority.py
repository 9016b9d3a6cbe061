"""The authority that the certs commands are about: where it lies, and what is told of it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import trust
from cmp_bundle.tls.anchor import anchor_in
from cmp_bundle.tls.authority import KEY
from cmp_bundle.tls.desktop_user import desktop_user

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cmp_bundle.cli.command import Run
    from cmp_bundle.tls.anchor import Anchor
    from cmp_bundle.tls.authority import Authority

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path),
    help="Where certificates are; else certs, beside the settings.",
)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def folder_of(run: Run, named: Path | None) -> Path:
    if named is not None:
        return named
    return (run.loaded.file.parent if run.loaded.file else Path.cwd()) / "certs"


def anchor_of(folder: Path) -> Anchor:
    anchor = anchor_in(folder)
    if anchor is None:
        raise none_yet(folder)
    return anchor


def none_yet(folder: Path) -> CmpBundleError:
    return CmpBundleError(
        "no-authority",
        "there is no authority here yet",
        file=folder,
        hint="cmp-bundle certs issue HOST makes one",
    )


def tell_if_fresh(run: Run, authority: Authority) -> None:
    if not authority.fresh:
        return
    path = authority.anchor.path
    run.reporter.note(f"made a local authority: {path}")
    run.reporter.warn(
        f"{path.with_name(KEY)} can sign what browsers here will believe: keep it here, never hand"
        " it on, never put it on a server"
    )


def believers_of(anchor: Anchor) -> tuple[list[str], list[str]]:
    """Whose stores hold it, and why some could not be asked."""
    believers, problems = [], []
    for each in trust.stores(desktop_user()):
        try:
            if each.trusts(anchor):
                believers.append(f"{each.name} ({each.place})")
        except CmpBundleError as error:
            problems.append(f"cannot be told: {error.message}")
    return believers, list(dict.fromkeys(problems))


def said_of(believers: Sequence[str], problems: Sequence[str]) -> str:
    return ", ".join([*believers, *problems]) or "nobody here; next: cmp-bundle certs trust"


def about_of(anchor: Anchor) -> dict[str, Any]:
    bounds = anchor.bounds
    return {
        "file": anchor.path,
        "name": anchor.name,
        "not_after": anchor.not_after.isoformat(),
        "sha256": anchor.fingerprint,
        "domains": bounds.domains,
        "hosts": bounds.alone,
        "networks": None if bounds.networks is None else [str(n) for n in bounds.networks],
    }
