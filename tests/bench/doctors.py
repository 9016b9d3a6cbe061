"""What a look of the doctor takes, with ten phones and with ten thousand in Asterisk's files."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path

from tests.conftest import Cmp
from tests.serving import until
from tests.testbed import config
from tests.testbed.server import Asterisk

from .visits import RELEASE, why_not

COUNTS = (10, 1_000, 10_000)


def measured(base: Path) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = [("", "seconds", "processor", "times", "findings")]
    if reason := why_not():
        return [*rows, ("not measured", "-", "-", "-", reason)]
    folder = base / "doctors"
    folder.mkdir()
    pbx = Asterisk.prepare(RELEASE, as_packaged=True)
    try:
        pbx.start()
        cmp = Cmp(folder)
        cmp.aim(pbx)
        cmp.environment["CMP_BUNDLE_STATE"] = str(folder / "state")
        cmp("init")
        cmp("accounts", "add", "alice", "--extension", "101")
        cmp("provision", "--restart")
        pjsip = pbx.etc / "pjsip.conf"
        without = pjsip.read_text()
        first = 0.0
        for count in COUNTS:
            pjsip.write_text(f"{without}\n{config.alike(count)}")
            pbx.rx("module reload res_pjsip.so")
            _until_there(pbx, count + 1)
            seconds, processor, findings = _look(cmp)
            first = first or seconds
            rows.append(
                (
                    f"{count:,} phones",
                    f"{seconds:.1f}",
                    f"{processor:.1f}",
                    f"{seconds / first:.1f}",
                    findings,
                )
            )
    finally:
        pbx.remove()
    return rows


def _until_there(pbx: Asterisk, count: int) -> None:
    until(lambda: f"Objects found: {count}" in pbx.rx("pjsip show endpoints"))


def _look(cmp: Cmp) -> tuple[float, float, str]:
    """Seconds by the clock and by the processor, and the codes of errors and warnings."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    done = cmp.run("doctor", "--json")
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    found = [one["code"] for one in json.loads(done.stdout)["findings"] if one["level"] != "note"]
    return seconds, used, " ".join(found) or "none"
