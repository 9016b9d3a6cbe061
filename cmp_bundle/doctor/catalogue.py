"""All checks, in the order of the way."""

from __future__ import annotations

from cmp_bundle.doctor import (
    candidates,
    certificate,
    codecs,
    conversation,
    media,
    network,
    operation,
    pictures,
    proxy,
    public,
    refused_files,
    registration,
    security,
    session,
    tls,
    transport,
    versions,
    web_server,
    websocket,
)

CHECKS = (
    *refused_files.CHECKS,
    *network.CHECKS,
    *proxy.CHECKS,
    *tls.CHECKS,
    *certificate.CHECKS,
    *web_server.CHECKS,
    *websocket.CHECKS,
    *public.CHECKS,
    *registration.CHECKS,
    *session.CHECKS,
    *transport.CHECKS,
    *codecs.CHECKS,
    *conversation.CHECKS,
    *media.CHECKS,
    *candidates.CHECKS,
    *pictures.CHECKS,
    *operation.CHECKS,
    *security.CHECKS,
    *versions.CHECKS,
)
