"""The files of ours that Asterisk's configuration includes: everything that we configure."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from cmp_bundle.asterisk.values import integer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jinja2 import Template

    from cmp_bundle.asterisk.configuration import Configuration

#: Our folder under Asterisk's configuration folder.
FOLDER = "cmp-bundle"

#: The files in it that ``provision`` writes; http.conf it shares with a deploy.
PROVISIONED = frozenset(
    {
        "confbridge.conf",
        "extensions.conf",
        "https.pem",
        "modules.conf",
        "pjsip.conf",
        "rtp.conf",
        "sip.conf",
    }
)

_MOST_SESSIONS = (1 << 31) - 1


@dataclass(frozen=True)
class Https:
    """A TLS listener for Asterisk's web server. Paths are as Asterisk sees them.

    With an address of its own it listens whether or not plain http is enabled.
    """

    certificate: str
    key: str
    address: str = "0.0.0.0:8089"


def page_path(prefix: str, site: str, version: str) -> str:
    """Where the redirect leads: ``/static/SITE/index.html?v=VERSION`` behind the prefix."""
    return f"{prefix}/static/{site}/index.html?v={version}"


@dataclass(frozen=True)
class OurHttp:
    """What ``cmp-bundle/http.conf`` says. A deploy has its ``redirect`` to ``page`` there, with
    static files on; provision has ``https``, or ``plain`` HTTP for a proxy (``address:port``),
    ``session_limit``, and ``no_status`` where the page /httpstatus is off. Each leaves the other's
    alone.
    """

    redirect: str | None = None
    page: str | None = None
    https: Https | None = None
    session_limit: int | None = None
    plain: str | None = None
    no_status: bool = False

    def __bool__(self) -> bool:
        return self != OurHttp()

    def written(self, *, general_exists: bool = True) -> bytes:
        """The file. ``general_exists`` tells whether a [general] to add to was read before; adding
        to a category that is not there makes Asterisk refuse the whole file.
        """
        return render("http.conf", ours=self, general_exists=general_exists)


def our_http(http: Configuration, file: str) -> OurHttp:
    """What ``file``, our http.conf as Asterisk sees it, says in the configuration that was read."""
    ours = [v for v in http.browse("general") if v.file == file]
    values = {v.name: v.value for v in ours if v.name != "redirect"}
    redirects = [v.value.partition(" ") for v in ours if v.name == "redirect"]
    target, _, page = redirects[-1] if redirects else ("", "", "")
    limit = integer(values.get("sessionlimit", ""), 1, _MOST_SESSIONS)
    return OurHttp(
        redirect=target or None,
        page=page or None,
        https=_https(values),
        session_limit=limit,
        plain=f"{values['bindaddr']}:{values.get('bindport', '')}"
        if "bindaddr" in values
        else None,
        no_status="enable_status" in values,
    )


def _https(values: Mapping[str, str]) -> Https | None:
    if "tlscertfile" not in values:
        return None
    certificate = values["tlscertfile"]
    # Somebody may have taken lines out of the file. Asterisk then takes the certificate's for the key.
    key = values.get("tlsprivatekey", certificate)
    return Https(certificate, key, values.get("tlsbindaddr", Https.address))


def render(name: str, *, package: str = "cmp_bundle.asterisk", **values: Any) -> bytes:
    """The file of ours called ``name``, from the templates of ``package``."""
    return _template(package, name).render(values).encode()


@cache
def _template(package: str, name: str) -> Template:
    environment = Environment(  # noqa: S701 - configuration files, not HTML
        loader=PackageLoader(package),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
