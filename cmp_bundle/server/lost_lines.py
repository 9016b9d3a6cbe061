"""Lines of cmp-bundle's that somebody else took out: another program that writes the file, or an update."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk import reader
from cmp_bundle.findings import finding
from cmp_bundle.places import Place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.findings import Finding
    from cmp_bundle.server.configuration import ServerConfiguration

#: What writes a line: a deploy that of the page, provision all.
_AGAIN: Final = {"http.conf": "cmp-bundle provision; then cmp-bundle deploy"}


def lost_lines(configured: ServerConfiguration) -> Iterator[Finding]:
    """Each of our files that is there, and that Asterisk does not read any longer."""
    for name in configured.ours:
        ours = configured.inside(name)
        read = reader.read(name, configured.files)
        if read.refused or ours in read.files:
            continue
        where = configured.line_files[name]
        yield finding(
            "line-lost",
            f"Asterisk does not read {ours} any longer: the line that includes it is gone from {name}",
            Place(where.path),
            f"write it anew: {_AGAIN.get(name, 'cmp-bundle provision')}; if a program writes the file,"
            " name one that is kept for your own lines: [asterisk] custom_files",
            seen=f"{where.path} has no #include of {ours}",
        )
