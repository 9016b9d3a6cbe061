"""``make demo``: the main job on the built-in phone, in a scratch Asterisk tree.

There is no server to open yet: it shows what a deploy writes, and where.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

HTTP_CONF = """\
[general]
enabled = yes
bindaddr = 0.0.0.0
tlsenable = yes
tlsbindaddr = 0.0.0.0:8089
tlscertfile = /etc/asterisk/keys/asterisk.pem
"""


def main() -> int:
    folder = Path(tempfile.mkdtemp(prefix="cmp-bundle-demo-"))
    etc = folder / "pbx/etc/asterisk"
    static = folder / "pbx/usr/share/asterisk/static-http"
    for path in (etc, static):
        path.mkdir(parents=True)
    (etc / "http.conf").write_text(HTTP_CONF)
    root = str(folder / "pbx")
    for arguments in (
        ["build", "--source", "builtin"],
        ["deploy", "--asterisk-root", root],
        ["releases", "--asterisk-root", root],
    ):
        print(f"\n$ cmp-bundle {' '.join(arguments)}", flush=True)
        command = [sys.executable, "-m", "cmp_bundle", *arguments]
        if subprocess.run(command, cwd=folder, check=False).returncode:
            return 1
    print(f"\nwhat a deploy wrote into {root}:\n")
    for path in sorted(Path(root).rglob("*")):
        if path.is_symlink() or path.is_file():
            arrow = f" -> {path.readlink()}" if path.is_symlink() else ""
            print(f"  {path.relative_to(root)}{arrow}")
    print(f"\nhttp.conf's last line:\n\n  {(etc / 'http.conf').read_text().splitlines()[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
