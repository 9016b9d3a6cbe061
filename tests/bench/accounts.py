"""What each account costs a build, a provision and a deploy, with ten thousand and ten times as many."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path

from tests.unit.deploy.trees import NO_ASTERISK
from tests.unit.provision.servers import packaged

COUNTS = (10_000, 100_000)

#: One process a figure: the most memory that it ever had is told of a process alone. Processor
#: time, since the disk's own is another's; the parts that are told apart are calls of these.
MEASURE = """
import json, resource, sys, time
from cmp_bundle.bundle import dist, leaks, manifest, sealed
from cmp_bundle.changes.engine import Engine
from cmp_bundle.cli import app
from cmp_bundle.commands import loaded_accounts

took = {}

def timed(room, name, part):
    function = getattr(room, name)
    def call(*args, **more):
        began = time.process_time()
        try:
            found = function(*args, **more)
            return tuple(found) if name == "secrets" else found
        finally:
            took[part] = took.get(part, 0.0) + time.process_time() - began
    setattr(room, name, call)

timed(loaded_accounts, "read", "reading")
timed(loaded_accounts, "resolve", "reading")
timed(sealed, "profiles", "sealing")
timed(sealed, "secrets", "sealing")
timed(leaks, "check", "the look")
timed(dist, "write", "writing")
timed(manifest, "read", "reading")
timed(Engine, "carry_out", "writing")
began = time.process_time()
code = app.run([*sys.argv[1:], "--json"])
took["all"] = time.process_time() - began
took["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print("\\n" + json.dumps([code, took]))
"""


def measured(base: Path) -> list[tuple[str, ...]]:
    parts = ("reading", "sealing", "the look", "writing", "all")
    rows: list[tuple[str, ...]] = [("µs an account", *parts, "memory", "times")]
    for command in ("build", "provision", "deploy"):
        first = 0.0
        for count in COUNTS:
            folder = base / f"accounts-{count}"
            if not folder.exists():
                _lay_out(folder, count)
            took = _run(folder, command)
            per_account = {part: took.get(part, 0.0) / count * 1e6 for part in parts}
            first = first or per_account["all"]
            rows.append(
                (
                    f"{command}, {count:,}",
                    *(f"{per_account[part]:.0f}" for part in parts),
                    f"{took['memory']:.0f} MB",
                    f"{per_account['all'] / first:.2f}",
                )
            )
    return rows


def _lay_out(folder: Path, count: int) -> None:
    packaged(folder / "root")
    lines = ['[defaults]\nhost = "pbx.example.com"\n']
    lines += [
        f'[[account]]\nid = "u{number:06d}"\npassword = "{secrets.token_urlsafe(18)}"\n'
        f'extension = "{number}"\n'
        for number in range(count)
    ]
    path = folder / "accounts.toml"
    path.touch(0o600)
    path.write_text("\n".join(lines))


def _run(folder: Path, command: str) -> dict[str, float]:
    settings = {
        "CMP_BUNDLE_LINKS_KEY": str(folder / "links.key"),
        "CMP_BUNDLE_PHONE_SOURCE": "builtin",
        "CMP_BUNDLE_STATE": str(folder / "state"),
        "CMP_BUNDLE_ASTERISK_ROOT": str(folder / "root"),
        "CMP_BUNDLE_ASTERISK_COMMAND": json.dumps(NO_ASTERISK),
    }
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, command],
        cwd=folder,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, took = json.loads(done.stdout.splitlines()[-1])
    assert code == 0, done.stderr
    return dict(took)
