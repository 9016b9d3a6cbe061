"""Looks at the files of an Asterisk."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlsplit

from cmp_bundle.accounts import from_pjsip, from_wizard
from cmp_bundle.accounts.endpoint import Endpoints, names
from cmp_bundle.asterisk import reader
from cmp_bundle.asterisk.configuration import UNKNOWN, folded
from cmp_bundle.asterisk.sorcery import PJSIP_CONF, conf_files
from cmp_bundle.checks.networks import NetworkRule, network
from cmp_bundle.doctor.evidence import Missing, Page, PjsipObject, Written
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.findings import Level
from cmp_bundle.provision.realtime import realtime
from cmp_bundle.provision.survey import THEIRS
from cmp_bundle.server.configuration import configuration
from cmp_bundle.tls import readable
from cmp_bundle.tls.pem import MOST, certificates_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from cryptography.x509 import Certificate

    from cmp_bundle.asterisk.configuration import Category, Configuration
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.findings import Finding
    from cmp_bundle.server.configuration import ServerConfiguration

#: Bytes of a page: more is told as such.
_LARGEST_PAGE: Final = 1 << 24
#: The kinds of objects that sorcery.conf may take from elsewhere, and that are looked at.
_KINDS = ("endpoint", "auth", "aor", "transport", "identify", "acl")

#: The options of an endpoint that name files: where one cannot be read, Asterisk drops the endpoint.
DTLS_FILES = ("dtls_cert_file", "dtls_private_key", "dtls_ca_file")

#: Such files that are looked at, and the bytes that one may have.
_MOST_FILES = 20
_LARGEST = 1 << 20

#: What is read beside the files that phones need.
_ALSO = ("pjsip_wizard.conf", "sorcery.conf", "extconfig.conf", "logger.conf", "stir_shaken.conf")


def written(installation: Installation, page: str = "") -> Written | Missing:
    """What stands there, or that this user may not see it. ``page`` is the path of the phone."""
    try:
        configured = configuration(installation, THEIRS, also=_ALSO, planned=False)
    except CmpBundleError as error:
        return Missing(str(error), finding=error.finding)
    files = {name: reader.read(name, configured.files) for name in (*THEIRS, *_ALSO)}
    # sorcery.conf may lead to others, which nobody has read yet.
    sources = {kind: conf_files(installation.files, kind) for kind in _KINDS}
    counted = dict.fromkeys(chain(*sources.values()))
    for name in counted:
        if name not in files:
            files[name] = reader.read(name, installation.files)
    given_up = next(filter(None, map(_given_up, files.values())), None)
    if given_up is not None:
        return Missing(given_up.text, finding=given_up)
    base = _endpoints(files, sources)
    wizards = from_wizard.found(files["pjsip_wizard.conf"], base)
    objects: dict[tuple[str, str], PjsipObject] = {}
    inside = {name: _objects(files[name]) for name in {PJSIP_CONF, *counted}}
    for kind, places in sources.items():
        for name in places:
            found = {key: one for key, one in inside[name].items() if key[0] == kind}
            objects |= {key: one for key, one in found.items() if key not in objects}
    here = inside[PJSIP_CONF]
    return Written(
        configured=configured,
        files=files,
        objects={key: one for key, one in here.items() if key[0] not in sources} | objects,
        endpoints=replace(
            base,
            endpoints={**base.endpoints, **wizards.endpoints},
            auths={**base.auths, **wizards.auths},
            aors={**(base.aors or {}), **(wizards.aors or {})},
        ),
        realtime=realtime(configured.files),
        uncounted={k: one for k, one in here.items() if k[0] in sources and k not in objects},
        unreadable=_unreadable(objects.values(), installation),
        open_keys=tuple(_open_keys(configured)),
        page=_page(configured, page),
        trunk_certificates=dict(_trunk_certificates(installation, objects)),
        changed=_changed(counted, files, installation),
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


def _endpoints(
    files: Mapping[str, Configuration], sources: Mapping[str, tuple[str, ...]]
) -> Endpoints:
    """What all files make together, of each only the kinds that it is read for."""
    counted = dict.fromkeys(chain(*sources.values()))
    read = {name: from_pjsip.found(files[name]) for name in {PJSIP_CONF, *counted}}

    def of(kind: str) -> Iterator[Endpoints]:
        return (read[name] for name in reversed(sources[kind]))

    return Endpoints(
        endpoints={n: one for found in of("endpoint") for n, one in found.endpoints.items()},
        auths={n: one for found in of("auth") for n, one in found.auths.items()},
        transports={n: t for found in of("transport") for n, t in (found.transports or {}).items()},
        realm=read[PJSIP_CONF].realm,
        aors={n: one for found in of("aor") for n, one in (found.aors or {}).items()},
        findings=tuple(one for name in counted for one in read[name].findings),
    )


def _unreadable(objects: Iterable[PjsipObject], installation: Installation) -> dict[str, str]:
    """Why Asterisk cannot read a file that an endpoint names for DTLS."""
    reader_ = readable.of(installation)
    paths = dict.fromkeys(
        value
        for one in objects
        if one.kind == "endpoint"
        for name, value in one.options.items()
        if name in DTLS_FILES and value.startswith("/")
    )
    found = {}
    for path in list(paths)[:_MOST_FILES]:
        content = readable.contents(path, reader_, _LARGEST)
        if isinstance(content, readable.Unread):
            found[path] = (
                content.reason if content.why is readable.Why.UNKNOWN else content.why.value
            )
    return found


def _changed(
    names: Iterable[str], files: Mapping[str, Configuration], installation: Installation
) -> float:
    """When the last of all files that ``names`` include was changed; 0 where nobody can say."""
    latest = 0.0
    for path in {path for name in names for path in files[name].files}:
        with suppress(OSError, CmpBundleError):
            here = installation.path(path)
            with installation.boundary.entry(here, follow=True, rights=installation.rights) as (
                folder,
                name,
            ):
                latest = max(latest, folder.stat(name).st_mtime)
    return latest


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
        rules = tuple(_rules(category))
        made = PjsipObject(kind, category.name, options, category.place, places, rules)
        found.setdefault((kind, category.name), made)
    return found


def _rules(category: Category) -> Iterator[NetworkRule]:
    """Its permit and deny lines; an exclamation mark turns the sense of a network round."""
    for line in category.variables:
        if (sense := folded(line.name)) not in ("deny", "permit"):
            continue
        for part in names(line.value):
            where = network(part.lstrip("!"))
            if where is not None:
                yield NetworkRule((sense == "permit") != part.startswith("!"), where)
