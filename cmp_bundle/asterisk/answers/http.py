"""``http show status``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from cmp_bundle.asterisk.control import NOT_BOUND


@dataclass(frozen=True)
class HttpStatus:
    """``plain`` and ``secure`` are ``address:port`` of the listeners, as they are bound; None where
    nothing is told. A server of HTTPS alone tells of none, and works (seen).

    ``paths`` are what it answers at behind the prefix, with ``/...`` behind those that have more below;
    ``redirects`` lead from one path to the other. ``restrictions`` are the paths that not everybody may ask
    for, the prefix among them.
    """

    plain: str | None = None
    secure: str | None = None
    prefix: str = ""
    paths: tuple[str, ...] = ()
    redirects: tuple[tuple[str, str], ...] = ()
    restrictions: tuple[str, ...] = ()

    @property
    def unbound(self) -> bool:
        """Whether HTTPS is on, and could not have its port."""
        return self.secure == NOT_BOUND


def http_status(text: str) -> HttpStatus:
    def bound(what: str) -> str | None:
        found = re.search(rf"^{what} Enabled and Bound to (\S+)", text, re.MULTILINE)
        return found[1] if found else None

    found = re.search(r"^Prefix: (\S+)", text, re.MULTILINE)
    prefix = found[1].rstrip("/") if found else ""
    return HttpStatus(
        plain=bound("Server"),
        secure=bound("HTTPS Server"),
        prefix=prefix,
        paths=tuple(
            m[1].removeprefix(prefix)
            for m in re.finditer(r"^(/\S+) => ", _part(text, "Enabled URI's:"), re.MULTILINE)
        ),
        redirects=tuple(
            (m[1], m[2])
            for m in re.finditer(
                r"^\s*(/\S*) => (.+?)\s*$", _part(text, "Enabled Redirects:"), re.MULTILINE
            )
        ),
        restrictions=tuple(
            m[1]
            for m in re.finditer(r"^\s*(/\S*)", _part(text, "Path Restrictions:"), re.MULTILINE)
        ),
    )


def _part(text: str, heading: str) -> str:
    """What stands below a heading, until the next empty line."""
    _, _, rest = text.partition(heading)
    return rest.lstrip("\n").partition("\n\n")[0]
