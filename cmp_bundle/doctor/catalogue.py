"""All checks, in the order of the way."""

from __future__ import annotations

from cmp_bundle.doctor import (
    certificate,
    network,
    proxy,
    registration,
    session,
    tls,
    web_server,
    websocket,
)

CHECKS = (
    *network.CHECKS,
    *proxy.CHECKS,
    *tls.CHECKS,
    *certificate.CHECKS,
    *web_server.CHECKS,
    *websocket.CHECKS,
    *registration.CHECKS,
    *session.CHECKS,
)
