"""Evidence in values: of nothing, to which a test adds what it is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

from cmp_bundle.doctor.evidence import Evidence, Missing

NOW = dt.datetime(2026, 11, 28, tzinfo=dt.UTC)
NOTHING = Missing("nothing was looked at")


def evidence(**known: Any) -> Evidence:
    """Everything is missing but what is ``known``."""
    empty = Evidence(
        now=NOW,
        written=NOTHING,
        live=NOTHING,
        machine=NOTHING,
        phones=NOTHING,
        outside=NOTHING,
        inside=NOTHING,
        calls=NOTHING,
        public_calls=NOTHING,
    )
    return replace(empty, **known)
