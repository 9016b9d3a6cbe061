"""Who may ask: pages of this server alone, under the names that it goes by.

A name that somebody else's DNS points at this machine (DNS rebinding) gives a foreign page the
same origin as ours; so names that we do not go by are refused, and so are foreign origins.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Guard:
    """``names`` are hosts without ports, in small letters; ``port`` is ours."""

    names: frozenset[str]
    port: int

    def allows_host(self, host: str | None) -> bool:
        """Whether a Host header names this server."""
        return bool(host) and self._is_this_server(f"https://{host}")

    def allows_origin(self, origin: str | None) -> bool:
        """Whether a request of this origin may open a socket. Programs send none; pages do."""
        return origin is None or self._is_this_server(origin)

    def _is_this_server(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
            port = parts.port or 443
        except ValueError:
            return False
        return (
            parts.scheme == "https"
            and parts.username is None
            and (parts.hostname or "").lower() in self.names
            and port == self.port
        )
