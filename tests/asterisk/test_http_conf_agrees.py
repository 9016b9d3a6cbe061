"""What http.conf is read to mean, against what Asterisk's web server then does.

``CMP_BUNDLE_AGREE_SERVERS`` says how many configurations each version is given, and
``CMP_BUNDLE_AGREE_SEED`` which; a failure names the seed of its one configuration.
"""

from __future__ import annotations

import os
import random
import re
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from cmp_bundle.asterisk.conf_files import ConfFolder
from cmp_bundle.asterisk.http_conf import http_server
from cmp_bundle.asterisk.reader import read
from cmp_bundle.checks import live
from tests.testbed import server
from tests.testbed.ami import Ami

if TYPE_CHECKING:
    from cmp_bundle.asterisk.http_conf import HttpServer
    from tests.testbed.server import Asterisk

pytestmark = pytest.mark.asterisk

SERVERS = int(os.environ.get("CMP_BUNDLE_AGREE_SERVERS", "600"))
SEED = os.environ.get("CMP_BUNDLE_AGREE_SEED", "1")

INCLUDED = "agree/http.conf"


@dataclass(frozen=True)
class Ground:
    """What a configuration may name: an address and ports that are nobody else's there.

    The default ports 8088 and 8089 are named by saying nothing, and so must be free as well.
    """

    host: str
    ports: tuple[int, ...]
    tls_ports: tuple[int, ...]
    certificate: str


class Maker:
    """An http.conf, and one more file that it may include, out of a seed."""

    def __init__(self, seed: str, ground: Ground) -> None:
        self._random = random.Random(seed)
        self._ground = ground

    def files(self) -> dict[str, bytes]:
        general = self._lines(self._random.randint(0, 12))
        more = self._lines(self._random.randint(0, 4))
        kind = self._random.choice(("plain", "plain", "twice", "added", "template", "included"))
        head = f"[{self._random.choice(('general', 'General'))}]\n"
        included = ""
        if kind == "plain":
            text = head + general
        elif kind == "twice":
            text = head + general + "[general]\n" + more
        elif kind == "added":
            text = head + general + "[other]\nenabled=no\n[GENERAL](+)\n" + more
        elif kind == "template":
            text = "[base](!)\n" + more + "[general](base)\n" + general
        else:
            text = head + general + f"#tryinclude {INCLUDED}\n" + self._lines(2)
            included = self._random.choice(("", "[general](+)\n", "[general]\n")) + more
        return {
            "http.conf": (text + self._restrictions()).encode(),
            INCLUDED: included.encode(),
        }

    def _lines(self, count: int) -> str:
        # A certificate first, for without one there is no https to look at.
        lines = [f"tlscertfile={self._ground.certificate}"]
        often = ("enabled=yes", f"bindaddr={self._ground.host}", "tlsenable=yes")
        lines += [line for line in often if self._random.random() < 0.6]
        lines += [self._line() for _ in range(count)]
        return "".join(f"{line}\n" for line in lines)

    def _line(self) -> str:
        choice = self._random.choice
        host = self._ground.host
        truth = choice(("yes", "yes", "YES", "on", "t", "1", "no", "0", "maybe", "", "true;x"))
        port, tls_port = choice(self._ground.ports), choice(self._ground.tls_ports)
        return choice(
            (
                f"enabled={truth}",
                f"Enabled = {truth}",
                f"bindaddr={choice((host, host, f'{host}:{port}', as_number(host), ''))}",
                f"bindaddr={host}",
                f"bindport={choice((str(port), hex(port), f'0{port:o}', '0', '-1', '70000', 'x', ''))}",
                f"{choice(('tlsenable', 'tlsenable', 'sslenable'))}={truth}",
                f"tlsenable={truth}",
                f"{choice(('tlsbindaddr', 'sslbindaddr'))}="
                + choice(
                    (
                        host,
                        f"{host}:{tls_port}",
                        f"{as_number(host)}:{tls_port}",
                        f"{host}:",
                        f"{host}:x",
                        "localhost:1",
                        "",
                    )
                ),
                f"prefix={choice(('', 'phones', '/phones', 'a b', 'p' * 77, 'p' * 90, 'ü' * 50))}",
                f"{choice(('enablestatic', 'enable_static', 'EnableStatic'))}={truth}",
                f"enable_status={truth}",
                f"servername={choice(('', 'Asterisk', 'x' * 126, 'y' * 200))}",
                f"sessionlimit={choice(('5', '0', 'x'))}",
                f"tlsbindport={tls_port}",
                f"{choice(('tlscert', 'sslcert', 'tlscertfile'))}={self._ground.certificate}",
                f"tlsprivatekey={choice(('', self._ground.certificate))}",
                self._redirect(),
                self._redirect(),
                self._redirect(),
            )
        )

    def _redirect(self) -> str:
        targets = ("/", "/cmp2k", "/CMP2K", "/phone", "/a/b/c", "//", "no-slash", "/é")
        target = self._random.choice(targets)
        gap = self._random.choice((" ", " ", "  ", "\t", " \t "))
        rest = self._random.choice(("/static/x/index.html?v=1", "https://x/y", "/a b c", ""))
        return f"redirect {self._random.choice(('=', '=>'))} {target}{gap}{rest}"

    def _restrictions(self) -> str:
        choice = self._random.choice
        paths = ("/static/x", "/ws", "/static/x", "Other")
        types = ("type=restriction", "type=RESTRICTION", "type=x", "type=x\nType=restriction", "")
        return "".join(
            f"[{choice(paths)}]{choice(('', '', '(!)'))}\n{choice(types)}\npermit=127.0.0.1\n"
            for _ in range(choice((0, 0, 0, 1, 2)))
        )


def as_number(host: str) -> str:
    """Another way to write an IPv4 address, which the C library takes as well."""
    return str(int.from_bytes(socket.inet_aton(host), "big"))


@dataclass(frozen=True)
class Status:
    """What ``http show status`` says, and what the reader makes of the same configuration."""

    prefix: bytes
    server_name: bytes
    plain: str | None
    https: str | None
    static: bool
    status: bool
    redirects: tuple[bytes, ...]
    restrictions: tuple[bytes, ...]


def shown(lines: list[bytes]) -> Status:
    text = b"\n".join(lines)
    uris, _, rest = text.partition(b"Enabled URI's:\n")[2].partition(b"\nEnabled Redirects:\n")
    redirects, _, restrictions = rest.partition(b"Path Restrictions:")
    prefix = found(rb"Prefix: (.*)", text)
    name = found(rb"Server: (.*)", text)
    plain = re.search(rb"\nServer Enabled and Bound to (\S+)", text)
    https = re.search(rb"HTTPS Server Enabled and Bound to (\S+)", text)
    return Status(
        prefix=prefix,
        server_name=b"Asterisk" if re.fullmatch(rb"Asterisk/\d+\.\d+.*", name) else name,
        plain=None if plain is None else plain[1].decode(),
        https=None if https is None else https[1].decode(),
        static=prefix + b"/static/... => " in uris,
        status=prefix + b"/httpstatus => " in uris,
        redirects=tuple(
            line.removeprefix(b"  ")
            for line in redirects.split(b"\n")
            if line and line != b"  None."
        ),
        restrictions=tuple(re.findall(rb"^  Path: (.*)$", restrictions, re.MULTILINE)),
    )


def found(pattern: bytes, text: bytes) -> bytes:
    match = re.search(pattern, text)
    assert match is not None
    return match[1]


def expected(http: HttpServer, version: str) -> Status:
    status, plain = http.status_enabled, http.address
    # Without plain http, Asterisk does not tell of https, though it has it; the test looks.
    https = None if plain is None else http.tls_address
    return Status(
        prefix=raw(http.prefix),
        server_name=b"Asterisk" if http.server_name is None else raw(http.server_name),
        plain=None if plain is None else str(plain),
        https=None if https is None else str(https),
        static=http.static_enabled,
        status=version == "16" if status is None else status,
        redirects=tuple(raw(f"{r.target} => {r.destination}") for r in http.redirects),
        restrictions=() if version == "16" else tuple(raw(r.path) for r in http.restrictions),
    )


def raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


@pytest.mark.usefixtures("own_network")
def test_generated_servers(pbx: Asterisk) -> None:
    version = pbx.release.version
    files = ConfFolder(pbx.etc, pbx.root)
    ports = server.free_ports(6)
    ground = Ground(
        host="127.0.0.1",
        ports=tuple(ports[:3]),
        tls_ports=tuple(ports[3:]),
        certificate=f"{pbx.inside}/etc/keys/asterisk.pem",
    )
    (pbx.etc / INCLUDED).parent.mkdir()
    listening = https_alone = 0
    with Ami(pbx.ports.ami, pbx.ami_secret) as ami:
        for number in range(SERVERS):
            seed = f"{SEED}-{number}"
            made = Maker(seed, ground).files()
            for name, data in made.items():
                (pbx.etc / name).write_bytes(data)
                (pbx.etc / name).chmod(0o644)
            http = http_server(read("http.conf", files))
            ami.command("module reload http")
            status = shown(ami.command("http show status"))
            assert status == expected(http, version), f"seed {seed}"
            listening += http.address is not None
            if http.tls_address is not None and http.address is None:
                https_alone += 1
                # To the end of its handshake: the next reload could end an Asterisk that is at it.
                live.get(f"https://{http.tls_address}", "/")
    assert listening > SERVERS / 4
    assert https_alone > SERVERS / 50
