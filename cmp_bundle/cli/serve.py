from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import webbrowser
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from cmp_bundle.bundle.build import Live, build
from cmp_bundle.bundle.client import client
from cmp_bundle.cli import source
from cmp_bundle.cli.command import Run
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result, show
from cmp_bundle.cli.trial import Trial
from cmp_bundle.devserver.guard import Guard
from cmp_bundle.devserver.pbx import InnerPbx, RealPbx, tls
from cmp_bundle.devserver.server import DevServer, Source, bind
from cmp_bundle.devserver.shown import FOLDER
from cmp_bundle.errors import CmpBundleError
from cmp_bundle.tls import machine
from cmp_bundle.tls.store import leaf_for

if TYPE_CHECKING:
    from cmp_bundle.bundle.build import Built
    from cmp_bundle.devserver.pbx import Pbx

_FLAGS = (*source.FLAGS, "build.pristine", "serve.host", "serve.port", "serve.pbx", "serve.pbx_ca")

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
    (--practice), which answers 246 with an echo. Everything is on one TLS port of this machine.
    """
    said = run.settings.serve
    everywhere = said.host in _EVERYWHERE
    if practice and (said.pbx or everywhere):
        raise CmpBundleError(
            "the practice PBX is for this machine alone"
            if everywhere
            else "--practice and --pbx are two different PBXes",
            hint="leave out --host" if everywhere else "leave out one of them",
        )
    sockets = bind("" if everywhere else said.host, said.port)
    port = sockets[0].getsockname()[1]
    trial = Trial(run, practice=practice)
    names = machine.to_serve(everywhere=everywhere)
    if not everywhere and said.host not in names:
        names = (*names, said.host)
    stored = leaf_for(trial.certs, names, dt.datetime.now(dt.UTC))
    if stored.renewed:
        run.reporter.note(f"{stored.path}: a certificate for this machine ({stored.renewed})")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(stored.path)

    def built(number: int) -> Built:
        again = trial.read()
        phone = source.phone(again, offline=offline)
        live = Live(
            (f"/__cmp/page.js?live-{number}", "/livereload.js"), FOLDER.format(number=number)
        )
        settings = replace(again.settings, build=replace(again.settings.build, pack=pack))
        return build(phone, trial.here(settings), client(), trial.people(), live)

    base = _base(said.host, port, everywhere=everywhere)
    guard = Guard(frozenset(n.lower() for n in names), port)
    server = DevServer(
        Source(built, trial.watched, lambda: trial.links(base), trial.settle),
        guard,
        _pbx(run, trial, practice=practice, insecure=pbx_insecure),
        run.reporter,
        no_cache=no_cache,
        polling=poll,
    )

    async def serve() -> None:
        outcome = await server.build()
        for warning in outcome.warnings:
            run.reporter.warn(f"{warning.path}: {warning.message}")
        server.listen(sockets, context)
        links = trial.links(base)
        url = links[0].url if links else f"{base}{run.settings.site.redirect}"
        if everywhere:
            reach = ", ".join(n for n in names if n not in machine.LOCAL)
            run.reporter.warn(f"everybody who reaches this machine can open this: {reach}")
        if practice:
            run.reporter.note("a practice PBX, for trying only: 246 echoes, 247 with four pictures,"
                              " 248 calls you back, 249 is busy, 250 rings for ever")  # fmt: skip
        if practice and run.settings.build.pristine and links:
            run.reporter.note(f"nothing is filled in: {links[0].account}, {links[0].note}")
        run.reporter.note(f"developer's page: {base}/    stop with Ctrl-C")
        show(Result(url, {"url": url, "page": f"{base}/"}), as_json=run.as_json)
        if open_browser:
            await asyncio.to_thread(webbrowser.open, url)
        try:
            await server.run()
        finally:
            await server.aclose()
            await trial.aclose()

    asyncio.run(serve())
    return Result("", {})


def _base(host: str, port: int, *, everywhere: bool) -> str:
    """Where people open it: from elsewhere too, where it can be reached from there."""
    if everywhere:
        host = next((str(a) for a in machine.addresses()), "localhost")
    return f"https://{host if ':' not in host else f'[{host}]'}:{port}"


def _pbx(run: Run, trial: Trial, *, practice: bool, insecure: bool) -> Pbx | None:
    said = run.settings.serve
    if practice:
        return InnerPbx(trial.practice_pbx())
    if not said.pbx:
        return None
    secure = said.pbx.startswith("wss:")
    return RealPbx(said.pbx, tls(said.pbx_ca, insecure=insecure) if secure else None)
