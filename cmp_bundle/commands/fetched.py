"""Getting the phone that the settings name: what fetch and build have in common."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.phone.cache import Cache
from cmp_bundle.phone.fetch import fetch
from cmp_bundle.phone.source import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.commands.context import Context
    from cmp_bundle.phone.model import Phone


def phone(context: Context, *, offline: bool, refresh: bool = False) -> Phone:
    """Raises CmpBundleError; never gives another phone than the one asked for."""
    wanted = context.settings.phone
    request = parse(
        wanted.source,
        revision=wanted.revision or None,
        pin=wanted.pin or None,
        base=context.loaded.base("phone.source"),
    )
    request = replace(
        request, private=frozenset(path.resolve() for path in _private_paths(context))
    )
    return fetch(request, Cache.of_user(), context.reporter, offline=offline, refresh=refresh)


def _private_paths(context: Context) -> Iterator[Path]:
    """Where the settings put what is nobody's phone, and nobody else's business."""
    settings = context.settings
    if context.loaded.file:
        yield context.loaded.file
    yield settings.accounts.file
    yield settings.accounts.file.with_suffix(".csv")
    yield settings.links.key
    yield settings.build.out
    password = settings.accounts.database_password_file
    if password:
        yield context.loaded.base("accounts.database_password_file") / Path(password).expanduser()
    if settings.serve.pbx_ca:
        yield context.loaded.base("serve.pbx_ca") / Path(settings.serve.pbx_ca).expanduser()
