"""What the real tests need of the machine, installed where that is possible."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from . import roots

#: Debian's packages, and a program of each that tells whether it is there.
PACKAGES = {
    "chromium": "chromium",
    "chromium-driver": "chromedriver",
    "firefox-esr": "firefox-esr",
    "debootstrap": "debootstrap",
    "libnss3-tools": "certutil",
    "iproute2": "ip",
    "gdb": "gdb",
    # Only the server: mariadb-server would start one for the whole machine.
    "mariadb-server-core": "mariadbd",
    "postgresql": "pg_ctlcluster",
    "nftables": "nft",
    "ufw": "ufw",
    "firewalld": "firewall-cmd",
    "nginx-light": "nginx",
    "caddy": "caddy",
    "apache2-bin": "apache2",
    "certbot": "certbot",
    "pebble": "pebble",
}


def install() -> None:
    """Install what is missing. Quietly does nothing where it may not: the tests then say why."""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return
    # apt-get does not wait for another that is at work.
    with roots.locked("packages"):
        _install()


def _install() -> None:
    missing = [package for package, program in PACKAGES.items() if shutil.which(program) is None]
    if not missing:
        return
    print(f"installing {', '.join(missing)}", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    for command in (
        [*apt, "update"],
        [*apt, "install", "-y", "--no-install-recommends", *missing, "fonts-dejavu-core"],
    ):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.stderr.write(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
            return
