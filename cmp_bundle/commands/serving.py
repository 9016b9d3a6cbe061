"""The use case of trying: the phone on this machine, over TLS, built anew with every edit."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import ssl
import time
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_bundle.bundle.build import Live
from cmp_bundle.commands.bundling import checked
from cmp_bundle.commands.fetched import phone
from cmp_bundle.commands.preview import Preview
from cmp_bundle.devserver.built_files import FOLDER
from cmp_bundle.devserver.developer import Developer
from cmp_bundle.devserver.guard import Guard
from cmp_bundle.devserver.pbx import InnerPbx, RealPbx, tls
from cmp_bundle.devserver.server import BundleSource, DevServer, bind, bind_beside
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import machine
from cmp_bundle.tls.leaf import wider
from cmp_bundle.tls.store import leaf_for

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager

    from cmp_bundle.bundle.build import Built
    from cmp_bundle.commands.context import Context
    from cmp_bundle.devserver.pbx import Pbx

#: Addresses that mean all of this machine's.
_EVERYWHERE = {"", "0.0.0.0", "::", "*"}  # noqa: S104 - to tell them apart


@dataclass(frozen=True)
class Served:
    """Where the phone is, and where the developer's page is: its address holds a secret."""

    url: str
    page: str


def serve(
    context: Context,
    up: Callable[[Served], AbstractAsyncContextManager[None]],
    *,
    practice: bool = False,
    pbx_insecure: bool = False,
    pack: bool = False,
    no_cache: bool = False,
    poll: bool = False,
    offline: bool = False,
) -> None:
    """Show the phone on this machine, until the process is stopped with an interrupt.

    What ``up`` gives is entered when the phone can be opened, and left when it is over. Raises
    CmpBundleError where it does not come to that.
    """
    _check(context, practice=practice)
    wanted = context.settings.serve
    everywhere = wanted.host in _EVERYWHERE
    host = "" if everywhere else wanted.host.strip("[]")
    sockets = bind(host, wanted.port)
    port = sockets[0].getsockname()[1]
    beside = bind_beside(host, wanted.port)
    preview = Preview(context, practice=practice)
    names = machine.to_serve(everywhere=everywhere)
    if not everywhere and host not in names:
        names = (*names, host)

    def built(number: int) -> Built:
        again = preview.read()
        live = Live(
            (f"/__cmp/page.js?live-{number}", "/livereload.js"), FOLDER.format(number=number)
        )
        settings = replace(again.settings, build=replace(again.settings.build, pack=pack))
        return checked(
            phone(again, offline=offline), preview.here(settings), preview.bundled(), live
        )

    base = _base(host, port, everywhere=everywhere)
    hosts = frozenset(n.lower() for n in names)
    developer = Developer(Guard(hosts, beside[0].getsockname()[1]), secrets.token_urlsafe(16))
    page = f"{_page_base(host, developer.guard.port, everywhere=everywhere)}/{developer.secret}/"
    server = DevServer(
        BundleSource(
            built,
            preview.watched,
            lambda: preview.links(base),
            base,
            first=time.time_ns() // 10**6,
            on_visible=preview.settle,
        ),
        Guard(hosts, port),
        developer,
        _pbx(context, preview, practice=practice, insecure=pbx_insecure),
        context.reporter,
        no_cache=no_cache,
        polling=poll,
    )
    certificate = _certificate(context, preview, names, () if everywhere else (host,))

    async def run() -> None:
        outcome = await server.build()
        for warning in outcome.built.warnings:
            context.reporter.found(warning)
        server.listen(sockets, beside, certificate)
        bound = [s.getsockname()[0] for s in sockets]
        _warn_of_others(context, bound, names if everywhere else (host,))
        url = _announced(context, preview, base, page, practice=practice)
        try:
            async with up(Served(url, page)):
                await server.run()
        finally:
            await server.aclose()
            await preview.aclose()

    asyncio.run(run())


def _check(context: Context, *, practice: bool) -> None:
    """Raises CmpBundleError for what does not go together."""
    wanted = context.settings.serve
    if practice and wanted.pbx:
        raise CmpBundleError(
            "options-conflict",
            "--practice and --pbx are two different PBXes",
            hint="leave out one of them",
        )
    if practice and wanted.host.strip("[]") not in machine.LOCAL:
        raise CmpBundleError(
            "options-conflict",
            "the practice PBX is for this machine only",
            hint="leave out --host",
        )


def _certificate(
    context: Context, preview: Preview, names: tuple[str, ...], asked: tuple[str, ...]
) -> ssl.SSLContext:
    """For everybody who asks for one of ``names``; made or renewed if need be."""
    stored = leaf_for(preview.certs, names, dt.datetime.now(dt.UTC), asked=asked)
    if stored.renewed:
        context.reporter.note(f"{stored.path}: a certificate for this machine ({stored.renewed})")
    if stored.fresh:
        context.reporter.note(
            "browsers will warn about it; to prevent that: cmp-bundle certs trust"
        )
    if stored.left_out:
        # This machine's public addresses above all, for which nobody has asked.
        context.reporter.note(
            f"the authority here cannot sign for {', '.join(map(str, stored.left_out))}, so"
            f" browsers warn there; {wider(*stored.left_out)}"
        )
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.minimum_version = ssl.TLSVersion.TLSv1_2
    served.load_cert_chain(stored.path)
    return served


def _warn_of_others(context: Context, bound: list[str], names: tuple[str, ...]) -> None:
    """Say who else can reach it, where it is not ``bound`` to addresses of this machine alone."""
    if not all(ip_address(address.partition("%")[0]).is_loopback for address in bound):
        reach = ", ".join(n for n in names if n not in machine.LOCAL)
        context.reporter.warn(f"everybody who reaches this machine can open the phone: {reach}")


def _announced(context: Context, preview: Preview, base: str, page: str, *, practice: bool) -> str:
    """Say where everything is; the first account's way in."""
    links = preview.links(base)
    url = links[0].url if links else f"{base}{context.settings.site.redirect}"
    if practice:
        context.reporter.note("a practice PBX, for tests only: 246 echoes, 247 echoes four pictures,"
                          " 248 calls you back, 249 is busy, 250 rings forever")  # fmt: skip
        if context.settings.build.pristine and links:
            context.reporter.note(f"nothing is filled in: {links[0].account}, {links[0].note}")
    context.reporter.note(f"developer's page, for you only: {page}    stop with Ctrl-C")
    return url


def _base(host: str, port: int, *, everywhere: bool) -> str:
    """Where people open it: from elsewhere too, where it can be reached from there."""
    if everywhere:
        host = next((str(a) for a in machine.addresses()), "localhost")
    return f"https://{host if ':' not in host else f'[{host}]'}:{port}"


def _page_base(host: str, port: int, *, everywhere: bool) -> str:
    """Where the developer's page is: if it can be, at another host than the phone's.

    Browsers keep what is of one host closer together than its ports are: cookies, processes.
    """
    return _base("127.0.0.1" if host == "localhost" else host, port, everywhere=everywhere)


def _pbx(context: Context, preview: Preview, *, practice: bool, insecure: bool) -> Pbx | None:
    wanted = context.settings.serve
    if practice:
        return InnerPbx(preview.practice_pbx())
    if not wanted.pbx:
        return None
    if not wanted.pbx.startswith("wss:"):
        return RealPbx(wanted.pbx, None)
    ca = (
        context.loaded.base("serve.pbx_ca") / Path(wanted.pbx_ca).expanduser()
        if wanted.pbx_ca
        else ""
    )
    return RealPbx(wanted.pbx, tls(str(ca), insecure=insecure))
