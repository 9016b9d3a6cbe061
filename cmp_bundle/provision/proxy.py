"""What a proxy that has the certificate needs to know to pass the phone on, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cmp_bundle.asterisk import includes

if TYPE_CHECKING:
    from collections.abc import Sequence

#: The proxies whose lines are known.
KINDS: Sequence[str] = ("nginx", "caddy", "apache", "traefik")

#: Where browsers look without being told a port.
HTTPS = 443


def is_proxied(url: str) -> bool:
    """Whether people who open ``url`` reach a proxy: Asterisk does not listen where browsers look
    without being told a port.
    """
    return bool(url) and (urlsplit(url).port or HTTPS) == HTTPS


def block(kind: str, url: str, *, prefix: str, site: str, redirect: str, listener: str) -> str:
    """The lines for one of KINDS. ``url`` is where people open the phone, ``listener`` where Asterisk
    has plain HTTP (127.0.0.1:8088).
    """
    parts = urlsplit(url)
    text = includes.render(
        kind,
        package="cmp_bundle.provision",
        host=parts.hostname,
        port=parts.port or HTTPS,
        redirect=redirect,
        site=f"{prefix}/static/{site}/",
        socket=f"{prefix}/ws",
        base=f"http://{listener}",
    )
    return text.decode()
