"""What stands against a change of any of Asterisk's files: what deploy and provision both ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks import http_conf
from cmp_bundle.checks.conf_file import refused
from cmp_bundle.checks.reload import would_end_https
from cmp_bundle.errors import CmpBundleError, refuse

if TYPE_CHECKING:
    from cmp_bundle.findings import Finding
    from cmp_bundle.server.configuration import ServerConfiguration


def before_reload(found: ServerConfiguration) -> None:
    """What stands against any reload of http.conf, whoever asks for it. Raises CmpBundleError."""
    refuse([one for one in (against_reload(found),) if one])


def against_reload(found: ServerConfiguration) -> Finding | None:
    return would_end_https(found.pair) if found.installation.running else None


def against_editing(found: ServerConfiguration) -> tuple[Finding | None, ...]:
    """What stands against every change of http.conf, beside the reload that follows it."""
    return (
        absent(found, "http.conf"),
        refused(found.http),
        http_conf.from_a_database(found.from_a_database),
    )


def absent(found: ServerConfiguration, name: str) -> Finding | None:
    """Whether the admin has no such file that could get our line."""
    try:
        found.their(name)
    except CmpBundleError as error:
        return error.finding
    return None
