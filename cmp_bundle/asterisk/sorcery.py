"""Where Asterisk takes the objects of PJSIP from, by sorcery.conf: pjsip.conf where nothing is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import folded

if TYPE_CHECKING:
    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Variable

PJSIP_CONF: Final = "pjsip.conf"


def mapped(files: Files, kind: str = "endpoint") -> tuple[Variable, ...]:
    """The lines that say where objects of a kind come from; none where it is pjsip.conf alone."""
    mapping = reader.read("sorcery.conf", files).browse("res_pjsip")
    return tuple(v for v in mapping if folded(v.name) == kind)


def conf_files(files: Files, kind: str = "endpoint") -> tuple[str, ...]:
    """The names of the files that objects of a kind are taken from, in Asterisk's order."""
    lines = mapped(files, kind)
    if not lines:
        return (PJSIP_CONF,)
    return tuple(
        dict.fromkeys(
            parts[1]
            for line in lines
            if (parts := [part.strip() for part in line.value.split(",")])[0] == "config"
            and len(parts) > 1
        )
    )


def in_database(files: Files, kind: str = "endpoint") -> bool:
    """Whether Asterisk takes objects of a kind from a database, too."""
    return any(v.value.startswith("realtime") for v in mapped(files, kind))
