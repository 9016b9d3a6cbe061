"""What it means that Asterisk takes phones from elsewhere than pjsip.conf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.asterisk.sorcery import PJSIP_CONF, conf_files, mapped
from cmp_bundle.findings import finding
from cmp_bundle.sizes import some

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cmp_bundle.asterisk.conf_files import Files
    from cmp_bundle.asterisk.configuration import Variable
    from cmp_bundle.findings import Finding


def elsewhere(files: Files) -> Iterator[Finding]:
    """Where else than in pjsip.conf there are endpoints."""
    for line in mapped(files):
        if line.value.startswith(f"config,{PJSIP_CONF}"):
            continue
        hint = "import from there as well"
        if line.value.startswith("realtime"):
            hint = "cmp-bundle accounts import --database mysql://USER@HOST/NAME"
        text = f"Asterisk takes endpoints from {line.value}"
        yield finding("endpoints-elsewhere", text, line.place, hint)


def not_counted(files: Files) -> Variable | None:
    """The line of sorcery.conf because of which no endpoint of pjsip.conf counts; None where they do."""
    return None if PJSIP_CONF in conf_files(files) else mapped(files)[-1]


def file_uncounted(ids: Sequence[str], line: Variable) -> Finding:
    """That the endpoints ``ids`` stand in pjsip.conf, where Asterisk does not look for any by ``line``."""
    return finding(
        "R105",
        f"{some(ids)}: in pjsip.conf, from which Asterisk takes no endpoint: it takes them from"
        f" {line.value}",
        line.place,
        f"write above it: endpoint = config,{PJSIP_CONF},criteria=type=endpoint; and restart Asterisk:"
        " asterisk -rx 'core restart gracefully'",
        seen=f"{line.name} = {line.value}",
    )
