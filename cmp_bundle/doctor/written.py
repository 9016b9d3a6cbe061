"""Looks at the files of an Asterisk."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from cmp_bundle.accounts import from_pjsip, from_wizard
from cmp_bundle.accounts.endpoint import Endpoints
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import UNKNOWN, folded
from cmp_bundle.doctor.evidence import Missing, Page, PjsipObject, Written
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Level
from cmp_bundle.provision.realtime import realtime
from cmp_bundle.provision.survey import THEIRS
from cmp_bundle.server.configuration import configuration
from cmp_bundle.tls import readable
from cmp_bundle.tls.pem import MOST, certificates_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cryptography.x509 import Certificate

    from cmp_bundle.asterisk.configuration import Configuration
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.findings import Finding
    from cmp_bundle.server.configuration import ServerConfiguration

#: Bytes of a page: more is told as such.
_LARGEST_PAGE: Final = 1 << 24

#: What is read beside the files that phones need.
_ALSO = ("pjsip_wizard.conf", "sorcery.conf", "extconfig.conf", "logger.conf", "stir_shaken.conf")


def written(installation: Installation, page: str = "") -> Written | Missing:
    """What stands there, or that this user may not see it. ``page`` is the path of the phone."""
    try:
        configured = configuration(installation, THEIRS, also=_ALSO)
    except CmpBundleError as error:
        return Missing(str(error), finding=error.finding)
    files = {name: reader.read(name, configured.files) for name in (*THEIRS, *_ALSO)}
    given_up = next(filter(None, map(_given_up, files.values())), None)
    if given_up is not None:
        return Missing(given_up.text, finding=given_up)
    base = from_pjsip.found(files["pjsip.conf"])
    wizards = from_wizard.found(files["pjsip_wizard.conf"], base)
    objects = _objects(files["pjsip.conf"])
    return Written(
        configured=configured,
        files=files,
        objects=objects,
        endpoints=Endpoints(
            {**base.endpoints, **wizards.endpoints},
            {**base.auths, **wizards.auths},
            base.transports,
            base.realm,
            base.findings,
        ),
        realtime=realtime(configured.files),
        open_keys=tuple(_open_keys(configured)),
        page=_page(configured, page),
        trunk_certificates=dict(_trunk_certificates(installation, objects)),
    )


def _page(configured: ServerConfiguration, target: str) -> Page | None:
    """The file that its redirect leads to, as Asterisk's user finds it."""
    server, installation = configured.server, configured.installation
    redirect = server.redirect(target) if target else None
    path = unquote(urlsplit(redirect.destination).path) if redirect else ""
    static = f"{server.prefix}/static/"
    if not path.startswith(static):
        return None
    inside = f"{installation.data.value}/static-http/{path.removeprefix(static)}"
    found = readable.contents(inside, readable.of(installation), _LARGEST_PAGE)
    unread = found if isinstance(found, readable.Unread) else None
    return Page(installation.path(inside), unread)


def _given_up(read: Configuration) -> Finding | None:
    """Why a file was not read to its end, of which nothing is known then."""
    problem = read.problems[-1] if read.refused and read.problems else None
    if problem is None or problem.code != UNKNOWN:
        return None
    return replace(problem, level=Level.ERROR, hint="have a smaller file, without what fills it")


def _open_keys(configured: ServerConfiguration) -> Iterator[Path]:
    """The key of HTTPS where its mode, and that of each folder on the way, lets everybody read it."""
    key, root = configured.pair.key, configured.installation.root
    if key is None:
        return
    with suppress(OSError, ValueError):
        real = configured.installation.outside(f"/{key.relative_to(root)}")
        on_the_way = [real, *(folder for folder in real.parents if folder.is_relative_to(root))]
        modes = [path.stat().st_mode for path in on_the_way]
        if modes[0] & stat.S_IROTH and all(mode & stat.S_IXOTH for mode in modes[1:]):
            yield key


def _trunk_certificates(
    installation: Installation, objects: Mapping[tuple[str, str], PjsipObject]
) -> Iterator[tuple[str, Certificate]]:
    """Of the transports for TLS, as Asterisk's user can read them."""
    for (kind, name), one in objects.items():
        path = one.options.get("cert_file", "")
        if kind != "transport" or one.options.get("protocol") != "tls" or not path.startswith("/"):
            continue
        data = readable.contents(path, readable.of(installation), MOST)
        if not isinstance(data, readable.Unread):
            with suppress(CmpBundleError):
                yield name, certificates_of(data, installation.path(path))[0]


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
