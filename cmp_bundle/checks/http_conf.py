"""What in http.conf stands against a phone there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cmp_bundle.asterisk.configuration import same_name
from cmp_bundle.checks.conf_file import open_comment
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from pathlib import Path

    from cmp_bundle.asterisk.configuration import Configuration, Variable
    from cmp_bundle.asterisk.http_conf import HttpServer
    from cmp_bundle.findings import Finding

_LINES = """\
add these lines to [general] in http.conf, with a certificate of your own:
         tlsenable = yes
         tlsbindaddr = 0.0.0.0:8089
         tlscertfile = /etc/asterisk/keys/asterisk.pem
         tlsprivatekey = /etc/asterisk/keys/asterisk.pem
       or let cmp-bundle do it in its own file: cmp-bundle provision; behind a proxy that has the
       certificate: cmp-bundle provision --proxy nginx"""


def https_off(server: HttpServer, file: Path, *, proxied: bool = False) -> Finding | None:
    """Whether no browser would give the page a microphone. Where it is ``proxied``, a proxy has the
    certificate, and plain HTTP is enough here.
    """
    if server.tls_address is not None or (proxied and server.address is not None):
        return None
    text = "HTTPS is not enabled, and without it browsers give no page a camera or a microphone"
    return finding("T101", text, Place(str(file)), _LINES)


def prefix_unusable(server: HttpServer) -> Finding | None:
    """Asterisk compares the prefix before it decodes a path, so it cannot be percent-encoded."""
    if re.fullmatch(r"[A-Za-z0-9._~!$&'()*+,;=:@/-]*", server.prefix):
        return None
    line = server.origins["prefix"]
    text = f"the prefix {line.value!r} cannot stand in a URL, so no browser can ask for it"
    return finding("prefix-unusable", text, line.place, "take letters and digits alone")


def from_a_database(line: Variable | None) -> Finding | None:
    """``line`` is that of extconfig.conf which takes http.conf from a database."""
    if line is None:
        return None
    text = "http.conf comes from a database here, so what the file says counts for nothing"
    hint = "take this line out, or add the redirect to the database yourself"
    return finding("http-conf-in-database", text, line.place, hint)


def redirect_taken(server: HttpServer, target: str, our_file: str) -> Finding | None:
    """Whether ``target`` leads elsewhere by a line in another file than ``our_file``."""
    for redirect in server.redirects:
        if same_name(redirect.target, target) and redirect.origin.file != our_file:
            text = f"there is a redirect of {target} already, to {redirect.destination}"
            hint = "take it out, or choose another path: [site] redirect"
            return finding("redirect-taken", text, redirect.origin, hint)
    return None


def redirect_ineffective(
    http: Configuration, server: HttpServer, target: str, page: str | None, file: Path
) -> Finding | None:
    """Whether a request for ``target`` gets to ``page``; ``file`` is the admin's http.conf."""
    redirect = server.redirect(target)
    if redirect is not None and redirect.destination == page:
        return None
    unseen = open_comment(http) if redirect is None else None
    if unseen is not None:
        return unseen
    text = f"the redirect {target} would not take effect"
    hint = "look at what is written behind cmp-bundle's line, or move that line to the end"
    return finding("redirect-ineffective", text, Place(str(file)), hint)
