"""Listening on a port: who says nothing is let go, and no more are let in than can be served."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tornado.httpserver import HTTPServer

if TYPE_CHECKING:
    import ssl

    from tornado.httputil import HTTPServerConnectionDelegate
    from tornado.iostream import IOStream

#: The largest body of a request, in bytes: nothing here takes any.
_BODY = 64 * 1024

#: Files that are open besides connections: watches, sockets, threads' own.
_OTHERS = 100


def _most() -> int:
    """Connections of phones and pages: each phone's takes a second one, to its PBX."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 400 if files == resource.RLIM_INFINITY else max(20, min(400, (files - _OTHERS) // 2))


@dataclass(frozen=True)
class Limits:
    """What a port allows to those who are connected; times in seconds.

    ``idle`` is for a TLS handshake with the first request, and for each request after it (Asterisk
    has 30 by default); ``sending`` for taking an answer; ``ping`` is how long a socket may be
    silent when it is asked for a sign of life.
    """

    idle: float = 30.0
    sending: float = 120.0
    ping: float = 30.0
    connections: int = _most()


class Listener(HTTPServer):
    """Serves one delegate over TLS within limits."""

    most: int

    def initialize(self, *args: Any, **more: Any) -> None:
        super().initialize(*args, **more)
        self._streams: set[IOStream] = set()

    @classmethod
    def over_tls(
        cls, front: HTTPServerConnectionDelegate, context: ssl.SSLContext, limits: Limits
    ) -> Listener:
        listener = cls(
            front,
            ssl_options=context,
            idle_connection_timeout=limits.idle,
            body_timeout=limits.idle,
            max_body_size=_BODY,
        )
        listener.most = limits.connections
        return listener

    def handle_stream(self, stream: IOStream, address: tuple[Any, ...]) -> None:
        # Those that became sockets are no connections to Tornado any more, but open all the same.
        self._streams = {s for s in self._streams if not s.closed()}
        if len(self._streams) >= self.most:
            stream.close()
            return
        self._streams.add(stream)
        super().handle_stream(stream, address)

    async def close_all_connections(self) -> None:
        """Sockets as well, which Tornado leaves open."""
        for stream in self._streams:
            stream.close()
        await super().close_all_connections()
