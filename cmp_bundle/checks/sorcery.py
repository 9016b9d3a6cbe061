"""Where Asterisk takes phones from, by sorcery.conf, if that is not pjsip.conf alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.findings import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.findings import Finding


def mapped(files: Files) -> tuple[Variable, ...]:
    """The lines that say where endpoints come from; none where it is pjsip.conf alone."""
    mapping = reader.read("sorcery.conf", files).browse("res_pjsip")
    return tuple(v for v in mapping if folded(v.name) == "endpoint")


def in_database(files: Files) -> bool:
    """Whether Asterisk takes endpoints from a database, too."""
    return any(v.value.startswith("realtime") for v in mapped(files))


def elsewhere(files: Files) -> Iterator[Finding]:
    """Where else than in pjsip.conf there are endpoints."""
    for line in mapped(files):
        if line.value.startswith("config,pjsip.conf"):
            continue
        hint = "import from there as well"
        if line.value.startswith("realtime"):
            hint = "cmp-bundle accounts import --database mysql://USER@HOST/NAME"
        text = f"Asterisk takes endpoints from {line.value}"
        yield finding("endpoints-elsewhere", text, line.place, hint)
