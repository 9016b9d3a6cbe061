"""Gathers all evidence, each kind once."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.checks.call import AT_ONCE
from cmp_bundle.checks.websocket import ask, base_url, reached
from cmp_bundle.doctor import dialled, stun
from cmp_bundle.doctor.calls import PORTS, calls
from cmp_bundle.doctor.evidence import Connects, Evidence, Live, Missing, Phone, Written
from cmp_bundle.doctor.left_out import left_out
from cmp_bundle.doctor.live import live
from cmp_bundle.doctor.log import log
from cmp_bundle.doctor.machine import machine
from cmp_bundle.doctor.pages import pages
from cmp_bundle.doctor.phones import contexts, phones
from cmp_bundle.doctor.proxy import elsewhere
from cmp_bundle.doctor.reach import Reached, reach
from cmp_bundle.doctor.trust import trusted
from cmp_bundle.doctor.way import Part
from cmp_bundle.doctor.written import written
from cmp_bundle.errors import CmpBundleError

if TYPE_CHECKING:
    from cmp_bundle.accounts.model import Account
    from cmp_bundle.asterisk.control import Control
    from cmp_bundle.asterisk.installation import Installation
    from cmp_bundle.doctor.evidence import Calls, Machine

_NO_ASTERISK = "no Asterisk was found here"
#: Contexts that are asked for: 10 ms each.
_MOST_CONTEXTS = 50
_NO_URL = "no public address is known: --url https://HOST:8089, or [site] url"


@dataclass(frozen=True)
class Target:
    """What is examined. ``url`` is the public address (``https://host:port``), empty if unknown, ``page``
    the path of the phone there; ``page_named`` is whether somebody said so. ``echo`` is the extension of the
    settings; ``only`` are accounts to be looked at alone; ``authorities`` are PEM certificates of our own.
    ``connects`` is where phones connect to.
    """

    url: str
    page: str
    echo: str
    accounts: tuple[Account, ...]
    only: tuple[str, ...] = ()
    authorities: tuple[bytes, ...] = ()
    connects: Connects = field(default_factory=Connects)
    page_named: bool = True


def gather(target: Target, installation: Installation | None, *, calling: bool = True) -> Evidence:
    """Look at everything. An ``installation`` of None is a laptop's, far from any Asterisk. Without
    ``calling`` nobody registers and nobody is called.
    """
    files: Written | Missing = Missing(_NO_ASTERISK)
    said: Live | Missing = Missing(_NO_ASTERISK)
    if installation is not None:
        files, said = written(installation, target.page), live(installation)
    control = installation.control if installation else None
    there = _phones(target, files, said, control)
    if isinstance(said, Live) and control is not None and not isinstance(there, Missing):
        with suppress(CmpBundleError):  # it has answered before, if slowly
            wanted = (*contexts(there), *filter(None, (said.guest_context,)))
            plan = dialled.contexts(control, wanted)
            said = replace(said, contexts=plan, bridges=dialled.bridges(control, plan))
        if said.rtp and said.rtp.stun:
            said = replace(said, stun_answers=stun.answers(said.rtp.stun))
    # At once: a way that leads nowhere takes all of its time.
    with ThreadPoolExecutor(1) as aside:
        going = aside.submit(_outside, target, files)
        inside = _inside(target, files, said, installation)
        outside = going.result()
    if isinstance(said, Live) and said.http.plain and _is_dead(inside, outside):
        inside = _inside_by_plain_http(target, said, said.http.plain, files, outside) or inside
    if isinstance(outside, Reached) and not outside.path_named:
        outside = elsewhere(outside)
    kept = (
        {}
        if isinstance(there, Missing)
        else {p.id: why for p in there if (why := left_out(p, said, files)) is not None}
    )
    known = said.contexts if isinstance(said, Live) else None
    only = bool(target.only)
    near = outside if _is_dead(inside, outside) else inside
    tried: Calls | Missing = Missing("nobody was called")
    public: Calls | Missing = tried
    at_once = _at_once(said)
    if calling:
        callers = _callers(target, there)
        # From the server to itself, sound gets through.
        call = partial(calls, left_out=kept, only=only, at_once=at_once, media=installation is None)
        # Nobody is between the server and itself; its name may lead to somebody else.
        trust = trusted(target.authorities)
        tried = call(near, callers, known, target.echo, trusting=None if near is inside else trust)
        public = (
            call(outside, callers, known, target.echo, trusting=trust)
            if near is inside
            else Missing("there is only one way to it from here")
        )
    return Evidence(
        now=dt.datetime.now(dt.UTC),
        written=files,
        live=said,
        machine=_machine(files, outside, installation),
        phones=there,
        outside=outside,
        inside=inside,
        calls=tried,
        public_calls=public,
        pages=pages(inside, said),
        log=log(installation, files, said) if installation else Missing(_NO_ASTERISK),
        connects=_connects(target),
    )


def _machine(
    files: Written | Missing, outside: Reached | Missing, installation: Installation | None
) -> Machine | Missing:
    if installation is None:
        return Missing(_NO_ASTERISK)
    ports = set()
    if isinstance(files, Written):
        server = files.configured.server
        ports = {one.port for one in (server.address, server.tls_address) if one is not None}
    addresses = outside.addresses if isinstance(outside, Reached) else ()
    return machine(ports, addresses, installation.root)


def _connects(target: Target) -> Connects:
    """With what comes of it where it is known to the last."""
    where = target.connects
    parts = urlsplit(target.url)
    if not parts.netloc or not (where.host or where.port or where.path):
        return where
    host = where.host or parts.hostname or ""
    port = where.port or parts.port or (443 if parts.scheme == "https" else 80)
    base = f"{parts.scheme}://[{host}]:{port}" if ":" in host else f"{parts.scheme}://{host}:{port}"
    return replace(where, handshake=ask(base, where.path or "/ws"))


def _phones(
    target: Target, files: Written | Missing, said: Live | Missing, control: Control | None
) -> tuple[Phone, ...] | Missing:
    try:
        return phones(files, said, control, target.accounts, target.only)
    except CmpBundleError as error:
        return Missing(str(error))


def _callers(target: Target, there: tuple[Phone, ...] | Missing) -> tuple[Phone, ...] | Missing:
    """Who is tried. Where nobody can say what Asterisk has, accounts can register all the same."""
    if not isinstance(there, Missing):
        return there
    wanted = [one for one in target.accounts if not target.only or one.id in target.only]
    if not wanted:
        return there
    return tuple(Phone(one.id, None, asked=False, loaded=None, account=one) for one in wanted)


def _at_once(said: Live | Missing) -> int:
    """How many test calls may be in progress: half of the ports for sound stay free of them."""
    if isinstance(said, Missing) or said.rtp is None:
        return AT_ONCE
    ports = said.rtp.last - said.rtp.first + 1
    return max(1, min(AT_ONCE, ports // (2 * PORTS)))


def _prefix(files: Written | Missing, said: Live | Missing) -> str:
    if isinstance(said, Live):
        return said.http.prefix
    return files.configured.server.prefix if isinstance(files, Written) else ""


def _inside(
    target: Target,
    files: Written | Missing,
    said: Live | Missing,
    installation: Installation | None,
) -> Reached | Missing:
    """Over the loopback, where HTTPS is bound by the server's own word, or else by its files."""
    if installation is None or isinstance(said, Missing):
        return Missing("no running Asterisk was found here")
    try:
        base = reached(installation.control)
    except CmpBundleError as error:
        return Missing(str(error))
    if base is None and isinstance(files, Written) and files.configured.server.tls_address:
        base = base_url(str(files.configured.server.tls_address))
    if base is None:
        return Missing("Asterisk has no HTTPS", Part.TLS)
    prefix = _prefix(files, said)
    return reach(base, f"{prefix}/ws", target.page, target.authorities)


def _inside_by_plain_http(
    target: Target,
    said: Live,
    listener: str,
    files: Written | Missing,
    outside: Reached | Missing,
) -> Reached | None:
    """Where a proxy has the certificate, by our own http.conf or as it shows from outside."""
    ours = isinstance(files, Written) and files.configured.our_http.plain
    if not ours and not (isinstance(outside, Reached) and outside.tls):
        return None
    path = f"{said.http.prefix}/ws"
    return reach(base_url(listener, "http"), path, target.page, target.authorities)


def _is_dead(inside: Reached | Missing, outside: Reached | Missing) -> bool:
    """Whether there is no HTTPS of Asterisk's own, or none that works while the public address does."""
    if isinstance(inside, Missing):
        return True
    open_outside = isinstance(outside, Reached) and outside.stopped is None
    return inside.stopped in (Part.NAME, Part.TLS) and open_outside


def _outside(target: Target, files: Written | Missing) -> Reached | Missing:
    if not target.url:
        return Missing(_NO_URL)
    parts = urlsplit(target.url)
    base = f"{parts.scheme}://{parts.netloc}"
    connects = target.connects
    # With a host of its own, the path is one there.
    path = "" if connects.host or connects.port else connects.path
    named = bool(path)
    if not path and isinstance(files, Written):
        path = f"{files.configured.server.prefix}/ws"
    found = reach(base, path, target.page, target.authorities)
    return replace(found, page_named=target.page_named, path_named=named)
