"""Getting the phone that the settings name: what fetch and build have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.cli.command import Run
    from cmp_bundle.phone.model import Phone

#: The settings that say which phone it is, as flags.
FLAGS = ("phone.source", "phone.revision", "phone.pin")

OFFLINE = click.option("--offline", is_flag=True, help="Use what is in the cache, fetch nothing.")
REFRESH = click.option("--refresh", is_flag=True, help="Fetch it again even if it is in the cache.")


def phone(run: Run, *, offline: bool, refresh: bool = False) -> Phone:
    """Raises CmpBundleError; never gives another phone than the one asked for."""
    wanted = run.settings.phone
    request = parse(
        wanted.source,
        revision=wanted.revision or None,
        pin=wanted.pin or None,
        base=run.loaded.base("phone.source"),
    )
    request = replace(request, private=frozenset(path.resolve() for path in _own(run)))
    return fetch(request, Cache.of_user(), run.reporter, offline=offline, refresh=refresh)


def _own(run: Run) -> Iterator[Path]:
    """Where the settings put what is nobody's phone, and nobody else's business."""
    settings = run.settings
    if run.loaded.file:
        yield run.loaded.file
    yield settings.accounts.file
    yield settings.accounts.file.with_suffix(".csv")
    yield settings.links.key
    yield settings.build.out
    password = settings.accounts.database_password_file
    if password:
        yield run.loaded.base("accounts.database_password_file") / Path(password).expanduser()
    if settings.serve.pbx_ca:
        yield run.loaded.base("serve.pbx_ca") / Path(settings.serve.pbx_ca).expanduser()
