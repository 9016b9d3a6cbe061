"""The browser side's own unit tests, run by Node; they are part of the quick ones."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

CLIENT = Path(__file__).parents[2] / "client"


@pytest.mark.skipif(shutil.which("npm") is None, reason="no Node: client/ was compiled elsewhere")
@pytest.mark.parametrize("script", ["test", pytest.param("check", marks=pytest.mark.slow)])
def test_the_client(script: str) -> None:
    command = ["npm", "run", "--silent", script]
    done = subprocess.run(command, cwd=CLIENT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_is_held_to_its_hash_and_to_no_address() -> None:
    """Whoever installs decides where from; what comes is the same everywhere."""
    packages = json.loads((CLIENT / "package-lock.json").read_text())["packages"]
    assert packages.pop("")["name"] == "cmp-bundle-client"
    assert packages
    for name, package in packages.items():
        assert package["integrity"].startswith("sha512-"), name
        assert "resolved" not in package, name
    assert "://" not in (CLIENT / "package.json").read_text()
