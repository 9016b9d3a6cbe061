"""What stands against a change of any of Asterisk's files: what deploy and provision both ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.checks.reload import would_end_https
from cmp_bundle.errors import refuse_first

if TYPE_CHECKING:
    from cmp_bundle.server.configuration import ServerConfiguration


def before_reload(found: ServerConfiguration) -> None:
    """What stands against any reload of http.conf, whoever asks for it. Raises CmpBundleError."""
    if found.installation.running:
        refuse_first(would_end_https(found.pair))
