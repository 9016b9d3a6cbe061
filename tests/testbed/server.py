"""A running Asterisk of the test bed, with configuration and static folders of its own."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from . import config
from .roots import Release

ACCOUNTS = {"alice": "wonder1and", "bob": "bui1der", "video": "video", "carol": "cr1stmas"}
#: How long anything of a real Asterisk may take before the test gives up on it.
PATIENCE = 60.0
#: How many may run side by side and never be given the same port.
WORKERS = 8

#: Those of this process that were started and not stopped, by their folders.
STARTED: dict[Path, Asterisk] = {}


class TestbedError(Exception):
    """An Asterisk that did not start, or did not answer."""

    __test__ = False


def free_ports(number: int) -> list[int]:
    """Ports that nothing has now, each of them another.

    They lie below those that the kernel gives away by itself, one of which could be a browser's
    before Asterisk comes to bind it; and tests that run side by side have ports of their own.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found: list[int] = []
    while len(found) < number:
        port = 20000 + secrets.randbelow(12000 // WORKERS) * WORKERS + worker % WORKERS
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            if port not in found:
                found.append(port)
    return found


def certificate(*names: str) -> bytes:
    """A self-signed certificate and its key, PEM, for ``names`` and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cmp-bundle test bed")])
    now = dt.datetime.now(dt.UTC)
    san: list[x509.GeneralName] = [x509.DNSName(n) for n in names]
    san.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(san), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return pem + signed.public_bytes(serialization.Encoding.PEM)


def _give(base: Path, uid: int, gid: int) -> None:
    """Everything at and below ``base``, links themselves and not what they lead to."""
    for folder, folders, names in os.walk(base):
        for name in (".", *folders, *names):
            os.chown(Path(folder, name), uid, gid, follow_symlinks=False)


@dataclass
class Asterisk:
    """One instance. Paths are as this machine sees them; ``inside`` is as Asterisk does."""

    release: Release
    base: Path
    ports: config.Ports
    ami_secret: str = field(default_factory=lambda: secrets.token_hex(8))
    process: subprocess.Popen[bytes] | None = None
    environment: dict[str, str] = field(default_factory=dict)

    @classmethod
    def prepare(cls, release: Release, *, as_packaged: bool = False) -> Asterisk:
        """A clean set of folders and the chapter's configuration; nothing is running yet.

        ``as_packaged`` is with the configuration that the packages have instead, and its ports: one
        of these at a time in a network. Raises TestbedError where there is no tree to put them into.
        """
        if not release.finished:
            raise TestbedError(f"no Asterisk {release.version} in {release.root}: make testbed")
        srv = release.root / "srv/cmp-bundle"
        srv.mkdir(parents=True, exist_ok=True)
        base = Path(tempfile.mkdtemp(prefix="pbx-", dir=srv))
        base.chmod(0o755)
        start = 10000 + secrets.randbelow(500) * 100
        https, http, ami = free_ports(3)
        ports = config.Ports(https, http, ami, (start, start + 99))
        if as_packaged:
            ports = config.AS_PACKAGED
        pbx = cls(release, base, ports)
        pbx._make_folders()
        if as_packaged:
            pbx._write_packaged()
        else:
            pbx._write()
        _give(base, *pbx.user())
        return pbx

    @property
    def root(self) -> Path:
        return self.release.root

    @property
    def inside(self) -> str:
        return "/" + str(self.base.relative_to(self.root))

    @property
    def etc(self) -> Path:
        return self.base / "etc"

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def static(self) -> Path:
        return self.data / "static-http"

    @property
    def command(self) -> list[str]:
        """The command that stands for ``asterisk`` on this instance."""
        return ["chroot", str(self.root), "asterisk", "-C", f"{self.inside}/etc/asterisk.conf"]

    @property
    def url(self) -> str:
        return f"https://localhost:{self.ports.https}"

    def _make_folders(self) -> None:
        for name in ("etc", "data", "lib", "spool", "run", "log", "data/static-http"):
            (self.base / name).mkdir(mode=0o755)
        share = self.root / "usr/share/asterisk"
        for entry in share.iterdir():
            if entry.name != "static-http":
                (self.data / entry.name).symlink_to(f"/usr/share/asterisk/{entry.name}")

    def _write_packaged(self) -> None:
        shutil.copytree(self.root / "etc/asterisk", self.etc, dirs_exist_ok=True)
        (self.etc / "asterisk.conf").write_text(config.asterisk_conf(self.inside))

    def _write(self) -> None:
        (self.base / "etc/keys").mkdir()
        (self.base / "etc/keys/asterisk.pem").write_bytes(certificate("localhost"))
        files = {
            "asterisk.conf": config.asterisk_conf(self.inside),
            "modules.conf": config.modules_conf(self.modules()),
            "http.conf": config.http_conf(self.ports, f"{self.inside}/etc/keys/asterisk.pem"),
            "pjsip.conf": config.pjsip_conf(ACCOUNTS),
            "extensions.conf": config.extensions_conf(ACCOUNTS),
            "confbridge.conf": config.CONFBRIDGE_CONF,
            "rtp.conf": config.rtp_conf(self.ports),
            "manager.conf": config.manager_conf(self.ports, self.ami_secret),
            "logger.conf": config.LOGGER_CONF,
        }
        for name, text in files.items():
            path = self.etc / name
            path.write_text(text)
            path.chmod(0o640)

    def user(self) -> tuple[int, int]:
        """The numbers of the user that it runs as, and of its group."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            name, _, uid, gid, *_ = line.split(":")
            if name == "asterisk":
                return int(uid), int(gid)
        raise TestbedError(f"no user asterisk in {self.root}/etc/passwd")

    def modules(self) -> list[str]:
        """Those of the test bed that this version has."""
        available = {p.stem for p in self.root.glob("usr/lib/**/asterisk/modules/*.so")}
        return [m for m in config.MODULES if m in available]

    def install(self, *, data: str) -> None:
        """Own the folders as an installation does: root has what is around them.

        Configuration is Asterisk's. ``data`` is as packages have it, root's, or as a build from
        source does, Asterisk's too. To be called before ``start``.
        """
        os.chown(self.base, 0, 0)
        if data == "root":
            _give(self.data, 0, 0)

    def start(self) -> None:
        """Start it and wait until it answers. Raises TestbedError."""
        with (self.base / "log/console").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.command, "-f", "-U", "asterisk", "-G", "asterisk"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=os.environ | self.environment,
                start_new_session=True,
            )
        STARTED[self.base] = self
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise TestbedError(f"asterisk ended: {(self.base / 'log/console').read_text()}")
            done = self._rx("core waitfullybooted")
            if done.returncode == 0 and b"fully booted" in done.stdout:
                return
            time.sleep(0.05)
        raise TestbedError(f"asterisk {self.release.version} did not boot in {PATIENCE:.0f} s")

    def stop(self) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = None
        STARTED.pop(self.base, None)

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.base, ignore_errors=True)

    def rx(self, line: str) -> str:
        """What the Asterisk CLI answers to ``line``. Raises TestbedError."""
        done = self._rx(line)
        if done.returncode:
            raise TestbedError(f"{line}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode(errors="replace")

    def _rx(self, line: str) -> subprocess.CompletedProcess[bytes]:
        command = [*self.command, "-rx", line]
        return subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)

    def log(self) -> str:
        path = self.base / "log/messages"
        return path.read_text(errors="replace") if path.exists() else ""


@contextlib.contextmanager
def running(release: Release) -> Iterator[Asterisk]:
    """A started Asterisk with clean folders, thrown away at the end."""
    pbx = Asterisk.prepare(release)
    try:
        pbx.start()
        yield pbx
    finally:
        pbx.remove()
