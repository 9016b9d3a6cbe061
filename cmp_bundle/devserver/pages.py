"""The developer's own page: what is built, what was said about it, and what passes on the wire.

All of its addresses are relative: what stands before them is the secret, which it is not told.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flask import Flask, Response, abort, render_template

from cmp_bundle.accounts.link import qr_as_svg
from cmp_bundle.devserver.developer import HEADERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from cmp_bundle.devserver.builds import Outcome
    from cmp_bundle.devserver.sip_log import Call, LoggedPhone
    from cmp_bundle.errors import CmpBundleError


#: Accounts and phones that the page shows; with more of them nobody would find theirs.
MOST = 50


@dataclass(frozen=True)
class AccountLink:
    """An account's way into the phone, and what else is to be said about it."""

    account: str
    url: str
    note: str = ""


@dataclass(frozen=True)
class View:
    """Everything that the page shows, as it is at one moment."""

    site: str
    url: str
    pbx: str
    outcome: Outcome | None
    notice: CmpBundleError | None
    links: tuple[AccountLink, ...]
    phones: tuple[LoggedPhone, ...]
    calls: tuple[Call, ...]


def make_app(view: Callable[[], View]) -> Flask:
    """The application. ``view`` may be called from any thread."""
    app = Flask(__name__, static_folder=None)
    app.jinja_env.globals["most"] = MOST
    app.jinja_env.filters["clock"] = lambda at: time.strftime("%H:%M:%S", time.localtime(at))
    app.jinja_env.filters["kilobytes"] = lambda count: f"{count / 1000:.1f} kB"

    @app.after_request
    def _guarded(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    @app.get("/")
    def _page() -> str:
        return render_template("page.html", view=view())

    @app.get("/state")
    def _state() -> str:
        return render_template("state.html", view=view())

    @app.get("/accounts")
    def _accounts() -> str:
        return render_template("accounts.html", view=view())

    @app.get("/qr/<int:number>")
    def _qr(number: int) -> Response:
        links = view().links
        if number >= len(links):
            abort(404)
        return Response(qr_as_svg(links[number].url), mimetype="image/svg+xml")

    return app
