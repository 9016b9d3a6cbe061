"""All checks, in the order of the way."""

from __future__ import annotations

from cmp_bundle.doctor import certificate, registration, session, tls, websocket

CHECKS = (
    *tls.CHECKS,
    *certificate.CHECKS,
    *websocket.CHECKS,
    *registration.CHECKS,
    *session.CHECKS,
)
