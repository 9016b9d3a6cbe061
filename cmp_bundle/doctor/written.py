"""Looks at the files of an Asterisk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cmp_bundle.accounts import from_pjsip, from_wizard
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import folded
from cmp_bundle.doctor.evidence import Missing, PjsipObject, Written
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.provision.realtime import realtime
from cmp_bundle.provision.survey import THEIRS
from cmp_bundle.server.configuration import configuration

if TYPE_CHECKING:
    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.asterisk.installation import Installation

#: What is read beside the files that phones need.
_ALSO = ("pjsip_wizard.conf", "sorcery.conf", "extconfig.conf", "logger.conf", "stir_shaken.conf")


def written(installation: Installation) -> Written | Missing:
    """What stands there, or that this user may not see it."""
    try:
        configured = configuration(installation, THEIRS, also=_ALSO)
    except CmpBundleError as error:
        return Missing(str(error))
    files = {name: reader.read(name, configured.files) for name in (*THEIRS, *_ALSO)}
    base = from_pjsip.found(files["pjsip.conf"])
    wizards = from_wizard.found(files["pjsip_wizard.conf"], base)
    return Written(
        configured=configured,
        files=files,
        objects=_objects(files["pjsip.conf"]),
        endpoints=Endpoints(
            {**base.endpoints, **wizards.endpoints},
            {**base.auths, **wizards.auths},
            base.transports,
            base.realm,
            base.findings,
        ),
        realtime=realtime(configured.files),
    )


def _objects(pjsip: Configuration) -> dict[tuple[str, str], PjsipObject]:
    found: dict[tuple[str, str], PjsipObject] = {}
    for category in pjsip.categories:
        kind = next((folded(v.value) for v in category.variables if folded(v.name) == "type"), "")
        if category.template or not kind:
            continue
        options = {folded(v.name): v.value for v in category.variables}
        places = {folded(v.name): v.place for v in category.variables}
        made = PjsipObject(kind, category.name, options, category.place, places)
        found.setdefault((kind, category.name), made)
    return found
