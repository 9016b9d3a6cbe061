"""Certificates for real Asterisks: installed, renewed, and the old one kept where the new is no good."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from cmp_bundle.checks.websocket import ask, base_url
from tests.conftest import Cmp
from tests.testbed.roots import Release
from tests.testbed.server import Asterisk
from tests.unit.tls.lineage import Lineage

pytestmark = pytest.mark.asterisk


def served(pbx: Asterisk) -> int | None:
    """The serial number of the certificate that phones see; None where HTTPS is dead."""
    answer = ask(base_url(f"127.0.0.1:{pbx.ports.https}"), "/ws")
    if answer.certificate is None:
        return None
    assert answer.open, answer
    return x509.load_der_x509_certificate(answer.certificate).serial_number


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, Asterisk]]:
    """Those that run already, by their version; each test begins with a good certificate."""
    made: dict[str, Asterisk] = {}
    yield made
    for pbx in made.values():
        pbx.remove()


@pytest.fixture
def server(asterisk_release: Release, servers: dict[str, Asterisk]) -> Asterisk:
    if asterisk_release.version not in servers:
        made = Asterisk.prepare(asterisk_release)
        try:
            made.start()
        except BaseException:
            made.remove()
            raise
        servers[asterisk_release.version] = made
    return servers[asterisk_release.version]


@pytest.fixture
def lineage(tmp_path: Path) -> Lineage:
    made = Lineage(tmp_path / "letsencrypt")
    made.renew()
    return made


@pytest.fixture
def at(cmp: Cmp, server: Asterisk, lineage: Lineage) -> Cmp:
    """The server has the certificate of the lineage."""
    cmp.aim(server)
    cmp("init")
    cmp("accounts", "add", "olive", "--extension", "101")
    cmp("provision", "--certbot", str(lineage.folder))
    assert served(server) == lineage.renewals[-1]
    return cmp


def test_a_renewal(at: Cmp, server: Asterisk, lineage: Lineage) -> None:
    new = lineage.renew()
    done = at("certs", "install", "--certbot", str(lineage.folder))
    assert done["changed"]
    assert served(server) == new
    again = at("certs", "install", "--certbot", str(lineage.folder))
    assert not again["changed"]
    assert again["url"] == done["url"] == f"https://127.0.0.1:{server.ports.https}"
