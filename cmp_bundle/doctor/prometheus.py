"""A textfile for Prometheus's node_exporter: what a person would want to be woken for.

The format is https://prometheus.io/docs/instrumenting/exposition_formats/, text.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from cryptography import x509

from cmp_bundle.doctor.evidence import Evidence, Live, Written
from cmp_bundle.doctor.reach import Reached
from cmp_bundle.findings import Level

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cmp_bundle.doctor.diagnosis import Diagnosis

_DAY = 86400.0


def metrics(evidence: Evidence, found: Diagnosis) -> str:
    """The whole file. What is not known has no line, so that alerts on absence work."""
    return "".join(f"{line}\n" for line in _lines(evidence, found))


def _lines(evidence: Evidence, found: Diagnosis) -> Iterator[str]:
    yield from _gauge(
        "cmp_bundle_doctor_findings",
        "Findings of the last examination, by code and level; none where nothing is wrong.",
        {
            f'{{code="{code}",level="{level}"}}': float(count)
            for (code, level), count in Counter(
                (f.code, f.level.value) for f in found.findings
            ).items()
        },
    )
    yield from _gauge(
        "cmp_bundle_doctor_ok",
        "1 where the last examination found no error.",
        {"": float(not any(f.level is Level.ERROR for f in found.findings))},
    )
    yield from _gauge(
        "cmp_bundle_doctor_time_seconds",
        "When the last examination was, in seconds since 1970.",
        {"": evidence.now.timestamp()},
    )
    shown = _certificate(evidence)
    if shown is not None:
        whole = (shown.not_valid_after_utc - shown.not_valid_before_utc).total_seconds()
        left = (shown.not_valid_after_utc - evidence.now).total_seconds()
        yield from _gauge(
            "cmp_bundle_certificate_left_days",
            "Days until the certificate ends that browsers are shown.",
            {"": left / _DAY},
        )
        yield from _gauge(
            "cmp_bundle_certificate_left_ratio",
            "The same as a part of its lifetime; below a third it should have been renewed.",
            {"": left / whole if whole else 0.0},
        )
    if isinstance(evidence.live, Live):
        yield from _gauge(
            "cmp_bundle_phones_registered",
            "Contacts of all endpoints.",
            {"": float(sum(one.contacts for one in evidence.live.listed))},
        )
    if isinstance(evidence.written, Written):
        yield from _gauge(
            "cmp_bundle_http_session_limit",
            "sessionlimit of http.conf: connections of pages and phones together.",
            {"": float(evidence.written.configured.server.session_limit)},
        )


def _gauge(name: str, means: str, values: dict[str, float]) -> Iterator[str]:
    yield f"# HELP {name} {means}"
    yield f"# TYPE {name} gauge"
    for labels, value in values.items():
        yield f"{name}{labels} {value:.15g}"


def _certificate(evidence: Evidence) -> x509.Certificate | None:
    for reached in (evidence.outside, evidence.inside):
        if isinstance(reached, Reached) and reached.tls and reached.tls.chain:
            try:
                return x509.load_der_x509_certificate(reached.tls.chain[0])
            except ValueError:
                continue
    return None
