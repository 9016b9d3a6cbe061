"""The doctor on a laptop elsewhere: between it and a real Asterisk stand a router and its firewall."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Cmp, _unreal
from tests.testbed import elsewhere, roots
from tests.testbed.elsewhere import PUBLIC, SERVER, Elsewhere
from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

URL = f"https://{PUBLIC}:8089"
PAGE = "tcp dport 8089"
RTP = "udp dport 10000-10099"

#: What tells Asterisk its public address, as the doctor says it.
LINE = f"{SERVER} => {PUBLIC},include_local_address"

#: The address that belongs to the tests alone, and no server behind a router has.
DENIED = "ice_deny = 192.0.2.0/255.255.255.0"


@dataclass
class Laptop:
    """``work`` is a folder there: the accounts, and whom browsers are told to trust."""

    pbx: Asterisk
    way: Elsewhere
    work: Path

    def has(self, *lines: str) -> None:
        """Have ``lines`` in rtp.conf, and nothing else."""
        text = "\n".join(("[general]", "rtpstart = 10000", "rtpend = 10099", *lines, ""))
        (self.pbx.etc / "rtp.conf").write_text(text)
        self.pbx.rx("module reload res_rtp_asterisk.so")

    def examines(self, *words: str) -> tuple[int, dict[str, Any]]:
        """What the doctor says there, and its exit code."""
        nowhere = self.work / "nowhere"
        mine = {
            "CMP_BUNDLE_ASTERISK_ROOT": str(nowhere),
            "CMP_BUNDLE_ASTERISK_COMMAND": '["false"]',
        }
        done = subprocess.run(
            self.way.command(
                sys.executable,
                "-m",
                "cmp_bundle",
                "doctor",
                "--url",
                f"{URL}/cmp2k",
                "--json",
                *words,
            ),
            cwd=self.work,
            env=os.environ | mine,
            capture_output=True,
            text=True,
            check=False,
            timeout=90,
        )
        assert "findings" in done.stdout, (done.stdout, done.stderr)
        return done.returncode, json.loads(done.stdout)


def wrong(found: dict[str, Any]) -> list[str]:
    return [one["code"] for one in found["findings"] if one["level"] == "error"]


def the(found: dict[str, Any], code: str) -> dict[str, Any]:
    """The finding of that code."""
    (one,) = (one for one in found["findings"] if one["code"] == code)
    return dict(one)


@pytest.fixture(scope="module", params=["22", pytest.param("16", marks=pytest.mark.soak)])
def laptop(
    request: pytest.FixtureRequest,
    own_network: None,  # noqa: ARG001
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Laptop]:
    if reason := roots.why_not() or elsewhere.why_not():
        _unreal(reason)
    roots.build(roots.RELEASES[request.param])
    pbx = Asterisk.prepare(roots.RELEASES[request.param], as_packaged=True)
    cmp = Cmp(tmp_path_factory.mktemp("server"))
    cmp.environment["CMP_BUNDLE_STATE"] = str(tmp_path_factory.mktemp("state"))
    cmp.environment["CMP_BUNDLE_SITE_URL"] = URL
    try:
        with elsewhere.elsewhere() as way:
            pbx.start()
            cmp.aim(pbx)
            cmp("init")
            cmp("accounts", "add", "alice", "--extension", "101")
            cmp("provision", "--restart")
            cmp("build", "--source", "builtin")
            cmp("deploy")
            work = tmp_path_factory.mktemp("laptop")
            (work / "nowhere").mkdir()
            shutil.copy(cmp.folder / "accounts.toml", work)
            (work / "certs").mkdir(mode=0o700)
            shutil.copy(cmp.folder / "certs/ca.pem", work / "certs")
            yield Laptop(pbx, way, work)
    finally:
        pbx.remove()


def test_all_is_well(laptop: Laptop) -> None:
    """So that each error below is that of what was closed."""
    laptop.has(DENIED, "[ice_host_candidates]", LINE)
    laptop.way.forwards(PAGE, RTP, accepted=())
    code, found = laptop.examines()
    assert (code, found["ok"]) == (0, True)
    assert wrong(found) == []
    assert "M101" in found["passed"]
    assert "M102" in found["passed"]


def test_the_page_s_port_is_dropped(laptop: Laptop) -> None:
    laptop.way.forwards(RTP)
    code, found = laptop.examines()
    assert (code, wrong(found)) == (1, ["port-silent"])
    told = the(found, "port-silent")
    assert f"port 8089 of {PUBLIC}" in told["message"]
    assert "no answer" in told["seen"]
    assert "firewalls and routers on the way pass 8089/tcp on" in told["fix"]
    unreached = {one["code"] for one in found["not_reached"]}
    assert {"M101", "M102"} <= unreached


def test_the_page_s_port_is_refused(laptop: Laptop) -> None:
    laptop.way.forwards(RTP, otherwise="reject with tcp reset")
    code, found = laptop.examines()
    assert (code, wrong(found)) == (1, ["port-refused"])
    told = the(found, "port-refused")
    assert f"port 8089 of {PUBLIC}" in told["message"]
    assert "refused" in told["seen"]
    assert "router forwards the port" in told["fix"]


def test_the_ports_for_sound_are_closed(laptop: Laptop) -> None:
    laptop.has(DENIED, "[ice_host_candidates]", LINE)
    laptop.way.forwards(PAGE, accepted=())
    code, found = laptop.examines()
    assert (code, wrong(found)) == (1, ["M101"])
    told = the(found, "M101")
    assert f"({PUBLIC}:100" in told["message"]
    assert "STUN binding request" in told["seen"]
    assert all(word in told["fix"] for word in ("UDP", "rtpstart", "firewall", "router"))


def test_a_part_of_them_is_closed(laptop: Laptop) -> None:
    """Whatever it is that a router is not told, a call shows it that takes one of these ports."""
    laptop.has(DENIED, "[ice_host_candidates]", LINE)
    laptop.way.forwards(PAGE, "udp dport 10100-20000", accepted=())
    assert wrong(laptop.examines()[1]) == ["M101"]


def test_they_are_closed_and_asterisk_gets_out(laptop: Laptop) -> None:
    """Its own packet opens the way, as it does for a browser: ICE is made for that."""
    laptop.has(DENIED, "[ice_host_candidates]", LINE)
    laptop.way.forwards(PAGE)
    code, found = laptop.examines()
    assert (code, wrong(found)) == (0, [])


def test_only_private_addresses(laptop: Laptop) -> None:
    laptop.has(DENIED)
    laptop.way.forwards(PAGE, RTP, accepted=())
    code, found = laptop.examines()
    assert (code, wrong(found)) == (1, ["M102"])
    told = the(found, "M102")
    assert SERVER in told["message"]
    assert LINE in told["fix"], "the exact line"
    assert "M101" in {one["code"] for one in (*found["unknown"], *found["not_reached"])}


def test_only_private_addresses_and_asterisk_gets_out(laptop: Laptop) -> None:
    """Browsers whose network lets that in have sound; others have none."""
    laptop.has(DENIED)
    laptop.way.forwards(PAGE)
    code, found = laptop.examines()
    assert (code, wrong(found)) == (0, [])
    assert the(found, "M102")["level"] == "warning"


def test_more_than_one_private_address(laptop: Laptop) -> None:
    laptop.has()
    laptop.way.forwards(PAGE, accepted=())
    told = the(laptop.examines()[1], "M102")
    assert f"LOCAL => {PUBLIC},include_local_address" in told["fix"]
    assert "ip route get" in told["fix"]


def test_a_certificate_that_is_not_trusted_there(laptop: Laptop) -> None:
    """Whoever can pass himself off as the server gets nothing to guess passwords by."""
    laptop.has(DENIED, "[ice_host_candidates]", LINE)
    laptop.way.forwards(PAGE, RTP)
    anchor = laptop.work / "certs/ca.pem"
    kept = anchor.rename(laptop.work / "ca.pem")
    try:
        _, found = laptop.examines()
    finally:
        kept.rename(anchor)
    reasons = {one["code"]: one["reason"] for one in found["unknown"]}
    assert f"nobody here trusts the certificate of {PUBLIC}" in reasons["M101"]
    assert [
        one["code"] for one in found["findings"] if one["code"].startswith(("R", "S", "M"))
    ] == []
