"""Names of hosts in ASCII, as the DNS and certificates have them: IDNA 2008, mapped by UTS 46.

Python's own ``idna`` codec is IDNA 2003, for which straße.de is strasse.de: another host than the
one that browsers open.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import idna


def in_ascii(name: str) -> str:
    """In small letters; what is ASCII already is not looked at. Raises ValueError."""
    if name.isascii():
        return name.lower()
    labels = idna.uts46_remap(name, std3_rules=False).split(".")
    return ".".join(x if x.isascii() else idna.alabel(x).decode() for x in labels)


def url_in_ascii(url: str) -> str:
    """The same for the host in a URL, which may name no account. Raises ValueError."""
    parts = urlsplit(url)
    if parts.netloc.isascii():
        return url
    port = "" if parts.port is None else f":{parts.port}"
    return parts._replace(netloc=in_ascii(parts.hostname or "") + port).geturl()
