from __future__ import annotations

import asyncio
import webbrowser
from contextlib import asynccontextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from cmp_bundle.cli import options
from cmp_bundle.cli.browser import opened
from cmp_bundle.cli.command import command as make
from cmp_bundle.cli.output import Result, show
from cmp_bundle.commands.serving import serve

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from cmp_bundle.commands.context import Context
    from cmp_bundle.commands.serving import Served

_FLAGS = (
    "build.pristine",
    "build.without",
    "serve.host",
    "serve.port",
    "serve.pbx",
    "serve.pbx_ca",
)


@make(
    click.option("--practice", is_flag=True, help="Connect phones to the built-in practice PBX."),
    click.option("--pbx-insecure", is_flag=True, help="Do not check the PBX's certificate."),
    click.option("--pack", is_flag=True, help="Serve the packed bundle, as a deploy would."),
    click.option("--no-cache", is_flag=True, help="Tell browsers to cache nothing."),
    click.option(
        "--poll", is_flag=True, help="Poll the files for edits, if the system reports none."
    ),
    click.option("--open", "open_browser", is_flag=True, help="Open it in a browser."),
    options.OFFLINE,
    flags=(*options.PHONE, *_FLAGS),
    accounts=True,
)
def command(
    context: Context,
    *,
    practice: bool,
    pbx_insecure: bool,
    pack: bool,
    no_cache: bool,
    poll: bool,
    open_browser: bool,
    offline: bool,
) -> Result | None:
    """Try the phone on this machine, and reload it with every edit.

    The page is served as Asterisk will serve it. Phones connect to a real PBX (--pbx
    wss://pbx.example.com:8089/ws) or to a practice PBX (--practice), which answers 246 with an
    echo. The links are valid for this run only. The developer's page shows the build and the SIP
    messages. It has its own TLS port. Its address holds a secret: do not share it.
    """
    as_json = bool(click.get_current_context().params["as_json"])

    @asynccontextmanager
    async def up(served: Served) -> AsyncIterator[None]:
        show(Result(served.url, served), as_json=as_json)
        with opened(served.url) if open_browser else nullcontext() as address:
            if address:
                await asyncio.to_thread(webbrowser.open, address)
            yield

    serve(
        context,
        up,
        practice=practice,
        pbx_insecure=pbx_insecure,
        pack=pack,
        no_cache=no_cache,
        poll=poll,
        offline=offline,
    )
    return None
