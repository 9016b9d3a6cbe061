"""As killed_live.py: a run that installs a certificate is killed at each of its steps.

python -m tests.asterisk.killed_certificate VERSION
"""

from __future__ import annotations

import json
import sys
from typing import Any

from cmp_bundle.files import Disk
from cmp_bundle.provision.certificate import to_install
from cmp_bundle.provision.survey import CERTIFICATE, survey_https
from cmp_bundle.provision.wanted import Listener
from tests.testbed import roots
from tests.testbed.server import Asterisk, running
from tests.unit.deploy.killed import killed_before, recover
from tests.unit.provision.servers import ALICE, ReadyServer
from tests.unit.tls.made import odd

from .test_certificates_live import serial_in, served

OLD, NEW = (b"".join(odd("localhost")) for _ in range(2))


def install(server: ReadyServer, pem: bytes = NEW) -> None:
    with server.engine.alone():
        found = survey_https(server.installation)
        server.engine.carry_out(
            to_install(pem, found, shown=False),
            lambda: server.live.shows(
                _der(pem), str(found.server.tls_address), found.server.prefix
            ),
        )


def _der(pem: bytes) -> bytes:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    return x509.load_pem_x509_certificates(pem)[0].public_bytes(Encoding.DER)


def main(version: str) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = []
    with running(roots.RELEASES[version]) as pbx:

        def make(disk: Disk | None = None) -> ReadyServer:
            return ReadyServer(pbx.root, disk, command=tuple(pbx.command))

        make().provision(ALICE, listener=Listener(f"127.0.0.1:{pbx.ports.https}", OLD))
        names: dict[int | None, str] = {serial_in(OLD): "old", serial_in(NEW): "new"}
        for number in range(1000):
            step = killed_before(number, make, install)  # type: ignore[arg-type]
            if step is None:
                return told
            row: dict[str, Any] = {"step": step.replace(str(pbx.base), "")}
            row["found"] = names.get(served(pbx))
            recover(make())
            row["recovered"], row["file"] = names.get(served(pbx)), names.get(file(pbx))
            told.append(row)
            install(make(), OLD)
    raise AssertionError("it never ends")


def file(pbx: Asterisk) -> int:
    return serial_in((pbx.etc / "cmp-bundle" / CERTIFICATE).read_bytes())


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
