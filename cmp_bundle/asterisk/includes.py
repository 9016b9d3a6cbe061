"""The files of ours that Asterisk's configuration includes: everything that we configure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from jinja2 import Template

#: Our folder under Asterisk's configuration folder.
FOLDER = "cmp-bundle"


@dataclass(frozen=True)
class Https:
    """A TLS listener for Asterisk's web server. Paths are as Asterisk sees them.

    With an address of its own it listens whether or not plain http is enabled.
    """

    certificate: str
    key: str
    address: str = "0.0.0.0:8089"


def page_path(prefix: str, site: str, version: str) -> str:
    """Where the redirect leads: ``/static/SITE/index.html?v=VERSION`` behind the prefix."""
    return f"{prefix}/static/{site}/index.html?v={version}"


def http_conf(
    redirect: str, page: str, *, general_exists: bool = True, https: Https | None = None
) -> bytes:
    """``cmp-bundle/http.conf``: static files on, and ``redirect`` leading to ``page``.

    ``general_exists`` tells whether a [general] to add to was read before; adding to a category
    that is not there makes Asterisk refuse the whole file.
    """
    return _render(
        "http.conf", redirect=redirect, page=page, general_exists=general_exists, https=https
    )


def extensions_conf(extension: str, context: str, *, context_exists: bool) -> bytes:
    """``cmp-bundle/extensions.conf``: the echo extension in the phones' context."""
    return _render(
        "extensions.conf", extension=extension, context=context, context_exists=context_exists
    )


def _render(name: str, **values: Any) -> bytes:
    return _template(name).render(values).encode()


@cache
def _template(name: str) -> Template:
    environment = Environment(  # noqa: S701 - configuration files, not HTML
        loader=PackageLoader("cmp_bundle.asterisk"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
