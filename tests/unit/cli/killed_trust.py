"""Kills ``certs trust`` or ``certs untrust`` at each of its steps; prints what was left, as JSON.

As ``killed``, with three stores: Chromium's, a Firefox profile, and a system's with Debian's script.

    python -m tests.unit.cli.killed_trust trust|untrust FOLDER
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cmp_bundle.cli import app
from cmp_bundle.tls import system_store, trust
from cmp_bundle.tls.anchor import Anchor, anchor_in
from cmp_bundle.tls.desktop_user import desktop_user
from cmp_bundle.tls.system_store import SystemStore
from tests.unit.tls.made import debian_s, odd

from .killed import load, run


def main(action: str, base: Path) -> Iterator[dict[str, Any]]:
    load()
    at, kept = base / "at", base / "kept"
    databases = (at / "home/.pki/nssdb", at / "home/.mozilla/firefox/abc.default")
    for folder in (*databases, at / "here", at / "system"):
        folder.mkdir(parents=True)
    for folder in databases:
        subprocess.run(["certutil", "-N", "-d", f"sql:{folder}", "--empty-password"], check=True)
    system_store.KNOWN = (debian_s(at / "system"),)  # type: ignore[assignment]
    # Where there is no other, Debian's script leaves the last one in.
    (system_store.KNOWN[0].folder / "office.crt").write_bytes(odd("office.example")[1])
    os.environ |= {
        "HOME": str(at / "home"),
        "XDG_STATE_HOME": str(at / "state-of-user"),
        "CMP_BUNDLE_STATE": str(at / "state"),
        "CMP_BUNDLE_ASTERISK_ROOT": str(at / "here"),
    }
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "SUDO_UID"):
        os.environ.pop(name, None)
    os.chdir(at / "here")
    prepared = ("certs", "trust") if action == "untrust" else ("certs", "ca", "--new")
    assert run(prepared).code == app.DONE
    shutil.copytree(at, kept, symlinks=True)
    for number in range(1000):
        shutil.rmtree(at)
        shutil.copytree(kept, at, symlinks=True)
        os.chdir(at / "here")
        killed = run(("certs", action), number)
        if killed.step is None:
            assert killed.code == app.DONE, killed
            return
        row: dict[str, Any] = {"step": killed.step, "journal": "journal.json" in remembered(at)}
        # Any command that changes something first ends what was cut off; this one then fails.
        ended = run(("accounts", "rotate", "nobody"))
        row |= {"said": ended.said, "believe": believing(at)}
        again = run(("certs", action))
        row |= {"code": again.code, "then": believing(at), "left": remembered(at)}
        yield row
    raise AssertionError("it never ends")


def remembered(at: Path) -> list[str]:
    return [p.name for p in (at / "state").rglob("*") if p.is_file()]


def believing(at: Path) -> list[bool]:
    """Whether each store believes the authority. A file of ours is there where it is in the bundle."""
    anchor = anchor_in(at / "here/certs")
    assert isinstance(anchor, Anchor)
    stores = trust.stores(desktop_user())
    found = [store.trusts(anchor) for store in stores]
    (system,) = (store for store in stores if isinstance(store, SystemStore))
    held = [p.name for p in system.folder.iterdir()]
    assert len(held) == (2 if system.trusts(anchor) else 1), held
    return found


if __name__ == "__main__":
    for told in main(sys.argv[1], Path(sys.argv[2])):
        print(json.dumps(told), flush=True)
