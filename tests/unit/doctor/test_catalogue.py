"""Each code of the way is looked for, and somewhere it is brought about: on a real server, or as recorded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cmp_bundle.doctor.catalogue import CHECKS
from cmp_bundle.findings import known
from tests.asterisk.test_doctor_faults import FAULTS

LETTERS = {code for code in known() if re.fullmatch(r"[A-Z]\d{3}", code)}
REAL = {fault.code for fault in FAULTS} & LETTERS

#: What takes another version, a module, days or another machine: tried with what was recorded, or as values.
RECORDED = {
    "N104": "test_network",
    "N106": "test_network",
    "N112": "test_network",
    "H107": "test_web_server",
    "H108": "test_web_server",
    "R120": "test_registration",
    "S113": "test_session",
    "M107": "test_media",
    "M113": "test_media",
    "M115": "test_media",
    "O102": "test_operation",
    "O103": "test_operation",
    "K103": "test_versions",
}

#: What only a browser, another network or the phone's user can tell: it is said that it is not known.
NOT_FROM_HERE = {
    "N109", "N111", "N113", "H111", "H113", "W104", "W108", "R121", "S117", "S118", "M105", "M108",
    "M109", "M111", "M112", "M117", "M118", "M121", "M122", "V108",
}  # fmt: skip

#: Odd, and no fault.
NO_FAULT = {"H102", "H112", "O107"}


def test_each_code_has_its_place() -> None:
    rest = LETTERS - REAL
    assert rest == RECORDED.keys() | NOT_FROM_HERE | NO_FAULT
    assert not RECORDED.keys() & (NOT_FROM_HERE | NO_FAULT)
    assert len(REAL) > 100


def test_each_code_is_looked_for() -> None:
    assert LETTERS - {code for check in CHECKS for code in check.codes} == set()


@pytest.mark.parametrize("code", RECORDED)
def test_what_is_recorded_is_tried(code: str) -> None:
    text = Path(__file__).with_name(f"{RECORDED[code]}.py").read_text()
    assert f'"{code}"' in text
