"""A running Asterisk and its machine, in values: healthy ones, which a test changes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cmp_bundle.asterisk.answers.core import Process, modules, version
from cmp_bundle.asterisk.answers.http import HttpStatus
from cmp_bundle.asterisk.answers.media import Rtp
from cmp_bundle.doctor.check import Check, Unknown
from cmp_bundle.doctor.evidence import Evidence, Live, Machine
from cmp_bundle.findings import Finding

#: As ``module show`` has them.
RUNNING = "".join(
    f"{name}.so   it  0  Running  core\n"
    for name in (
        "chan_pjsip", "res_http_websocket", "res_pjsip", "res_pjsip_authenticator_digest",
        "res_pjsip_endpoint_identifier_user", "res_pjsip_registrar", "res_pjsip_sdp_rtp",
        "res_pjsip_session", "res_pjsip_transport_websocket", "res_rtp_asterisk", "res_srtp",
    )
)  # fmt: skip


def live(text: str = "Asterisk 22.11.0", **known: Any) -> Live:
    """One of the version ``text``, as ``core show version`` has it."""
    healthy = Live(
        version=version(text),
        version_text=text,
        process=Process(20000, 90, 90),
        modules=modules(RUNNING),
        http=HttpStatus(plain="127.0.0.1:8088", secure="0.0.0.0:8089", paths=("/ws",)),
        rtp=Rtp(10000, 20000, ice=True),
        settings={},
        listed=(),
        options={},
        contexts={},
    )
    return replace(healthy, **known)


def machine(**known: Any) -> Machine:
    return replace(Machine("pbx", name_resolves=True, firewall=None), **known)


def outcomes(checks: tuple[Check, ...], code: str, found: Evidence) -> list[Finding | Unknown]:
    """What those of ``checks`` that decide ``code`` say of it."""
    return [
        one
        for check in checks
        if code in check.codes
        for one in check.outcomes(found)
        if one.code == code
    ]


def messages(checks: tuple[Check, ...], code: str, found: Evidence) -> list[str]:
    """Of the findings; fails where there is anything else."""
    said = outcomes(checks, code, found)
    assert all(isinstance(one, Finding) for one in said), said
    return [one.message for one in said if isinstance(one, Finding)]


def unknown(checks: tuple[Check, ...], code: str, found: Evidence) -> str:
    """Why it cannot be decided; fails where it can."""
    (one,) = outcomes(checks, code, found)
    assert isinstance(one, Unknown), one
    return one.reason
