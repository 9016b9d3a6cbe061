"""Real proxies in front of an Asterisk, on port 443 of a network of the tests' own."""

from __future__ import annotations

import contextlib
import os
import shutil
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from .server import PATIENCE, TestbedError, certificate

_PROGRAMS = {"nginx": "nginx", "caddy": "caddy", "apache": "apache2", "traefik": "traefik"}

_NGINX = """\
daemon off;
pid {folder}/pid;
error_log {folder}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 443 ssl;
        server_name localhost;
        ssl_certificate {folder}/pem;
        ssl_certificate_key {folder}/pem;
{block}
    }}
}}
"""

_APACHE_MODULES = (
    "mpm_event",
    "authz_core",
    "socache_shmcb",
    "ssl",
    "proxy",
    "proxy_http",
    "proxy_wstunnel",
)
_APACHE = """\
ServerRoot {folder}
ServerName localhost
PidFile {folder}/pid
ErrorLog {folder}/log
{modules}
User www-data
Group www-data
Listen 443
<VirtualHost *:443>
    SSLEngine on
    SSLCertificateFile {folder}/pem
{block}
</VirtualHost>
"""

#: Which certificate it has, beside the lines of the block.
_TRAEFIK_CERTIFICATE = """
tls:
  certificates:
    - certFile: {folder}/pem
      keyFile: {folder}/pem
"""


def why_not(kind: str) -> str | None:
    """Why there is no such proxy; None where there is."""
    program = _PROGRAMS[kind]
    return None if shutil.which(program) else f"no {program} on this machine"


@contextlib.contextmanager
def running(kind: str, block: str, folder: Path) -> Iterator[None]:
    """A proxy with the lines that were printed for it. Raises TestbedError where it does not start."""
    (folder / "pem").write_bytes(certificate("localhost"))
    if kind == "nginx":
        conf = _NGINX.format(folder=folder, block=block)
        command = ["nginx", "-c", f"{folder}/conf"]
    elif kind == "apache":
        modules = "\n".join(
            f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so"
            for name in _APACHE_MODULES
        )
        conf = _APACHE.format(folder=folder, modules=modules, block=block)
        command = ["apache2", "-f", f"{folder}/conf", "-DFOREGROUND"]
    elif kind == "traefik":
        conf = block + _TRAEFIK_CERTIFICATE.format(folder=folder)
        command = [
            "traefik",
            "--entrypoints.websecure.address=:443",
            f"--providers.file.filename={folder}/conf.yaml",
        ]
    else:
        # Its own certificate, of an authority of its own that it tells nobody about.
        conf = "{\n  skip_install_trust\n  admin off\n}\n" + block
        command = ["caddy", "run", "--adapter", "caddyfile", "--config", f"{folder}/conf"]
    (folder / "conf").write_text(conf)
    (folder / "conf.yaml").symlink_to("conf")
    environment = os.environ | {"HOME": str(folder), "XDG_DATA_HOME": str(folder / "data")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        _wait(process, folder, own_certificate=kind == "caddy")
        yield
    finally:
        process.terminate()
        process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, *, own_certificate: bool) -> None:
    """Until it answers by its lines: Traefik begins without them, and with a certificate of its own."""
    wanted = (folder / "pem").read_text()
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            shown = ssl.get_server_certificate(("localhost", 443), timeout=PATIENCE)
            if own_certificate or shown in wanted:
                return
        time.sleep(0.05)
    raise TestbedError((folder / "output").read_text())
