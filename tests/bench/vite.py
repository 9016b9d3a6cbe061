"""Vite, for comparison alone: fetched into the user's cache when it is asked for."""

from __future__ import annotations

import shutil
import subprocess

from platformdirs import user_cache_path

VERSION = "7"


class NotHereError(Exception):
    """It cannot be had, and why."""


def command() -> list[str]:
    """How to start it. Raises NotHereError."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        raise NotHereError("Node.js is not installed")
    folder = user_cache_path("cmp-bundle-bench", appauthor=False)
    program = folder / "node_modules/vite/bin/vite.js"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--no-audit", "--no-fund", f"vite@{VERSION}"]
        install += ["--prefix", str(folder)]
        done = subprocess.run(install, capture_output=True, text=True, cwd=folder, check=False)
        if done.returncode:
            raise NotHereError("npm could not fetch Vite")
    return [node, str(program)]
