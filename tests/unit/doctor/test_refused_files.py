"""Files of which Asterisk reads nothing, or not all."""

from __future__ import annotations

from pathlib import Path

import pytest

from cmp_bundle.asterisk.configuration import CUT, REFUSED
from cmp_bundle.doctor import refused_files
from cmp_bundle.doctor.check import Check
from cmp_bundle.doctor.diagnosis import NotReached, diagnose
from cmp_bundle.doctor.evidence import Log
from cmp_bundle.findings import Finding, finding

from .evidence import evidence
from .files import in_files
from .outcomes import outcomes

PHONE = "[alice]\ntype=endpoint\nwebrtc=yes\n"


def told(folder: Path, files: dict[str, str], **more: object) -> list[Finding]:
    found = outcomes(refused_files.CHECKS, written=in_files(folder, files), **more)
    return [one for one in found if isinstance(one, Finding)]


@pytest.mark.parametrize("name", ["pjsip.conf", "http.conf", "rtp.conf", "extensions.conf"])
@pytest.mark.parametrize("what", ["absent.conf", "absent.d/*.conf"])
def test_an_include_of_what_is_not_there(tmp_path: Path, name: str, what: str) -> None:
    log = Log(
        "/log", (f"ERROR: The file '{what}' was listed as a #include but it does not exist.",)
    )
    (one,) = told(tmp_path, {name: f"[general]\n#include {what}\n"}, log=log)
    assert (one.code, one.subject) == (REFUSED, name)
    assert (
        one.message == f"Asterisk reads nothing of {name}: #include of {what}, which is not there"
    )
    assert str(one.place) == f"/etc/asterisk/{name}:2"
    assert what in (one.seen or "")
    assert "#tryinclude" in (one.hint or "")


def test_what_may_be_missing(tmp_path: Path) -> None:
    assert told(tmp_path, {"pjsip.conf": f"#tryinclude absent.d/*.conf\n{PHONE}"}) == []


def test_an_included_file_is_read_up_to_what_is_wrong(tmp_path: Path) -> None:
    files = {
        "pjsip.conf": "#include phones.conf\n",
        "phones.conf": f"{PHONE}[bob](nobody)\ntype=endpoint\n",
    }
    (one,) = told(tmp_path, files)
    assert (one.code, str(one.place)) == (CUT, "/etc/asterisk/phones.conf:4")
    assert "from here on" in one.message


def test_what_follows_from_it_is_no_finding_of_its_own(tmp_path: Path) -> None:
    files = in_files(tmp_path, {"pjsip.conf": f"{PHONE}#include absent.conf\n"})
    absent = finding("R101", "Asterisk has no endpoint alice", subject="alice")
    silent = finding("registration-refused", "401", subject="alice")
    other = finding("S107", "no context", subject="alice")
    both = Check(("R101", "S107"), (), lambda: (absent, silent, other))
    found = diagnose(evidence(written=files), (both, *refused_files.CHECKS))
    assert [one.code for one in found.findings] == [REFUSED, "S107"]
    assert NotReached("R101", REFUSED) in found.not_reached
    assert "R101" not in found.passed
