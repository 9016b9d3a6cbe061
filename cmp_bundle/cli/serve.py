from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import ssl
import time
import webbrowser
from contextlib import nullcontext
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cmp_bundle.bundle.build import Live, build
from cmp_bundle.bundle.client import client
from cmp_bundle.checks.static_names import served_badly
from cmp_bundle.cli import source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.opening import opened
from cmp_bundle.cli.output import Result, show
from cmp_bundle.cli.trial import Trial
from cmp_bundle.devserver.developer import Developer
from cmp_bundle.devserver.guard import Guard
from cmp_bundle.devserver.pbx import InnerPbx, RealPbx, tls
from cmp_bundle.devserver.server import BundleSource, DevServer, bind, bind_beside
from cmp_bundle.devserver.shown import FOLDER
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import machine
from cmp_bundle.tls.leaf import wider
from cmp_bundle.tls.store import leaf_for

if TYPE_CHECKING:
    from cmp_bundle.bundle.build import Built
    from cmp_bundle.devserver.pbx import Pbx

_FLAGS = (
    *source.FLAGS,
    "build.pristine",
    "build.without",
    "serve.host",
    "serve.port",
    "serve.pbx",
    "serve.pbx_ca",
)

#: Addresses that mean all of this machine's.
_EVERYWHERE = {"", "0.0.0.0", "::", "*"}  # noqa: S104 - to tell them apart


@make(
    click.option("--practice", is_flag=True, help="Connect phones to a practice PBX in here."),
    click.option("--pbx-insecure", is_flag=True, help="Take the PBX's certificate as it is."),
    click.option("--pack", is_flag=True, help="Show the packed bundle, as a deploy would put it."),
    click.option("--no-cache", is_flag=True, help="Tell browsers to keep nothing."),
    click.option("--poll", is_flag=True, help="Look at the files, where no events come."),
    click.option("--open", "open_browser", is_flag=True, help="Open it in a browser."),
    source.OFFLINE,
    flags=_FLAGS,
)
def command(
    run: Run,
    *,
    practice: bool,
    pbx_insecure: bool,
    pack: bool,
    no_cache: bool,
    poll: bool,
    open_browser: bool,
    offline: bool,
) -> Result:
    """Show the phone on this machine, as Asterisk will serve it, and reload it as it is edited.

    Phones are connected to a real PBX (--pbx wss://pbx.example.com:8089/ws) or to a practice PBX
    (--practice), which answers 246 with an echo. The links are good for this run alone. What was
    built and what is said stands on the developer's page, on a TLS port of its own: its address
    holds a secret, so show it to nobody.
    """
    _check(run, practice=practice)
    said = run.settings.serve
    everywhere = said.host in _EVERYWHERE
    host = "" if everywhere else said.host.strip("[]")
    sockets = bind(host, said.port)
    port = sockets[0].getsockname()[1]
    beside = bind_beside(host, said.port)
    trial = Trial(run, practice=practice)
    names = machine.to_serve(everywhere=everywhere)
    if not everywhere and host not in names:
        names = (*names, host)

    def built(number: int) -> Built:
        again = trial.read()
        phone = source.phone(again, offline=offline)
        live = Live(
            (f"/__cmp/page.js?live-{number}", "/livereload.js"), FOLDER.format(number=number)
        )
        settings = replace(again.settings, build=replace(again.settings.build, pack=pack))
        made = build(phone, trial.here(settings), client(), trial.people(), live)
        return replace(made, warnings=(*made.warnings, *served_badly(made)))

    base = _base(host, port, everywhere=everywhere)
    ours = frozenset(n.lower() for n in names)
    developer = Developer(Guard(ours, beside[0].getsockname()[1]), secrets.token_urlsafe(16))
    page = f"{_page_base(host, developer.guard.port, everywhere=everywhere)}/{developer.secret}/"
    server = DevServer(
        BundleSource(
            built,
            trial.watched,
            lambda: trial.links(base),
            base,
            first=time.time_ns() // 10**6,
            shown=trial.settle,
        ),
        Guard(ours, port),
        developer,
        _pbx(run, trial, practice=practice, insecure=pbx_insecure),
        run.reporter,
        no_cache=no_cache,
        polling=poll,
    )
    context = _certificate(run, trial, names, () if everywhere else (host,))

    async def serve() -> None:
        outcome = await server.build()
        for warning in outcome.warnings:
            run.reporter.found(warning)
        server.listen(sockets, beside, context)
        bound = [s.getsockname()[0] for s in sockets]
        _warn_of_others(run, bound, names if everywhere else (host,))
        url = _announced(run, trial, base, page, practice=practice)
        try:
            with opened(url) if open_browser else nullcontext() as address:
                if address:
                    await asyncio.to_thread(webbrowser.open, address)
                await server.run()
        finally:
            await server.aclose()
            await trial.aclose()

    asyncio.run(serve())
    return Result("", {})


def _check(run: Run, *, practice: bool) -> None:
    """Raises CmpBundleError for what does not go together."""
    said = run.settings.serve
    if practice and said.pbx:
        raise CmpBundleError(
            "options-conflict",
            "--practice and --pbx are two different PBXes",
            hint="leave out one of them",
        )
    if practice and said.host.strip("[]") not in machine.LOCAL:
        raise CmpBundleError(
            "options-conflict",
            "the practice PBX is for this machine alone",
            hint="leave out --host",
        )


def _certificate(
    run: Run, trial: Trial, names: tuple[str, ...], asked: tuple[str, ...]
) -> ssl.SSLContext:
    """For everybody who asks for one of ``names``; made or renewed if need be."""
    stored = leaf_for(trial.certs, names, dt.datetime.now(dt.UTC), asked=asked)
    if stored.renewed:
        run.reporter.note(f"{stored.path}: a certificate for this machine ({stored.renewed})")
    if stored.fresh:
        run.reporter.note("browsers will warn of it until they are told: cmp-bundle certs trust")
    if stored.left_out:
        # This machine's public addresses above all, for which nobody has asked.
        run.reporter.note(
            f"the authority here may not vouch for {', '.join(map(str, stored.left_out))}, so"
            f" browsers warn there; {wider(*stored.left_out)}"
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(stored.path)
    return context


def _warn_of_others(run: Run, bound: list[str], names: tuple[str, ...]) -> None:
    """Say who else can reach it, where it is not ``bound`` to addresses of this machine alone."""
    if not all(ip_address(address.partition("%")[0]).is_loopback for address in bound):
        reach = ", ".join(n for n in names if n not in machine.LOCAL)
        run.reporter.warn(f"everybody who reaches this machine can open the phone: {reach}")


def _announced(run: Run, trial: Trial, base: str, page: str, *, practice: bool) -> str:
    """Say where everything is; the first account's way in."""
    links = trial.links(base)
    url = links[0].url if links else f"{base}{run.settings.site.redirect}"
    if practice:
        run.reporter.note("a practice PBX, for trying only: 246 echoes, 247 with four pictures,"
                          " 248 calls you back, 249 is busy, 250 rings for ever")  # fmt: skip
        if run.settings.build.pristine and links:
            run.reporter.note(f"nothing is filled in: {links[0].account}, {links[0].note}")
    run.reporter.note(f"developer's page, for you alone: {page}    stop with Ctrl-C")
    show(Result(url, {"url": url, "page": page}), as_json=run.as_json)
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


def _pbx(run: Run, trial: Trial, *, practice: bool, insecure: bool) -> Pbx | None:
    said = run.settings.serve
    if practice:
        return InnerPbx(trial.practice_pbx())
    if not said.pbx:
        return None
    if not said.pbx.startswith("wss:"):
        return RealPbx(said.pbx, None)
    ca = run.loaded.base("serve.pbx_ca") / Path(said.pbx_ca).expanduser() if said.pbx_ca else ""
    return RealPbx(said.pbx, tls(str(ca), insecure=insecure))
