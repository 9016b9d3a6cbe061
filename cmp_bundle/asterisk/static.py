"""How Asterisk's own web server serves the files of static-http: one table of its rules.

Read in ``static_callback`` of main/http.c and tried on Asterisk 16 and 22.
"""

from __future__ import annotations

#: Extensions that Asterisk knows, compared without case. Any other gives ``text/<extension>``.
TYPES = {
    "png": "image/png",
    "xml": "text/xml",
    "jpg": "image/jpeg",
    "js": "application/x-javascript",
    "wav": "audio/x-wav",
    "mp3": "audio/mpeg",
    "svg": "image/svg+xml",
    "svgz": "image/svg+xml",
    "gif": "image/gif",
    "html": "text/html",
    "htm": "text/html",
    "css": "text/css",
    "cnf": "text/plain",
    "cfg": "text/plain",
    "bin": "application/octet-stream",
    "sbn": "application/octet-stream",
    "ld": "application/octet-stream",
}

#: Characters that the path behind /static/ must not begin with, besides everything up to space.
REFUSED_FIRST = "./|~@#$%^&*() \t"

#: Path, data folder, "/static-http/" and five more must not be longer than this together.
LONGEST = 1024


def content_type(path: str) -> str:
    """The type that Asterisk sends for ``path``: what follows its last dot, slashes included."""
    _, dot, extension = path.rpartition(".")
    if not dot or not extension:
        return "text/plain"
    known = TYPES.get(extension.lower())
    # The type is written into 80 bytes: the last is the terminator.
    return known or f"text/{extension}"[:79]


def refused(path: str) -> str | None:
    """Why Asterisk answers 403 to ``path`` (decoded, behind /static/); None where it does not.

    The cap on length is not looked at, since it depends on where the data folder lies.
    """
    if not path:
        return "the path is empty"
    if path[0] <= " " or path[0] in REFUSED_FIRST:
        return f"it begins with {path[0]!r}"
    if "/.." in path:
        return "it holds /.."
    return None
